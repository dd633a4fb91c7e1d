"""Whoever judges frames waits for no disk; what could not be written is told."""

import os
import threading
import time

from pipeline_core import lists_later
from pipeline_core.errors import AstepError
from pipeline_core.io import atomic

PATIENCE_MS = 10_000
SLOW_S = 0.5


def science(window):
    return [f.path for f in window.night.frames if f.kind.value == "science"]


def test_rejecting_frames_in_the_window_waits_for_no_disk_and_closing_it_leaves_their_list(opened, monkeypatch):
    real, here = os.fsync, []

    def slow(descriptor):
        here.append(threading.current_thread() is threading.main_thread())
        time.sleep(SLOW_S)
        real(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", slow)
    output, paths = opened.night.place.output, science(opened)[:2]
    for path in paths:
        opened.decisions.reject([path], "cloud")
    assert set(opened.night.rejected) >= set(paths)
    opened.close()
    assert here
    assert not any(here)
    assert {line.split("  #")[0] for line in (output / "rejected.txt").read_text().splitlines()} >= set(paths)


def test_a_list_that_cannot_be_written_is_told_though_the_decision_stands(opened, qtbot, monkeypatch):
    def full(output, _texts):
        raise AstepError(f"cannot write {output}", "the disk is full", "free some space")

    monkeypatch.setattr(lists_later, "write_lists", full)
    path = science(opened)[0]
    opened.decisions.reject([path], "cloud")
    qtbot.waitUntil(
        lambda: opened.notice.isVisible() and "cannot write" in opened.notice.what.text(), timeout=PATIENCE_MS
    )
    assert path in opened.night.rejected
