"""A loop that stalls is told of: how late it came, how much it computed itself, where it stood."""

from __future__ import annotations

import threading
import time

import pytest
from PyQt6.QtCore import QTimer

from astep_gui import loop_watch
from astep_gui.loop_watch import LONG_MS, LoopWatch

STALL_S = 3 * LONG_MS / 1000


@pytest.fixture
def watch(qapp):
    watch = LoopWatch()
    yield watch
    watch.stop()


def compute_for_long():
    end = time.thread_time() + STALL_S
    while time.thread_time() < end:
        pass


def wait_for_long():
    time.sleep(STALL_S)


def stalls_of(qtbot, watch, deed):
    qtbot.wait(50)
    watch.since_asked()
    QTimer.singleShot(0, deed)
    told = []
    qtbot.waitUntil(lambda: told.extend(watch.since_asked()["stalls"]) or bool(told), timeout=10_000)
    return told


def test_what_the_window_computes_is_its_own_stall_and_its_place_is_told(qtbot, watch):
    longest = max(stalls_of(qtbot, watch, compute_for_long), key=lambda stall: stall["cpu_ms"])
    assert longest["cpu_ms"] >= 0.9 * 1000 * STALL_S
    assert any("compute_for_long" in call for at in longest["at"] for call in at)


def test_what_it_waits_for_is_not_its_own(qtbot, watch):
    longest = max(stalls_of(qtbot, watch, wait_for_long), key=lambda stall: stall["ms"])
    assert longest["ms"] >= 0.9 * 1000 * STALL_S
    assert longest["cpu_ms"] < 0.5 * 1000 * STALL_S
    assert any("wait_for_long" in call for at in longest["at"] for call in at)


def test_a_stall_tells_when_it_ended_by_the_clock_of_all_processes(qtbot, watch):
    since = time.perf_counter()
    longest = max(stalls_of(qtbot, watch, wait_for_long), key=lambda stall: stall["ms"])
    assert since + STALL_S <= longest["until_s"] <= time.perf_counter()


def test_a_loop_that_turns_has_no_stall_and_says_how_often_it_turned(qtbot, watch):
    qtbot.wait(300)
    told = watch.since_asked()
    assert told["beats"] >= 5
    assert all(stall["cpu_ms"] < LONG_MS for stall in told["stalls"])  # the machine may be busy, the loop is not
    assert watch.since_asked()["beats"] <= 1  # each question begins anew


def told_of_a_long_turn(qtbot, watch):
    """Let the loop compute for long once; return what the watch has seen of it."""
    qtbot.wait(50)
    watch.since_asked()
    done = []
    QTimer.singleShot(0, lambda: (compute_for_long(), done.append(True)))
    qtbot.waitUntil(lambda: bool(done), timeout=10_000)
    qtbot.wait(50)
    return watch.since_asked()


def test_the_worst_beat_is_told_with_its_place_also_where_it_is_not_long(qtbot, watch, monkeypatch):
    monkeypatch.setattr(loop_watch, "LONG_MS", 1e9)
    told = told_of_a_long_turn(qtbot, watch)
    assert told["stalls"] == []
    worst = told["worst"]
    assert worst["ms"] == pytest.approx(told["worst_ms"], abs=0.1)
    assert worst["cpu_ms"] >= 0.9 * 1000 * STALL_S
    assert any("compute_for_long" in call for at in worst["at"] for call in at)


def test_the_worst_beat_is_not_lost_among_many_long_ones(qtbot, watch, monkeypatch):
    monkeypatch.setattr(loop_watch, "MOST_TOLD", 0)
    assert told_of_a_long_turn(qtbot, watch)["worst"]["cpu_ms"] >= 0.9 * 1000 * STALL_S
    assert watch.since_asked()["worst"] is None, "each question begins anew"


def test_its_thread_ends_with_it(qapp):
    watch = LoopWatch()
    watch.stop()
    assert "loop watch" not in {thread.name for thread in threading.enumerate()}
