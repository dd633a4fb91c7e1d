"""The reference frame: a decision like any other, whoever makes it."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt

from pipeline_core.decisions import REFERENCE_REJECTED
from pipeline_core.logbook import Logbook
from pipeline_core.survey import Survey

LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
BOTH = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
PATIENCE_MS = 8000


def choose(qtbot, window, path):
    window.night.select([path])
    qtbot.keyClick(window, Qt.Key.Key_F, BOTH)


def test_it_is_on_disk_with_a_label_and_undo_takes_it_back(qtbot, opened):
    choose(qtbot, opened, LIGHTS[0])
    choose(qtbot, opened, LIGHTS[2])
    with Logbook.read_only(opened.night.place.output) as logbook:
        assert logbook.references() == {LIGHTS[2]}
    assert opened.decisions.stack.undoText() == f"reference {LIGHTS[2]}"
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.night.reference == LIGHTS[0]
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.night.reference is None


def test_a_second_time_leaves_it_to_the_quality_of_the_frames(qtbot, opened):
    choose(qtbot, opened, LIGHTS[0])
    choose(qtbot, opened, LIGHTS[0])
    assert opened.night.reference is None
    assert opened.decisions.stack.undoText() == "reference chosen by quality"


@pytest.mark.usefixtures("opened")
def test_it_is_the_same_when_the_night_is_opened_again(qtbot, window, night_folder):
    choose(qtbot, window, LIGHTS[1])
    window.night.close()
    assert window.night.reference is None
    window.open_night(night_folder)
    qtbot.waitUntil(lambda: window.night.reference == LIGHTS[1], timeout=PATIENCE_MS)
    assert window.table.model.index_of(LIGHTS[1]).data() == "light 001 · ref"


def test_what_the_command_line_chose_is_marked_in_the_table(qtbot, opened):
    opened.decisions.reject([LIGHTS[3]])  # so that there is a logbook
    with Logbook.open(opened.night.place.output, opened.night.place.night) as logbook:
        logbook.choose_reference(LIGHTS[0])
    qtbot.waitUntil(lambda: opened.table.model.index_of(LIGHTS[0]).data() == "light 000 · ref", timeout=PATIENCE_MS)


def test_the_reference_that_is_rejected_is_none_any_more_and_it_is_said_once(qtbot, opened):
    choose(qtbot, opened, LIGHTS[1])
    opened.decisions.reject([LIGHTS[0]], "wind")
    assert REFERENCE_REJECTED not in opened.log.text.toPlainText()
    opened.decisions.reject([LIGHTS[1]], "wind")
    assert opened.night.reference is None
    opened.night._take_survey(Survey(realigned={"field": REFERENCE_REJECTED}, references=frozenset({LIGHTS[1]})))
    assert opened.log.text.toPlainText().count("light 001 rejected · wind (it was the reference: quality") == 1
    assert REFERENCE_REJECTED not in opened.log.text.toPlainText()
    opened.decisions.accept([LIGHTS[1]])
    assert opened.night.reference == LIGHTS[1], "it was only set aside"


def test_that_the_reference_quality_chose_is_rejected_is_said_once(qtbot, opened):
    opened.decisions.reject([LIGHTS[2]])
    opened.night.told_lost.clear()  # as when the night is opened again
    for _ in range(2):
        opened.night._take_survey(Survey(realigned={"field": REFERENCE_REJECTED}, references=frozenset({LIGHTS[2]})))
    qtbot.waitUntil(lambda: REFERENCE_REJECTED in opened.log.text.toPlainText(), timeout=PATIENCE_MS)
    assert opened.log.text.toPlainText().count(REFERENCE_REJECTED) == 1
