"""What goes on in the background stays said while other things come and go."""

from __future__ import annotations

import pytest

from astep_gui.widgets.log_strip import LogStrip
from pipeline_core.errors import AstepError
from pipeline_core.events import Event


@pytest.fixture
def log(qtbot):
    log = LogStrip()
    qtbot.addWidget(log)
    qtbot.addWidget(log.text)
    return log


def test_what_goes_on_is_said_until_it_is_over(log):
    log.busy("preparing the number crunching")
    assert log.what.text() == "preparing the number crunching"
    log.quiet()  # a survey of the night has ended meanwhile
    assert log.what.text() == "preparing the number crunching"
    log.busy("")
    assert log.what.text() == ""


def test_what_is_counted_is_shown_instead_and_then_again_what_goes_on(log):
    log.busy("preparing")
    log.hear([Event("started", "reading headers", total=4), Event("progress", "reading headers", done=2, total=4)])
    assert log.what.text() == "reading headers · 2/4"
    assert not log.bar.isHidden()
    log.hear([Event("finished", "reading headers")])
    assert (log.what.text(), log.bar.isHidden()) == ("preparing", True)


def test_what_is_heard_after_a_run_was_stopped_goes_into_the_log_with_its_frame_and_not_over_that_line(log):
    log.say_lasting("stopped")
    log.hear([Event("message", "quality", text="cloud → good", path="a/light_001.fits")])
    assert log.line.full_text == "stopped"
    assert log.text.toPlainText().endswith("a/light_001.fits: cloud → good")
    log.hear([Event("message", "run", text="the disk is full", level="error")])
    assert "the disk is full" in log.line.full_text
    log.hear([Event("message", "quality", text="good")])
    assert log.line.full_text == "good", "nothing is held any more"


def test_an_error_that_was_put_away_stands_in_the_log_only(opened):
    opened.show_problem(AstepError("the report cannot be written", "the disk is full", "make room"))
    assert "the disk is full" in opened.log.line.full_text
    opened.notice.clear()
    assert opened.log.line.full_text == ""
    assert "the disk is full" in opened.log.text.toPlainText()
    opened.log.say("reducing …")
    opened.notice.clear()
    assert opened.log.line.full_text == "reducing …"


def test_a_run_that_begins_takes_the_place_of_what_was_said_before(opened, monkeypatch):
    monkeypatch.setattr(type(opened.run), "start", lambda _run: None)
    monkeypatch.setattr(type(opened.run), "is_running", property(lambda _run: True))
    opened.log.say("it was not calibrated yet; Ctrl+R reduces the night", "warning")
    opened.deeds.begin_run()
    assert opened.log.line.full_text == "reducing …"
    assert not opened.log.line.property("role")


def test_the_line_has_the_width_of_the_window(qtbot, opened):
    opened.resize(1280, 720)
    opened.log.say("results go to " + "a_folder_with_a_long_name/" * 4)
    qtbot.wait(50)
    assert opened.log.width() > 0.98 * opened.width()
    assert opened.log.line.text() == opened.log.line.full_text
    opened.actions_by_name["log"].trigger()
    qtbot.wait(50)
    assert opened.log.text.isVisible()
    assert opened.log.text.width() > 400  # between the panels, which keep their height


def test_a_tip_of_a_menu_does_not_hide_the_line(qtbot, opened):
    opened.log.say("something")
    opened.statusBar().showMessage("a tip")
    assert opened.log.line.isVisible()
