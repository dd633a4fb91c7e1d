"""Why a frame is rejected: what speaks most against it, wherever X is pressed, unless a person says another reason."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QInputDialog

from pipeline_core.measures import Flag, QualityRow, ScienceMeasures

LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
FLAGS = (Flag("haloes", "haloes: a little", "suspect"), Flag("trailed", "trailed: much", "bad"))


@pytest.fixture
def judged(opened):
    """The window on a night of which two frames are trailed, and have haloes."""
    for path in LIGHTS[1:3]:
        measures = ScienceMeasures("quick", "ADU", fwhm_px=2.5)
        opened.night.judgements.take_rows([QualityRow(path, measures, flags=FLAGS)])
    opened.night.quality_changed.emit()
    return opened


@pytest.fixture
def asked(monkeypatch):
    """What the dialog was opened with; it answers with the reason that stands first, or with ``asked["answer"]``."""
    seen = {}

    def answer(_parent, _title, words, reasons, current, _editable):
        seen.update(words=words, first=reasons[current], reasons=reasons)
        return seen.get("answer", reasons[current]), True

    monkeypatch.setattr(QInputDialog, "getItem", answer)
    return seen


def press_shift_x(qtbot, window, paths):
    window.night.select(paths)
    qtbot.keyClick(window, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)


def test_the_dialog_names_the_frame_and_begins_with_its_gravest_cause(qtbot, judged, asked):
    press_shift_x(qtbot, judged, [LIGHTS[1]])
    assert asked["words"] == "Why light 001 is rejected"
    assert asked["first"] == "trailed"
    assert asked["reasons"].count("trailed") == 1
    assert judged.night.rejected == {LIGHTS[1]: "trailed"}


def test_of_several_frames_it_says_how_many(qtbot, judged, asked):
    press_shift_x(qtbot, judged, LIGHTS[:3])
    assert asked["words"] == "Why 3 frames are rejected"
    assert asked["first"] == "trailed"


def test_what_was_chosen_last_is_offered_only_where_nothing_is_suggested(qtbot, judged, asked):
    asked["answer"] = "satellite"
    press_shift_x(qtbot, judged, [LIGHTS[0]])
    assert asked["first"] == "cloud"  # nothing was chosen yet
    press_shift_x(qtbot, judged, [LIGHTS[3]])
    assert asked["first"] == "satellite"
    press_shift_x(qtbot, judged, [LIGHTS[1]])
    assert asked["first"] == "trailed"


def test_x_in_a_blink_gives_the_same_reason_as_x_in_the_list(qtbot, judged):
    viewing = judged.viewing
    judged.night.select([LIGHTS[1]])
    viewing.toggle_blink(LIGHTS)
    qtbot.waitUntil(lambda: viewing.blink.current is not None, timeout=8000)
    viewing.blink.pause()
    viewing.blink.go(1)
    qtbot.waitUntil(lambda: viewing.blink.current.key[1] == LIGHTS[1], timeout=8000)
    viewing.blink_bar.reject_asked.emit(viewing.blink.current.key)
    viewing.end_blink()
    judged.night.select([LIGHTS[2]])
    qtbot.keyClick(judged, Qt.Key.Key_X)
    assert judged.night.rejected == dict.fromkeys(LIGHTS[1:3], "trailed")


def test_x_over_frames_of_which_one_was_rejected_for_a_written_reason_leaves_that_reason(qtbot, judged):
    judged.decisions.reject(LIGHTS[1:2], "tracking lost at 03:10")
    judged.night.select(LIGHTS[1:3])
    qtbot.keyClick(judged, Qt.Key.Key_X)
    assert judged.night.rejected == {LIGHTS[1]: "tracking lost at 03:10", LIGHTS[2]: "trailed"}
    judged.decisions.reject(LIGHTS[1:2], "wind", anew=True)
    assert judged.night.rejected[LIGHTS[1]] == "wind", "a person may say another"


def test_x_on_a_rejected_frame_keeps_the_reason_says_so_and_goes_on(qtbot, judged, asked):
    asked["answer"] = "clouds over the field"
    press_shift_x(qtbot, judged, [LIGHTS[1]])
    said = []
    judged.decisions.said.connect(said.append)
    judged.night.select([LIGHTS[1]])
    qtbot.keyClick(judged, Qt.Key.Key_X)
    assert judged.night.rejected == {LIGHTS[1]: "clouds over the field"}
    assert said == ["light 001 is already rejected: clouds over the field; Shift+X changes the reason"]
    assert judged.night.current == LIGHTS[2]
    assert judged.decisions.stack.count() == 1, "nothing was done that undo could take back"


def test_shift_x_changes_the_reason_of_a_rejected_frame(qtbot, judged, asked):
    press_shift_x(qtbot, judged, [LIGHTS[1]])
    asked["answer"] = "satellite"
    press_shift_x(qtbot, judged, [LIGHTS[1]])
    assert judged.night.rejected == {LIGHTS[1]: "satellite"}


def test_of_several_selected_frames_x_rejects_those_that_are_not_rejected_yet(qtbot, judged, asked):
    asked["answer"] = "clouds over the field"
    press_shift_x(qtbot, judged, [LIGHTS[1]])
    said = []
    judged.decisions.said.connect(said.append)
    judged.night.select(LIGHTS[1:4])
    qtbot.keyClick(judged, Qt.Key.Key_X)
    assert judged.night.rejected == {LIGHTS[1]: "clouds over the field", LIGHTS[2]: "trailed", LIGHTS[3]: ""}
    assert said == [
        "2 frames rejected · 1 more was rejected already · Ctrl+Z takes it back; Shift+X asks for the reason"
    ]
    judged.night.select(LIGHTS[1:4])
    qtbot.keyClick(judged, Qt.Key.Key_X)
    assert said[-1] == "3 frames are already rejected, each for its own reason; Shift+X changes it"


def test_x_takes_over_what_a_rule_rejected_with_its_cause(qtbot, judged):
    judged.night.writable_logbook().follow_rules({LIGHTS[1]: "FWHM > 4 px"})
    judged.night.follow_decisions()
    judged.night.select([LIGHTS[1]])
    qtbot.keyClick(judged, Qt.Key.Key_X)
    book = judged.night.writable_logbook()
    assert book.rejected() == {LIGHTS[1]: "FWHM > 4 px"}
    assert not book.rejected_by_rule()


@pytest.mark.parametrize("again", ["blink", "stamp"])
def test_x_in_a_blink_or_on_a_stamp_keeps_the_reason_too(qtbot, judged, asked, again):
    asked["answer"] = "clouds over the field"
    press_shift_x(qtbot, judged, [LIGHTS[1]])
    if again == "stamp":
        judged.viewing.star.reject_asked.emit([LIGHTS[1]], "seen on the stamp of one star")
    else:
        viewing = judged.viewing
        viewing.toggle_blink(LIGHTS)
        qtbot.waitUntil(lambda: viewing.blink.current is not None, timeout=8000)
        viewing.blink.pause()
        viewing.blink.go(1)
        qtbot.waitUntil(lambda: viewing.blink.current.key[1] == LIGHTS[1], timeout=8000)
        qtbot.keyClick(judged, Qt.Key.Key_X)
        viewing.end_blink()
    assert judged.night.rejected == {LIGHTS[1]: "clouds over the field"}
