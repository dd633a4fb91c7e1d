"""A button that becomes "Cancel" under the pointer: a double click begins what it said, and cancels nothing."""

import time

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from astep_gui.jobs import Job
from astep_gui.widgets import turning_button
from pipeline_core.events import Event
from pipeline_core.reduce import RunOptions

LEFT = Qt.MouseButton.LeftButton
SLOW_HAND = turning_button.SLOW_HAND


@pytest.fixture
def held(opened, monkeypatch):
    """The window with a night open, whose runs begin and are never done: only a person ends them."""
    monkeypatch.setattr(turning_button, "SLOW_HAND", SLOW_HAND)
    monkeypatch.setattr(Job, "start", lambda job: None)
    monkeypatch.setattr(Job, "cancel", lambda job: None)
    yield opened
    if opened.run.is_running:
        opened.run._stop()


def make_of(window):
    """The button of the rail, in sight as where a step waits for its masters."""
    window.viewing.rail.make.show()
    return window.viewing.rail.make


@pytest.mark.parametrize("which", ["reduce", "masters"])
def test_a_double_click_begins_a_run_and_does_not_stop_it(held, qtbot, which):
    button = held.reduce_button if which == "reduce" else make_of(held)
    qtbot.mouseClick(button, LEFT)
    assert held.run.is_running
    assert button.text().startswith("Cancel")
    qtbot.mouseClick(button, LEFT)
    QTest.qWait(int(1.05 * QApplication.doubleClickInterval()))  # slow hands
    qtbot.mouseClick(button, LEFT)
    assert not held.run.is_stopping
    QTest.qWait(int(SLOW_HAND * QApplication.doubleClickInterval()))
    qtbot.mouseClick(button, LEFT)
    assert held.run.is_stopping, "a click that is meant stops it"


def test_a_second_click_that_waited_while_the_run_began_is_still_of_the_first_one(held, qtbot, monkeypatch):
    button, begun = held.reduce_button, held.run.start

    def begins_slowly(*options):
        begun(*options)
        time.sleep(2 * SLOW_HAND * QApplication.doubleClickInterval() / 1000)

    monkeypatch.setattr(held.run, "start", begins_slowly)
    qtbot.mouseClick(button, LEFT)
    qtbot.mouseClick(button, LEFT)  # told as done half a second after the first, however late it is seen
    assert held.run.is_running
    assert not held.run.is_stopping


def test_cancel_looks_unlike_what_begins(held, qtbot):
    button = held.reduce_button
    assert button.property("primary") == "true"
    qtbot.mouseClick(button, LEFT)
    assert (button.property("primary"), button.property("danger")) == ("false", "true")


def test_after_the_making_of_masters_was_stopped_it_is_said_what_goes_on_with_what(held):
    held.run.start(RunOptions(only="masters"))
    held.run._hear([Event("started", "gain and read noise", total=1), Event("progress", "masters", done=2, total=5)])
    held.run._stop()
    words = held.log.line.full_text
    assert words == (
        "stopped; what is finished stays, “Make the masters” goes on with them, Ctrl+R reduces the whole night"
    )
    assert list(held.run.stages) == ["masters"], "a stage that had only begun leaves no 0/1 behind"
    assert held.run_panel._lines["masters"][3].text() == "2/5 · stopped"
    assert "gain and read noise" not in held.run_panel._lines
