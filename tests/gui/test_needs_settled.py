"""A need that was settled says how, and when that takes effect; the way back is one click away."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QCursor
from PyQt6.QtWidgets import QApplication, QLabel, QPushButton

from astep_gui.widgets.need_row import NeedRow
from tests.gui.test_needs_severity import flagged
from tests.gui.test_workflow import LIGHTS, reduce, surveyed
from tests.gui.words_seen import unreadable

PATIENCE_MS = 30_000
LEFT = Qt.MouseButton.LeftButton
FLAT = "flat for filter V"


def row_of(window, topic):
    rows = [row for row in window.needs.findChildren(NeedRow) if topic in row._need.title and not row.isHidden()]
    return rows[-1] if rows else None


def words_of(window, topic):
    row = row_of(window, topic)
    return row.findChildren(QLabel)[1].text() if row is not None else ""


def buttons_of(window, topic):
    return {b.text(): b for b in row_of(window, topic).findChildren(QPushButton)}


def press(qtbot, window, topic, words):
    """Press a button of a line as a person does, with the pointer on it; not as half of a double click."""
    qtbot.wait(2 * QApplication.doubleClickInterval() + 50)
    button = buttons_of(window, topic)[words]
    QCursor.setPos(button.mapToGlobal(button.rect().center()))
    qtbot.mouseClick(button, LEFT)


def leave(qtbot, window):
    QCursor.setPos(window.viewing.view.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(window.needs, QEvent(QEvent.Type.Leave))
    qtbot.wait(50)


def settled(qtbot, window, topic):
    qtbot.waitUntil(lambda: not any(topic in need.title for need in window.night.needs), timeout=PATIENCE_MS)
    QApplication.processEvents()


@pytest.fixture
def asked(qtbot, opened):
    """The window on a night in which two frames have no flat of their filter."""
    opened.decisions.set_field(LIGHTS[:2], "filter", "V")
    qtbot.waitUntil(lambda: any(FLAT in n.title for n in opened.night.needs), timeout=PATIENCE_MS)
    opened.needs._place = None
    opened.needs.show_needs()
    QApplication.processEvents()
    yield opened
    QCursor.setPos(0, 0)


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
@pytest.mark.parametrize(("way", "how"), [("Go without", "without a flat"), ("Use flat_R", "flat_R is used")])
def test_a_settled_line_says_the_answer_and_when_it_takes_effect(qtbot, asked, size, way, how):
    asked.resize(*size)
    qtbot.wait(60)
    press(qtbot, asked, FLAT, way)
    settled(qtbot, asked, FLAT)
    said = f"No flat for filter V · {how} · takes effect with the next Reduce"
    assert words_of(asked, FLAT) == said
    leave(qtbot, asked)
    assert words_of(asked, FLAT) == said, "it is told nowhere else: it stays when the pointer has left"
    assert list(buttons_of(asked, FLAT)) == ["Undo"]
    assert not unreadable(asked)


def test_undo_in_a_settled_line_takes_the_answer_back(qtbot, asked):
    press(qtbot, asked, FLAT, "Go without")
    settled(qtbot, asked, FLAT)
    press(qtbot, asked, FLAT, "Undo")
    assert asked.decisions.stack.redoText() == "flat = none for 2 frames"
    qtbot.waitUntil(lambda: any(FLAT in n.title for n in asked.night.needs), timeout=PATIENCE_MS)
    QApplication.processEvents()
    assert "Go without" in buttons_of(asked, FLAT)
    assert words_of(asked, FLAT) == "No flat for filter V"


def test_an_answer_that_is_clicked_twice_is_not_taken_back(qtbot, asked):
    press(qtbot, asked, FLAT, "Go without")
    settled(qtbot, asked, FLAT)
    qtbot.mouseClick(buttons_of(asked, FLAT)["Undo"], LEFT)
    assert asked.decisions.stack.undoText() == "flat = none for 2 frames"


def test_after_another_decision_the_line_says_that_this_one_comes_first(qtbot, asked):
    press(qtbot, asked, FLAT, "Go without")
    settled(qtbot, asked, FLAT)
    asked.decisions.reject([LIGHTS[3]], "cloud")
    QApplication.processEvents()
    undo = buttons_of(asked, FLAT)["Undo"]
    assert not undo.isEnabled()
    assert "Other decisions came after it" in " ".join(undo.toolTip().split())
    asked.decisions.undo()
    QApplication.processEvents()
    assert buttons_of(asked, FLAT)["Undo"].isEnabled()
    qtbot.keyClick(asked, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: any(FLAT in n.title for n in asked.night.needs), timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    ("paths", "then"), [(LIGHTS[:2], "then another choice"), (LIGHTS[:1], "then another choice for 1 frame")]
)
def test_a_choice_that_was_changed_elsewhere_is_not_said_to_hold(qtbot, asked, paths, then):
    """It said "flat_R is used · takes effect with the next Reduce" though the frames were to go without."""
    press(qtbot, asked, FLAT, "Use flat_R")
    settled(qtbot, asked, FLAT)
    asked.decisions.set_field(paths, "flat", "none")
    QApplication.processEvents()
    qtbot.waitUntil(lambda: "then" in words_of(asked, FLAT), timeout=PATIENCE_MS)
    assert (
        words_of(asked, FLAT)
        .replace("\N{NO-BREAK SPACE}", " ")
        .endswith(f"flat_R is used, {then} · takes effect with the next Reduce")
    )


def test_rejected_frames_are_told_of_until_the_pointer_leaves(qtbot, asked):
    """The list of frames shows them."""
    flagged(asked, ["bad", "bad"])
    press(qtbot, asked, "trailed", "Reject")
    settled(qtbot, asked, "trailed")
    assert words_of(asked, "trailed") == "2 bad frames · trailed · rejected"
    assert list(buttons_of(asked, "trailed")) == ["Undo"]
    leave(qtbot, asked)
    assert words_of(asked, "trailed") == ""


def test_a_kept_frame_that_is_rejected_afterwards_is_not_told_of_as_kept(qtbot, asked):
    flagged(asked, ["bad", "bad"])
    press(qtbot, asked, "trailed", "Keep")
    settled(qtbot, asked, "trailed")
    assert words_of(asked, "trailed").endswith(" · kept")
    asked.night.select([LIGHTS[0]])
    qtbot.keyClick(asked, Qt.Key.Key_X)
    qtbot.waitUntil(lambda: words_of(asked, "trailed").endswith(" · kept, then 1 rejected"), timeout=PATIENCE_MS)
    asked.night.select([LIGHTS[1]])
    qtbot.keyClick(asked, Qt.Key.Key_X)
    qtbot.waitUntil(lambda: words_of(asked, "trailed").endswith(" · kept, then rejected"), timeout=PATIENCE_MS)


def test_a_run_that_followed_the_answer_ends_the_telling(qtbot, asked):
    press(qtbot, asked, FLAT, "Use flat_R")
    settled(qtbot, asked, FLAT)
    leave(qtbot, asked)
    assert "flat_R is used" in words_of(asked, FLAT)
    reduce(qtbot, asked)
    surveyed(qtbot, asked, lambda survey: survey.is_up_to_date)
    QApplication.processEvents()
    assert words_of(asked, FLAT) == ""


def test_settled_lines_stand_below_those_that_are_not_once_the_pointer_has_left(qtbot, asked):
    flagged(asked, ["bad", "bad"])
    qtbot.wait(60)
    titles = [line.need.title for line in asked.needs._shown[0]]
    assert FLAT in titles[0] or FLAT in titles[1]
    press(qtbot, asked, FLAT, "Go without")
    settled(qtbot, asked, FLAT)
    assert [line.need.title for line in asked.needs._shown[0]] == titles, "nothing moves under the pointer"
    leave(qtbot, asked)
    after = [line.need.title for line in asked.needs._shown[0]]
    assert after == [*(title for title in titles if FLAT not in title), next(t for t in titles if FLAT in t)]
