"""Steps while the masters are missing: what is not there is not shown as something else, and it is said."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from tests.gui.test_blink_with_steps import PATIENCE_MS, brightness, choose_step

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window_of_difference(qtbot, window, reduced, tmp_path):
    """The window on a night with its masters, on the difference that the dark made."""
    night, output, science = reduced
    own = shutil.copytree(output, tmp_path / "out")
    window.open_night(night.root, own)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    window.night.select([science[0]])
    qtbot.waitUntil(lambda: window.viewing.view.shown is not None, timeout=PATIENCE_MS)
    choose_step(qtbot, window, "dark")
    qtbot.mouseClick(window.viewing.rail.difference, LEFT)
    qtbot.waitUntil(lambda: window.viewing.view.shown.is_change, timeout=PATIENCE_MS)
    return window


def lose_the_masters(qtbot, window):
    """Masters go, as they do when another recipe is chosen; the window looks again."""
    for file in window.night.place.output.glob("masters/*.fits"):
        file.unlink()
    window.viewing._plan_changed()
    qtbot.waitUntil(lambda: window.viewing.steps.missing is not None, timeout=PATIENCE_MS)


def test_a_difference_that_needs_missing_masters_gives_way_to_the_frame_and_the_rail_says_why(
    qtbot, window_of_difference
):
    window, viewing = window_of_difference, window_of_difference.viewing
    lose_the_masters(qtbot, window)
    shown = viewing.view.shown
    assert not shown.is_change
    assert np.median(shown.image) > 900
    assert 0.1 < brightness(window) < 0.9
    assert viewing.levels.lo < shown.level.sky < viewing.levels.hi
    words = viewing.rail.note.full_text
    assert "no difference" in words
    assert "Dark needs masters, which are not made yet" in words
    assert "Reduce makes them, or make them now" in words
    assert viewing.rail.difference.isVisible()
    assert viewing.rail.difference.isChecked()
    assert viewing.rail.difference.isEnabled()
    assert viewing.rail.make.isVisible()


def test_difference_can_be_switched_off_while_masters_are_missing(qtbot, window_of_difference):
    window, viewing = window_of_difference, window_of_difference.viewing
    lose_the_masters(qtbot, window)
    qtbot.mouseClick(viewing.rail.difference, LEFT)
    assert not viewing.steps.difference
    qtbot.waitUntil(lambda: not viewing.steps.is_busy, timeout=PATIENCE_MS)
    assert "no difference" not in viewing.rail.note.full_text
    assert not viewing.rail.difference.isVisible(), "it could do nothing"


def test_levels_that_a_hand_moved_on_a_difference_do_not_make_the_frame_white_or_black(qtbot, window_of_difference):
    window, viewing = window_of_difference, window_of_difference.viewing
    sky = viewing.view.shown.level.sky
    viewing.levels.set_range(sky - 20, sky + 30)
    lose_the_masters(qtbot, window)
    assert 0.1 < brightness(window) < 0.9
    assert viewing.levels.lo < viewing.view.shown.level.sky < viewing.levels.hi


def test_the_difference_comes_back_with_the_masters(qtbot, window_of_difference, reduced):
    window, viewing = window_of_difference, window_of_difference.viewing
    lose_the_masters(qtbot, window)
    for file in (reduced[1] / "masters").glob("*.fits"):
        shutil.copy(file, window.night.place.output / "masters")
    viewing._plan_changed()
    qtbot.waitUntil(lambda: viewing.view.shown.is_change, timeout=PATIENCE_MS)
    assert viewing.rail.difference.isChecked()
    assert "no difference" not in viewing.rail.note.full_text


def test_a_step_that_was_clicked_before_its_master_was_made_is_shown_when_it_is(qtbot, window_of_difference, reduced):
    window, viewing = window_of_difference, window_of_difference.viewing
    lose_the_masters(qtbot, window)
    viewing.steps.choose("trim")
    qtbot.waitUntil(lambda: not viewing.steps.is_busy and viewing.steps.missing is not None, timeout=PATIENCE_MS)
    qtbot.mouseClick(viewing.rail.buttons["flat"], LEFT)
    assert viewing.steps.chosen == "flat"
    qtbot.waitUntil(lambda: not viewing.steps.is_busy, timeout=PATIENCE_MS)
    assert "Flat needs masters, which are not made yet" in viewing.rail.note.full_text
    for file in (reduced[1] / "masters").glob("*.fits"):
        shutil.copy(file, window.night.place.output / "masters")
    viewing._plan_changed()
    qtbot.waitUntil(lambda: viewing.steps.chosen == "flat", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: viewing.view.shown.key[2] == "flat", timeout=PATIENCE_MS)


def test_a_step_whose_master_was_made_during_a_run_is_shown_by_the_click(qtbot, window_of_difference, reduced):
    window, viewing = window_of_difference, window_of_difference.viewing
    lose_the_masters(qtbot, window)
    viewing.steps.choose("trim")
    qtbot.waitUntil(lambda: not viewing.steps.is_busy and viewing.steps.missing is not None, timeout=PATIENCE_MS)
    for file in (reduced[1] / "masters").glob("*.fits"):
        shutil.copy(file, window.night.place.output / "masters")
    qtbot.mouseClick(viewing.rail.buttons["flat"], LEFT)
    qtbot.waitUntil(lambda: viewing.steps.chosen == "flat", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: viewing.view.shown.key[2] == "flat", timeout=PATIENCE_MS)


def test_the_rail_stays_on_the_step_that_was_clicked_last_and_says_in_one_sentence_what_it_lacks(
    qtbot, window_of_difference
):
    """After a click on Bias and one on Flat the rail stood on Dark, and spoke of both."""
    window, viewing = window_of_difference, window_of_difference.viewing
    rail = viewing.rail
    lose_the_masters(qtbot, window)
    qtbot.mouseClick(rail.difference, LEFT)
    says = {
        "bias": "! The dark holds the bias, both come off with it, so Bias does nothing here. Later steps need ",
        "flat": "! Flat needs masters, which are not made yet. Reduce makes them, or make them now",
    }
    for name in ("bias", "flat"):
        qtbot.mouseClick(rail.buttons[name], LEFT)
        qtbot.waitUntil(lambda: not viewing.steps.is_busy and viewing.steps.missing is not None, timeout=PATIENCE_MS)
        assert [button for button, one in rail.buttons.items() if one.isChecked()] == [name]
        words = rail.note.full_text
        assert words.startswith(says[name])
        assert "dark_" not in words, "whose name says nothing to who clicked Bias"
        assert words.count("not made yet") == 1
        assert viewing.view.shown.key[2] == "trim"
        assert rail.make.isVisible()
    qtbot.mouseClick(rail.buttons["flat"], LEFT)
    assert viewing.steps.chosen is None, "a second click goes back to the frame"


def test_while_masters_are_being_made_the_line_says_so_and_asks_for_nothing(qtbot, window_of_difference):
    """It still said "Reduce makes them, or make them now" beside the button that cancelled it."""
    window, viewing = window_of_difference, window_of_difference.viewing
    rail = viewing.rail
    lose_the_masters(qtbot, window)
    viewing.steps.choose("flat")
    qtbot.waitUntil(lambda: not viewing.steps.is_busy and viewing.steps.missing is not None, timeout=PATIENCE_MS)
    qtbot.mouseClick(rail.make, LEFT)
    qtbot.waitUntil(lambda: window.run.is_running, timeout=PATIENCE_MS)
    window.follow()
    assert rail.note.full_text.startswith("! Masters are being made: Flat is shown when its own are there")
    window.run.cancel()
    window.follow()
    assert "being made" not in rail.note.full_text
    qtbot.waitUntil(lambda: not window.run.is_running, timeout=PATIENCE_MS)


def test_a_key_goes_on_from_a_step_that_waits_to_those_that_are_there(qtbot, window_of_difference):
    window, viewing = window_of_difference, window_of_difference.viewing
    lose_the_masters(qtbot, window)
    qtbot.mouseClick(viewing.rail.buttons["flat"], LEFT)
    qtbot.waitUntil(lambda: not viewing.steps.is_busy and viewing.steps.missing is not None, timeout=PATIENCE_MS)
    qtbot.keyClick(window, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert viewing.steps.chosen == "flat", "nothing beyond it is there"
    qtbot.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert viewing.steps.chosen == "raw", "the last one that did something to this frame"


def test_a_step_that_was_clicked_is_not_shown_over_what_is_looked_at_since(qtbot, window_of_difference, reduced):
    window, viewing = window_of_difference, window_of_difference.viewing
    lose_the_masters(qtbot, window)
    viewing.steps.choose("trim")
    qtbot.waitUntil(lambda: not viewing.steps.is_busy and viewing.steps.missing is not None, timeout=PATIENCE_MS)
    qtbot.mouseClick(viewing.rail.buttons["flat"], LEFT)
    viewing.steps.choose("raw")
    for file in (reduced[1] / "masters").glob("*.fits"):
        shutil.copy(file, window.night.place.output / "masters")
    viewing._plan_changed()
    qtbot.waitUntil(lambda: not viewing.steps.is_busy and viewing.steps.missing is None, timeout=PATIENCE_MS)
    assert viewing.steps.chosen == "raw"
