"""The window as a person uses it: opening, assigning, rejecting, undoing, finding."""

from __future__ import annotations

import json
import sys

import pytest
from PyQt6.QtCore import QMimeData, QPointF, QSettings, Qt, QTimer, QUrl
from PyQt6.QtGui import QDropEvent, QKeySequence
from PyQt6.QtWidgets import QApplication, QDockWidget, QLabel, QPushButton

from astep_gui.actions import ACTIONS
from astep_gui.main_window import LAYOUT_VERSION, MainWindow
from astep_gui.models.frame_columns import column_number
from astep_gui.remembered import Remembered
from astep_gui.widgets.command_palette import CommandPalette
from astep_gui.widgets.crash_report import CrashWatch
from astep_gui.widgets.frame_rows import RowDelegate
from astep_gui.widgets.settings_form import SettingsDialog
from astep_gui.widgets.shortcuts import ShortcutsOverlay
from pipeline_core.faults import fault_file
from pipeline_core.logbook import Logbook
from pipeline_core.session import recipe_of
from tests.gui.nights import write_frame

LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


def dialog(kind):
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible())


def words_of(need):
    return need.title


def test_a_closed_night_leaves_nothing_to_undo(opened):
    opened.deeds.reject_for("cloud")
    assert opened.actions_by_name["undo"].isEnabled()
    opened.actions_by_name["close_night"].trigger()
    assert not opened.actions_by_name["undo"].isEnabled()
    assert not opened.docks["frames"].isVisible()


def test_a_window_without_a_night_shows_the_start_page_and_no_panels(window):
    assert window.start_page.isVisible()
    assert not any(dock.isVisible() for dock in window.docks.values())
    assert not window.reduce_button.isEnabled()


def test_an_opened_night_is_listed_under_its_groups_science_first(opened):
    groups = opened.table.model.groups
    assert [group.title for group in groups][:2] == ["Unknown · 10 s", "Science · M 5 · R · 10 s"]
    assert opened.night.current == LIGHTS[0]
    assert opened.docks["frames"].isVisible()
    assert opened.reduce_button.isEnabled()


def test_a_night_without_results_begins_at_the_night_though_another_was_left_there(qtbot, window, night_folder):
    window.tabs.choose("Results")
    window.open_night(night_folder)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=8000)
    assert window.tabs.name == "Night"


def test_a_dropped_folder_is_opened(qtbot, window, night_folder):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(night_folder))])
    here, both = QPointF(50, 50), Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(here, Qt.DropAction.CopyAction, data, both, Qt.KeyboardModifier.NoModifier))
    qtbot.waitUntil(lambda: window.night.is_open, timeout=8000)


def test_a_folder_without_frames_is_explained_in_three_parts(qtbot, window, tmp_path):
    (tmp_path / "empty").mkdir()
    window.open_night(tmp_path / "empty")
    qtbot.waitUntil(window.notice.isVisible, timeout=8000)
    assert "no frames" in window.notice.what.text()
    assert window.notice.why.text()
    assert window.notice.hint.text()


def test_the_image_of_the_current_frame_arrives_with_its_name(qtbot, opened):
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[0], timeout=8000)
    opened.actions_by_name["next"].trigger()
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[1], timeout=8000)


def test_x_rejects_goes_on_and_ctrl_z_takes_back(qtbot, opened):
    opened.table.tree.setFocus()
    qtbot.keyClick(opened, Qt.Key.Key_X)
    assert list(opened.night.rejected) == [LIGHTS[0]]
    assert opened.night.current == LIGHTS[1]
    assert opened.night.state_of(LIGHTS[0]).word == "rejected"
    assert opened.table.model.index(1, 0).data() == "Science · M 5 · R · 10 s · 4 frames · ✕ 1 rejected"
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not opened.night.rejected
    qtbot.keyClick(opened, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert list(opened.night.rejected) == [LIGHTS[0]]


def test_a_rejected_frame_says_so_on_its_image_and_u_restores_it(qtbot, opened):
    opened.deeds.reject_for("cloud")
    opened.night.select([LIGHTS[0]])
    qtbot.waitUntil(lambda: opened.viewing.view.badge == "REJECTED · cloud · U to restore", timeout=8000)
    qtbot.keyClick(opened, Qt.Key.Key_U)
    assert opened.viewing.view.badge is None


def test_a_remedy_gives_the_unknown_frame_a_kind_and_the_plan_follows(qtbot, opened):
    assert "1 frame · of unknown kind" in map(words_of, opened.night.needs)
    button = next(b for b in opened.needs.findChildren(QPushButton) if b.text() == "Science")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert opened.night.frame("mystery.fits").kind.value == "science"
    qtbot.waitUntil(lambda: "mystery.fits" in {s.path for s in opened.night.plan.science}, timeout=3000)
    assert "1 frame · of unknown kind" not in map(words_of, opened.night.needs)


def test_editing_the_filter_of_one_selected_row_changes_all_selected(opened):
    opened.table.show_only(LIGHTS[:3])
    index = opened.table.model.index_of(LIGHTS[0])
    opened.table.model.setData(index.siblingAtColumn(column_number("filter")), "V")
    assert [opened.night.frame(path).filter for path in LIGHTS] == ["V", "V", "V", "R"]
    opened.decisions.undo()
    assert [opened.night.frame(path).filter for path in LIGHTS] == ["R"] * 4


def test_searching_leaves_the_frames_that_hold_every_word(qtbot, opened):
    qtbot.keyClick(opened, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(opened.table.search, "flat 002")
    qtbot.waitUntil(lambda: opened.table.model.ordered() == ["flat_002.fits"], timeout=2000)
    assert opened.table.count.text() == "1 of 14 frames · Esc shows all"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nosuchframe", "no frame fits · Esc shows all"),
        ("flat, fwhm > two", "'two' is no number · Esc shows all"),
        ("kind=flat, 002", "1 of 14 frames · Esc shows all"),
    ],
)
def test_under_the_list_it_is_said_why_a_search_finds_nothing_and_the_way_out(qtbot, opened, words, said):
    qtbot.keyClicks(opened.table.search, words)
    qtbot.waitUntil(lambda: opened.table.model.search_words == words, timeout=2000)
    assert opened.table.count.text() == said
    qtbot.keyClick(opened.table.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: opened.table.count.text() == "14 frames", timeout=2000)


def test_what_the_command_line_decides_appears_and_can_be_undone_here(qtbot, opened):
    place = opened.night.place
    with Logbook.open(place.output, place.night) as other:
        other.reject([LIGHTS[2]], "cloud")
    opened.night.follow_decisions()
    assert opened.night.rejected == {LIGHTS[2]: "cloud"}
    assert opened.decisions.stack.undoText() == f"reject {LIGHTS[2]}"
    opened.decisions.undo()
    assert not opened.night.rejected


def test_closing_and_opening_again_loses_nothing(qtbot, opened, remembered, night_folder):
    opened.night.select([LIGHTS[1]])
    opened.deeds.reject_for("frost")
    opened.night.select([LIGHTS[3]])
    opened.close()
    again = MainWindow(remembered)
    again.night.looks_quickly = False
    again.show()
    again.open_night(night_folder)
    qtbot.waitUntil(lambda: again.night.plan is not None, timeout=8000)
    assert again.night.rejected == {LIGHTS[1]: "frost"}
    assert again.night.current == LIGHTS[3]
    again.decisions.undo()
    assert not again.night.rejected
    again.close()


def test_a_file_that_comes_in_is_noticed_and_the_view_stays(qtbot, opened, night_folder):
    write_frame(night_folder / "light_900.fits", "light", number=77, FILTER="R", OBJECT="M 5")
    qtbot.waitUntil(lambda: opened.night.frame("light_900.fits") is not None, timeout=8000)
    assert opened.night.current == LIGHTS[0]


def test_frames_are_named_by_what_tells_them_apart(opened):
    row = opened.table.model.index_of(LIGHTS[2])
    assert row.data() == "light 002"


def test_every_action_has_a_slot_and_no_key_means_two_things(window):
    assert set(window.actions_by_name) == {spec.name for spec in ACTIONS}
    keys = [key for spec in ACTIONS for key in spec.keys]
    assert len(keys) == len(set(keys))


def test_the_palette_finds_an_action_by_its_words_and_does_it(qtbot, opened):
    opened.actions_by_name["palette"].trigger()
    palette = dialog(CommandPalette)
    qtbot.keyClicks(palette.line, "unfold log")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert opened.log.text.isVisible()


def test_the_palette_puts_what_begins_with_the_words_first(qtbot, opened):
    opened.actions_by_name["palette"].trigger()
    palette = dialog(CommandPalette)
    qtbot.keyClicks(palette.line, "re")
    found = [palette.list.topLevelItem(k).text(0) for k in range(palette.list.topLevelItemCount())]
    begin = [text.lower().startswith("re") for text in found]
    assert {"Reject", "Reduce night", "Read folder again"} <= {t for t, b in zip(found, begin, strict=True) if b}
    assert begin == sorted(begin, reverse=True)
    palette.reject()


def test_the_keys_overlay_shows_every_key(qtbot, window):
    window.actions_by_name["shortcuts"].trigger()
    page = dialog(ShortcutsOverlay)
    said = {label.text() for label in page.findChildren(QLabel)}
    native = QKeySequence.SequenceFormat.NativeText
    for spec in ACTIONS:
        if spec.keys:
            assert spec.text.rstrip("…") in said
            assert "  ".join(QKeySequence(key).toString(native) for key in spec.keys) in said
    assert {"Shift-click", "` held"} <= said
    page.reject()


def test_a_changed_setting_is_marked_refused_when_senseless_and_kept_with_the_night(qtbot, opened):
    opened.actions_by_name["settings"].trigger()
    form = dialog(SettingsDialog)
    editor = form.editors["cosmic", "sigclip"]
    editor.put("nonsense")
    assert not form.use.isEnabled()
    assert "sigclip" in form.mistake.text()
    editor.put(6.0)
    assert editor.mark.text() == "● default 4.5"
    marked = [form.sections.item(k).text() for k in range(form.sections.count())]
    assert [name for name in marked if name.endswith("●")] == ["Cosmic ●"]
    qtbot.mouseClick(form.use, Qt.MouseButton.LeftButton)
    assert opened.night.recipe.cosmic.sigclip == 6.0
    assert recipe_of(opened.night.place, None).cosmic.sigclip == 6.0  # for the command line too
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.night.recipe.cosmic.sigclip == 4.5
    qtbot.keyClick(opened, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert opened.night.recipe.cosmic.sigclip == 6.0


def test_an_output_that_cannot_be_written_is_explained_and_nothing_is_decided(opened):
    opened.night.place.output.parent.joinpath("night_reduced").write_text("a file is in the way")
    opened.actions_by_name["reject"].trigger()
    assert opened.notice.isVisible()
    assert not opened.night.rejected
    assert not opened.decisions.stack.canUndo()


def test_a_fault_in_a_slot_reaches_the_person_as_one_report_that_is_on_disk_too(qtbot, window, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    watch = CrashWatch(window)
    for number in range(3):
        watch._caught(ValueError, ValueError(f"fault {number}"), None)
        assert f"fault {number}" in fault_file().read_text(encoding="utf-8"), "before the dialog is shown"
    qtbot.waitUntil(lambda: watch.dialog is not None and "fault 2" in watch.dialog.text.toPlainText(), timeout=2000)
    assert str(fault_file()) in watch.dialog.text.toPlainText()
    watch.dialog.copy.click()
    assert "fault 0" in QApplication.clipboard().text()
    assert sys.excepthook is not watch._caught
    watch.dialog.close()


def test_a_fault_in_a_real_slot_and_in_a_thread_are_caught_and_the_window_goes_on(qtbot, opened, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    watch = CrashWatch(opened)
    watch.start()
    try:
        with qtbot.captureExceptions():
            sys.excepthook = watch._caught  # the test runner has put its own there
            QTimer.singleShot(0, lambda: 1 / 0)
            qtbot.waitUntil(lambda: watch.dialog is not None, timeout=3000)
            job = opened.jobs.job("a thread", lambda _context: {}["nothing"])
            job.start()
            qtbot.waitUntil(lambda: "KeyError" in watch.dialog.text.toPlainText(), timeout=3000)
    finally:
        watch.stop()
    assert "ZeroDivisionError" in watch.dialog.text.toPlainText()
    watch.dialog.close()
    opened.actions_by_name["next"].trigger()
    assert opened.night.current == LIGHTS[1]


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_the_window_fits_small_and_large_screens(qtbot, opened, size):
    opened.resize(*size)
    QApplication.processEvents()
    assert (opened.width(), opened.height()) == size


def test_w_asks_why_the_pixel_under_the_pointer_is_as_it_is_and_o_follows_its_star(qtbot, opened):
    view = opened.viewing.view
    qtbot.waitUntil(lambda: view.title == LIGHTS[0], timeout=8000)
    opened.actions_by_name["why"].trigger()
    assert "point at a place" in opened.log.line.full_text
    assert opened.viewing.story.path is None
    qtbot.mouseMove(view.canvas.viewport(), view._to_screen(20, 30).toPoint())
    qtbot.waitUntil(lambda: view.pointed_at is not None, timeout=2000)
    qtbot.waitUntil(lambda: opened.viewing.story._night is not None, timeout=2000)  # told it 0.4 s after opening
    qtbot.keyClick(opened, Qt.Key.Key_W)
    story = opened.viewing.story
    assert (story.path, round(story.x), round(story.y)) == (LIGHTS[0], 20, 30)
    qtbot.keyClick(opened, Qt.Key.Key_O)
    assert opened.viewing.star.place is not None
    qtbot.waitUntil(lambda: not story.is_busy and not opened.viewing.star.is_busy, timeout=8000)
    assert opened.viewing.star_strip.isVisible()
    opened.actions_by_name["back"].trigger()  # Esc
    assert not opened.viewing.star_strip.isVisible()


def test_panels_can_be_moved_floated_and_closed_and_one_action_puts_all_back(qtbot, opened):
    feature = QDockWidget.DockWidgetFeature
    for dock in opened.docks.values():
        assert dock.features() & (feature.DockWidgetMovable | feature.DockWidgetClosable) == (
            feature.DockWidgetMovable | feature.DockWidgetClosable
        )
    opened.docks["levels"].setFloating(True)
    opened.docks["header"].close()
    opened.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, opened.docks["plan"])
    opened.actions_by_name["reset_layout"].trigger()
    assert not opened.docks["levels"].isFloating()
    assert not opened.docks["header"].isHidden()
    assert opened.dockWidgetArea(opened.docks["plan"]) == Qt.DockWidgetArea.RightDockWidgetArea


def test_how_the_window_is_is_kept_a_moment_after_it_changed_without_closing(qtbot, opened, remembered, night_folder):
    opened.viewing.levels.set_range(900.0, 1300.0)
    opened.night.select([LIGHTS[2]])
    opened.docks["inspect"].close()
    qtbot.waitUntil(lambda: not opened.keeper.is_waiting, timeout=3000)
    written = QSettings(remembered._settings.fileName(), QSettings.Format.IniFormat)
    again = Remembered(written)
    assert again.frame(opened.night.place.night) == LIGHTS[2]
    assert json.loads(again.word("levels", ""))["lo"] == 900.0
    assert again.state("layout") == opened.saveState(LAYOUT_VERSION)


def test_what_is_measured_meanwhile_does_not_put_off_the_writing(qtbot, opened):
    opened.keeper.keep()
    opened.remembered.sync()
    for signal in (opened.viewing.timeline_model.changed, opened.viewing.steps.changed):
        signal.emit()
    assert not opened.keeper.is_waiting
    opened.viewing.timeline_model.set_against("background")
    assert opened.keeper.is_waiting


def test_when_a_run_has_ended_the_steps_look_for_masters_again(qtbot, opened):
    told = []
    opened.night.plan_changed.connect(lambda: told.append(1))
    opened.night.end_run(None)
    qtbot.waitUntil(lambda: bool(told), timeout=3000)


def test_steps_of_a_frame_of_another_night_are_not_computed_before_its_plan_is_known(qtbot, opened):
    steps, story = opened.viewing.steps, opened.viewing.story
    steps.choose("trim")
    qtbot.waitUntil(lambda: not steps.is_busy and story._night is not None, timeout=8000)
    steps.set_frame("of_the_next_night.fits")
    story.ask("of_the_next_night.fits", 3, 3)
    assert not steps.is_busy
    assert not story.is_busy
    opened.viewing._night_changed()
    assert steps.names()
    steps.set_frame(LIGHTS[1])
    assert not steps.is_busy, "the plan tells it the night first"


def test_where_no_file_manager_answers_the_folder_is_named_and_its_path_offered(qtbot, opened, monkeypatch):
    opened.deeds.reject_for("cloud")
    asked = []
    monkeypatch.setattr("astep_gui.outside.QDesktopServices.openUrl", lambda url: bool(asked.append(url.toLocalFile())))
    opened.night.select([LIGHTS[1]])
    for action, folder in (("show_results", opened.night.place.output), ("reveal", opened.night.place.night)):
        opened.actions_by_name[action].trigger()
        assert asked.pop() == str(folder)
        assert f"cannot open the folder {folder}" in opened.notice.what.text().replace("\u200b", "")
        assert f"cannot open the folder {folder}" in opened.log.text.toPlainText()
        assert "cannot open" not in opened.log.line.full_text, "it is said once"
        qtbot.mouseClick(opened.notice.copy_path, Qt.MouseButton.LeftButton)
        assert QApplication.clipboard().text() == str(folder)
        opened.notice.clear()


def test_a_repaint_holds_pythons_lock_throughout_and_asks_for_no_frame_twice(qtbot, opened, monkeypatch):
    """Else each cell waits for the lock anew while a thread is at work."""
    within, asked = [], []
    paint, state_of, states = RowDelegate.paint, opened.night.state_of, opened.table.model.states

    def watched(delegate, painter, option, index):
        frame, names = sys._getframe(), []
        while frame is not None:
            names.append(frame.f_code.co_qualname)
            frame = frame.f_back
        within.append(names)
        paint(delegate, painter, option, index)

    qtbot.wait(100)  # what is painted at first
    monkeypatch.setattr(RowDelegate, "paint", watched)
    monkeypatch.setattr(states, "_state_of", lambda path: (asked.append(path), state_of(path))[1])
    opened.table.tree.viewport().update()
    qtbot.waitUntil(lambda: bool(within), timeout=5000)
    assert len(within) > 20, "cells"
    assert all("MainWindow.event" in names for names in within)
    assert len(asked) == len(set(asked)) > 3
