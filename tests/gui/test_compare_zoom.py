"""Two compared frames are enlarged, moved and fitted together by keys, wheel, buttons and drags, in every mode."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QToolButton

from astep_gui.widgets.compare_view import MODES
from tests.gui.nights import SIZE
from tests.gui.test_image_view import wheel
from tests.gui.test_workflow import LIGHTS

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 30_000


@pytest.fixture
def compared(qtbot, opened):
    """The window with two lights compared."""
    opened.resize(1280, 760)
    opened.night.select([LIGHTS[0], LIGHTS[1]], LIGHTS[0])
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[0], timeout=PATIENCE_MS)
    qtbot.keyClick(opened, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: opened.viewing.comparing.is_on, timeout=PATIENCE_MS)
    qtbot.wait(50)
    return opened


def take(qtbot, window, mode):
    while window.viewing.compare.mode != mode:
        qtbot.keyClick(window, Qt.Key.Key_N)
    window.viewing.compare._blink_timer.stop()  # it stays on one of both while the test looks
    QApplication.processEvents()
    return window.viewing.compare


def are_linked(view):
    left, right = view.left.view_rect(), view.right.view_rect()
    near = pytest.approx(0.0, abs=0.02 * left.width())
    assert left.center().x() - right.center().x() == near
    assert left.center().y() - right.center().y() == near
    assert left.width() - right.width() == near


def is_fitted(view):
    """Tell whether all of both frames is seen, in the middle, as large as can be."""
    are_linked(view)
    for one in (view.left, view.right):
        seen, box = one.view_rect(), one.canvas
        assert seen.center().x() == pytest.approx(SIZE / 2, abs=0.5)
        assert seen.center().y() == pytest.approx(SIZE / 2, abs=0.5)
        assert one.zoom == pytest.approx(min(box.width(), box.height()) / SIZE, rel=0.03)
    return True


def drag(view, start: QPoint, by: QPoint):
    port = view.canvas.viewport()
    QTest.mousePress(port, LEFT, pos=start)
    for k in range(1, 9):
        QTest.mouseMove(port, start + by * k / 8)
        QTest.qWait(5)
    QTest.mouseRelease(port, LEFT, pos=start + by)
    QApplication.processEvents()


def button(window, name):
    widget = window.toolbar.widgetForAction(window.actions_by_name[name])
    assert isinstance(widget, QToolButton)
    return widget


@pytest.mark.parametrize("by", ["key", "button"])
@pytest.mark.parametrize("mode", list(MODES))
def test_fit_shows_all_of_both(qtbot, compared, mode, by):
    view = take(qtbot, compared, mode)
    assert is_fitted(view)
    wheel(view.left, QPoint(20, 20), 480)
    assert view.left.zoom > 1.5 * min(view.left.canvas.width(), view.left.canvas.height()) / SIZE
    if by == "key":
        qtbot.keyClick(compared, Qt.Key.Key_F)
    else:
        qtbot.mouseClick(button(compared, "fit"), LEFT)
    QApplication.processEvents()
    assert is_fitted(view)


@pytest.mark.parametrize("mode", list(MODES))
def test_one_to_one_wheel_and_zoom_keys_act_on_both(qtbot, compared, mode):
    view = take(qtbot, compared, mode)
    # So small a frame is not shown smaller than a quarter of what fits.
    one = max(1.0, 0.25 * min(view.left.canvas.width(), view.left.canvas.height()) / SIZE)
    qtbot.mouseClick(button(compared, "one_to_one"), LEFT)
    assert view.left.zoom == pytest.approx(one)
    are_linked(view)
    qtbot.keyClick(compared, Qt.Key.Key_Plus)
    assert view.left.zoom == pytest.approx(2.0 * one)
    are_linked(view)
    qtbot.keyClick(compared, Qt.Key.Key_Minus)
    assert view.left.zoom == pytest.approx(one)
    wheel(view.right, QPoint(view.right.canvas.width() - 20, 20), 960)
    assert view.right.zoom == pytest.approx(4.0 * one, rel=0.02)
    are_linked(view)
    qtbot.keyClick(compared, Qt.Key.Key_1)
    assert view.right.zoom == pytest.approx(one, rel=0.02)
    are_linked(view)


def test_from_way_to_way_all_of_both_is_seen(qtbot, compared):
    for mode in [*MODES, *MODES, "side"]:
        assert is_fitted(take(qtbot, compared, mode)), mode


def test_from_way_to_way_the_same_part_of_the_field_is_seen(qtbot, compared):
    view = take(qtbot, compared, "wipe")
    wheel(view.left, QPoint(60, 60), 720)
    wanted = view.left.view_rect()
    for mode in ("blink", "side", "wipe", "blink", "side", "wipe"):
        take(qtbot, compared, mode)
        are_linked(view)
        seen = view.left.view_rect()
        assert seen.adjusted(-0.5, -0.5, 0.5, 0.5).contains(wanted), mode
        assert seen.center().x() == pytest.approx(wanted.center().x(), abs=0.5)
    assert view.left.view_rect().width() == pytest.approx(wanted.width(), rel=0.01), "nothing is lost on the way"


def test_another_size_of_the_window_fits_both_anew(qtbot, compared):
    view = take(qtbot, compared, "wipe")
    compared.resize(1500, 960)
    qtbot.wait(50)
    assert is_fitted(view)


@pytest.mark.parametrize("mode", ["side", "wipe"])
def test_a_drag_beside_the_handle_leaves_a_frame_that_is_whole_in_sight_where_it_is(qtbot, compared, mode):
    view = take(qtbot, compared, mode)
    middle = view.left.canvas.rect().center()
    drag(view.left, middle - QPoint(middle.x() // 3, 0), QPoint(160, 60))
    assert is_fitted(view)
    take(qtbot, compared, "side")
    assert is_fitted(view)


def test_a_pan_leaves_at_most_a_quarter_empty(qtbot, compared):
    view = take(qtbot, compared, "wipe")
    at = QPointF(view.left.canvas.width() / 4, view.left.canvas.height() / 2).toPoint()
    wheel(view.left, at, 960)
    before = view.left.view_rect()
    drag(view.left, at, QPoint(40, 0))
    assert view.left.view_rect().left() < before.left(), "what is larger than the view moves"
    for _ in range(12):
        drag(view.left, at, QPoint(view.left.canvas.width() // 5, 0))
    seen = view.left.view_rect()
    assert -seen.left() == pytest.approx(0.25 * seen.width(), rel=0.05)
    are_linked(view)
