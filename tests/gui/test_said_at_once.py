"""What is said at once of what a person did: a report without a browser, frames that were brushed, one left out."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QDesktopServices

from pipeline_core.measures import QualityRow, ScienceMeasures
from tests.gui.test_workflow import LIGHTS, PATIENCE_MS, reduce

LEFT = Qt.MouseButton.LeftButton


# -- a report that nothing opens ------------------------------------------------------------------------------------


def test_a_report_without_a_browser_is_said_to_be_written_and_its_folder_is_one_click_away(qtbot, opened, monkeypatch):
    asked = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: asked.append(url.toLocalFile()) or len(asked) > 1)
    reduce(qtbot, opened)
    opened.bring_up("results")
    qtbot.mouseClick(opened.results.report, LEFT)
    qtbot.waitUntil(opened.notice.isVisible, timeout=60_000)
    file = opened.night.place.output / "report.html"
    said = opened.notice.what.text().replace("\u200b", "")
    assert said == f"The report is written: {file}"
    assert opened.notice.hint.text() == "No program of this system is set for .html files: open it in a browser"
    assert opened.notice.what.property("role") != "bad"
    assert opened.log.line.full_text == f"report of the night: {file}"
    qtbot.mouseClick(opened.notice.deed, LEFT)
    assert asked == [str(file), str(file.parent)]
    opened.notice.clear()


# -- the brush ------------------------------------------------------------------------------------------------------


@pytest.fixture
def brushed(qtbot, opened):
    """The window after a brush over the last three of four frames, while the first one was looked at."""
    opened.night._take_rows(
        QualityRow(path, ScienceMeasures("quick", "ADU", fwhm_px=2.0 + k)) for k, path in enumerate(LIGHTS)
    )
    opened.viewing._show_quality()
    opened.night.select([LIGHTS[0]])
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[0], timeout=PATIENCE_MS)
    plot = opened.viewing.timeline.plot
    y = round(plot.area().center().y())
    xs = plot.points()[:, 0].tolist()
    start, end = QPoint(round((xs[0] + xs[1]) / 2), y), QPoint(round(xs[3]) + 5, y)
    qtbot.mousePress(plot, LEFT, Qt.KeyboardModifier.NoModifier, start)
    qtbot.mouseMove(plot, end)
    qtbot.mouseRelease(plot, LEFT, Qt.KeyboardModifier.NoModifier, end)
    assert list(opened.night.selection) == LIGHTS[1:]
    return opened


def test_a_brush_says_how_many_frames_it_selected_and_shows_the_first_of_them(qtbot, brushed):
    assert (
        brushed.log.line.full_text
        == "3 frames selected: X rejects them, U accepts them, B blinks them, Esc lets them go"
    )
    assert brushed.night.current == LIGHTS[1]
    qtbot.waitUntil(lambda: brushed.viewing.view.title == LIGHTS[1], timeout=PATIENCE_MS)
    qtbot.keyClick(brushed, Qt.Key.Key_X)
    assert list(brushed.night.rejected) == LIGHTS[1:]


def test_escape_lets_go_of_what_was_brushed_and_says_so(qtbot, brushed):
    qtbot.keyClick(brushed.viewing.timeline.plot, Qt.Key.Key_Escape)
    assert list(brushed.night.selection) == [LIGHTS[1]]
    assert not brushed.viewing.timeline_model.selection
    assert brushed.log.line.full_text == "no frames are selected any more"


def test_what_a_brush_said_is_over_with_the_next_frame(qtbot, brushed):
    qtbot.keyClick(brushed, Qt.Key.Key_Left)
    assert list(brushed.night.selection) == [LIGHTS[0]]
    assert brushed.log.line.full_text == ""
    assert "3 frames selected" in brushed.log.text.toPlainText()


# -- left out -------------------------------------------------------------------------------------------------------


def test_a_frame_that_is_left_out_says_why_over_the_image(qtbot, opened):
    path = "flat_000.fits"
    why = "flat-darks of 5 s fit no flat of this night"
    opened.night.left_out[path] = why
    opened.night.select([path])
    qtbot.waitUntil(lambda: opened.viewing.view.title == path, timeout=PATIENCE_MS)
    rail = opened.viewing.rail
    assert rail.verdict.isVisible()
    assert rail.verdict.full_text == f"– left out: {why}"
