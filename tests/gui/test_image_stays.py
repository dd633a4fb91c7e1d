"""The image stays as a person enlarged it: notices, Y in a blink and a look at one star do not move it for good."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtWidgets import QApplication

from pipeline_core.errors import AstepError
from tests.gui.test_gravest_warnings import WELL
from tests.gui.test_workflow import LIGHTS
from tests.gui.words_seen import unreadable

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 30_000
PLACE = (30.0, 22.0)


@pytest.fixture
def looked(qtbot, opened_reduced):
    """The window on the first frame of a reduced night, 500 % around a place."""
    window = opened_reduced
    window.resize(1500, 950)
    window.night.select([LIGHTS[0]])
    view = window.viewing.view
    qtbot.waitUntil(lambda: view.shown is not None and view.shown.key[:2] == ("raw", LIGHTS[0]), timeout=PATIENCE_MS)
    qtbot.wait(50)
    view.zoom_to(5.0)
    view.centre_on(*PLACE)
    return window


def seen(view):
    at = view.view_rect().center()
    return pytest.approx((5.0, PLACE[0] + 0.5, PLACE[1] + 0.5), abs=0.05) == (view.zoom, at.x(), at.y())


def on_the_screen(window):
    canvas = window.viewing.view.canvas
    return QRect(canvas.mapTo(window, QPoint(0, 0)), canvas.size())


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_a_notice_comes_and_goes_over_the_image_which_stays_under_the_pointer(qtbot, looked, size):
    view, notice = looked.viewing.view, looked.notice
    looked.resize(*size)
    qtbot.wait(60)
    before = on_the_screen(looked)
    at = view.view_rect()
    notice.show_news("The report is written", "it was opened in the browser", "/night/report.html")
    qtbot.wait(60)
    assert on_the_screen(looked) == before
    assert view.view_rect() == at
    place = QRect(notice.mapTo(looked, QPoint(0, 0)), notice.size())
    assert (place.top(), place.left(), place.width()) == (before.top(), before.left(), before.width())
    assert notice.isVisible()
    assert not notice.visibleRegion().isEmpty()
    assert not unreadable(looked)
    qtbot.keyClick(looked, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not notice.isVisible(), timeout=2000)
    assert view.view_rect() == at


def test_a_notice_follows_the_image_over_which_it_lies(qtbot, looked):
    notice = looked.notice
    looked.show_problem(AstepError("the report cannot be written", "the disk is full", "make room"))
    for change in (
        lambda: looked.resize(1280, 720),
        looked.actions_by_name["image_only"].trigger,
        lambda: looked.resize(1500, 900),
        looked.actions_by_name["image_only"].trigger,
    ):
        change()
        qtbot.wait(80)
        place, image = QRect(notice.mapTo(looked, QPoint(0, 0)), notice.size()), on_the_screen(looked)
        assert (place.top(), place.left(), place.width()) == (image.top(), image.left(), image.width())
        assert notice.height() < 0.4 * image.height(), "what lies below is still seen"
        assert not unreadable(looked)


def test_an_image_that_is_fitted_keeps_its_size_below_a_notice(qtbot, looked):
    view = looked.viewing.view
    qtbot.keyClick(looked, Qt.Key.Key_F)
    zoom = view.zoom
    looked.show_problem(AstepError("the report cannot be written", "the disk is full", "make room"))
    qtbot.wait(60)
    assert view.zoom == zoom
    assert view.is_fitting


def test_y_in_a_blink_leaves_the_image_where_it_is(qtbot, looked):
    viewing = looked.viewing
    looked.night.select(LIGHTS, LIGHTS[0])
    qtbot.keyClick(looked, Qt.Key.Key_B)
    viewing.blink.set_rate(1.0)
    qtbot.wait(50)
    before = on_the_screen(looked)
    for is_calibrated in (True, False):
        qtbot.keyClick(looked, Qt.Key.Key_Y)
        qtbot.waitUntil(lambda on=is_calibrated: viewing.blinks_calibrated == on, timeout=2000)
        qtbot.waitUntil(lambda on=is_calibrated: (viewing.view.shown.key[0] == "calibrated") == on, timeout=PATIENCE_MS)
        qtbot.wait(100)
        assert on_the_screen(looked) == before
        assert seen(viewing.view)
    qtbot.keyClick(looked, Qt.Key.Key_Escape)
    qtbot.wait(100)
    assert seen(viewing.view)


@pytest.fixture
def shown_a_star(qtbot, looked):
    """The same after "Show me" of the question whether stars are full."""
    looked.tabs.choose("Results")
    QApplication.processEvents()
    view = looked.viewing.view
    looked.results.look_asked.emit(LIGHTS[2], WELL.level_adu)
    qtbot.waitUntil(lambda: view.shown.shows_mask and view.shown.key[1] == LIGHTS[2], timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: view.zoom == pytest.approx(8.0, rel=0.01), timeout=2000)
    return looked


@pytest.mark.parametrize("goes_on", ["a frame", "a blink", "Esc", "Y"])
def test_after_show_me_one_goes_on_with_the_part_that_was_seen_before(qtbot, shown_a_star, goes_on):
    window, view = shown_a_star, shown_a_star.viewing.view
    if goes_on == "a frame":
        window.night.select([LIGHTS[3]])
    elif goes_on == "a blink":
        qtbot.keyClick(window, Qt.Key.Key_B)
    else:
        qtbot.keyClick(window, Qt.Key.Key_Escape if goes_on == "Esc" else Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: not view.shown.shows_mask, timeout=PATIENCE_MS)
    qtbot.wait(100)
    assert seen(view)


def test_who_fits_the_frame_after_show_me_goes_on_with_all_of_it(qtbot, shown_a_star):
    qtbot.keyClick(shown_a_star, Qt.Key.Key_F)
    shown_a_star.night.select([LIGHTS[3]])
    qtbot.waitUntil(lambda: shown_a_star.viewing.view.shown.key[1] == LIGHTS[3], timeout=PATIENCE_MS)
    assert shown_a_star.viewing.view.is_fitting
