"""Steps of large frames are kept one frame at a time, those of small ones as many as there is room for."""

from __future__ import annotations

import numpy as np
import pytest

from astep_gui.models import steps_work
from astep_gui.models.memory_budget import MemoryBudget
from astep_gui.models.steps_work import StepsOfFrames
from pipeline_core import on_demand
from pipeline_core.config import Recipe
from pipeline_core.errors import NightError
from pipeline_core.on_demand import ShownSteps
from pipeline_core.science.frame_steps import Step
from pipeline_core.steps import FrameSteps

SIDE = 100
ONE = 2 * SIDE * SIDE * 4
"""Two images of float32; the mask and the third step share theirs."""


@pytest.fixture
def work(qapp, reduced, monkeypatch):
    """What makes the work, with steps that cost nothing; ``work.seen`` are the bytes kept when a frame was begun."""
    night, output, _science = reduced
    made = []

    def make(most_bytes):
        budget = MemoryBudget(most_bytes)
        work = StepsOfFrames(night, Recipe(), output, budget)
        work.budget, work.seen = budget, []

        def compute(_task, _output, *, threads, seen):
            work.seen.append(budget.bytes)
            raw = np.ones((SIDE, SIDE), np.float32)
            steps = (Step("raw", raw, "ADU", ""), Step("bias", raw, "ADU", "no bias"), Step("dark", raw - 1, "ADU", ""))
            for step in steps:
                seen(step)
            return ShownSteps(FrameSteps(steps))

        monkeypatch.setattr(on_demand, "steps_as_far_as_possible", compute)
        made.append(work)
        return work

    monkeypatch.setattr(steps_work, "deed_words", lambda *_: "")
    yield make
    for each in made:
        each.close()


def ask(work, path, name="dark"):
    return work.answer(path, name, difference=False, check=lambda: None)


def test_what_several_steps_share_counts_once(work, reduced):
    one = work(100 * ONE)
    ask(one, reduced[2][0])
    assert one.budget.bytes == ONE


def test_of_small_frames_many_are_kept(work, reduced):
    one = work(100 * ONE)
    for path in reduced[2][:3]:
        ask(one, path)
    assert one.budget.bytes == 3 * ONE
    ask(one, reduced[2][0])
    assert len(one.seen) == 3, "the first is still there"


def test_where_two_are_too_much_the_last_frame_goes_before_the_next_is_begun(work, reduced):
    one = work(int(1.5 * ONE))
    for path in reduced[2][:3]:
        ask(one, path)
    assert one.seen == [0, 0, 0]
    assert one.budget.bytes == ONE


def test_an_answer_tells_of_all_steps_without_holding_their_pixels(work, reduced):
    answer = ask(work(100 * ONE), reduced[2][0])
    assert [(s.name, s.note, s.has_difference) for s in answer.steps.steps] == [
        ("raw", "", False),
        ("bias", "no bias", False),
        ("dark", "", True),
    ]
    assert not any(hasattr(step, "image") for step in answer.steps.steps)


def test_closed_work_holds_nothing(work, reduced):
    one = work(100 * ONE)
    ask(one, reduced[2][0])
    one.close()
    assert one.budget.bytes == 0


def test_work_that_was_closed_while_a_frame_was_computed_keeps_nothing_of_it(work, reduced):
    one = work(100 * ONE)
    asked = []
    one.answer(
        reduced[2][0],
        "raw",
        difference=False,
        check=lambda: None,
        tell=lambda shown: (asked.append(shown), one.close()),
    )
    assert asked[0] == "raw", "it was closed amid the steps"
    assert one._held() == (0, 0)


@pytest.fixture
def without_masters(work, reduced, tmp_path, monkeypatch):
    """Work that can show the raw frame only, until ``make_master`` was called with the name of each master."""
    one = work(100 * ONE)
    one._output = tmp_path
    raw = Step("raw", np.ones((SIDE, SIDE), np.float32), "ADU", "")
    complete = []

    def compute(_task, _output, *, threads, seen):
        one.seen.append(one.budget.bytes)
        seen(raw)
        steps = (raw, Step("dark", raw.image - 1, "ADU", "")) if complete else (raw,)
        missing = None if complete else NightError("no dark step", "the dark was not made yet", "make it")
        return ShownSteps(FrameSteps(steps), missing)

    def make_master(name, *, is_last=False):
        file = tmp_path / one._tasks_of_night().masters[name].product
        file.parent.mkdir(exist_ok=True)
        file.touch()
        complete.extend([True] * is_last)

    monkeypatch.setattr(on_demand, "steps_as_far_as_possible", compute)
    one.make_master = make_master
    return one


def test_steps_that_need_no_master_are_computed_once_while_no_master_comes(without_masters, reduced):
    for name in ("raw", "dark", "raw"):
        assert ask(without_masters, reduced[2][0], name).steps.missing is not None
    assert len(without_masters.seen) == 1
    assert without_masters.budget.bytes == ONE // 2, "they count as all others do"


def test_with_each_master_that_comes_it_is_looked_again_how_far_the_steps_go(without_masters, reduced):
    path, names = reduced[2][0], sorted(without_masters._tasks_of_night().masters)
    ask(without_masters, path)
    without_masters.make_master(names[0])
    assert ask(without_masters, path).steps.missing is not None
    without_masters.make_master(names[1], is_last=True)
    whole = ask(without_masters, path)
    assert whole.steps.missing is None
    assert set(whole.words) == {"raw", "dark"}
    ask(without_masters, path)
    assert len(without_masters.seen) == 3


def test_whole_steps_are_kept_whatever_master_comes(work, reduced, tmp_path):
    one = work(100 * ONE)
    one._output = tmp_path
    ask(one, reduced[2][0])
    file = tmp_path / next(iter(one._tasks_of_night().masters.values())).product
    file.parent.mkdir()
    file.touch()
    ask(one, reduced[2][0])
    assert len(one.seen) == 1
