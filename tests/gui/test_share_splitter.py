"""The timeline's share of the height follows the window until a person chooses another."""

import pytest
from PyQt6.QtWidgets import QWidget

from astep_gui.widgets.share_splitter import ShareSplitter


@pytest.fixture
def splitter(qtbot):
    splitter = ShareSplitter(QWidget(), QWidget(), 0.25, 150, 260)
    qtbot.addWidget(splitter)
    splitter.resize(500, 800)
    with qtbot.waitExposed(splitter):
        splitter.show()
    return splitter


def test_the_lower_part_has_its_share_between_its_limits(splitter):
    assert splitter.sizes()[1] == pytest.approx(200, abs=2)
    splitter.resize(500, 400)
    assert splitter.sizes()[1] == pytest.approx(150, abs=2)
    splitter.resize(500, 2000)
    assert splitter.sizes()[1] == pytest.approx(260, abs=2)


def test_what_a_person_chose_stays_when_the_window_grows_and_when_it_is_taken_up_again(splitter, qtbot):
    splitter.moveSplitter(350, 1)
    chosen = splitter.sizes()[1]
    assert chosen > 400
    splitter.resize(500, 1000)
    assert splitter.sizes()[1] == pytest.approx(chosen, abs=3)
    state = splitter.saveState()
    again = ShareSplitter(QWidget(), QWidget(), 0.25, 150, 260)
    qtbot.addWidget(again)
    again.resize(500, 1000)
    assert again.restoreState(state)
    again.show()
    assert again.sizes()[1] == pytest.approx(chosen, abs=3)
