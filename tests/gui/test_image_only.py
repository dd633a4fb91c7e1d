"""The image alone (F11): panels and strips step aside and come back as they were."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt

from astep_gui.deeds import PANELS_OF
from astep_gui.main_window import LAYOUT_VERSION


def shown(window):
    return {name for name, dock in window.docks.items() if not dock.isHidden()}


def press(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(window, key, modifier)
    qtbot.wait(50)  # docks are laid out a moment later


@pytest.fixture
def alone(qtbot, opened):
    opened.resize(1280, 720)
    qtbot.wait(50)
    opened.before = shown(opened), opened.viewing.view.height(), opened.viewing.splitter.sizes()
    press(qtbot, opened, Qt.Key.Key_F11)
    return opened


def test_the_image_takes_the_room_of_panels_and_strips(alone):
    assert not shown(alone)
    assert alone.viewing.view.width() > 0.98 * alone.width()
    assert alone.viewing.view.height() > 1.5 * alone.before[1]
    assert not alone.viewing.timeline.isVisible()


def test_the_same_key_brings_everything_back(qtbot, alone):
    press(qtbot, alone, Qt.Key.Key_F11)
    assert shown(alone) == alone.before[0]
    assert alone.viewing.view.height() == pytest.approx(alone.before[1], abs=3)
    assert alone.viewing.splitter.sizes() == pytest.approx(alone.before[2], abs=3)
    assert not alone.actions_by_name["image_only"].isChecked()


def test_frames_are_stepped_through_and_judged_meanwhile(qtbot, alone):
    first = alone.night.current
    press(qtbot, alone, Qt.Key.Key_X)
    assert alone.night.current != first
    assert first in alone.night.rejected
    press(qtbot, alone, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert first not in alone.night.rejected
    assert not shown(alone)


@pytest.mark.parametrize(
    ("key", "modifier", "panel"),
    [
        (Qt.Key.Key_P, Qt.KeyboardModifier.NoModifier, "plan"),
        (Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier, "frames"),
        (Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier, "sky"),
        (Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier, "inspect"),
    ],
)
def test_what_shows_a_panel_brings_all_of_them_back(qtbot, alone, key, modifier, panel):
    press(qtbot, alone, key, modifier)
    assert not alone.docks[panel].isHidden()
    assert {"frames", "levels"} <= shown(alone)
    assert not alone.actions_by_name["image_only"].isChecked()


def test_a_panel_that_was_closed_before_is_brought_up_all_the_same(qtbot, opened):
    opened.docks["plan"].close()
    press(qtbot, opened, Qt.Key.Key_F11)
    press(qtbot, opened, Qt.Key.Key_P)
    assert not opened.docks["plan"].isHidden()
    assert "frames" in shown(opened)


def test_the_menu_of_panels_brings_them_back_too(qtbot, alone):
    alone.docks["header"].toggleViewAction().trigger()
    qtbot.waitUntil(lambda: not alone.image_only.is_on)
    assert {"frames", "levels", "header"} <= shown(alone)


def test_the_layout_of_before_is_the_one_that_is_remembered(qtbot, alone, remembered):
    alone.keeper.keep()
    assert alone.panels.of_night() == alone.image_only.layout_before
    assert remembered.state("layout") == alone.image_only.layout_before
    alone.night.close()
    qtbot.waitUntil(lambda: not alone.night.is_open)
    assert not alone.image_only.is_on
    assert not shown(alone)  # the start page has none


def test_a_star_that_is_followed_shows_its_strip(qtbot, alone):
    view = alone.viewing.view
    qtbot.mouseMove(view.canvas.viewport(), view._to_screen(20, 30).toPoint())
    qtbot.waitUntil(lambda: view.pointed_at is not None)
    qtbot.waitUntil(lambda: alone.viewing.story._night is not None)  # the star is told of the night with it
    press(qtbot, alone, Qt.Key.Key_O)
    qtbot.waitUntil(lambda: not alone.image_only.is_on)
    assert alone.viewing.star_strip.isVisible()
    press(qtbot, alone, Qt.Key.Key_F11)  # whoever puts it away once more keeps the image
    press(qtbot, alone, Qt.Key.Key_X)
    assert alone.image_only.is_on
    qtbot.waitUntil(lambda: not alone.viewing.star.is_busy)


def test_every_part_of_the_work_has_its_panels_back(qtbot, alone):
    for number, (name, panels) in enumerate(PANELS_OF.items(), 1):
        press(qtbot, alone, getattr(Qt.Key, f"Key_{number}"), Qt.KeyboardModifier.ControlModifier)
        assert alone.tabs.name == name
        assert not alone.docks[panels[0]].isHidden()
        alone.image_only.set_on(True)


def test_levels_that_made_room_are_there_the_next_time_though_the_image_was_alone_at_the_end(qtbot, opened, remembered):
    opened.resize(1280, 720)
    opened.tabs.choose("Reduce")
    assert opened.docks["levels"].isHidden(), "they made room for the run"
    press(qtbot, opened, Qt.Key.Key_F11)
    opened.close()
    opened.restoreState(remembered.state("layout"), LAYOUT_VERSION)
    assert not opened.docks["levels"].isHidden()


def test_panels_are_put_where_they_were_first_though_the_image_is_alone(qtbot, opened):
    opened.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, opened.docks["frames"])
    press(qtbot, opened, Qt.Key.Key_F11)
    opened.panels.reset()
    qtbot.wait(50)
    assert opened.dockWidgetArea(opened.docks["frames"]) == Qt.DockWidgetArea.LeftDockWidgetArea
    assert {"frames", "levels"} <= shown(opened)
    assert not opened.actions_by_name["image_only"].isChecked()
