"""Blinking while a step is chosen, or while two frames are compared: by keys, as a person does."""

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage

PATIENCE_MS = 60_000  # a first call may compile kernels
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window_of_night(qtbot, window, reduced):
    """The window on a night of which the masters are made."""
    night, output, science = reduced
    window.open_night(night.root, output)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    window.night.select([science[0]])
    qtbot.waitUntil(lambda: window.viewing.view.shown is not None, timeout=PATIENCE_MS)
    window.viewing.blink.rate = 20.0
    return window


def choose_step(qtbot, window, name):
    viewing = window.viewing
    qtbot.mouseClick(viewing.rail.buttons[name], LEFT)
    qtbot.waitUntil(lambda: not viewing.steps.is_busy and "step" in viewing.view.shown.key, timeout=PATIENCE_MS)


def blink(qtbot, window):
    qtbot.keyClick(window, Qt.Key.Key_B)
    model = window.viewing.blink
    qtbot.waitUntil(lambda: len(model.frames) > 1 and model.loaded == len(model.frames), timeout=PATIENCE_MS)


def brightness(window):
    """Median of what is seen, 0 black to 1 white."""
    picture = window.viewing.view.canvas.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    bits = picture.constBits()
    bits.setsize(picture.sizeInBytes())
    grey = np.frombuffer(bits, np.uint8).reshape(picture.height(), picture.bytesPerLine())
    h, w = grey.shape
    return float(np.median(grey[h // 3 : 2 * h // 3, w // 3 : 2 * w // 3])) / 255


def shown_is_between_its_levels(window):
    levels, sky = window.viewing.levels, window.viewing.view.shown.level.sky
    return levels.lo < sky < levels.hi and levels.unit == window.viewing.view.shown.unit


def test_frames_blinked_from_a_step_are_grey_not_white_and_the_rail_says_so(qtbot, window_of_night):
    window, viewing = window_of_night, window_of_night.viewing
    choose_step(qtbot, window, "dark")
    assert viewing.levels.hi < viewing.images.get(viewing.loader(window.night.current)[0]).level.sky
    blink(qtbot, window)
    assert viewing.steps.chosen is None
    assert not viewing.rail.buttons["dark"].isChecked()
    assert "Esc goes back to “Dark”" in viewing.rail.note.full_text
    for _ in range(4):
        index = viewing.blink.index
        qtbot.waitUntil(lambda i=index: viewing.blink.index != i, timeout=5000)
        assert shown_is_between_its_levels(window)
        assert brightness(window) < 0.9


def test_a_blink_says_how_many_frames_of_which_filter_go_by(qtbot, window_of_night):
    window, viewing = window_of_night, window_of_night.viewing
    blink(qtbot, window)
    name = window.night.frame(window.night.current).filter
    assert f"Blinking {len(viewing.blink.frames)} raw frames of {name}; " in viewing.rail.note.full_text
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert "Blinking" not in viewing.rail.note.full_text


def test_levels_moved_by_hand_on_a_step_do_not_make_the_blink_white(qtbot, window_of_night):
    window = window_of_night
    choose_step(qtbot, window, "dark")
    shown = window.viewing.view.shown.level.sky
    window.viewing.levels.set_range(shown - 20, shown + 30)
    blink(qtbot, window)
    assert shown_is_between_its_levels(window)


def test_automatic_levels_work_while_frames_go_by(qtbot, window_of_night):
    window = window_of_night
    choose_step(qtbot, window, "dark")
    blink(qtbot, window)
    window.viewing.levels.set_range(0, 1)
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert shown_is_between_its_levels(window)
    qtbot.wait(300)
    assert shown_is_between_its_levels(window)


def test_escape_goes_back_to_the_step_with_levels_of_its_own(qtbot, window_of_night):
    window, viewing = window_of_night, window_of_night.viewing
    choose_step(qtbot, window, "dark")
    blink(qtbot, window)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: viewing.view.shown.key[0] == "step", timeout=PATIENCE_MS)
    assert viewing.rail.buttons["dark"].isChecked()
    assert not viewing.is_blinking
    assert shown_is_between_its_levels(window)


def test_a_step_that_is_clicked_during_a_blink_ends_it(qtbot, window_of_night):
    window, viewing = window_of_night, window_of_night.viewing
    blink(qtbot, window)
    qtbot.mouseClick(viewing.rail.buttons["dark"], LEFT)
    qtbot.waitUntil(lambda: not viewing.is_blinking, timeout=PATIENCE_MS)
    # It stops where it is; the step that is shown is of that frame.
    qtbot.waitUntil(lambda: viewing.view.shown.key[:2] == ("step", window.night.current), timeout=PATIENCE_MS)
    assert not viewing.levels.frozen
    assert shown_is_between_its_levels(window)


@pytest.mark.parametrize("key", [Qt.Key.Key_B, Qt.Key.Key_Space])
def test_b_while_comparing_blinks_the_two_and_again_shows_both(qtbot, window_of_night, key):
    window, viewing = window_of_night, window_of_night.viewing
    window.night.select([window.night.current, *[f for f in viewing_frames(window) if f != window.night.current][:1]])
    qtbot.keyClick(window, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: viewing.comparing.is_on, timeout=PATIENCE_MS)
    qtbot.keyClick(viewing.compare, key)
    assert viewing.comparing.is_on
    assert viewing.compare.mode == "blink"
    assert not viewing.is_blinking
    qtbot.keyClick(viewing.compare, key)
    assert viewing.compare.mode == "side"


def test_comparing_from_a_blink_compares_the_frames_as_they_go_by_not_the_step_it_was_begun_from(
    qtbot, window_of_night
):
    window, viewing = window_of_night, window_of_night.viewing
    choose_step(qtbot, window, "dark")
    blink(qtbot, window)
    qtbot.keyClick(window, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: viewing.comparing.is_on, timeout=PATIENCE_MS)
    assert viewing.steps.chosen is None
    assert {viewing.compare.left.shown.key[0], viewing.compare.right.shown.key[0]} == {"raw"}
    assert viewing.compare.left.shown.unit == viewing.levels.unit == "ADU"


def test_a_step_of_two_frames_is_named_by_what_differs_first(qtbot, window_of_night):
    window, viewing = window_of_night, window_of_night.viewing
    choose_step(qtbot, window, "dark")
    qtbot.keyClick(window, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: viewing.comparing.is_on, timeout=PATIENCE_MS)
    titles = [viewing.compare.left.title, viewing.compare.right.title]
    assert titles == ["SCIENCE 000 · after dark", "SCIENCE 002 · after dark"]


def viewing_frames(window):
    return window.table.model.group_of(window.night.current)
