"""What goes on in the background stays said while other things come and go."""

from __future__ import annotations

import pytest

from astep_gui.widgets.log_strip import LogStrip
from pipeline_core.events import Event


@pytest.fixture
def log(qtbot):
    log = LogStrip()
    qtbot.addWidget(log)
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
