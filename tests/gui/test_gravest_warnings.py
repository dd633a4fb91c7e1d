"""Warnings of a run where they are seen: over the results, in the log, each with its frames; the full-well question."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QPushButton

from astep_gui.theme import apply_theme, theme
from pipeline_core.findings import Finding
from pipeline_core.types import MaskBit
from pipeline_core.well_check import FullWell
from tests.gui.test_workflow import LIGHTS, PATIENCE_MS, open_again, reduce, surveyed
from tests.gui.words_seen import unreadable

LEFT = Qt.MouseButton.LeftButton
WEAK = Finding(
    "the dark takes off 5 to 46 % too little of the hot pixels in 3 of 4 frames",
    "they shine through",
    "take darks of 90 s at -10 °C, in the same night",
    tuple(LIGHTS[:3]),
)
GAIN = Finding(
    "no frame states its gain", "all stands on it", "set calibrate.gain_e_per_adu in the recipe", tuple(LIGHTS)
)
OF_MASTER = Finding("flat_R: no dark of 10 s", "only the bias is subtracted", "take darks of 10 s")
WELL = FullWell(1210.0, 65_535.0, False, 7, (LIGHTS[2], LIGHTS[0]), (0,) * 39 + (7,))


@pytest.fixture
def warned(qtbot, opened):
    """The window after a run that has warned."""
    reduce(qtbot, opened)
    opened.tabs.choose("Results")
    opened.run.result = replace(opened.run.result, findings=(OF_MASTER, WEAK, GAIN, WELL.finding), full_well=WELL)
    opened.deeds.show_summary(opened.run.result)
    opened.results.follow()
    QApplication.processEvents()
    return opened


def test_over_the_results_stands_what_concerns_most_frames_with_its_consequence_and_the_next_deed(warned):
    lines = [words.text().replace("\N{NO-BREAK SPACE}", " ") for words, _ in warned.results.gravest.lines]
    assert len(lines) == 2
    assert lines[0].startswith("▲ No frame states its gain: all stands on it; set “Calibrate: gain, e⁻/ADU”")
    assert lines[1] == (
        "▲ The dark takes off 5 to 46 % too little of the hot pixels in 3 of 4 frames: they shine through; "
        "take darks of 90 s at -10 °C, in the same night"
    )
    assert all(words.isVisible() for words, _ in warned.results.gravest.lines)
    assert warned.results.gravest.more.text() == "1 more under “Warnings” below"


def test_one_click_shows_the_frames_of_a_warning(qtbot, warned):
    qtbot.mouseClick(warned.results.gravest.lines[1][1], LEFT)
    assert list(warned.night.selection) == LIGHTS[:3]
    assert warned.night.current == LIGHTS[0]


def test_a_filter_that_is_named_like_markup_is_shown_as_it_is_written(warned):
    named = Finding("no flat for filter <b>R</b>, 4 science frames", "dust stays", "take flats", tuple(LIGHTS))
    warned.run.result = replace(warned.run.result, findings=(named,))
    warned.results.follow()
    (words, _show) = warned.results.gravest.lines[0]
    assert words.textFormat() == Qt.TextFormat.PlainText
    assert "<b>R</b>" in words.text()


def line_of(tree, words):
    for k in range(tree.topLevelItemCount()):
        branch = tree.topLevelItem(k)
        for j in range(branch.childCount()):
            if words in branch.child(j).text(0):
                return branch.child(j)
    raise AssertionError(words)


def test_a_click_on_a_line_of_the_list_shows_its_frames_or_its_master(qtbot, warned):
    tree = warned.results.tree
    surveyed(qtbot, warned, lambda survey: bool(survey.masters))
    for words, test in (
        ("in 3 of 4", lambda: list(warned.night.selection) == LIGHTS[:3]),
        ("flat_R: no dark", lambda: warned.products.master is not None and warned.products.master.name == "flat_R"),
    ):
        line = line_of(tree, words)
        tree.scrollToItem(line)
        QApplication.processEvents()
        place = tree.visualItemRect(line).topLeft() + QPoint(20, 6)
        qtbot.mouseClick(tree.viewport(), LEFT, pos=place)
        assert test(), words


def test_the_list_wears_another_theme_at_once(qapp, warned):
    tree = warned.results.tree
    before = line_of(tree, "in 3 of 4").foreground(0).color()
    apply_theme(qapp, "red")
    try:
        assert theme().colour("warn") != before
        assert line_of(tree, "in 3 of 4").foreground(0).color() == theme().colour("warn")
    finally:
        apply_theme(qapp, "dark")


def test_the_log_has_a_line_of_each_warning_and_counts_those_that_were_said_before(warned):
    text = warned.log.text.toPlainText()
    assert "▲ The dark takes off 5 to 46 % too little of the hot pixels in 3 of 4 frames: they shine through" in text
    assert "▲ No frame states its gain" in text
    assert warned.log.line.full_text.startswith("✓"), "the last line says how it ended"
    before = frozenset(one.words for one in (WEAK, GAIN))
    warned.log.text.clear()
    warned.deeds.show_summary(replace(warned.run.result, said_before=before))
    text = warned.log.text.toPlainText()
    assert "too little of the hot pixels" not in text
    assert "2 warnings are as before: Results (Ctrl+4) lists all" in text


def test_the_log_says_what_masking_full_pixels_did(warned):
    warned.deeds.show_summary(replace(warned.run.result, saturated=(801, 14), saturated_before=(0, 0)))
    assert "801 pixels masked as saturated in 14 frames (0 before)" in warned.log.text.toPlainText()
    warned.run.result = replace(warned.run.result, saturated=(801, 14), saturated_before=(0, 0))
    warned.results.follow()
    assert warned.results.facts["Saturated"].text() == "801 pixels masked as saturated in 14 frames (0 before)"


def test_another_day_the_warnings_stand_there_with_their_frames(qtbot, opened, remembered):
    """Frames of a filter without a flat: the run's own warning, kept with it."""
    opened.decisions.set_field(LIGHTS[:2], "filter", "V")
    reduce(qtbot, opened)
    surveyed(qtbot, opened, lambda survey: survey.last_run is not None)
    place = opened.night.place
    opened.close()
    again = open_again(qtbot, remembered)
    again.open_night(place.night)
    surveyed(qtbot, again, lambda survey: survey.is_reduced)
    again.tabs.choose("Results")
    qtbot.waitUntil(lambda: bool(again.results.gravest.lines), timeout=PATIENCE_MS)
    (words, show) = next(line for line in again.results.gravest.lines if "No flat for filter V" in line[0].text())
    assert "dust and vignetting stay" in words.text()
    qtbot.mouseClick(show, LEFT)
    assert list(again.night.selection) == LIGHTS[:2]
    again.close()


# -- full wells ---------------------------------------------------------------------------------------------------


def test_a_full_well_is_asked_about_in_plain_words_with_what_speaks_for_it(warned):
    question = warned.results.full_wells
    assert question.isVisible()
    words = question.words.text().replace("\N{NO-BREAK SPACE}", " ")
    assert words.startswith("▲ Do stars fill at 1,210 ADU? 7 bright stars and hot pixels of 2 frames stop there.")
    assert "65,535 ADU was taken for full" in words
    assert question.peaks.isVisible()
    assert "calibrate." not in f"{words} {question.yes.toolTip()} {question.look.toolTip()} {question.no.toolTip()}"
    assert not any("saturate from" in line.text() for line, _ in warned.results.gravest.lines), "it is asked once"


def test_show_me_goes_to_such_a_star_with_its_full_pixels_marked_and_on_to_the_next_frame(qtbot, warned):
    question, view = warned.results.full_wells, warned.viewing.view
    for path in (LIGHTS[2], LIGHTS[0]):
        qtbot.mouseClick(question.look, LEFT)
        assert warned.night.current == path
        qtbot.waitUntil(lambda: view.shown is not None and view.shown.shows_mask, timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda path=path: view.shown.key[1] == path, timeout=PATIENCE_MS)
        shown = view.shown
        full = shown.image >= 1210.0
        assert 0 < full.sum() < full.size / 10
        assert ((shown.mask & MaskBit.SATURATED) != 0).tolist() == full.tolist()
        seen = view.view_rect().center()
        y, x = int(seen.y()), int(seen.x())
        assert full[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].any(), "such a star is in the middle"
        assert view.zoom == pytest.approx(8.0, rel=0.01)
    assert warned.products.bar.words.full_text.startswith("marked from 1,210 ADU on · "), "a cut leaves the level"
    qtbot.keyClick(warned, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not view.shown.shows_mask, timeout=PATIENCE_MS)


def test_where_only_one_frame_has_such_stars_show_me_goes_to_them_again(qtbot, warned):
    """The image is kept, and not read a second time."""
    question, view = warned.results.full_wells, warned.viewing.view
    warned.run.result = replace(warned.run.result, full_well=replace(WELL, paths=(LIGHTS[2],)))
    warned.results.follow()
    for _ in range(2):
        qtbot.mouseClick(question.look, LEFT)
        qtbot.waitUntil(lambda: view.shown is not None and view.shown.shows_mask, timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: view.zoom == pytest.approx(8.0, rel=0.01), timeout=2000)
        seen = view.view_rect().center()
        y, x = int(seen.y()), int(seen.x())
        assert (view.shown.image >= 1210.0)[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].any()
        view.fit()


def test_a_well_that_fills_below_the_level_that_was_set_is_still_warned_of(qtbot, warned):
    """Nobody is asked who has set a level; but what is seen since is not known to them."""
    warned.deeds.set_saturation(50_000.0)
    assert not warned.results.full_wells.isVisible()
    assert any("saturate from" in line.text() for line, _ in warned.results.gravest.lines)
    warned.deeds.set_saturation(1210.0)
    assert not any("saturate from" in line.text() for line, _ in warned.results.gravest.lines), "it is done"


def test_yes_sets_the_saturation_and_one_key_takes_it_back(qtbot, warned):
    question = warned.results.full_wells
    qtbot.mouseClick(question.yes, LEFT)
    assert warned.night.recipe.calibrate.saturation_adu == 1210
    assert not question.yes.isVisible()
    assert warned.decisions.stack.undoText() == "Calibrate: saturation = 1210.0 ADU"
    surveyed(qtbot, warned, lambda survey: bool(survey.stale))
    qtbot.keyClick(warned, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert warned.night.recipe.calibrate.saturation_adu is None
    assert question.yes.isVisible()


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_the_answer_about_full_wells_is_told_until_a_run_follows_it_with_the_way_back(qtbot, warned, size):
    warned.resize(*size)
    question = warned.results.full_wells
    qtbot.mouseClick(question.yes, LEFT)
    QApplication.processEvents()
    words = question.words.text().replace("\N{NO-BREAK SPACE}", " ")
    assert words == "✓ Saturation: masked from 1,210 ADU on · takes effect with the next Reduce"
    assert question.isVisible()
    assert [b.text() for b in question.findChildren(QPushButton) if b.isVisible()] == ["Undo"]
    assert not unreadable(warned)
    qtbot.mouseClick(question.undo, LEFT)
    assert warned.night.recipe.calibrate.saturation_adu is None
    assert warned.decisions.stack.redoText() == "Calibrate: saturation = 1210.0 ADU", "the step itself is undone"
    assert question.yes.isVisible()
    assert not question.undo.isVisible()


def test_the_answer_about_full_wells_is_taken_back_after_other_decisions_too(qtbot, warned):
    question = warned.results.full_wells
    qtbot.mouseClick(question.yes, LEFT)
    warned.decisions.reject([LIGHTS[0]], "cloud")
    qtbot.mouseClick(question.undo, LEFT)
    assert warned.night.recipe.calibrate.saturation_adu is None
    assert warned.night.rejected == {LIGHTS[0]: "cloud"}, "nothing else is taken back"
    assert warned.decisions.stack.undoText() == "Calibrate: saturation = not set"


def test_no_asks_no_more_and_changes_nothing_until_another_run_sees_it_again(qtbot, warned):
    question = warned.results.full_wells
    qtbot.mouseClick(question.no, LEFT)
    warned.results.follow()
    assert not question.isVisible()
    assert warned.night.recipe.calibrate.saturation_adu is None
    assert line_of(warned.results.tree, "saturate from 1,210 ADU on")
    warned.run.result = replace(warned.run.result, full_well=replace(WELL, spots=9))
    warned.results.follow()
    assert question.isVisible()
