"""Deciding by keys and mouse: where one lands, what the status line says, what a double click offers."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QMenu, QPushButton

from astep_gui.models.frame_columns import column_number
from astep_gui.models.needs import Need, Remedy
from pipeline_core.decisions import REFERENCE_REJECTED
from pipeline_core.errors import NightError
from pipeline_core.logbook import Logbook
from pipeline_core.survey import Survey
from tests.gui.nights import write_frame

LEFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


def test_x_goes_on_to_the_next_frame_that_is_not_rejected_already(opened, qtbot):
    opened.decisions.reject([LIGHTS[1], LIGHTS[2]])
    opened.night.select([LIGHTS[0]])
    qtbot.keyClick(opened, Qt.Key.Key_X)
    assert opened.night.current == LIGHTS[3]


def test_undo_and_redo_go_to_the_frame_they_are_about(opened, qtbot):
    opened.night.select([LIGHTS[1]])
    qtbot.keyClick(opened, Qt.Key.Key_X)
    opened.night.select([LIGHTS[3]])
    qtbot.keyClick(opened, Qt.Key.Key_Z, CONTROL)
    assert opened.night.current == LIGHTS[1]
    assert not opened.night.rejected
    opened.night.select([LIGHTS[3]])
    qtbot.keyClick(opened, Qt.Key.Key_Y, CONTROL)
    assert opened.night.current == LIGHTS[1]


def test_undo_of_several_frames_selects_them_all(opened, qtbot):
    opened.decisions.reject(LIGHTS[1:3], "cloud")
    opened.night.select([LIGHTS[0]])
    qtbot.keyClick(opened, Qt.Key.Key_Z, CONTROL)
    assert sorted(opened.night.selection) == LIGHTS[1:3]


def test_undo_of_a_chosen_master_selects_no_frames_that_the_next_key_would_hit(opened, qtbot):
    opened.decisions.set_field(LIGHTS[1:3], "flat", "none")
    opened.night.select([LIGHTS[0]])
    for key in (Qt.Key.Key_Z, Qt.Key.Key_Y):
        qtbot.keyClick(opened, key, CONTROL)
        assert list(opened.night.selection) == [LIGHTS[0]]
    opened.decisions.set_field(LIGHTS[1:3], "filter", "V")
    qtbot.keyClick(opened, Qt.Key.Key_Z, CONTROL)
    assert sorted(opened.night.selection) == LIGHTS[1:3]


def decided_elsewhere(window):
    """Let the command line decide something, of which the window has not heard yet."""
    with Logbook.open(window.night.place.output) as logbook:
        logbook.decide([LIGHTS[1]], "filter", "V")


def test_undo_says_what_it_took_back_though_the_command_line_decided_a_moment_ago(opened, qtbot):
    opened.decisions.reject([LIGHTS[0]], "cloud")
    decided_elsewhere(opened)
    qtbot.keyClick(opened, Qt.Key.Key_Z, CONTROL)
    assert opened.log.line.full_text == f"taken back: filter = V for {LIGHTS[1]}"
    assert LIGHTS[0] in opened.night.rejected


def test_an_undo_that_is_offered_for_one_answer_takes_back_nothing_that_was_decided_since(opened):
    opened.deeds.remedy(Need("two", "why", tuple(LIGHTS[2:]), ()), Remedy("Reject", "reject", value="cloud"))
    decided_elsewhere(opened)
    opened.deeds.remedy(Need("two", "why", tuple(LIGHTS[2:]), ()), Remedy("Undo", "undo"))
    assert opened.night.frame(LIGHTS[1]).filter == "V"
    assert set(opened.night.rejected) == set(LIGHTS[2:])
    assert "other decisions came after it" in opened.log.line.full_text


def test_to_take_the_saturation_back_takes_back_nothing_else(opened):
    opened.deeds.set_saturation(50_000.0)
    decided_elsewhere(opened)
    opened.deeds.undo_saturation()
    assert opened.night.recipe.calibrate.saturation_adu is None
    assert opened.night.frame(LIGHTS[1]).filter == "V"


def test_what_was_taken_back_is_not_said_to_be_done_again_once_something_else_was_decided(opened, qtbot):
    opened.decisions.reject([LIGHTS[0]], "cloud")
    qtbot.keyClick(opened, Qt.Key.Key_Z, CONTROL)
    decided_elsewhere(opened)
    opened.decisions.redo()
    assert not opened.night.rejected
    assert "done again" not in opened.log.line.full_text


def test_what_the_command_line_took_back_already_is_not_said_to_be_taken_back_again(opened):
    opened.decisions.reject([LIGHTS[0]], "cloud")
    with Logbook.open(opened.night.place.output) as logbook:
        logbook.undo()
    opened.decisions.undo()
    assert not opened.night.rejected
    assert not opened.log.line.full_text.startswith("taken back")


def test_the_status_line_says_what_was_just_decided_and_how_it_is_taken_back(opened, qtbot):
    line = opened.log.line
    opened.decisions.reject([LIGHTS[1]], "cloud")
    assert line.full_text == "light 001 rejected · cloud · Ctrl+Z takes it back; Shift+X asks for the reason"
    opened.decisions.accept(LIGHTS[1:3])
    assert line.full_text == "2 frames accepted · Ctrl+Z takes it back"
    qtbot.keyClick(opened, Qt.Key.Key_Z, CONTROL)
    assert line.full_text == "taken back: accept 2 frames"
    opened.decisions.set_field([LIGHTS[2]], "filter", "V")
    assert line.full_text == f"filter = V for {LIGHTS[2]} · Ctrl+Z takes it back"


def test_a_key_that_rejected_many_frames_says_how_many_and_the_way_back(opened, qtbot):
    opened.table.show_only(LIGHTS[:3])
    opened.table.tree.setFocus()
    qtbot.keyClick(opened.table.tree, Qt.Key.Key_X)
    assert opened.log.line.full_text.startswith("3 frames rejected")
    assert opened.log.line.full_text.endswith(" · Ctrl+Z takes it back; Shift+X asks for the reason")
    qtbot.keyClick(opened, Qt.Key.Key_Z, CONTROL)
    assert not opened.night.rejected


def menu():
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible())


@pytest.mark.parametrize(
    ("path", "column"), [(LIGHTS[1], "name"), ("mystery.fits", "state"), ("flat_001.fits", "name")]
)
def test_a_double_click_on_a_row_offers_its_kind_and_filter(opened, qtbot, path, column):
    tree = opened.table.tree
    index = opened.table.model.index_of(path).siblingAtColumn(column_number(column))
    tree.scrollTo(index)
    at = tree.visualRect(index).center()
    qtbot.mouseClick(tree.viewport(), LEFT, pos=at)
    QTest.mouseDClick(tree.viewport(), LEFT, pos=at)
    offers = {action.text(): action for action in menu().actions()}
    assert menu().actions()[0].text() == f"Kind of {path}"
    assert {"science", "dark", "flat", "bias", "R", "Another filter…"} <= set(offers)
    now = opened.night.frame(path).kind.value
    assert {words for words, action in offers.items() if action.isChecked()} <= {now, "R"}
    offers["dark"].trigger()
    menu().close()
    assert opened.night.frame(path).kind.value == "dark"
    qtbot.keyClick(opened, Qt.Key.Key_Z, CONTROL)
    assert opened.night.frame(path).kind.value == now


def test_flats_without_a_dark_can_go_without_and_are_asked_about_no_more(qtbot, window, tmp_path):
    folder = tmp_path / "night"
    for k in range(3):
        write_frame(folder / f"bias_{k:03d}.fits", "bias", number=k)
        write_frame(folder / f"dark_{k:03d}.fits", "dark", number=10 + k, level=1010)
        write_frame(folder / f"flat_{k:03d}.fits", "flat", number=20 + k, level=20000, FILTER="R", EXPTIME=400.0)
        write_frame(folder / f"light_{k:03d}.fits", "light", number=30 + k, level=1200, FILTER="R")
    window.open_night(folder)
    qtbot.waitUntil(lambda: window.night.plan is not None and bool(asked(window)), timeout=8000)
    need = asked(window)[0]
    button = next(b for b in window.needs.findChildren(QPushButton) if b.text() == "Go without" and b.isVisible())
    qtbot.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: not asked(window), timeout=8000)
    master = next(m for m in window.night.plan.masters if m.kind == "flat")
    assert set(master.frames) == set(need.paths)
    assert not [words for words in master.warnings if "dark" in words]


def asked(window):
    return [need for need in window.night.needs if need.title.startswith("flat_R: No dark")]


def test_show_selects_all_frames_that_a_need_is_about(opened):
    opened.deeds.remedy(Need("three", "why", tuple(LIGHTS[:3]), ()), Remedy("Show", "show"))
    assert list(opened.night.selection) == LIGHTS[:3]
    assert opened.table.selected_paths() == LIGHTS[:3]


@pytest.mark.parametrize("key", [Qt.Key.Key_R, Qt.Key.Key_S])
def test_escape_shows_all_frames_again_as_the_count_below_the_list_says(opened, qtbot, key):
    opened.decisions.reject([LIGHTS[1]])
    modifier = Qt.KeyboardModifier.ShiftModifier if key == Qt.Key.Key_R else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(opened, key, modifier)
    assert "Esc shows all" in opened.table.count.text()
    qtbot.keyClick(opened, Qt.Key.Key_Escape)
    assert opened.table.model.count == len(opened.night.frames)
    assert "Esc" not in opened.table.count.text()
    assert not opened.actions_by_name["show_rejected"].isChecked()
    assert not opened.actions_by_name["show_suspects"].isChecked()


def test_a_long_history_that_another_program_wrote_is_followed_once_and_undo_reaches_over_it(opened, qtbot):
    opened.decisions.reject([LIGHTS[0]])
    with Logbook.open(opened.night.place.output) as logbook:
        for k in range(30):
            logbook.decide([LIGHTS[1]], "filter", f"F{k}")
        logbook.undo(2)
    followed = []
    opened.decisions.stack.indexChanged.connect(followed.append)
    opened.night.follow_decisions()
    stack = opened.decisions.stack
    assert followed == [29]
    assert (stack.count(), stack.index(), stack.undoText()) == (31, 29, f"filter = F27 for {LIGHTS[1]}")
    undo, redo = (opened.actions_by_name[name] for name in ("undo", "redo"))
    assert (undo.text(), redo.text()) == (f"Undo filter = F27 for {LIGHTS[1]}", f"Redo filter = F28 for {LIGHTS[1]}")
    undo.trigger()
    assert opened.night.frame(LIGHTS[1]).filter == "F26"
    redo.trigger()
    redo.trigger()
    assert opened.night.frame(LIGHTS[1]).filter == "F28"


def test_a_closed_night_has_nothing_to_undo(opened):
    opened.decisions.reject([LIGHTS[0]])
    assert opened.actions_by_name["undo"].isEnabled()
    opened.night.close()
    assert not opened.actions_by_name["undo"].isEnabled()


def test_a_key_that_rejects_the_reference_names_the_frame_and_the_way_back(opened, qtbot):
    """A letter that was meant for the search box rejected a frame, and only "the reference is rejected" was said."""
    opened.night._take_survey(Survey(references=frozenset({LIGHTS[1]})))
    opened.night.select([LIGHTS[1]])
    opened.table.tree.setFocus()
    qtbot.keyClick(opened.table.tree, Qt.Key.Key_X)
    said = opened.log.line.full_text
    assert said.startswith("light 001 rejected (it was the reference: quality chooses another at the next update)")
    assert " · Ctrl+Z takes it back" in said
    moved = Survey(references=frozenset({LIGHTS[1]}), realigned={"field": REFERENCE_REJECTED})
    opened.night._take_survey(moved)
    assert opened.log.line.full_text == said, "what is looked up afterwards says it no second time"
    opened.decisions.undo()
    opened.decisions.reject(LIGHTS[:3])
    said = opened.log.line.full_text
    assert said.startswith("3 frames rejected (light 001 was the reference: quality chooses another")


def test_a_reference_that_is_rejected_elsewhere_is_named(opened, qtbot):
    opened.decisions.reject([LIGHTS[3]])  # so that there is a logbook
    with Logbook.open(opened.night.place.output, opened.night.place.night) as logbook:
        logbook.reject([LIGHTS[0]], "wind")
    qtbot.waitUntil(lambda: LIGHTS[0] in opened.night.rejected, timeout=30_000)
    moved = Survey(references=frozenset({LIGHTS[0]}), realigned={"field": REFERENCE_REJECTED})
    for _ in range(2):
        opened.night._take_survey(moved)
    assert opened.log.text.toPlainText().count(f"light 000: {REFERENCE_REJECTED}") == 1


def test_a_frame_that_is_accepted_or_rejected_already_is_named(opened):
    for deed, said in ((opened.decisions.accept, "accepted already"), (opened.decisions.reject, "already rejected")):
        deed([LIGHTS[2]])
        deed([LIGHTS[2]])
        assert opened.log.line.full_text.startswith(f"light 002 is {said}")
    opened.decisions.accept([LIGHTS[2]])
    assert opened.log.line.full_text == "light 002 accepted · Ctrl+Z takes it back"


def test_what_the_logbook_does_not_take_is_not_said_to_be_done_and_no_undo_of_it_takes_back_another(
    opened, monkeypatch
):
    """It was said to be rejected, and Ctrl+Z then took back the decision before it."""
    decisions, said, told = opened.decisions, [], []
    decisions.reject([LIGHTS[0]], "cloud")
    decisions.said.connect(said.append)
    decisions.problem.connect(told.append)

    def full(*_, **__):
        raise NightError("cannot write the logbook", "the disk is full", "free some space")

    for deed, act in (
        ("decide_all", lambda: decisions.reject([LIGHTS[1]], "wind")),
        ("undo", decisions.undo),
    ):
        with monkeypatch.context() as while_full:
            while_full.setattr(opened.night.logbook, deed, full)
            act()
        assert [error.why for error in told] == ["the disk is full"]
        assert said == []
        assert set(opened.night.rejected) == {LIGHTS[0]}
        assert decisions.last_step == (1, f"reject {LIGHTS[0]}")
        told.clear()
    decisions.undo()
    with monkeypatch.context() as while_full:
        while_full.setattr(opened.night.logbook, "redo", full)
        decisions.redo()
    assert [error.why for error in told] == ["the disk is full"]
    assert not opened.night.rejected
    decisions.redo()
    assert set(opened.night.rejected) == {LIGHTS[0]}
