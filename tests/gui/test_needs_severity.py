"""A need whose frames are not equally bad says so, and the bad ones can be rejected without the others."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QLabel, QPushButton

from astep_gui.models.needs import needs_of
from astep_gui.widgets.need_row import NeedRow
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.types import FrameKind, Night
from tests.gui.words_seen import unreadable

PATIENCE_MS = 30_000
LEFT = Qt.MouseButton.LeftButton


def flagged(window, severities, cause="trailed"):
    """Let the first look say of the science frames how bad they are."""
    science = [f.path for f in window.night.frames if f.kind is FrameKind.SCIENCE]
    window.night._take_rows(
        QualityRow(path, ScienceMeasures("quick", "ADU"), flags=(Flag(cause, f"{cause}: by 4 px", severity),))
        for path, severity in zip(science, severities, strict=False)
    )
    window.night._ask_needs()
    QApplication.processEvents()
    return science[: len(severities)]


def line_of(window, cause="trailed"):
    return next(line for line in window.needs.findChildren(NeedRow) if cause in line._need.title)


def ways(line):
    """Return what its buttons say, and after them what lies behind "more"."""
    buttons = [b for b in line.findChildren(QPushButton) if not b.isHidden()]
    menus = [action.text() for b in buttons if b.menu() is not None for action in b.menu().actions()]
    return [b.text() for b in buttons], menus


def press(qtbot, line, words):
    button = next(b for b in line.findChildren(QPushButton) if b.text() == words)
    qtbot.wait(QApplication.doubleClickInterval() + 50)
    qtbot.mouseClick(button, LEFT)


def test_a_need_says_how_many_of_its_frames_are_bad_and_how_many_suspect(opened):
    flagged(opened, ["bad", "suspect", "bad", "bad"])
    words = line_of(opened).findChildren(QLabel)[1].text()
    assert words.replace("\N{NO-BREAK SPACE}", " ") == "4 frames · trailed · 3 bad, 1 suspect"
    assert "1\N{NO-BREAK SPACE}suspect" in words, "a line is not broken there"


def test_the_bad_frames_of_a_need_are_rejected_alone_as_one_step(qtbot, opened):
    opened.resize(1600, 1000)
    science = flagged(opened, ["bad", "suspect", "bad", "bad"])
    qtbot.wait(50)
    assert ways(line_of(opened))[0] == ["Reject 3 bad", "Reject all 4", "Keep"]
    press(qtbot, line_of(opened), "Reject 3 bad")
    assert set(opened.night.rejected) == {science[0], science[2], science[3]}
    assert opened.decisions.stack.undoText() == "reject 3 frames"
    qtbot.waitUntil(lambda: line_of(opened)._need.paths == (science[1],), timeout=PATIENCE_MS)
    assert ways(line_of(opened))[0] == ["Show", "Reject", "Keep"], "what is left is of one kind"
    opened.decisions.undo()
    assert not opened.night.rejected


def test_all_frames_of_a_need_are_rejected_by_a_button_that_says_all(qtbot, opened):
    opened.resize(1600, 1000)
    science = flagged(opened, ["suspect", "suspect", "bad", "bad"])
    qtbot.wait(50)
    press(qtbot, line_of(opened), "Reject all 4")
    assert set(opened.night.rejected) == set(science)
    assert set(opened.night.rejected.values()) == {"trailed"}
    assert opened.decisions.stack.undoText() == "reject 4 frames"


@pytest.mark.parametrize("severity", ["bad", "suspect"])
def test_frames_that_are_equally_bad_are_rejected_by_one_button_as_ever(qtbot, opened, severity):
    opened.resize(1600, 1000)
    flagged(opened, [severity] * 4)
    qtbot.wait(50)
    assert ways(line_of(opened)) == (["Show", "Reject", "Keep"], [])
    assert line_of(opened).findChildren(QLabel)[1].text() == f"4 {severity} frames · trailed"


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_no_button_of_such_a_need_is_cut_and_each_way_is_there(qtbot, opened, size):
    opened.resize(*size)
    flagged(opened, ["bad", "suspect", "bad", "bad"])
    qtbot.wait(80)
    line = line_of(opened)
    shown, behind = ways(line)
    assert {"Reject 3 bad", "Reject all 4", "Keep"} <= {*shown, *behind}
    assert shown[0] == "Reject 3 bad", "the one that is surely meant is the first"
    area = opened.needs._area.viewport().width()
    for button in line.findChildren(QPushButton):
        assert button.mapTo(opened.needs._area.viewport(), button.rect().topRight()).x() <= area
    assert not [fault for fault in unreadable(opened) if "NeedRow" in fault]
    assert line.findChildren(QLabel)[1].width() >= 180, "its words have room"


def test_the_line_keeps_its_place_while_the_numbers_change(qtbot, opened):
    def order():
        titles = [line.need.title for line in opened.needs._shown[0]]
        return [title for title in ("trailed", "frost") if any(title in t for t in titles)], [
            next(k for k, t in enumerate(titles) if title in t) for title in ("trailed", "frost")
        ]

    science = flagged(opened, ["bad", "suspect", "suspect"])
    frost = QualityRow(science[2], ScienceMeasures("quick", "ADU"), flags=(Flag("frost", "frost: so", "bad"),))
    opened.night._take_rows([frost])
    opened.night._ask_needs()
    before = order()
    flagged(opened, ["bad", "bad"])
    opened.night._ask_needs()
    assert order() == before
    assert before[1][0] < before[1][1]


def test_the_tip_of_such_a_need_gives_an_example_of_each():
    rows = {
        path: QualityRow(path, ScienceMeasures("quick", "ADU"), flags=(Flag("wind", f"wind: {path} px", severity),))
        for path, severity in (("a", "suspect"), ("b", "bad"))
    }
    (need,) = needs_of(Night(None, ()), None, {}, rows, {}, frozenset())
    assert need.why == "Bad is b: wind: b px\nSuspect is a: wind: a px"
    bad = next(way for way in need.remedies if way.label == "Reject 1 bad")
    assert "the suspect one stays in this list" in bad.tip


@pytest.mark.parametrize(
    ("severities", "words", "mark", "role"),
    [
        (["bad"], "1 bad frame · haloes", "▲", "bad"),
        (["suspect"] * 3, "3 suspect frames · haloes", "△", "warn"),
        (["bad", "suspect"], "2 frames · haloes · 1 bad, 1 suspect", "▲", "bad"),
    ],
)
def test_words_and_mark_of_a_need_are_those_of_its_frames_in_the_list(opened, severities, words, mark, role):
    flagged(opened, severities, "haloes")
    shown = [label for label in line_of(opened, "haloes").findChildren(QLabel) if not label.isHidden()]
    assert [label.text().replace("\N{NO-BREAK SPACE}", " ") for label in shown] == [mark, words]
    assert shown[0].property("role") == role


def test_what_is_left_of_a_need_keeps_its_place_once_the_bad_ones_are_rejected(qtbot, opened):
    science = flagged(opened, ["bad", "suspect", "bad"])
    opened.night._take_rows(
        [QualityRow("light_003.fits", ScienceMeasures("quick", "ADU"), flags=(Flag("frost", "frost: so", "bad"),))]
    )
    opened.night._ask_needs()
    places = [line.need.title.rpartition("· ")[2] for line in opened.needs._shown[0]]
    opened.decisions.reject([science[0], science[2]], "trailed")
    qtbot.waitUntil(lambda: line_of(opened)._need.paths == (science[1],), timeout=PATIENCE_MS)
    QApplication.processEvents()
    assert line_of(opened)._need.title == "1 suspect frame · trailed"
    assert [line.need.title.rpartition("· ")[2] for line in opened.needs._shown[0]] == places
