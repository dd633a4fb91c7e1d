"""What the window says of a run: how far it is, that it was cancelled, that decisions have overtaken it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt

from astep_gui.models.results_words import BEFORE_CHANGES, run_facts
from pipeline_core.events import Event
from pipeline_core.reduce import RunOptions
from pipeline_core.reduction_told import Reduction
from tests.gui.test_workflow import LIGHTS, PATIENCE_MS, ran, reduce, surveyed

__all__ = ["ran"]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def running(opened, monkeypatch):
    """The window while a run is on that says what a test lets it say."""
    monkeypatch.setattr(type(opened.run), "is_running", True)
    opened.run.total = opened.run.done = 0
    return opened


def hear(window, job, done, total, **data):
    window.run._hear([Event("progress", job, done, total, data=data)])
    return window.reduce_button.text()


def test_the_button_never_says_that_all_is_done_while_work_remains(running):
    running.run._leg = (7, False)
    assert hear(running, "quality", 0, 1, run_done=6, run_total=7, eta_s=3.0) == "Cancel · 6/7 · a few seconds left"
    assert hear(running, "quality", 1, 1, run_done=7, run_total=7, eta_s=0.0).startswith("Cancel · finishing")
    assert hear(running, "alignment", 0, 3) == "Cancel · alignment 0/3"
    assert running.run_panel.headline.text() == "Reducing: alignment"
    assert hear(running, "alignment", 3, 3) == "Cancel · finishing"
    assert hear(running, "plate solutions", 1, 3) == "Cancel · plate solutions 1/3"


def test_while_masters_are_made_one_place_counts_and_the_strip_names_the_stage(running):
    """Two buttons and the strip each said a number, the strip another one."""
    running.run.only = "masters"
    running.run._leg = (23, True)
    button = hear(running, "quality of calibration frames", 9, 17, run_done=10, run_total=23)
    assert button == "Cancel · 10/23"
    assert running.log.what.text() == "quality of calibration frames"
    assert (running.log.bar.value(), running.log.bar.maximum()) == (10, 23)
    running.start_buttons.follow()
    assert running.viewing.rail.make.text() == "Cancel"


def test_making_the_masters_counts_them_from_the_beginning(qtbot, opened):
    totals = set()
    opened.run.changed.connect(lambda: totals.add(opened.run.total) if opened.run.is_running else None)
    with qtbot.waitSignal(opened.run.finished, timeout=PATIENCE_MS):
        opened.run.start(RunOptions(executor="threads", only="masters"))
    assert len(totals - {0}) == 1, totals


def test_after_a_cancel_the_last_line_says_so_whatever_is_found_out_after_it(opened):
    opened.run.cancelled.emit()
    verdicts = "5 verdicts differ from the first look: rest the pointer on a row"
    opened.night.said.emit([Event("message", "judge", text=verdicts)])
    assert opened.log.line.full_text.startswith("stopped; what is finished stays")
    assert verdicts in opened.log.text.toPlainText()
    opened.log.say("rejected light_000.fits")
    opened.night.said.emit([Event("message", "judge", text=verdicts)])
    assert opened.log.line.full_text == verdicts


def test_after_a_run_the_last_line_says_what_it_made_whatever_is_found_out_after_it(opened):
    opened.deeds.show_summary(Reduction(Path("out"), counts={"done": 19, "cached": 0, "failed": 0, "left_out": 0}))
    opened.night.said.emit([Event("message", "judge", text="4 verdicts differ from the first look")])
    assert opened.log.line.full_text.startswith("✓ 19 frames calibrated")


def test_a_run_that_is_cancelled_with_the_button_says_that_it_is(qtbot, opened):
    qtbot.mouseClick(opened.reduce_button, LEFT)
    qtbot.waitUntil(lambda: opened.run.is_running, timeout=PATIENCE_MS)
    with qtbot.waitSignal(opened.run.cancelled, timeout=PATIENCE_MS):
        qtbot.mouseClick(opened.reduce_button, LEFT)
    qtbot.wait(1500)  # the survey and the verdicts come after it
    assert opened.log.line.full_text.startswith("stopped; what is finished stays")


def test_the_summary_of_a_run_says_when_decisions_have_overtaken_it(qtbot, ran):
    surveyed(qtbot, ran, lambda survey: survey.is_reduced)
    said = ran.results.headline
    assert BEFORE_CHANGES not in said.text()
    ran.night.select([LIGHTS[1]])
    qtbot.keyClick(ran.table.tree, Qt.Key.Key_X)
    surveyed(qtbot, ran, lambda survey: bool(survey.moves))
    assert said.text() == "✓ 4 frames calibrated · before your last changes"
    qtbot.keyClick(ran, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    surveyed(qtbot, ran, lambda survey: not survey.moves)
    assert said.text() == "✓ 4 frames calibrated"
    ran.night.select([LIGHTS[1]])
    qtbot.keyClick(ran.table.tree, Qt.Key.Key_X)
    surveyed(qtbot, ran, lambda survey: bool(survey.moves))
    reduce(qtbot, ran)
    surveyed(qtbot, ran, lambda survey: not survey.moves)
    assert BEFORE_CHANGES not in said.text()


def test_masters_that_were_all_made_or_all_up_to_date_are_told_without_a_zero(ran):
    result = ran.run.result
    one, other = list(result.masters)[:2]
    for states, said in (
        ({one: "made", other: "made"}, "2 made"),
        ({one: "made", other: "up to date"}, "1 made · 1 was up to date"),
        ({one: "up to date", other: "up to date"}, "2 were up to date"),
        ({}, "0 made"),
    ):
        assert run_facts(replace(result, masters=states))["Masters"] == said
