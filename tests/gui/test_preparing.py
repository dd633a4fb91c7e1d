"""Where no kernel was ever compiled, whoever needs them waits for one compiler, and says so with the time."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from astep_gui.models import preparing
from astep_gui.models.preparing import PREPARING, WHAT, Preparing, prepare, so_far_words
from astep_gui.models.steps_model import StepsModel
from astep_gui.models.steps_work import StepsOfFrames
from astep_gui.widgets.steps_rail import StepsRail
from pipeline_core import warm_up
from pipeline_core.compile_progress import HowFar
from pipeline_core.config import Recipe
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.types import FrameKind


@pytest.fixture
def compiler(monkeypatch):
    """A compiler that takes as long as is asked for; how often it was started."""
    made = type("Compiler", (), {"starts": 0, "seconds": 0.3, "is_done": False, "compiles": []})()

    def in_worker(context, warm_up, _pool, so_far):
        made.starts += 1
        warm_up.args[0].write_text("".join(f"{line}\n" for line in made.compiles))
        begun = time.monotonic()
        while time.monotonic() - begun < made.seconds:
            context.check()
            so_far(10 * (time.monotonic() - begun))  # ten times as fast as a clock
            time.sleep(0.01)
        made.is_done = True

    monkeypatch.setattr(preparing, "_are_ready", threading.Event())
    monkeypatch.setattr(warm_up, "is_first_time", lambda *, science: science and not made.is_done)
    monkeypatch.setattr(warm_up, "in_worker", in_worker)
    return made


def test_it_is_said_with_the_seconds_and_taken_back(compiler):
    told = []
    prepare(RunContext(), told.append)
    assert told[0] == PREPARING
    assert told[1] == f"{WHAT}: 1 s so far"
    assert 2 <= len(told[1:-1]) <= 3  # once a second
    assert told[-1] == ""


def test_what_is_compiled_is_counted_with_the_time_left(compiler, monkeypatch):
    usual = (("one", 1.0), ("two", 1.0), ("three", 10.0))
    monkeypatch.setattr(warm_up, "missing_kernels", lambda: usual)
    compiler.compiles = ["one 1.000", "two 1.000"]
    told = []
    prepare(RunContext(), told.append)
    assert told[1] == f"{WHAT}: 2 of 3, about 10 s left"
    assert told[-1] == ""


def test_what_takes_longer_is_not_promised_and_goes_on_counting():
    far = HowFar(40, 41, None)
    assert so_far_words(70, far) == f"{WHAT}: 40 of 41, 70 s so far, longer than usual: the machine is busy or slow"
    assert so_far_words(3, HowFar(0, 41, None)) == f"{WHAT}: 3 s so far"
    assert so_far_words(70, HowFar(30, 41, 33.0)) == f"{WHAT}: 30 of 41, about 35 s left"


def test_who_asks_meanwhile_waits_for_the_same_compiler(compiler):
    told = [[], []]
    threads = [threading.Thread(target=partial(prepare, RunContext(), words.append)) for words in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert compiler.starts == 1
    assert [(words[0], words[-1]) for words in told] == [(PREPARING, "")] * 2


def test_who_waits_for_anothers_compiler_can_be_cancelled(compiler):
    compiler.seconds = 5
    first, second = RunContext(), RunContext()
    outcome = []

    def cancelled(context):
        with pytest.raises(Cancelled):
            prepare(context, lambda _words: None)
        outcome.append(context)

    threads = [threading.Thread(target=cancelled, args=[context]) for context in (first, second)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    for context in (second, first):
        context.cancel()
    for thread in threads:
        thread.join(3)
    assert len(outcome) == 2


def test_nothing_is_said_where_all_is_compiled(compiler):
    compiler.is_done = True
    told = []
    prepare(RunContext(), told.append)
    assert (told, compiler.starts) == ([], 0)


def test_the_rail_says_that_the_steps_wait_and_then_that_they_are_computed(qtbot, compiler, reduced, monkeypatch):
    night, output, science = reduced
    go_on = threading.Event()
    monkeypatch.setattr(StepsOfFrames, "answer", lambda *_a, **_k: go_on.wait(10))
    compiler.seconds = 1.0
    model = StepsModel()
    rail = StepsRail(model)
    qtbot.addWidget(rail)
    model.set_night(night, Recipe(), output)
    model.set_frame(science[0])
    model.choose("dark")
    rail.resize(900, 80)
    rail.show()
    words = rail.note.text
    qtbot.waitUntil(lambda: words().startswith(f"First {WHAT}: ") and " s so far" in words(), timeout=3000)
    qtbot.waitUntil(lambda: words() == "Computing the steps of this frame …", timeout=5000)
    model._background.done.disconnect()  # the answer is none
    go_on.set()
    model.close()


def test_another_kind_of_news_is_told_apart(compiler):
    told = []
    preparing.prepare_first(RunContext(), told.append)
    assert told[0] == Preparing(PREPARING)
    assert told[-1] == Preparing("")


def test_with_a_step_chosen_the_frame_itself_is_shown_as_long_as_the_kernels_are_prepared(qtbot, compiler, opened):
    compiler.seconds = 30
    viewing, night = opened.viewing, opened.night
    light = [frame.path for frame in night.frames if frame.kind is FrameKind.SCIENCE][-1]
    viewing.steps.choose("raw")
    night.select([light])
    qtbot.waitUntil(lambda: viewing.steps.preparing != "", timeout=5000)
    qtbot.waitUntil(lambda: viewing.view.shown is not None and viewing.view.shown.key[1] == light, timeout=5000)
    assert viewing.steps.is_busy
    assert WHAT in viewing.rail.note.text()


def test_no_count_passes_an_estimate_that_was_given():
    assert preparing.so_far_words(4.0) == f"{WHAT}: 4 s so far"
    slow = preparing.so_far_words(180.0)
    assert slow.startswith(f"{WHAT}: 180 s so far, longer than usual")
    assert "minute" not in slow
