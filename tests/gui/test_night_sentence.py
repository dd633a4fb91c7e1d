"""Over the results: how good the night is and what it teaches; below them: where the calibrated frames lie."""

from __future__ import annotations

import re
from html import unescape

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QLabel, QScrollArea

from astep_gui.models.results_words import run_facts
from astep_gui.widgets.results_list import FOLDERS
from pipeline_core.cli import main
from pipeline_core.events import RunContext
from pipeline_core.reduction_told import Reduction
from pipeline_core.report import write_report
from tests.gui.test_workflow import LIGHTS, PATIENCE_MS, sections, surveyed

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def reduced(qtbot, opened_reduced):
    opened_reduced.tabs.choose("Results")
    opened_reduced.night.looks_quickly = True
    opened_reduced.night.look_quickly()
    qtbot.waitUntil(lambda: len(opened_reduced.night.rows) == len(LIGHTS), timeout=8000)
    QApplication.processEvents()
    return opened_reduced


def plain(label):
    return label.text().replace("\N{NO-BREAK SPACE}", " ")


def the_list_in(window):
    tree = window.results.tree
    return tree, [
        tree.topLevelItem(k).child(j)
        for k in range(tree.topLevelItemCount())
        for j in range(tree.topLevelItem(k).childCount())
    ]


def test_over_the_results_a_sentence_says_how_many_frames_are_good_and_what_to_do_next_time(reduced):
    said = reduced.results.sentence
    assert said.isVisible()
    assert plain(said.sentence).startswith(f"Night: {len(LIGHTS)} science frames, ")
    assert said.mapTo(reduced.results, QPoint(0, 0)).y() < reduced.results.folder.mapTo(reduced.results, QPoint()).y()


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_where_the_files_are_is_answered_under_the_sentence_by_one_name_each(qtbot, reduced, size):
    """The folder's line stood below nine warnings, and was called “Files” like the list at the end."""
    reduced.resize(*size)
    qtbot.wait(50)
    results = reduced.results
    names = [label for label in results.findChildren(QLabel) if label.text() in {"Folder", "Files"}]
    assert [label.text() for label in names] == ["Folder"]
    parts = (results.headline, results.sentence, results.where, results.folder, results.gravest, results.tree)
    tops = [part.mapTo(results, QPoint(0, 0)).y() for part in parts]
    assert tops == sorted(tops)
    advice = results.sentence.advice
    assert advice.isHidden() or advice.mapTo(results, QPoint(0, 0)).y() > tops[3]
    assert results.folder.visibleRegion().boundingRect().height() == results.folder.height(), "seen without scrolling"
    assert results.where.full_text == str(reduced.night.place.output)


def test_the_files_have_the_logbook_and_come_before_the_warnings(reduced):
    titles = [title.partition(" · ")[0] for title in sections(reduced)]
    assert titles.index("Files") == titles.index("Masters") + 1
    (files,) = (lines for title, lines in sections(reduced).items() if title.startswith("Files"))
    assert "· logbook.sqlite · decisions, and what was made of what" in files


def test_a_rejected_frame_is_counted_as_such_at_once_and_no_more_once_it_comes_back(qtbot, reduced):
    before = plain(reduced.results.sentence.sentence)
    assert "rejected" not in before
    reduced.night.select([LIGHTS[0]])
    reduced.table.tree.setFocus()
    qtbot.keyClick(reduced.table.tree, Qt.Key.Key_X)
    qtbot.waitUntil(lambda: "1 rejected" in plain(reduced.results.sentence.sentence), timeout=PATIENCE_MS)
    qtbot.keyClick(reduced, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: plain(reduced.results.sentence.sentence) == before, timeout=PATIENCE_MS)


def test_window_report_and_command_line_say_the_same_words(reduced, capsys):
    said = plain(reduced.results.sentence.sentence)
    lessons = [line.removeprefix("• ") for line in plain(reduced.results.sentence.advice).splitlines()[1:]]
    place = reduced.night.place
    page = unescape(write_report(place, RunContext()).read_text(encoding="utf-8"))
    assert f'<p class="told">{said}</p>' in page
    assert re.findall(r"<li>(.*?)</li>", page) == lessons
    main(["reduce", str(place.night), "--workers", "1", "--executor", "threads"])
    printed = capsys.readouterr().out
    assert said in printed
    assert not lessons or f"Next time: {'; '.join(lessons)}." in printed


def test_the_report_calls_frames_that_are_in_use_in_use_and_counts_the_good_ones_apart(reduced):
    page = write_report(reduced.night.place, RunContext()).read_text(encoding="utf-8")
    assert "accepted</span>" not in page
    assert f"<b>{len(LIGHTS)}</b><span>in use: not rejected" in page
    assert "<span>good</span>" in page


def test_before_a_reduction_there_is_no_sentence(opened):
    opened.tabs.choose("Results")
    QApplication.processEvents()
    assert not opened.results.sentence.isVisible()


def test_the_files_begin_with_the_folders_of_what_was_made_and_how_many_lie_there(qtbot, reduced, monkeypatch):
    (files,) = (lines for title, lines in sections(reduced).items() if title.startswith("Files"))
    assert files[0] == f"· calibrated/ · {len(LIGHTS)} calibrated frames"
    assert files[1].startswith("· masters/ · ")
    assert files[1].endswith("masters and masks")
    asked = []
    monkeypatch.setattr("astep_gui.outside.QDesktopServices.openUrl", lambda url: asked.append(url.toLocalFile()))
    tree, lines = the_list_in(reduced)
    line = next(one for one in lines if one.text(0).startswith("· calibrated/"))
    qtbot.mouseClick(tree.viewport(), LEFT, pos=tree.visualItemRect(line).center())
    assert asked == [str(reduced.night.place.output / "calibrated")]


def test_frames_that_were_moved_aside_are_counted_where_they_lie(qtbot, reduced):
    reduced.night.select([LIGHTS[0]])
    reduced.table.tree.setFocus()
    qtbot.keyClick(reduced.table.tree, Qt.Key.Key_X)
    with qtbot.waitSignal(reduced.run.finished, timeout=90_000):
        reduced.run.start()
    surveyed(qtbot, reduced, lambda s: any(p.startswith("rejected/") for p in s.calibrated.values()))
    (files,) = (lines for title, lines in sections(reduced).items() if title.startswith("Files"))
    assert files[:2] == [
        f"· calibrated/ · {len(LIGHTS) - 1} calibrated frames", "· rejected/ · 1 calibrated frame that is rejected",
    ]  # fmt: skip
    assert list(FOLDERS)[:2] == ["calibrated", "rejected"]


def test_the_list_of_the_results_is_as_high_as_its_lines_and_the_panel_alone_scrolls(qtbot, reduced):
    reduced.resize(1280, 720)
    QApplication.processEvents()
    tree, lines = the_list_in(reduced)
    bar = tree.verticalScrollBar()
    assert bar.maximum() == 0
    assert not bar.isVisible()
    assert tree.visualItemRect(lines[-1]).bottom() < tree.viewport().height()
    tree.setFocus()
    tree.setCurrentItem(tree.topLevelItem(0))
    qtbot.keyClick(tree, Qt.Key.Key_End)
    (area,) = reduced.results.findChildren(QScrollArea)
    row = tree.visualItemRect(tree.currentItem())
    at = tree.viewport().mapTo(area.viewport(), row.bottomLeft())
    assert tree.currentItem() is lines[-1]
    assert at.y() <= area.viewport().height()


def test_folding_a_part_of_the_list_gives_its_room_back(qtbot, reduced):
    tree, _ = the_list_in(reduced)
    before = tree.height()
    tree.topLevelItem(0).setExpanded(False)
    QApplication.processEvents()
    assert tree.height() < before


def test_what_a_mask_is_stands_beside_its_name(reduced):
    _, lines = the_list_in(reduced)
    (mask,) = (line.text(0) for line in lines if line.text(0).startswith("✓ mask"))
    assert mask.startswith("✓ mask · pixels that are bad, hot or unsteady · ")


def test_noise_is_explained_to_whoever_rests_the_pointer_on_it(reduced):
    tip = reduced.results.facts["Noise"].toolTip()
    assert "how uneven the sky is" in tip
    assert "Less than × 1 is better" in " ".join(tip.split())


def test_frames_with_nothing_to_be_made_are_not_all_up_to_date_while_a_verdict_waits(qtbot, reduced):
    assert reduced.results.facts["Frames"].text() == "4 calibrated, all up to date"
    reduced.decisions.reject(LIGHTS[:1], "cloud")
    surveyed(qtbot, reduced, lambda survey: not survey.is_up_to_date)
    qtbot.waitUntil(lambda: "3 calibrated" in reduced.results.facts["Frames"].text(), timeout=PATIENCE_MS)
    assert reduced.results.facts["Frames"].text().startswith("3 calibrated, none to be made anew")
    assert "decisions changed" in reduced.results.headline.text()


def test_a_quick_look_that_is_over_is_not_counted_any_more(qtbot, reduced):
    looking = reduced.night.looking
    qtbot.waitUntil(lambda: not looking.is_on, timeout=PATIENCE_MS)
    looking._done = looking._total = 17  # as a look at rejected frames leaves it
    looking.progressed.emit()
    assert looking.counted == ""
    assert "quick look" not in reduced.table.count.text()


def test_a_run_that_only_judged_does_not_say_that_nothing_was_calibrated(reduced):
    result = Reduction(reduced.night.place.output, counts={"done": 0, "cached": 11, "failed": 0, "left_out": 0})
    assert run_facts(result)["Frames"] == "11 were up to date"


def test_a_choice_for_frames_some_of_which_are_rejected_says_so_beside_the_number(reduced):
    said = []
    reduced.decisions.said.connect(said.append)
    reduced.decisions.reject(LIGHTS[:1], "cloud")
    reduced.decisions.set_field(LIGHTS[:3], "flat", "none")
    assert said[-1].startswith("flat = none for 3 frames, 1 of them rejected · ")
