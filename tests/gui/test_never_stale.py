"""What is kept for the thousands of rows of a long night is never old: states, groups, names, what a search finds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt6.QtCore import QItemSelectionModel, Qt
from PyQt6.QtWidgets import QApplication

from astep_gui.models import folder_watch, night_model
from astep_gui.models.frame_columns import column_number
from astep_gui.models.frame_table_model import MANY
from astep_gui.models.sky_words import SkyStatus
from pipeline_core.errors import NightError
from pipeline_core.logbook import Logbook
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.recipe_file import RECIPE_FILE
from tests.gui.nights import write_frame

PATIENCE_MS = 8000
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
SOLVED = SkyStatus("✓", "solved", "good", short="solved")
FRAME = LIGHTS[1]
CLOUD = Flag("cloud", "cloud: stars are 0.84 mag fainter")
SOLVED = SkyStatus("✓", "solved", "good", short="solved")
CTRL = Qt.KeyboardModifier.ControlModifier


def judged(path=FRAME, *flags, fwhm_px=2.5):
    return QualityRow(path, ScienceMeasures("quick", "ADU", fwhm_px=fwhm_px), flags=flags)


def afresh(night, path=FRAME):
    """The state as it is when nothing was kept."""
    night._states.clear()
    return night.state_of(path)


CHANGES = {
    "rejected": lambda window: window.decisions.reject([FRAME], "wind"),
    "accepted": lambda window: window.decisions.accept([FRAME], "good enough"),
    "of another kind": lambda window: window.decisions.set_field([FRAME], "kind", "other"),
    "of unknown kind": lambda window: window.decisions.set_field([FRAME], "kind", "unknown"),
    "judged": lambda window: window.night._take_rows([judged(FRAME, CLOUD)]),
    "judged good": lambda window: window.night._take_rows([judged()]),
    "failed": lambda window: window.night.frame_failed(FRAME, "the disk is full"),
    "calibrated": lambda window: window.night.frames_finished([FRAME]),
    "left out": lambda window: window.night.left_out.update({FRAME: "no dark of 10 s"}),
    "found otherwise": lambda window: window.night.judgements.first_said.update({FRAME: "cloud"}),
    "solved": lambda window: setattr(
        window.night, "sky_words", {FRAME: SkyStatus("✓", "solved", "good", short="solved")}
    ),
    "waited for": lambda window: window.night.looking.wait_for_image(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_state_follows_whatever_it_is_made_of(opened, change):
    before = opened.night.state_of(FRAME)
    CHANGES[change](opened)
    kept = opened.night.state_of(FRAME)
    assert kept != before
    assert kept == afresh(opened.night)


def test_a_state_is_made_out_once_while_nothing_of_it_changes(opened):
    assert opened.night.state_of(FRAME) is opened.night.state_of(FRAME)
    other = opened.night.state_of(LIGHTS[0])
    opened.decisions.reject([FRAME], "wind")
    assert opened.night.state_of(LIGHTS[0]) is other, "another frame's decision is none of its business"


def test_a_state_comes_back_with_undo_and_goes_with_redo(opened):
    usual = opened.night.state_of(FRAME)
    opened.decisions.reject([FRAME], "wind")
    opened.decisions.undo()
    assert opened.night.state_of(FRAME) == usual
    opened.decisions.redo()
    assert opened.night.state_of(FRAME).words == "✕ rejected: wind"


def test_what_the_command_line_decides_while_decisions_are_read_is_told_of_its_frame(opened, monkeypatch):
    opened.decisions.reject([FRAME], "wind")
    night, told = opened.night, []
    asked = night.logbook.subjects_since

    def asked_while_another_decides(last_id):
        found = asked(last_id)
        with Logbook.open(night.place.output) as other:
            other.reject([LIGHTS[2]], "cloud")
        monkeypatch.undo()
        return found

    night.frames_changed.connect(told.extend)
    monkeypatch.setattr(night.logbook, "subjects_since", asked_while_another_decides)
    opened.decisions.accept([FRAME])
    night.follow_decisions()
    assert LIGHTS[2] in night.rejected
    assert LIGHTS[2] in told


def test_another_night_begins_without_the_states_of_the_one_before(opened):
    opened.decisions.reject([FRAME], "wind")
    opened.night.state_of(FRAME)
    opened.night.close()
    assert not opened.night._states


def test_a_row_changes_its_group_with_an_edit_and_comes_back_with_undo(opened):
    model = opened.table.model
    before = model.group_of(FRAME)
    opened.decisions.set_field([FRAME], "filter", "V")
    assert model.group_of(FRAME) == [FRAME]
    opened.decisions.undo()
    assert model.group_of(FRAME) == before


def test_rows_are_not_made_anew_for_what_changes_no_group(qtbot, opened):
    with qtbot.assertNotEmitted(opened.table.model.rebuilt):
        opened.decisions.reject([FRAME], "wind")
        opened.decisions.set_field([FRAME], "temperature_c", -25.0)


def test_names_follow_a_night_that_grows(qtbot, opened, night_folder):
    model = opened.table.model
    write_frame(night_folder / "field_001.fits", "light", number=60, FILTER="R", OBJECT="M 5")
    opened.night.refresh()
    qtbot.waitUntil(lambda: opened.night.frame("field_001.fits") is not None, timeout=PATIENCE_MS)
    named = {path: model.data(model.index_of(path)) for path in ("field_001.fits", FRAME)}
    assert named["field_001.fits"].startswith("field"), "two families stand in one group now"
    assert named[FRAME].startswith("light")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("cloud", [LIGHTS[1]]),
        ("-cloud light", [LIGHTS[0], LIGHTS[2], LIGHTS[3]]),
        ("state:cloud", [LIGHTS[1]]),
        ("fwhm>3", [LIGHTS[2]]),
        ("fwhm<3 light -cloud", []),
    ],
)
def test_a_search_finds_what_is_known_now_and_again_when_it_is_another(opened, words, found):
    model, night = opened.table.model, opened.night
    model.search(words)  # all is kept now
    model.search("")
    night._take_rows([judged(LIGHTS[1], CLOUD), judged(LIGHTS[2], fwhm_px=3.5)])
    model.search(words)
    assert model.ordered() == found
    night._take_rows([replace(judged(LIGHTS[1]), flags=()), judged(LIGHTS[2])])
    model.search("")
    model.search(words)
    calm = {"-cloud light": LIGHTS, "fwhm<3 light -cloud": LIGHTS[1:3]}
    assert model.ordered() == calm.get(words, [])


def test_a_search_by_state_follows_decisions(opened):
    model = opened.table.model
    opened.decisions.reject(LIGHTS[:2], "wind")
    model.search("rejected")
    assert model.ordered() == LIGHTS[:2]
    opened.decisions.undo()
    model.search("")
    model.search("rejected")
    assert model.ordered() == []


def test_rows_are_sorted_by_the_values_of_now_and_what_is_not_known_stands_last(opened):
    model, column = opened.table.model, column_number("fwhm")
    opened.night._take_rows(
        [judged(path, fwhm_px=fwhm) for path, fwhm in zip(LIGHTS[:3], (3.0, 2.0, 4.0), strict=True)]
    )
    model.sort(column)
    assert model.group_of(FRAME) == [LIGHTS[1], LIGHTS[0], LIGHTS[2], LIGHTS[3]]
    opened.night._take_rows([judged(LIGHTS[1], fwhm_px=5.0)])
    model.sort(column, Qt.SortOrder.DescendingOrder)
    assert model.group_of(FRAME) == [LIGHTS[1], LIGHTS[2], LIGHTS[0], LIGHTS[3]]


@pytest.fixture
def long_night(qtbot, window, tmp_path):
    """A window with more frames than are in sight, and than are said to have changed one by one."""
    folder = tmp_path / "long"
    for k in range(MANY + 10):
        write_frame(folder / f"light_{k:03d}.fits", "light", number=k, FILTER="R", OBJECT="M 5")
    window.open_night(folder)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    return window


def test_rows_are_laid_out_once_when_they_are_sorted(long_night, monkeypatch):
    """Each is asked for once: 5,000 rows that are laid out twice stop the window for 50 ms more."""
    model, asked = long_night.table.model, []
    index = type(model).index
    monkeypatch.setattr(type(model), "index", lambda self, *place: (asked.append(place[0]), index(self, *place))[1])
    long_night.table.tree.sortByColumn(column_number("name"), Qt.SortOrder.AscendingOrder)
    QApplication.processEvents()
    assert asked.count(MANY) == 1


def test_all_frames_are_selected_by_a_key_with_the_groups_that_are_folded(qtbot, opened):
    tree, model = opened.table.tree, opened.table.model
    folded = model.index(0, 0)
    tree.collapse(folded)
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_A, CTRL)
    assert set(opened.night.selection) == {frame.path for frame in opened.night.frames}
    below = model.index(0, 0, folded)
    assert not tree.selectionModel().isSelected(below), "a folded group is selected by its heading"


def test_all_frames_that_a_search_leaves_are_selected_in_a_flat_list(qtbot, opened):
    opened.table.grouped.click()
    opened.table.model.search("light")
    opened.table.tree.selectAll()
    assert set(opened.night.selection) == set(LIGHTS)


def test_a_selection_of_all_can_be_changed_row_by_row(opened):
    tree, model = opened.table.tree, opened.table.model
    tree.selectAll()
    flags = QItemSelectionModel.SelectionFlag
    heads = [model.index(row, 0) for row in range(len(model.groups))]
    for index in (*heads, model.index_of(FRAME)):
        tree.selectionModel().select(index, flags.Deselect | flags.Rows)
    assert set(opened.night.selection) == {frame.path for frame in opened.night.frames} - {FRAME}


def test_headings_and_marks_follow_a_decision_about_hundreds(qtbot, long_night):
    model, paths = long_night.table.model, [frame.path for frame in long_night.night.frames]
    with qtbot.waitSignal(model.many_changed):
        long_night.decisions.reject(paths, "wind")
    assert model.data(model.index(0, 0)).endswith(f"✕ {len(paths)} rejected")
    assert model.data(model.index_of(paths[7]).siblingAtColumn(column_number("state"))) == "✕ wind"


def test_the_frames_of_a_reason_are_named_in_the_plan_when_it_is_unfolded_and_stay_unfolded(qtbot, opened):
    def reason():
        lines = [
            line for line in opened.plan_panel._lines() if "unknown" in line.text(0) or "taken for" in line.text(0)
        ]
        return next(line for line in lines if line.parent() is not None)

    assert reason().childCount() == 0
    reason().setExpanded(True)
    assert [reason().child(k).text(0) for k in range(reason().childCount())] == ["mystery.fits"]
    opened.plan_panel.follow()
    assert [reason().child(k).text(0) for k in range(reason().childCount())] == ["mystery.fits"]


def test_a_logbook_that_cannot_be_asked_for_a_while_is_followed_again_and_its_trouble_said_once(
    opened, qtbot, monkeypatch
):
    """It was never asked again: what the command line decided from then on did not appear."""
    night, told = opened.night, []
    opened.decisions.reject([FRAME], "wind")
    night.problem.connect(told.append)
    monkeypatch.setattr(night_model, "AGAIN_MS", 50)

    def locked():
        raise NightError("cannot read the logbook", "another program holds it", "close it")

    with monkeypatch.context() as while_locked:
        while_locked.setattr(night.logbook, "last_id", locked)
        for _ in range(3):
            night.follow_decisions()
        with Logbook.open(night.place.output) as other:
            other.reject([LIGHTS[2]], "cloud")
    qtbot.waitUntil(lambda: LIGHTS[2] in night.rejected, timeout=5_000)
    assert [error.why for error in told] == ["another program holds it"]


def test_a_decision_that_could_not_be_taken_over_is_taken_over_later(opened, monkeypatch):
    night = opened.night
    opened.decisions.reject([FRAME], "wind")
    with Logbook.open(night.place.output) as other:
        other.reject([LIGHTS[2]], "cloud")

    def locked():
        raise NightError("cannot read the logbook", "another program holds it", "close it")

    with monkeypatch.context() as while_locked:
        while_locked.setattr(night.logbook, "rejected", locked)
        night.follow_decisions()
    assert LIGHTS[2] not in night.rejected
    night.follow_decisions()
    assert LIGHTS[2] in night.rejected


def test_frames_that_come_in_while_the_logbook_cannot_be_asked_are_shown_once_it_can(opened, qtbot, monkeypatch):
    night, told, new = opened.night, [], "light_009.fits"
    opened.decisions.reject([FRAME], "wind")
    night.problem.connect(told.append)
    monkeypatch.setattr(folder_watch, "LOOK_MS", 100)
    monkeypatch.setattr(folder_watch, "GROWN_MS", 100)

    def locked():
        raise NightError("cannot read the logbook", "another program holds it", "close it")

    with monkeypatch.context() as while_locked:
        while_locked.setattr(night.logbook, "rejected", locked)
        write_frame(night.place.night / new, "light", number=50, level=1200, FILTER="R", OBJECT="M 5")
        qtbot.waitUntil(lambda: bool(told), timeout=8_000)
        assert night.frame(new) is None
        assert FRAME in night.rejected
    qtbot.waitUntil(lambda: opened.table.model.index_of(new).isValid(), timeout=8_000)
    assert [error.why for error in told] == ["another program holds it"]


def test_a_night_whose_logbook_cannot_be_asked_is_shown_undecided_and_decided_later(
    window, night_folder, qtbot, monkeypatch
):
    with Logbook.open(night_folder.parent / "night_reduced", night_folder) as logbook:
        logbook.reject([LIGHTS[2]], "cloud")
    monkeypatch.setattr(night_model, "AGAIN_MS", 50)

    def locked(_self):
        raise NightError("cannot read the logbook", "another program holds it", "close it")

    with monkeypatch.context() as while_locked:
        while_locked.setattr(Logbook, "rejected", locked)
        window.open_night(night_folder)
        qtbot.waitUntil(lambda: window.table.model.index_of(LIGHTS[2]).isValid(), timeout=8_000)
        assert LIGHTS[2] not in window.night.rejected
    qtbot.waitUntil(lambda: LIGHTS[2] in window.night.rejected, timeout=8_000)


@pytest.mark.parametrize("door", ["_logbook_of", "decided_recipe"])
def test_settings_of_the_last_run_are_taken_over_once_a_locked_logbook_can_be_asked(
    window, night_folder, qtbot, monkeypatch, door
):
    """They were the defaults from then on, and the next run made all anew by those."""
    output = night_folder.parent / "night_reduced"
    output.mkdir()
    (output / RECIPE_FILE).write_text('[combine]\nclip = "none"\n')
    Logbook.open(output, night_folder).close()
    monkeypatch.setattr(night_model, "AGAIN_MS", 50)

    def locked(*_):
        raise NightError("cannot read the logbook", "another program holds it", "close it")

    with monkeypatch.context() as while_locked:
        while_locked.setattr(night_model.NightModel if door == "_logbook_of" else night_model, door, locked)
        window.open_night(night_folder)
        qtbot.waitUntil(lambda: window.table.model.index_of(LIGHTS[2]).isValid(), timeout=8_000)
    qtbot.waitUntil(lambda: window.night.recipe.combine.clip == "none", timeout=5_000)


def test_a_decision_for_which_the_logbook_can_neither_be_written_nor_read_is_said_not_to_be_made(opened, monkeypatch):
    """What is asked of it then to set undo right failed too, and reached nobody as words."""
    night, told = opened.night, []
    opened.decisions.reject([FRAME], "wind")
    before = opened.decisions.last_step
    opened.decisions.problem.connect(told.append)

    def locked(*_, **__):
        raise NightError("cannot write the logbook", "another program holds it", "close it")

    with monkeypatch.context() as while_locked:
        for deed in ("decide_all", "steps", "last_id"):
            while_locked.setattr(night.logbook, deed, locked)
        opened.decisions.reject([LIGHTS[2]], "cloud")
        opened.night.history_changed.emit()
    assert "another program holds it" in {error.why for error in told}
    assert set(night.rejected) == {FRAME}
    assert opened.decisions.last_step == before
