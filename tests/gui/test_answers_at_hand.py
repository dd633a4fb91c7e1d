"""The judgement of a frame is at hand whatever is seen of it, for all that are selected, and always in one place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QPushButton

from astep_gui.models.needs import Need, Remedy
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.gui.test_workflow import LIGHTS, PATIENCE_MS
from tests.gui.words_seen import unreadable

LEFT = Qt.MouseButton.LeftButton
SIZES = [(1280, 720), (1600, 1000)]
CLOUD = Flag("cloud", "cloud: depth loss +0.82 mag, even to 0.13 mag over the field", "bad")


def judge(window, flags):
    """Let the window know verdicts, as a first look brings them."""
    window.night._take_rows(
        QualityRow(path, ScienceMeasures("final", "electron", fwhm_px=2.5), flags=found)
        for path, found in flags.items()
    )
    window.night._ask_needs()
    window.viewing._show_quality()


def settle():
    for _ in range(6):
        QApplication.processEvents()


def upper_left(widget):
    return widget.mapToGlobal(QPoint())


# -- whichever step or product is seen -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_the_calibrated_view_has_the_verdict_with_its_reason_and_both_answers_where_they_were(
    qtbot, opened_reduced, size
):
    window = opened_reduced
    window.resize(*size)
    judge(window, {LIGHTS[1]: (CLOUD,)})
    window.night.select([LIGHTS[1]])
    qtbot.waitUntil(lambda: window.viewing.view.title == LIGHTS[1], timeout=PATIENCE_MS)
    settle()
    rail = window.viewing.rail
    raw = [upper_left(button) for button in (rail.reject, rail.keep, rail.all, rail.compare)]
    qtbot.keyClick(window, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: window.viewing.view.title == "light_001_CAL.fits", timeout=PATIENCE_MS)
    settle()
    assert rail.verdict.isVisible()
    assert " ".join(rail.verdict.text().split()).startswith("▲ cloud: depth loss +0.82 mag")
    for before, button in zip(raw, (rail.reject, rail.keep, rail.all, rail.compare), strict=True):
        assert button.isVisible()
        assert upper_left(button).x() == before.x()
        assert abs(upper_left(button).y() - before.y()) <= 3, "a bar has the place of the steps"
    assert not any(button.isVisible() for button in rail.buttons.values())
    assert not unreadable(rail)
    qtbot.mouseClick(rail.reject, LEFT)
    assert window.night.rejected == {LIGHTS[1]: "cloud"}
    assert window.products.calibrated == LIGHTS[2], "it goes on to the next, which is seen calibrated too"
    window.night.select([LIGHTS[1]])
    assert not rail.reject.isEnabled()
    qtbot.mouseClick(rail.keep, LEFT)
    assert not window.night.rejected
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.viewing.view.title == LIGHTS[1], timeout=PATIENCE_MS)
    assert all(rail.buttons[name].isVisible() for name in ("raw", "flat"))


def test_beside_a_calibrated_frame_compare_shows_calibrated_ones(qtbot, opened_reduced):
    window = opened_reduced
    window.night.select([LIGHTS[1]])
    qtbot.keyClick(window, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: window.viewing.view.title == "light_001_CAL.fits", timeout=PATIENCE_MS)
    rail, compare = window.viewing.rail, window.viewing.compare
    rail.fill_compare()
    offered = {action.text(): action for action in rail.compare_menu.actions() if action.text()}
    assert not [words for words in offered if "step" in words]
    offered["With the next frame"].trigger()
    qtbot.waitUntil(lambda: window.viewing.comparing.is_on, timeout=PATIENCE_MS)
    assert [view.shown.key[0] for view in (compare.left, compare.right)] == ["calibrated", "calibrated"]


def test_a_master_has_no_verdict_and_no_answers(qtbot, opened_reduced):
    window = opened_reduced
    judge(window, {LIGHTS[1]: (CLOUD,)})
    window.night.select([LIGHTS[1]])
    window.products.show_master(window.night.survey.masters[0].name)
    assert not window.viewing.rail.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.viewing.rail.isVisible()
    assert window.viewing.rail.verdict.isVisible()


# -- several frames -------------------------------------------------------------------------------------------------


def button_of(window, words, title):
    """Return a button of the need with a title."""
    lines = [window.needs._line(k) for k in range(len(window.needs._shown[0]))]
    line = next(line for line in lines if title in line._need.title)
    return next(button for button in line.findChildren(QPushButton) if button.text() == words)


@pytest.mark.parametrize("size", SIZES)
def test_show_of_several_frames_selects_all_says_so_and_the_answers_mean_all(qtbot, opened, size):
    opened.resize(*size)
    judge(opened, dict.fromkeys(LIGHTS[:3], (CLOUD,)))
    qtbot.waitUntil(lambda: any("· cloud" in n.title for n in opened.night.needs), timeout=PATIENCE_MS)
    settle()
    qtbot.mouseClick(button_of(opened, "Show", "· cloud"), LEFT)
    settle()
    assert list(opened.night.selection) == LIGHTS[:3]
    rows = opened.table.tree.selectionModel().selectedRows()
    assert {opened.table.model.path_of(row) for row in rows} == set(LIGHTS[:3])
    head, rail = opened.viewing.view.head, opened.viewing.rail
    assert head.selected.isVisible()
    assert head.selected.text() == "3 selected"
    assert opened.log.line.full_text.startswith("3 frames selected: X rejects them, U accepts them")
    assert (rail.reject.text(), rail.keep.text()) == ("Reject 3", "Keep 3")
    assert not unreadable(rail)
    assert not unreadable(head)
    qtbot.mouseClick(rail.reject, LEFT)
    assert opened.night.rejected == dict.fromkeys(LIGHTS[:3], "cloud")
    opened.decisions.undo()
    qtbot.mouseClick(rail.keep, LEFT)
    assert opened.night.choices.kept == set(LIGHTS[:3])


def test_escape_lets_go_of_the_frames_that_were_shown_together(qtbot, opened):
    judge(opened, dict.fromkeys(LIGHTS[:3], (CLOUD,)))
    qtbot.waitUntil(lambda: any("· cloud" in n.title for n in opened.night.needs), timeout=PATIENCE_MS)
    qtbot.mouseClick(button_of(opened, "Show", "· cloud"), LEFT)
    qtbot.keyClick(opened, Qt.Key.Key_Escape)
    assert list(opened.night.selection) == [LIGHTS[0]]
    assert not opened.viewing.view.head.selected.isVisible()
    assert opened.viewing.rail.reject.text() == "Reject"
    qtbot.mouseClick(opened.viewing.rail.reject, LEFT)
    assert opened.night.rejected == {LIGHTS[0]: "cloud"}


@pytest.mark.parametrize("words", ["Reject", "Reject with a reason…"])
def test_the_tips_of_reject_tell_of_the_key_that_asks_for_a_reason(opened, words):
    action = next(action for action in opened.actions_by_name.values() if action.text() == words)
    assert "Shift+X" in action.toolTip()
    assert "reason" in action.toolTip()
    assert "Shift+X" in opened.viewing.rail.reject.toolTip()


def test_after_x_it_is_said_that_shift_x_asks_for_the_reason_and_not_after_shift_x(qtbot, opened):
    judge(opened, {LIGHTS[0]: (CLOUD,)})
    opened.night.select([LIGHTS[0]])
    qtbot.keyClick(opened, Qt.Key.Key_X)
    assert opened.log.line.full_text == "light 000 rejected · cloud · Ctrl+Z takes it back; Shift+X asks for the reason"
    opened.decisions.reject([LIGHTS[0]], "dome", anew=True)
    assert opened.log.line.full_text.endswith("Ctrl+Z takes it back")


# -- what moves nothing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_the_buttons_of_needs_stay_where_they_are_when_the_scroll_bar_comes(qtbot, opened, size):
    opened.resize(*size)
    places = []
    for many in (1, 30, 1):
        opened.night.needs = [Need(f"need {k}", "why", (), (Remedy("Plan", "plan"),)) for k in range(many)]
        opened.needs.show_needs()
        qtbot.wait(50)
        assert opened.needs._area.verticalScrollBar().isVisible() == (many == 30)
        places.append(upper_left(button_of(opened, "Plan", "need 0")).x())
    assert len(set(places)) == 1


def test_the_name_inside_the_histogram_does_not_lie_on_bars_that_are_high_at_the_right(qtbot, opened):
    """Of what a dark took off the bars are highest at the right, where the name stands."""
    opened.resize(1280, 720)
    qtbot.waitUntil(lambda: opened.viewing.view.shown is not None, timeout=PATIENCE_MS)
    panel, shown = opened.viewing.levels_panel, opened.viewing.view.shown
    values = -1000 + 100 * np.random.default_rng(7).beta(6.0, 1.2, 60_000)
    level = replace(shown.level, sky=-925.0, sigma=2.0, lowest=-1000.0, highest=-900.0)
    panel.show_image(replace(shown, sample=values, level=level, saturation=None))
    opened.viewing.levels.set_range(-995.0, -901.0)
    qtbot.wait(50)
    assert panel.inner_name.isVisible()
    box = panel.plot.getPlotItem().getViewBox()
    edges, counts = panel._bars.getOriginalDataset()
    name = box.mapSceneToView(panel.inner_name.sceneBoundingRect()).boundingRect()
    below = (edges[1:] > name.left()) & (edges[:-1] < name.right())
    assert below.any(), f"{name} in {box.viewRect()}, bars from {edges[0]} to {edges[-1]}"
    assert counts[below].max() == counts.max(), "or the test would tell nothing"
    assert counts[below].max() <= min(name.top(), name.bottom())


@pytest.mark.parametrize("height", [720, 1000])
def test_the_histogram_says_what_it_counts_in_every_height_and_during_a_run(qtbot, opened, height):
    opened.resize(1280, height)
    qtbot.waitUntil(lambda: opened.viewing.view.shown is not None, timeout=PATIENCE_MS)
    panel = opened.viewing.levels_panel
    plot = panel.plot.getPlotItem()
    for part in ("Judge", "Reduce", "Night"):
        opened.tabs.choose(part)
        opened.resizeDocks([opened.docks["levels"]], [100 if part == "Reduce" else 400], Qt.Orientation.Vertical)
        qtbot.wait(50)
        if not panel.isVisible():
            continue
        below, inside = plot.getAxis("bottom").label, panel.inner_name
        assert below.isVisible() != inside.isVisible()
        assert "pixel value (ADU)" in " ".join((inside.text if inside.isVisible() else below.toPlainText()).split())
        seen = (inside if inside.isVisible() else below).sceneBoundingRect()
        assert panel.plot.viewport().rect().toRectF().contains(seen.adjusted(4, 4, -4, -4)), (
            "but for the margin of the words"
        )
