"""What is prepared "once" at a first start is all of it: the first run does not tell of compiling again."""

from __future__ import annotations

import threading

import pytest

from astep_gui.models import preparing
from pipeline_core import executor, warm_up
from pipeline_core.events import RunContext
from pipeline_core.executor import ThreadWorkers
from tests.gui.test_workflow import reduce


@pytest.fixture
def never_compiled(monkeypatch, tmp_path):
    """A machine on which no kernel was ever compiled, with a quick compiler; what it compiled is listed."""
    done = []

    def compiles(what):
        def compile_now():
            done.append(what)
            (tmp_path / f"compiled_{what}").touch()

        return compile_now

    monkeypatch.setattr(preparing, "_are_ready", threading.Event())
    monkeypatch.setattr(warm_up, "_mark", lambda what: tmp_path / f"compiled_{what}")
    for what in ("science", "calibration"):
        monkeypatch.setattr(warm_up, f"warm_up_{what}", compiles(what))
    monkeypatch.setattr(executor, "ProcessWorkers", ThreadWorkers)
    return done


def test_a_run_after_the_first_start_says_nothing_of_compiling(qtbot, never_compiled, opened):
    told = []
    preparing.prepare(RunContext(), told.append)
    assert told[-1] == "", "it is over"
    assert sorted(never_compiled) == ["calibration", "science"]
    reduce(qtbot, opened)
    assert "compil" not in opened.log.text.toPlainText()
    assert len(never_compiled) == 2, "each once"


def test_what_one_part_lacks_is_prepared_alone(never_compiled):
    warm_up.warm_up_science()
    preparing.prepare(RunContext(), lambda _words: None)
    assert never_compiled == ["science", "calibration"]


def test_a_run_that_comes_first_says_which_part_it_compiles_and_promises_no_more(qtbot, never_compiled, opened):
    reduce(qtbot, opened)
    said = opened.log.text.toPlainText()
    for frames in ("calibration frames", "science frames"):
        assert f"compiling the calculations for {frames} on this machine" in said
        assert f"the calculations for {frames} are compiled (0 s) and kept for later runs" in said
    assert "begin at once" not in said
