"""The timeline's share of the height follows the window and the work, and what a person chose of it."""

import pytest
from PyQt6.QtWidgets import QWidget

from astep_gui.widgets.share_splitter import HANDLE_PX, Share, ShareSplitter

SHARES = {"Night": Share(0.25, 150, 260), "Judge": Share(0.4, 200, 440)}


def make(qtbot, height=800):
    splitter = ShareSplitter(QWidget(), QWidget(), SHARES, 300)
    qtbot.addWidget(splitter)
    splitter.resize(500, height + HANDLE_PX)
    with qtbot.waitExposed(splitter):
        splitter.show()
    return splitter


def heighten(splitter, height):
    splitter.resize(500, height + HANDLE_PX)
    return splitter.sizes()[1]


def test_the_lower_part_has_its_share_between_its_limits(qtbot):
    splitter = make(qtbot)
    assert splitter.sizes()[1] == pytest.approx(200, abs=2)
    assert heighten(splitter, 500) == pytest.approx(150, abs=2)
    assert heighten(splitter, 2000) == pytest.approx(260, abs=2)


def test_each_kind_of_work_has_its_own_share_and_others_that_of_the_first(qtbot):
    splitter = make(qtbot)
    splitter.set_work("Judge")
    assert splitter.sizes()[1] == pytest.approx(320, abs=2)
    splitter.set_work("Results")
    assert splitter.sizes()[1] == pytest.approx(200, abs=2)


def test_what_a_person_chose_is_a_part_of_the_height_of_that_work_and_is_taken_up_again(qtbot):
    splitter = make(qtbot)
    splitter.set_work("Judge")
    with qtbot.waitSignal(splitter.moved):
        splitter.moveSplitter(400, 1)
    assert splitter.sizes()[1] == pytest.approx(400, abs=8)
    assert heighten(splitter, 1000) == pytest.approx(500, abs=8)
    splitter.set_work("Night")
    assert splitter.sizes()[1] == pytest.approx(250, abs=2)
    again = make(qtbot, 1000)
    again.take_up(splitter.by_hand() | {"Judge again": 0.9, "Night": 7.0})
    assert again.sizes()[1] == pytest.approx(250, abs=2)
    again.set_work("Judge")
    assert again.sizes()[1] == pytest.approx(500, abs=8)


def test_a_large_share_of_a_high_window_leaves_the_upper_part_its_least_in_a_low_one(qtbot):
    splitter = make(qtbot, 1000)
    splitter.moveSplitter(310, 1)
    assert splitter.sizes()[1] > 650
    assert heighten(splitter, 560) == pytest.approx(260, abs=2)
    assert splitter.sizes()[0] >= 298
    assert heighten(splitter, 1000) > 650, "it is as a person chose it again"


def test_the_handle_is_seen_to_be_one(qtbot):
    splitter = make(qtbot)
    handle = splitter.handle(1)
    picture = handle.grab().toImage()
    middle, side = picture.height() // 2, picture.width() // 8
    assert picture.pixelColor(picture.width() // 2, middle) != picture.pixelColor(side, middle)


def test_what_needs_more_for_a_while_has_its_share_again_afterwards(qtbot):
    splitter = make(qtbot)
    lower = splitter.widget(1)
    lower.setMinimumHeight(330)
    qtbot.waitUntil(lambda: splitter.sizes()[1] >= 330, timeout=2000)
    lower.setMinimumHeight(0)
    qtbot.waitUntil(lambda: splitter.sizes()[1] == pytest.approx(200, abs=2), timeout=2000)
