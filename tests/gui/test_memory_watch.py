"""A watching thread knows the highest moment of the memory, and who held it."""

from __future__ import annotations

import gc
import sys
import threading

import numpy as np
import pytest

from astep_gui.give_back import map_large_blocks
from astep_gui.memory_watch import WORTH_MB, MemoryWatch, allocated_mb, calls, resident_mb, threads_at_work

BIG = 64 << 20


def test_a_moment_that_is_over_is_known_with_what_was_held_then():
    gc.collect()
    held = {"images": 0, "steps": 0}
    watch = MemoryWatch(lambda: dict(held))
    before = watch.since_asked()["mb"]
    held["steps"] = 64_000_000
    big = np.ones(BIG, np.uint8)
    watch.look()
    held["steps"] = 0
    del big
    watch.look()
    most = watch.since_asked()
    assert most["mb"] > before + 0.9 * BIG / 1e6
    assert most["held_mb"] == {"steps": 64.0}
    # The next question is of what comes after this one.
    assert watch.since_asked()["mb"] < most["mb"] - WORTH_MB


def test_the_thread_finds_a_moment_by_itself_and_ends_when_it_is_told():
    watch = MemoryWatch(dict)
    before = watch.since_asked()["mb"]
    watch.start()
    looked = threading.Event()
    seen = watch.look
    watch.look = lambda: (seen(), looked.set() if big_is_there.is_set() else None)
    big_is_there = threading.Event()
    big = np.ones(BIG, np.uint8)
    big_is_there.set()
    assert looked.wait(5.0)
    watch.stop()
    del big
    assert watch.since_asked()["mb"] > before + 0.9 * BIG / 1e6
    assert "memory watch" not in {thread.name for thread in threading.enumerate()}


def test_the_resident_memory_is_told_by_kind_and_grows_with_what_is_written_to():
    before = resident_mb()
    big = np.ones(BIG, np.uint8)
    after = resident_mb()
    assert after["anon"] - before["anon"] > 0.9 * BIG / 1e6
    assert after["mb"] >= after["anon"]
    del big


def test_a_thread_at_work_is_told_with_where_it_stands_and_one_that_waits_is_not():
    end, is_on = threading.Event(), threading.Event()

    def work():
        is_on.set()
        while not end.is_set():
            pass

    busy = threading.Thread(target=work, name="busy")
    idle = threading.Thread(target=end.wait, name="idle")
    for thread in (busy, idle):
        thread.start()
    assert is_on.wait(5.0)
    try:
        told = threads_at_work()
    finally:
        end.set()
        busy.join()
        idle.join()
    assert "idle" not in told
    assert any("test_memory_watch.py" in call or "threading.py" in call for call in told["busy"])


def test_of_a_thread_the_innermost_call_and_the_projects_own_are_told():
    frames = []
    watch = MemoryWatch(lambda: frames.append(sys._getframe()) or {})
    watch.look()
    assert [call.rpartition(" ")[2] for call in calls(frames[0])] == ["<lambda>", "_held_mb", "look"], "no test's own"
    assert len(calls(frames[0], deepest=2)) == 2
    assert calls(None) == []


def test_of_what_was_allocated_arrays_are_told_apart():
    map_large_blocks()
    before = allocated_mb()
    if not before:
        pytest.skip("the C library is not glibc")
    big = np.ones(BIG, np.uint8)
    assert allocated_mb()["arrays"] - before["arrays"] > 0.9 * BIG / 1e6
    del big
