"""The quick look waits until there is something to see, measures once, and gives way to whoever measures better."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

import pytest

from astep_gui.jobs import Jobs
from astep_gui.models import preparing, quick_looking
from astep_gui.models.quick_looking import QuickLooking
from pipeline_core import kept_looks, warm_up
from pipeline_core import quick_look as core
from pipeline_core.config import Recipe
from pipeline_core.errors import DataError
from pipeline_core.events import Event
from pipeline_core.measures import QualityRow, ScienceMeasures
from pipeline_core.session import Place
from pipeline_core.types import Night

LEFT = ("what earlier runs left",)
ROW = QualityRow("a.fits", ScienceMeasures("quick", "ADU"))
PLACE, NIGHT = Place(Path("night"), Path("out")), Night(Path("night"), ())


def pause(seconds, _told):
    """What a process that compiles does here instead, for so long."""
    time.sleep(seconds)


@pytest.fixture
def asked(monkeypatch):
    """What the core was asked for, and what it answers: an error, or words."""
    asked = type("Asked", (), {"known": [], "answer": "judged", "gate": threading.Event()})()
    asked.gate.set()

    def quick_look(_place, _night, _recipe, context, tell, known, _first):
        asked.known.append(dict(known))
        known["a.fits"] = {"measures": {}}
        tell([ROW])
        asked.gate.wait(5)
        context.check()
        if isinstance(asked.answer, Exception):
            raise asked.answer
        return asked.answer

    monkeypatch.setattr(core, "quick_look", quick_look)
    monkeypatch.setattr(kept_looks, "last_known", lambda place, night: LEFT if (place, night) == (PLACE, NIGHT) else ())
    monkeypatch.setattr(warm_up, "is_first_time", lambda *, science: not science)
    return asked


@pytest.fixture
def looking(qapp, asked):
    jobs = Jobs()
    looking = QuickLooking(jobs)
    yield looking
    asked.gate.set()
    looking.forget()
    jobs.close()


def told(signal):
    heard = []
    signal.connect(lambda *values: heard.append(values))
    return heard


def test_it_is_due_soon_after_the_first_image_and_only_once(qtbot, looking):
    due = told(looking.due)
    looking.wait_for_image()
    assert looking.is_on
    qtbot.wait(2 * quick_looking.AFTER_IMAGE_MS)
    assert not due
    for _ in range(3):
        looking.image_is_shown()
    qtbot.waitUntil(lambda: bool(due), timeout=2000)
    looking.image_is_shown()
    qtbot.wait(2 * quick_looking.AFTER_IMAGE_MS)
    assert len(due) == 1


def test_after_a_run_it_is_due_when_what_was_made_has_been_shown(qtbot, looking):
    due = told(looking.due)
    looking.wait_after_run()
    looking.image_is_shown()  # another frame is no reason to begin sooner
    qtbot.wait(quick_looking.AFTER_RUN_MS // 2)
    assert not due
    assert looking.is_on
    qtbot.waitUntil(lambda: bool(due), timeout=2000)


def test_a_night_whose_image_never_comes_is_looked_at_all_the_same(qtbot, looking, monkeypatch):
    monkeypatch.setattr(quick_looking, "LATEST_MS", 200)
    due = told(looking.due)
    looking.wait_for_image()
    qtbot.waitUntil(lambda: bool(due), timeout=3000)


def test_rows_come_before_the_judgement(qtbot, looking):
    rows, ended = told(looking.rows_came), told(looking.ended)
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: bool(ended), timeout=3000)
    assert (rows, ended) == ([([ROW],)], [("judged",)])
    assert not looking.is_on


def test_what_was_measured_is_not_judged_before_the_look_ends(qtbot, looking, asked):
    asked.gate.clear()
    rows, ended = told(looking.rows_came), told(looking.ended)
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: bool(rows), timeout=3000)
    assert looking.unjudged == {"a.fits"}
    asked.gate.set()
    qtbot.waitUntil(lambda: bool(ended), timeout=3000)
    assert not looking.unjudged


def test_what_was_measured_is_known_to_the_next_look_of_the_night_but_not_to_another_night(qtbot, looking, asked):
    ended = told(looking.ended)
    for k in range(3):
        if k == 2:
            looking.forget()
        looking.look(PLACE, NIGHT, Recipe())
        qtbot.waitUntil(lambda k=k: len(ended) == k + 1, timeout=3000)
    assert [sorted(known) for known in asked.known] == [[], ["a.fits"], []]


def test_a_look_that_was_stopped_says_nothing_more(qtbot, looking, asked):
    asked.gate.clear()
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: bool(asked.known), timeout=3000)
    looking.stop()
    said = [told(signal) for signal in (looking.rows_came, looking.ended, looking.failed)]
    asked.gate.set()
    qtbot.wait(200)
    assert said == [[], [], []]


def test_an_error_is_passed_on(qtbot, looking, asked):
    asked.answer = DataError("cannot measure", "cut short")
    failed = told(looking.failed)
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: bool(failed), timeout=3000)
    assert failed[0][0] is asked.answer


@pytest.fixture
def first_time(monkeypatch):
    """No kernel was compiled on this account; compiling them takes as long as is asked for."""

    def takes(seconds):
        monkeypatch.setattr(preparing, "_are_ready", threading.Event())
        monkeypatch.setattr(warm_up, "is_first_time", lambda *, science: science)
        monkeypatch.setattr(warm_up, "warm_up_missing", partial(pause, seconds))

    return takes


def test_the_first_look_of_all_waits_for_a_process_that_compiles_and_says_so(qtbot, looking, first_time, asked):
    first_time(0.3)
    busy, ended = told(looking.busy), told(looking.ended)
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: bool(busy), timeout=5000)
    assert busy == [(preparing.PREPARING,)]
    assert not asked.known
    qtbot.waitUntil(lambda: bool(ended), timeout=30000)
    assert (busy[0], busy[-1]) == ((preparing.PREPARING,), ("",))
    assert all("s so far" in words for (words,) in busy[1:-1]), "the process takes its time to start"


def test_a_window_that_is_closed_does_not_wait_for_the_compiler(qtbot, qapp, asked, first_time):
    first_time(600)
    jobs = Jobs()
    looking = QuickLooking(jobs)
    busy = told(looking.busy)
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: bool(busy), timeout=5000)
    qtbot.wait(300)  # the process is starting, or at work
    begun = time.perf_counter()
    looking.forget()
    jobs.close()
    assert time.perf_counter() - begun < 5.0
    assert busy[-1] == ("",)
    assert not asked.known


def test_what_earlier_runs_left_is_told_before_anything_is_measured(qtbot, looking, asked):
    asked.gate.clear()
    order = []
    looking.begun.connect(order.append)
    looking.rows_came.connect(order.extend)
    looking.ended.connect(order.append)
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: len(order) == 2, timeout=3000)
    asked.gate.set()
    qtbot.waitUntil(lambda: len(order) == 3, timeout=3000)
    assert order == [LEFT, ROW, "judged"]


def test_it_says_how_far_it_is_and_that_verdicts_follow(qtbot, looking, asked, monkeypatch):
    began, go_on = threading.Event(), threading.Event()

    def quick_look(_place, _night, _recipe, context, _tell, _known, _first):
        for number in context.track("quick look", range(33)):
            if number == 12:
                began.set()
                go_on.wait(5)
        return "judged"

    monkeypatch.setattr(core, "quick_look", quick_look)
    ended, said = told(looking.ended), []
    looking.progressed.connect(lambda: said.append(looking.words))
    assert looking.words == ""
    looking.wait_for_image()
    assert looking.words == "quick look begins · verdicts follow"
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: looking.words == "quick look 12 of 33 · verdicts follow", timeout=3000)
    assert looking.counted == "quick look 12 of 33"
    go_on.set()
    qtbot.waitUntil(lambda: bool(ended), timeout=3000)
    assert looking.words == ""
    assert said[0] == "quick look begins · verdicts follow"


@pytest.mark.parametrize("deed", ["stop", "fail"])
def test_a_look_that_ends_without_verdicts_says_so_once(qtbot, looking, asked, deed):
    stopped = told(looking.stopped)
    if deed == "fail":
        asked.answer = DataError("no", "why", "hint")
    else:
        asked.gate.clear()
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: bool(asked.known), timeout=3000)
    if deed == "stop":
        looking.stop()
        looking.stop()
        asked.gate.set()
    qtbot.waitUntil(lambda: bool(stopped), timeout=3000)
    qtbot.wait(100)
    assert len(stopped) == 1
    assert looking.words == ""


def test_the_window_tells_the_first_minute_where_a_person_looks(opened, qtbot, monkeypatch):
    looking = opened.night.looking
    monkeypatch.setattr(type(looking), "is_on", property(lambda _self: True))
    looking._count([Event("progress", "quick look", done=1, total=4)])
    assert opened.table.count.text().endswith("frames · quick look 1 of 4 · verdicts follow")
    assert opened.needs.heading.full_text.endswith("· quick look 1 of 4")
    assert opened.viewing.timeline_model.awaited == "quick look 1 of 4 · verdicts follow"
    assert opened.night.state_of("light_001.fits").word == "to be judged"
    monkeypatch.undo()
    with qtbot.waitSignal(opened.night.frames_changed) as changed:
        looking.stopped.emit()
    assert "light_001.fits" in changed.args[0]
    assert opened.night.state_of("light_001.fits").word == "not measured"
    assert "quick look" not in opened.table.count.text()


def test_a_look_at_rejected_frames_of_a_reduced_night_promises_no_verdicts(opened, monkeypatch):
    night = opened.night
    looking, science = night.looking, [f.path for f in night.frames if f.kind.value == "science"]
    night.writable_logbook().reject(science[:1], "cloud")
    night.follow_decisions()
    monkeypatch.setattr(type(looking), "is_on", property(lambda _self: True))
    rows = [QualityRow(path, ScienceMeasures("final", "ADU")) for path in science[1:]]
    night._take_rows(rows[1:])
    looking._count([Event("progress", "quick look", done=1, total=4)])
    assert "frames · quick look 1 of 4 · verdicts follow" in opened.table.count.text()
    night._take_rows(rows)
    looking._count([Event("progress", "quick look", done=2, total=4)])
    assert opened.table.count.text().endswith("frames · quick look 2 of 4 · ✕ 1 rejected")


@pytest.mark.parametrize("how", ["judged", "stopped", "failed"])
def test_a_look_that_is_over_is_not_said_to_be_at_work(qtbot, looking, asked, how):
    said = []
    looking.progressed.connect(lambda: said.append(looking.words))
    asked.gate.clear()
    looking.look(PLACE, NIGHT, Recipe())
    qtbot.waitUntil(lambda: "a.fits" in looking.unjudged, timeout=3000)
    assert said[-1]
    if how == "stopped":
        looking.stop()
    if how == "failed":
        asked.answer = DataError("cannot look", "no memory", "close programs")
    asked.gate.set()
    qtbot.waitUntil(lambda: said[-1] == "", timeout=3000)
