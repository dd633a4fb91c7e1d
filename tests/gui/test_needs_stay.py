"""The list of needs stays where it was scrolled to: an answer, a verdict or a run brings nobody back to its top."""

import pytest
from PyQt6 import sip
from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QCursor
from PyQt6.QtWidgets import QApplication, QPushButton

from astep_gui.models.needs import Need, Remedy
from astep_gui.widgets.needs_you import NeedsYou
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.gui.nights import small_night

LEFT = Qt.MouseButton.LeftButton
CAUSES = ("cloud", "frost", "wind", "trailed", "haloes", "glow", "tilt", "haze")
PATIENCE_MS = 30_000


def frame_of(cause, k):
    return f"light_{2 * CAUSES.index(cause) + k:03d}.fits"


@pytest.fixture(params=[(1280, 720), (1600, 1000)])
def scrolled(qtbot, window, tmp_path, request):
    """A night with one need for each cause, of a bad frame and a suspect one, scrolled on by one page."""
    window.open_night(small_night(tmp_path / "night", science=2 * len(CAUSES)))
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    window.resize(*request.param)
    window.night._take_rows(
        QualityRow(frame_of(cause, k), ScienceMeasures("quick", "ADU"), flags=(Flag(cause, f"{cause}: so", severity),))
        for cause in CAUSES
        for k, severity in enumerate(("bad", "suspect"))
    )
    window.night._ask_needs()
    QCursor.setPos(window.viewing.view.mapToGlobal(QPoint(5, 5)))
    qtbot.wait(100)
    assert "more below" in window.needs.more.text()
    qtbot.mouseClick(window.needs.more, LEFT)
    qtbot.wait(50)
    yield window
    QCursor.setPos(0, 0)


def seen(window):
    """Return the titles of the lines that are seen, each with where it begins; no line may be cut."""
    needs, port = window.needs, window.needs._area.viewport()
    lines = [line for k in range(needs._list.count()) if (line := needs._line(k)) is not None]
    found = {}
    for line in lines:
        top = line.mapTo(port, QPoint(0, 0)).y()
        if top < port.height() and top + line.height() > 0:
            assert top >= 0, f"{line._need.title} is cut above"
            assert top + line.height() <= port.height(), f"{line._need.title} is cut below"
            found[line._need.title.rpartition(" ")[2]] = top
    return found


def press(qtbot, window, cause, words):
    """Press a button of a line with the pointer over it, as a person does."""
    needs = window.needs
    line = next(line for k in range(needs._list.count()) if (line := needs._line(k)) and cause in line._need.title)
    button = next(b for b in line.findChildren(QPushButton) if b.text() == words and not b.isHidden())
    QCursor.setPos(button.mapToGlobal(button.rect().center()))
    qtbot.wait(QApplication.doubleClickInterval() + 50)
    qtbot.mouseClick(button, LEFT)
    qtbot.wait(100)


def test_an_answer_leaves_the_list_where_it_was_scrolled_to(qtbot, scrolled):
    before = seen(scrolled)
    first = next(iter(before))
    assert scrolled.needs._scroll() > 0
    press(qtbot, scrolled, first, "Reject 1 bad")
    assert list(seen(scrolled))[: len(before)] == list(before), "the suspect one is asked about in the same place"
    assert scrolled.needs._scroll() > 0


def test_what_stands_below_an_answered_line_closes_up_when_the_pointer_has_left(qtbot, scrolled):
    before = list(seen(scrolled))
    scrolled.decisions.reject([frame_of(before[0], k) for k in range(2)], before[0])
    qtbot.waitUntil(lambda: not any(before[0] in need.title for need in scrolled.night.needs), timeout=PATIENCE_MS)
    QApplication.sendEvent(scrolled.needs, QEvent(QEvent.Type.Leave))
    qtbot.wait(100)
    after = list(seen(scrolled))
    # Neither the first of all nor one that was not reached yet; at the end the last page stays full.
    assert after[0] == before[1] or (before[1] in after and "below" not in scrolled.needs.more.text())


def test_lines_that_are_gone_above_bring_no_other_line_to_the_top(qtbot, scrolled):
    before, needs = list(seen(scrolled)), scrolled.night.needs
    above = next(need for need in needs if not any(need.title.endswith(cause) for cause in before))
    scrolled.night.needs = [need for need in needs if need != above]
    scrolled.night.needs_changed.emit()
    qtbot.wait(100)
    assert next(iter(seen(scrolled))) == before[0]


def test_the_last_page_stays_full_though_lines_are_gone(qtbot, scrolled):
    while "below" in scrolled.needs.more.text():
        qtbot.mouseClick(scrolled.needs.more, LEFT)
        qtbot.wait(30)
    last, number = list(seen(scrolled))[-1], len(seen(scrolled))
    scrolled.night.needs = [need for need in scrolled.night.needs if last not in need.title]
    scrolled.night.needs_changed.emit()
    qtbot.wait(100)
    assert len(seen(scrolled)) >= number


def test_at_its_beginning_the_list_shows_what_is_most_pressing(qtbot, scrolled):
    while scrolled.needs._scroll():
        qtbot.mouseClick(scrolled.needs.more, LEFT)
        qtbot.wait(30)
    scrolled.night.needs = scrolled.night.needs[1:]
    scrolled.night.needs_changed.emit()
    qtbot.wait(100)
    assert scrolled.needs._scroll() == 0
    seen(scrolled)


@pytest.mark.parametrize("number", [5, 8])
def test_lines_that_grow_while_the_end_is_seen_are_not_cut(qtbot, opened, number):
    """After a run each says in a second line what became of it."""
    opened.resize(1280, 720)
    buttons = (Remedy("Go without", "show"), Remedy("Show", "show"), Remedy("Plan", "plan"))
    night = opened.night

    def ask(words):
        night.needs = [
            Need(f"1 bad frame · {cause}{words}", "why", (f"{cause}.fits",), buttons) for cause in CAUSES[:number]
        ]
        night.needs_changed.emit()
        qtbot.wait(50)

    ask("")
    for _ in range(number):
        if "back" in opened.needs.more.text():
            break
        qtbot.mouseClick(opened.needs.more, LEFT)
        qtbot.wait(50)
    assert seen(opened)
    ask(" · reduced like the others, as nobody has answered")
    assert seen(opened)


def test_a_list_that_is_gone_before_its_lines_were_laid_out_raises_nothing(qtbot, opened):
    opened.night.needs = [Need("1 bad frame · cloud", "why", ("a.fits",), (Remedy("Show", "show"),))]
    gone = NeedsYou(opened.night)
    gone.resize(400, 200)
    gone.show_needs()
    gone._fit_height()
    sip.delete(gone)
    with qtbot.captureExceptions() as raised:
        qtbot.wait(20)
    assert raised == []
