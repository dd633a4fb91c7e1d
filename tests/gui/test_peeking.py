"""Peeking at the step before by `: wherever the keys are but where text is typed; what is said where there is none."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication

from tests.gui.test_blink_with_steps import PATIENCE_MS, choose_step, window_of_night

__all__ = ["window_of_night"]
LEFT, PEEK = Qt.MouseButton.LeftButton, Qt.Key.Key_QuoteLeft


@pytest.fixture
def after_dark(qtbot, window_of_night):
    """The window on a frame after its dark, with the keys in the list, as they are once a frame is chosen there."""
    choose_step(qtbot, window_of_night, "dark")
    tree = window_of_night.table.tree
    row = tree.visualRect(window_of_night.table.model.index_of(window_of_night.night.current))
    qtbot.mouseClick(tree.viewport(), LEFT, pos=row.center())
    assert tree.hasFocus()
    return window_of_night


def sees(qtbot, window, title):
    qtbot.waitUntil(lambda: window.viewing.view.title.endswith(title), timeout=PATIENCE_MS)


def hold(qtbot, widget):
    """Press the key, and keep it down for long: the screen then says so again and again."""
    qtbot.keyPress(widget, PEEK)
    for _ in range(3):
        for kind in (QEvent.Type.KeyRelease, QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            again = QKeyEvent(kind, PEEK, Qt.KeyboardModifier.NoModifier, "`", autorep=True)
            QApplication.sendEvent(widget, again)


@pytest.mark.parametrize("place", ["list", "image", "button", "panel"])
def test_the_step_before_is_seen_while_the_key_is_held_wherever_the_keys_are(qtbot, after_dark, place):
    viewing = after_dark.viewing
    if place == "panel":
        after_dark.docks["levels"].setFloating(True)
    others = {"image": viewing.view.canvas, "button": viewing.rail.compare, "panel": viewing.levels_panel.frozen}
    widget = others.get(place, after_dark.table.tree)
    widget.setFocus()
    qtbot.wait(100)  # a panel that is taken out makes another window the active one
    hold(qtbot, widget)
    sees(qtbot, after_dark, "· raw")
    qtbot.wait(50)
    assert viewing.view.title.endswith("· raw"), "as long as the key is down"
    qtbot.keyRelease(widget, PEEK)
    sees(qtbot, after_dark, "· after dark")


def test_where_text_is_typed_the_key_is_a_letter(qtbot, after_dark):
    search = after_dark.table.search
    search.setFocus()
    qtbot.keyClick(search, PEEK)
    assert search.text() == "`"
    assert after_dark.viewing.view.title.endswith("· after dark")


def test_a_peek_ends_when_the_window_is_left(qtbot, after_dark):
    qtbot.keyPress(after_dark.table.tree, PEEK)
    sees(qtbot, after_dark, "· raw")
    QApplication.sendEvent(after_dark, QEvent(QEvent.Type.WindowDeactivate))
    sees(qtbot, after_dark, "· after dark")


@pytest.mark.parametrize(("key", "modifier"), [(PEEK, "No"), (Qt.Key.Key_D, "Shift")])
def test_without_a_step_the_keys_say_to_choose_one(qtbot, window_of_night, key, modifier):
    qtbot.keyClick(window_of_night.table.tree, key, getattr(Qt.KeyboardModifier, f"{modifier}Modifier"))
    assert "choose a step over the image first (Shift+→)" in window_of_night.log.line.full_text


@pytest.mark.parametrize(("key", "modifier"), [(PEEK, "No"), (Qt.Key.Key_D, "Shift")])
def test_before_the_masters_are_made_the_keys_say_which_is_missing(qtbot, opened, key, modifier):
    light = "light_000.fits"
    opened.night.select([light])
    qtbot.waitUntil(lambda: opened.viewing.view.title == light, timeout=PATIENCE_MS)
    qtbot.mouseClick(opened.viewing.rail.buttons["dark"], LEFT)
    qtbot.waitUntil(lambda: opened.viewing.steps.missing is not None, timeout=PATIENCE_MS)
    qtbot.keyClick(opened.table.tree, key, getattr(Qt.KeyboardModifier, f"{modifier}Modifier"))
    said = opened.log.line.full_text
    assert "the step Dark is not there yet: the master" in said
    assert "has not been made yet" in said
    assert "“Make the masters”" in said


def test_the_first_step_says_that_there_is_none_before_it(qtbot, window_of_night):
    choose_step(qtbot, window_of_night, "raw")
    qtbot.keyClick(window_of_night.table.tree, PEEK)
    assert "Raw is the first step" in window_of_night.log.line.full_text
