"""What a person reads of a run in Results and Plan: verdicts that changed, frames left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication

from astep_gui.models.judgements import ChangedVerdicts, Judgements
from astep_gui.models.results_words import left_out_words, verdicts_words
from pipeline_core.kept_looks import QuickLook
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.gui.test_workflow import LIGHTS, PATIENCE_MS, open_again, reduce, surveyed

LEFT = Qt.MouseButton.LeftButton
CLOUD = Flag("cloud", "cloud: depth loss +0.84 mag", "bad")
WIND = Flag("wind", "wind: stars are drawn out", "bad")
TOO_FEW = Flag("not judged", "not judged: 3 stars only", "note")
NOTE = Flag("twilight", "twilight", "note")
CHANGED = "changed by the last run: "


def take(window, state, *flags):
    rows = [
        QualityRow(path, ScienceMeasures(state, "ADU"), flags=said) for path, said in zip(LIGHTS, flags, strict=True)
    ]
    window.night._take_look(QuickLook(rows))


@pytest.fixture
def after_run(qtbot, opened):
    take(opened, "quick", (), (CLOUD,), (CLOUD,), ())
    reduce(qtbot, opened)
    surveyed(qtbot, opened, lambda survey: survey.last_run is not None)
    # The look that follows a run would find nothing against these frames, and undo what is played here.
    opened.night.looks_quickly = False
    opened.night.looking.stop()
    opened.tabs.choose("Results")
    take(opened, "final", (WIND,), (), (WIND,), ())
    QApplication.processEvents()
    return opened


def test_results_say_which_verdicts_the_run_changed_and_a_click_shows_those_frames(qtbot, after_run):
    results = after_run.results
    assert results.verdict_words.isVisible()
    said = "light 000 now wind · light 001 no longer cloud · light 002 now wind, another cause before"
    assert results.verdict_words.text() == f"{CHANGED}{said}"
    qtbot.mouseClick(results.show_verdicts, LEFT)
    assert list(after_run.night.selection) == LIGHTS[:3]


def test_changed_verdicts_stand_directly_below_the_sentence_of_the_night(after_run):
    results = after_run.results
    tops = [widget.mapTo(results, QPoint(0, 0)).y() for widget in (results.verdicts, results.folder)]
    sentence = results.sentence.sentence
    below = sentence.mapTo(results, QPoint(0, sentence.height())).y()
    assert results.sentence.isVisible()
    assert below <= tops[0] <= below + 8
    assert tops[0] < tops[1], "over what is done with the results"
    results.sentence.follow(is_wanted=True)
    assert results.verdict_words.isVisible()


def test_another_day_the_results_still_say_which_verdicts_the_last_run_changed(qtbot, after_run, remembered):
    said = after_run.results.verdict_words.text()
    surveyed(qtbot, after_run, lambda survey: survey.last_run is not None)
    place = after_run.night.place
    after_run.close()
    again = open_again(qtbot, remembered)
    again.open_night(place.night)
    surveyed(qtbot, again, lambda survey: survey.is_reduced)
    take(again, "final", (WIND,), (), (WIND,), ())
    again.tabs.choose("Results")
    qtbot.waitUntil(again.results.verdict_words.isVisible, timeout=PATIENCE_MS)
    assert again.results.verdict_words.text() == said
    qtbot.mouseClick(again.results.show_verdicts, LEFT)
    assert list(again.night.selection) == LIGHTS[:3]
    again.close()


def said_of_run(window):
    words = window.results.verdict_words
    return words.text() if words.isVisible() else ""


def test_changed_verdicts_are_those_that_still_wait_for_a_decision_and_come_back_with_undo(qtbot, after_run):
    """It said "1 frame now flagged" for good, though the frame had been accepted."""
    flagged, no_longer, otherwise = (
        "light 000 now wind",
        "light 001 no longer cloud",
        "light 002 now wind, another cause before",
    )
    for path, key, left in (
        (LIGHTS[0], Qt.Key.Key_U, f"{CHANGED}{no_longer} · {otherwise}"),
        (LIGHTS[2], Qt.Key.Key_X, f"{CHANGED}{no_longer}"),
        (LIGHTS[1], Qt.Key.Key_U, ""),
    ):
        after_run.night.select([path])
        qtbot.keyClick(after_run, key)
        qtbot.waitUntil(lambda left=left: said_of_run(after_run) == left, timeout=PATIENCE_MS)
    for left in (no_longer, f"{no_longer} · {otherwise}", f"{flagged} · {no_longer} · {otherwise}"):
        qtbot.keyClick(after_run, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda left=left: said_of_run(after_run) == f"{CHANGED}{left}", timeout=PATIENCE_MS)


def test_show_means_those_only_that_still_wait(qtbot, after_run):
    after_run.night.select([LIGHTS[0]])
    qtbot.keyClick(after_run, Qt.Key.Key_U)
    qtbot.waitUntil(lambda: "light 000" not in said_of_run(after_run), timeout=PATIENCE_MS)
    qtbot.mouseClick(after_run.results.show_verdicts, LEFT)
    assert list(after_run.night.selection) == LIGHTS[1:3]


def test_a_run_that_changed_nothing_tells_no_verdicts(qtbot, after_run):
    assert said_of_run(after_run)
    reduce(qtbot, after_run)
    assert not said_of_run(after_run)


def test_words_for_changed_verdicts_name_few_frames_and_count_many_cause_by_cause():
    def said(flagged=None, otherwise=None, unjudged=None):
        return verdicts_words(ChangedVerdicts(flagged or {}, {}, otherwise or {}, unjudged or {}), str.upper)

    assert said({"a": "cloud", "b": "wind"}) == f"{CHANGED}A now cloud · B now wind"
    assert said({"a": "cloud", "b": "cloud"}) == f"{CHANGED}A and B now cloud"
    assert said(dict.fromkeys("abc", "cloud") | {"d": "wind"}) == f"{CHANGED}3 frames now cloud · D now wind"
    assert said(otherwise={"a": "cloud"}) == f"{CHANGED}A now cloud, another cause before"
    assert said(unjudged={"a": "cloud", "b": "good"}) == f"{CHANGED}A and B not judged any more"
    assert said() == ""


def test_frames_that_a_run_could_not_judge_are_told_and_shown_and_are_no_good_news(qtbot, opened):
    take(opened, "quick", (), (CLOUD,), (), (TOO_FEW,))
    reduce(qtbot, opened)
    surveyed(qtbot, opened, lambda survey: survey.last_run is not None)
    # The look that follows a run would find nothing against these frames, and undo what is played here.
    opened.night.looks_quickly = False
    opened.night.looking.stop()
    opened.tabs.choose("Results")
    take(opened, "final", (TOO_FEW,), (TOO_FEW,), (NOTE,), ())
    QApplication.processEvents()
    assert opened.results.verdict_words.text() == f"{CHANGED}light 000 and light 001 not judged any more"
    qtbot.mouseClick(opened.results.show_verdicts, LEFT)
    assert list(opened.night.selection) == LIGHTS[:2]


def test_a_frame_that_was_not_compared_yet_when_the_run_began_was_not_good_before(qtbot):
    judgements = Judgements()
    judgements.take_rows([QualityRow(path, ScienceMeasures("quick", "ADU")) for path in "abc"])
    judgements.run_begins({"a", "b"})
    for path, flags in {"a": (TOO_FEW,), "b": (WIND,), "c": (TOO_FEW,)}.items():
        judgements.take_rows([QualityRow(path, ScienceMeasures("final", "ADU"), flags=flags)])
    assert judgements.changed_by_run(()) == ({"b": "wind"}, {}, {}, {"c": "good"})


def test_plan_and_results_count_frames_that_are_left_out_in_the_same_words(qtbot, opened):
    opened.decisions.reject([LIGHTS[0], "dark_000.fits"], "cloud")
    qtbot.waitUntil(lambda: len(opened.night.left_out) == 3, timeout=PATIENCE_MS)
    assert " · 1 of 4 science frames and 2 other frames left out · " in opened.plan_panel.summary.text()
    reduce(qtbot, opened)
    assert opened.results.facts["Frames"].text() == "3 calibrated · 1 of 4 science frames left out"
    opened.run.result = None
    opened.results.follow()
    assert opened.results.facts["Frames"].text() == "3 calibrated, all up to date · 1 of 4 science frames left out"


def test_what_a_rule_rejected_is_left_out_in_plan_and_results_alike(qtbot, opened):
    """The plan takes it all the same: only what is measured can be judged by the rule again."""
    reduce(qtbot, opened)
    opened.night.writable_logbook().follow_rules({LIGHTS[0]: "rule: fwhm_px > 4"})
    opened.night.follow_decisions()
    surveyed(qtbot, opened, lambda survey: bool(survey.moves))
    assert opened.night.state_of(LIGHTS[0]).word == "rejected"
    plan = opened.plan_panel
    assert ", 3 science frames · 1 of 4 science frames and 1 other frame left out · " in plan.summary.text()
    said = [line.text(0) for line in plan._lines()]
    assert "Left out · 1 of 4 science frames and 1 other frame" in said
    assert "1 frame · rule: fwhm_px > 4; calibrated all the same, to be judged again" in said
    opened.run.result = None
    opened.results.follow()
    assert (
        opened.results.facts["Frames"].text() == "3 calibrated, none to be made anew · 1 of 4 science frames left out"
    )
    opened.night.select([LIGHTS[0]])
    qtbot.keyClick(opened, Qt.Key.Key_U)
    assert not opened.night.rejected, "a person's word wins over the rule"


def test_a_file_that_still_lies_with_the_rejected_is_told_until_a_run_moves_it(qtbot, opened):
    """The night counted its frame as calibrated and up to date, while its file was not to be found in its place."""
    reduce(qtbot, opened)
    opened.decisions.reject([LIGHTS[0]], "cloud")
    reduce(qtbot, opened)
    surveyed(qtbot, opened, lambda survey: survey.is_up_to_date)
    opened.decisions.accept([LIGHTS[0]])
    surveyed(qtbot, opened, lambda survey: bool(survey.moves) and not opened.night.left_out.get(LIGHTS[0]))
    opened.run.result = None
    opened.results.follow()
    said = "4 calibrated, none to be made anew, 1 still among the rejected"
    assert opened.results.facts["Frames"].text() == said
    reduce(qtbot, opened)
    surveyed(qtbot, opened, lambda survey: survey.is_up_to_date)
    opened.run.result = None
    opened.results.follow()
    assert opened.results.facts["Frames"].text() == "4 calibrated, all up to date"


def test_nothing_left_out_says_nothing():
    assert left_out_words(0, 4) == ""
    assert left_out_words(0, 4, 6) == "6 other frames left out"


def test_until_the_final_values_are_read_the_runs_own_count_of_suggestions_is_told(qtbot, opened):
    take(opened, "quick", (CLOUD,), (CLOUD,), (), ())
    reduce(qtbot, opened)
    take(opened, "quick", (CLOUD,), (CLOUD,), (), ())
    opened.run.result = replace(opened.run.result, flagged=1)
    opened.results.follow()
    assert opened.results.facts["To look at"].text().split(" · ")[0] == "1 frame suggested"
    take(opened, "final", (), (), (), ())
    opened.results.follow()
    assert opened.results.facts["To look at"].text().split(" · ")[0] == "nothing is suggested"


def test_after_a_run_needs_ask_nothing_that_rests_on_the_first_look_only(qtbot, opened):
    """For some seconds they asked for what the first look had said, which the run's own values say no more."""

    def asked():
        return [path for need in opened.night.needs if need.severity for path in need.paths]

    take(opened, "quick", (CLOUD,), (CLOUD,), (), ())
    opened.night._ask_needs()
    assert asked() == LIGHTS[:2]
    reduce(qtbot, opened)
    take(opened, "quick", (CLOUD,), (CLOUD,), (), ())
    opened.night._ask_needs()
    assert asked() == []
    take(opened, "final", (), (WIND,), (), ())
    opened.night._ask_needs()
    assert asked() == [LIGHTS[1]]


def test_a_frame_whose_final_values_never_come_is_asked_about_by_its_first_look(qtbot, opened):
    reduce(qtbot, opened)
    take(opened, "quick", (CLOUD,), (), (), ())
    assert opened.night.awaits_final
    opened.night.looking.ended.emit(QuickLook([]))
    qtbot.waitUntil(lambda: any("· cloud" in need.title for need in opened.night.needs), timeout=PATIENCE_MS)
    assert not opened.night.awaits_final
