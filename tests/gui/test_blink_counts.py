"""What is said of a blink counts the frames that go by, the same in words, slider and number."""

from __future__ import annotations

import re

import pytest
from PyQt6.QtCore import Qt

from tests.gui.test_blink_in_the_window import ready
from tests.gui.test_blink_with_steps import choose_step, window_of_night
from tests.gui.test_workflow import LIGHTS

__all__ = ["ready", "window_of_night"]
LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier
PATIENCE_MS = 30_000


@pytest.fixture
def resting(qtbot, ready):
    """The window with a blink of four frames that rests on the second."""
    ready.viewing.blink.rate = 1.0
    ready.night.select(LIGHTS, LIGHTS[1])
    qtbot.keyClick(ready, Qt.Key.Key_B)
    model = ready.viewing.blink
    qtbot.waitUntil(lambda: model.loaded == 4, timeout=PATIENCE_MS)
    qtbot.keyClick(ready, Qt.Key.Key_Space)
    model.go(1)
    return ready


def said(window):
    """Return the frames in words, and number and steps of number and slider."""
    viewing = window.viewing
    words = int(re.search(r"Blinking (\d+) raw frames", viewing.rail.note.full_text)[1])
    number, of = viewing.blink_bar.count.text().split(" · ")[0].split("/")
    slider = viewing.blink_bar.place
    assert slider.maximum() == int(of) - 1
    return words, number.strip(), int(of), slider.value()


def test_rejected_frames_that_are_passed_over_are_not_counted(qtbot, resting):
    assert said(resting) == (4, "2", 4, 1)
    resting.decisions.reject([LIGHTS[0], LIGHTS[2]])
    assert said(resting) == (4, "2", 4, 1), "they go by until they are to be left out"
    qtbot.keyClick(resting, Qt.Key.Key_H, CTRL)
    assert said(resting) == (2, "1", 2, 0)
    assert resting.viewing.blink_bar.notes.text() == "2 rejected left out"
    qtbot.mouseClick(resting.viewing.blink_bar.forth, LEFT)
    assert resting.viewing.blink.current.key[1] == LIGHTS[3]
    assert said(resting) == (2, "2", 2, 1)
    resting.decisions.accept([LIGHTS[2]])
    assert said(resting) == (3, "3", 3, 2)
    qtbot.keyClick(resting, Qt.Key.Key_H, CTRL)
    assert said(resting) == (4, "4", 4, 3)


def test_a_frame_that_is_rejected_while_it_is_seen_has_no_number_among_those_that_go_by(qtbot, resting):
    qtbot.keyClick(resting, Qt.Key.Key_H, CTRL)
    qtbot.keyClick(resting, Qt.Key.Key_X)
    assert resting.viewing.blink.current.key[1] == LIGHTS[1]
    assert said(resting)[:3] == (3, "–", 3)
    qtbot.mouseClick(resting.viewing.blink_bar.forth, LEFT)
    assert said(resting) == (3, "2", 3, 1)
    assert resting.viewing.blink.current.key[1] == LIGHTS[2]


def test_the_slider_goes_to_the_frames_that_go_by(qtbot, resting):
    resting.decisions.reject([LIGHTS[2]])
    qtbot.keyClick(resting, Qt.Key.Key_H, CTRL)
    slider = resting.viewing.blink_bar.place
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert resting.viewing.blink.current.key[1] == LIGHTS[3]
    qtbot.keyClick(slider, Qt.Key.Key_PageUp if slider.invertedControls() else Qt.Key.Key_Home)
    assert resting.viewing.blink.current.key[1] == LIGHTS[0]


def test_nothing_is_waited_for_that_does_not_go_by(qtbot, ready):
    ready.decisions.reject([LIGHTS[3]])
    qtbot.keyClick(ready, Qt.Key.Key_H, CTRL)
    ready.night.select(LIGHTS, LIGHTS[1])
    qtbot.keyClick(ready, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: ready.viewing.blink.loaded == 3, timeout=PATIENCE_MS)
    assert "loaded" not in ready.viewing.blink_bar.reached.text()


def test_a_blink_begun_from_a_step_does_not_say_of_aligned_frames_that_they_lie_as_they_were_taken(
    qtbot, window_of_night
):
    choose_step(qtbot, window_of_night, "dark")
    qtbot.keyClick(window_of_night, Qt.Key.Key_B)
    words = window_of_night.viewing.rail.note.full_text
    assert words.startswith("Blinking ")
    assert "raw frames" in words
    assert "Esc goes back to “Dark” of " in words
    assert "as they were taken" not in words
