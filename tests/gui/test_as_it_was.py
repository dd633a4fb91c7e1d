"""The window comes back as it was, whatever ended it; menus tick what is on, whoever turned it on."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtWidgets import QApplication

from astep_gui.keeping import CALM_MS
from astep_gui.main_window import MainWindow
from astep_gui.remembered import Remembered

LEFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
PATIENCE_MS = 20_000
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


@pytest.fixture
def shown(qtbot, opened):
    qtbot.waitUntil(lambda: opened.viewing.view.shown is not None, timeout=PATIENCE_MS)
    return opened


@pytest.fixture
def killed_and_reopened(qtbot, shown, remembered, night_folder):
    """Return what opens a second window over what the first one has written until now, without closing that."""
    others = []

    def open_again():
        qtbot.wait(CALM_MS)
        qtbot.waitUntil(lambda: not shown.keeper.is_waiting, timeout=3000)  # a search takes hold a moment later
        again = MainWindow(Remembered(remembered._settings))
        others.append(again)
        again.night.looks_quickly = False
        again.show()
        again.open_night(night_folder)
        qtbot.waitUntil(lambda: again.viewing.view.shown is not None, timeout=PATIENCE_MS)
        return again

    yield open_again
    for window in others:
        window.close()


def test_marks_over_the_image_are_as_they_were(qtbot, shown, killed_and_reopened):
    qtbot.keyClick(shown, Qt.Key.Key_C)
    shown.viewing.view.overlays.marks["scale_bar"].trigger()
    shown.viewing.view.overlays.masks[16].trigger()
    view = killed_and_reopened().viewing.view
    assert view.has_mark("cross_hair")
    assert not view.has_mark("scale_bar")
    assert view.has_mark("compass")
    assert view.mask_bits == 16


def test_the_part_of_the_frame_that_was_seen_is_seen_again(qtbot, shown, killed_and_reopened):
    view = shown.viewing.view
    view.set_view_rect(QRectF(10.0, 20.0, 24.0, 16.0))
    middle, width = view.view_rect().center(), view.view_rect().width()
    again = killed_and_reopened().viewing.view
    qtbot.waitUntil(lambda: not again.is_fitting, timeout=PATIENCE_MS)
    assert again.view_rect().center().x() == pytest.approx(middle.x(), abs=0.1)
    assert again.view_rect().center().y() == pytest.approx(middle.y(), abs=0.1)
    assert again.view_rect().width() == pytest.approx(width, rel=0.05)


def test_a_frame_that_was_fitted_into_the_window_is_fitted_again(qtbot, shown, killed_and_reopened):
    shown.viewing.view.set_view_rect(QRectF(10.0, 20.0, 24.0, 16.0))
    qtbot.keyClick(shown, Qt.Key.Key_F)
    again = killed_and_reopened().viewing.view
    qtbot.wait(200)
    assert again.is_fitting


def test_groups_that_were_folded_the_tool_and_the_log_are_as_they_were(qtbot, shown, killed_and_reopened):
    model = shown.table.model
    number = next(k for k, group in enumerate(model.groups) if group.title.startswith("Bias"))
    shown.table.tree.collapse(model.index(number, 0))
    qtbot.keyClick(shown, Qt.Key.Key_F8)
    qtbot.keyClick(shown, Qt.Key.Key_L, CONTROL)
    again = killed_and_reopened()
    model = again.table.model
    number = next(k for k, group in enumerate(model.groups) if group.title.startswith("Bias"))
    assert not again.table.tree.isExpanded(model.index(number, 0))
    assert again.table.tree.isExpanded(model.index(number + 1, 0))
    assert again.viewing.inspect_panel.tool == "box"
    assert again.log.fold.isChecked()


def test_what_another_version_kept_of_it_is_passed_over(qtbot, remembered):
    remembered.set_word("marks", '{"marks": [1, 2]}')
    window = MainWindow(remembered)
    assert window.viewing.view.has_mark("compass")
    window.close()


# -- menus -----------------------------------------------------------------------------------------------------


def test_g_ungroups_the_list_at_its_first_press(qtbot, opened):
    assert opened.actions_by_name["grouped"].isChecked()
    qtbot.keyClick(opened, Qt.Key.Key_G)
    assert not opened.table.model.is_grouped
    qtbot.mouseClick(opened.table.grouped, LEFT)
    assert opened.actions_by_name["grouped"].isChecked()


def test_the_key_takes_back_what_the_mouse_turned_on(qtbot, shown):
    view, levels = shown.viewing.view, shown.viewing.levels
    shown.viewing.levels_panel.inverted.click()
    assert levels.inverted
    qtbot.keyClick(shown, Qt.Key.Key_I)
    assert not levels.inverted
    view.overlays.marks["cross_hair"].trigger()
    assert view.has_mark("cross_hair")
    qtbot.keyClick(shown, Qt.Key.Key_C)
    assert not view.has_mark("cross_hair")
    view.overlays.masks[1].trigger()
    assert view.mask_bits == 1
    qtbot.keyClick(shown, Qt.Key.Key_M)
    assert view.mask_bits == 0
    qtbot.mouseClick(shown.table.pictures, LEFT)
    qtbot.keyClick(shown, Qt.Key.Key_T)
    assert not shown.table.model.shows_thumbnails
    QApplication.processEvents()


def test_one_kind_of_masked_pixels_stays_one_though_the_menu_ticks_the_action(shown):
    shown.viewing.view.overlays.masks[4].trigger()
    assert shown.actions_by_name["masks"].isChecked()
    assert shown.viewing.view.mask_bits == 4


def test_a_blink_is_as_it_was_set(qtbot, shown, killed_and_reopened):
    shown.night.select(LIGHTS, LIGHTS[0])
    qtbot.keyClick(shown, Qt.Key.Key_B)
    bar = shown.viewing.blink_bar
    bar.rate.setValue(14)
    qtbot.mouseClick(bar.ping_pong, LEFT)
    qtbot.mouseClick(bar.skip, LEFT)
    bar.levels_actions["own"].trigger()
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    again = killed_and_reopened()
    assert not again.viewing.is_blinking, "it is looked at as a frame"
    bar = again.viewing.blink_bar
    assert (bar.rate.value(), bar.ping_pong.isChecked(), bar.looks.text()) == (14, True, "Own levels ▾")
    assert bar.skip.isChecked()
    again.night.select(LIGHTS, LIGHTS[0])
    qtbot.keyClick(again, Qt.Key.Key_B)
    assert again.viewing.is_blinking
    assert (again.viewing.blink.rate, again.viewing.blink.ping_pong) == (14.0, True)
    assert again.viewing.blinking.levels.mode == "own"


def test_frames_that_a_search_hides_are_seen_again(qtbot, shown, killed_and_reopened):
    shown.table.search.setText("light_002")
    again = killed_and_reopened()
    assert again.table.search.text() == ""
    assert again.table.model.index_of(LIGHTS[0]).isValid()


def test_a_night_closed_and_opened_again_in_one_window_shows_the_same_part_and_step(qtbot, shown, night_folder):
    view, steps = shown.viewing.view, shown.viewing.steps
    qtbot.waitUntil(lambda: "raw" in steps.names() and steps.path is not None, timeout=PATIENCE_MS)
    steps.choose("raw")
    view.set_view_rect(QRectF(10.0, 20.0, 24.0, 16.0))
    middle = view.view_rect().center()
    assert shown.keeper.is_waiting, "closed a moment after it was changed: nothing of it was written yet"
    shown.night.close()
    shown.open_night(night_folder)
    qtbot.waitUntil(lambda: view.shown is not None and shown.night.plan is not None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: steps.chosen == "raw", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: (view.view_rect().center() - middle).manhattanLength() < 1.0, timeout=PATIENCE_MS)
