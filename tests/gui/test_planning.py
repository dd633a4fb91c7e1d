"""The plan is made in the background: the newest question is answered, and nothing of a night that was closed."""

from __future__ import annotations

import threading

import pytest

import pipeline_core.plan
from astep_gui.jobs import Jobs
from astep_gui.models.planning import Planning
from pipeline_core.errors import NightError


@pytest.fixture
def jobs(qapp):
    jobs = Jobs()
    yield jobs
    jobs.close()


def _answering(jobs, monkeypatch, build):
    """Return a planner whose questions are numbers, and what it told."""
    asked, told, failed = [0], [], []

    def ask():
        return (asked[0], None, None, {})

    monkeypatch.setattr(pipeline_core.plan, "build_plan", build)
    planning = Planning(jobs, ask)
    planning.planned.connect(told.append)
    planning.failed.connect(failed.append)
    return planning, asked, told, failed


def test_a_plan_is_made_off_the_windows_thread(qtbot, jobs, monkeypatch):
    planning, _asked, told, _failed = _answering(jobs, monkeypatch, lambda *_: threading.current_thread().name)
    planning.ask_soon()
    qtbot.waitUntil(lambda: bool(told))
    assert told == ["astep plan"]


def test_many_decisions_while_one_plan_is_made_give_one_more_plan_of_the_last(qtbot, jobs, monkeypatch):
    go_on, made = threading.Event(), []

    def build(number, *_):
        made.append(number)
        go_on.wait(5)
        return number

    planning, asked, told, _failed = _answering(jobs, monkeypatch, build)
    planning.ask_soon()
    qtbot.waitUntil(lambda: made == [0])
    for number in (1, 2, 3):
        asked[0] = number
        planning.ask_soon()
    go_on.set()
    qtbot.waitUntil(lambda: bool(told))
    assert made == [0, 3]
    assert told == [3]


def test_the_plan_of_a_night_that_was_closed_is_not_told(qtbot, jobs, monkeypatch):
    go_on, begun = threading.Event(), threading.Event()

    def build(*_):
        begun.set()
        go_on.wait(5)
        return "old"

    planning, _asked, told, _failed = _answering(jobs, monkeypatch, build)
    planning.ask_soon()
    qtbot.waitUntil(begun.is_set)
    planning.forget()
    go_on.set()
    qtbot.waitUntil(lambda: not jobs.are_running)
    qtbot.wait(50)
    assert told == []


def test_why_no_plan_can_be_made_is_told(qtbot, jobs, monkeypatch):
    def build(*_):
        raise NightError("no plan", "two sizes", "choose one")

    planning, _asked, told, failed = _answering(jobs, monkeypatch, build)
    planning.ask_soon()
    qtbot.waitUntil(lambda: bool(failed))
    assert (told, failed[0].what) == ([], "no plan")


def test_a_plan_waits_until_nobody_has_decided_for_a_while(qtbot, jobs, monkeypatch):
    planning, asked, told, _failed = _answering(jobs, monkeypatch, lambda number, *_: number)
    for number in (1, 2, 3):
        asked[0] = number
        planning.ask_soon(150)
        qtbot.wait(20)
    assert told == []
    qtbot.waitUntil(lambda: bool(told))
    qtbot.wait(200)
    assert told == [3]
