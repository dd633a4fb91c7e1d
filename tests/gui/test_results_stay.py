"""Results stay as a person looks at them: whatever is decided or made meanwhile, the panel scrolls for it nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QCursor
from PyQt6.QtWidgets import QApplication, QScrollArea

from pipeline_core.findings import Finding
from tests.gui.test_gravest_warnings import LEFT, WELL
from tests.gui.test_workflow import LIGHTS, reduce, surveyed

WHY = "of which there is much to be said in many lines, so that not all of the list has room in the panel at once"
MANY = tuple(Finding(f"finding {k} of this night", f"{WHY}, {WHY}", "look", (LIGHTS[k % 4],)) for k in range(9))


@pytest.fixture
def results(qtbot, opened):
    """The results of a run in a low window, of which not all is in sight; the pointer is elsewhere."""
    opened.resize(1280, 720)
    reduce(qtbot, opened)
    opened.tabs.choose("Results")
    opened.run.result = replace(opened.run.result, findings=(*MANY, WELL.finding), full_well=WELL)
    opened.results.follow()
    surveyed(qtbot, opened, lambda survey: bool(survey.masters) and survey.is_up_to_date)
    qtbot.wait(100)
    yield opened
    QCursor.setPos(0, 0)


def area_of(window):
    return window.results.findChild(QScrollArea)


def branch_of(tree, words):
    return next(
        tree.topLevelItem(k) for k in range(tree.topLevelItemCount()) if tree.topLevelItem(k).text(0).startswith(words)
    )


def line_of(tree, branch, words):
    above = branch_of(tree, branch)
    return next(above.child(k) for k in range(above.childCount()) if words in above.child(k).text(0))


def y_of(window, widget):
    return widget.mapTo(area_of(window).viewport(), QPoint(0, 0)).y()


def y_of_line(window, branch, words):
    tree = window.results.tree
    rect = tree.visualItemRect(line_of(tree, branch, words))
    return tree.viewport().mapTo(area_of(window).viewport(), rect.topLeft()).y()


def scroll_to(qtbot, window, y_in_view):
    bar = area_of(window).verticalScrollBar()
    bar.setValue(bar.value() + y_in_view)
    qtbot.wait(30)


def masters_changed(qtbot, window):
    surveyed(qtbot, window, lambda survey: any(master.state == "changed" for master in survey.masters))
    qtbot.wait(100)
    QApplication.processEvents()


def test_yes_leaves_the_question_where_it_is_under_the_pointer(qtbot, results):
    question = results.results.full_wells
    scroll_to(qtbot, results, y_of(results, question) - 40)
    before = y_of(results, question)
    QCursor.setPos(question.yes.mapToGlobal(question.yes.rect().center()))
    qtbot.mouseClick(question.yes, LEFT)
    surveyed(qtbot, results, lambda survey: bool(survey.stale))
    qtbot.wait(100)
    assert y_of(results, question) == before
    assert not results.results.tree.hasFocus()


def test_what_is_first_in_sight_stays_there_when_masters_are_to_be_made_anew(qtbot, results):
    scroll_to(qtbot, results, y_of_line(results, "Warnings", "Finding 4") - 5)
    before = y_of_line(results, "Warnings", "Finding 4")
    results.decisions.reject(["dark_000.fits"], "light")
    masters_changed(qtbot, results)
    assert line_of(results.results.tree, "Masters", "▲"), "the list tells of it"
    assert abs(y_of_line(results, "Warnings", "Finding 4") - before) <= 1


def follow_without(qtbot, window, words):
    """Let the results follow a run that does not find one thing any more."""
    kept = tuple(one for one in MANY if words not in one.words)
    window.run.result = replace(window.run.result, findings=kept)
    window.results.follow()
    qtbot.wait(60)


def test_what_is_under_the_pointer_stays_though_lines_above_it_come_and_go(qtbot, results):
    scroll_to(qtbot, results, y_of_line(results, "Warnings", "Finding 3") - 5)
    tree = results.results.tree
    spot = tree.visualItemRect(line_of(tree, "Warnings", "Finding 6")).center()
    QCursor.setPos(tree.viewport().mapToGlobal(spot))
    before = y_of_line(results, "Warnings", "Finding 6")
    follow_without(qtbot, results, "finding 4")
    assert y_of_line(results, "Warnings", "Finding 6") == before


def test_the_second_warning_of_a_master_stays_where_it_is_when_nothing_changes(qtbot, results):
    master = next(master.name for master in results.night.survey.masters if master.kind == "dark")
    findings = tuple(Finding(f"{master}: thing {k}, {WHY}, {WHY}", "so it is", "look") for k in range(6))
    results.run.result = replace(results.run.result, findings=findings, full_well=None)
    results.results.follow()
    qtbot.wait(60)
    scroll_to(qtbot, results, y_of_line(results, "Warnings", "thing 3") - 5)
    before = y_of_line(results, "Warnings", "thing 3")
    results.results.follow()
    qtbot.wait(60)
    assert y_of_line(results, "Warnings", "thing 3") == before


def test_where_the_first_line_in_sight_goes_the_next_one_keeps_its_place(qtbot, results):
    scroll_to(qtbot, results, y_of_line(results, "Warnings", "Finding 1"))
    assert y_of_line(results, "Warnings", "Finding 1") == 0
    before = y_of_line(results, "Warnings", "Finding 2")
    follow_without(qtbot, results, "finding 1")
    assert y_of_line(results, "Warnings", "Finding 2") == before


def test_a_branch_stays_folded_and_the_current_line_current(qtbot, results):
    tree = results.results.tree
    branch_of(tree, "Warnings").setExpanded(False)
    line = line_of(tree, "Masters", "flat_R")
    tree.setCurrentItem(line)
    results.decisions.reject(["dark_000.fits"], "light")
    masters_changed(qtbot, results)
    assert not branch_of(tree, "Warnings").isExpanded()
    assert tree.currentItem() is not None
    assert "flat_R" in tree.currentItem().text(0)
    assert tree.currentItem() is not line, "the list was made anew"


def test_results_that_are_seen_from_the_top_stay_there_when_something_comes_in(qtbot, results):
    bar, tree = area_of(results).verticalScrollBar(), results.results.tree
    bar.setValue(0)
    QCursor.setPos(tree.viewport().mapToGlobal(tree.visualItemRect(branch_of(tree, "Masters")).center()))
    results.run.result = replace(results.run.result, findings=(WELL.finding,), full_well=None)
    results.results.follow()
    qtbot.wait(60)
    assert bar.value() == 0
    results.run.result = replace(results.run.result, findings=(*MANY, WELL.finding), full_well=WELL)
    results.results.follow()
    qtbot.wait(60)
    assert bar.value() == 0


def test_room_that_was_made_below_the_end_is_gone_once_a_person_scrolls(qtbot, results):
    bar = area_of(results).verticalScrollBar()
    bar.setValue(bar.maximum())
    before = bar.maximum()
    results.run.result = replace(results.run.result, findings=MANY[:4])
    results.results.follow()
    qtbot.wait(60)
    bar.triggerAction(bar.SliderAction.SliderSingleStepSub)
    qtbot.wait(60)
    assert bar.maximum() < before
    assert results.results._sight._beyond == 0


def test_the_words_have_one_width_whether_or_not_there_is_more_below(qtbot, results):
    """A bar that came and went changed the list's height, which changed the bar, without end: the program crashed."""
    panel, area, widths = results.results, area_of(results), set()
    panel.setParent(None)
    panel.show()
    for height in (300, 900, 4000, 900, 300):
        panel.resize(400, height)
        qtbot.wait(30)
        widths.add(area.viewport().width())
    panel.hide()
    assert len(widths) == 1
