"""A long night at the window costs no more memory than a short one: nothing is left of frames and nights gone by."""

from __future__ import annotations

import gc
import threading

import psutil
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtWidgets import QApplication

from tests.gui.nights import small_night

pytestmark = pytest.mark.slow
STEPS, ROUNDS = 1000, 50
GROWTH_MB = 25
"""The allocator's own wandering; one leaked frame of 64 × 64 a step would be 50 MB, one leaked label 4 MB."""


def held():
    """Return resident memory, MB, and how many widgets and threads there are, when all that is to go has gone."""
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6, len(QApplication.allWidgets()), threading.active_count()


def walk(qtbot, window, paths, steps):
    for k in range(steps):
        path = paths[k % len(paths)]
        window.night.select([path])
        qtbot.waitUntil(lambda path=path: window.viewing.view.title == path, timeout=8000)
        if k % 100 == 0:
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_a_thousand_steps_from_frame_to_frame_leave_nothing(qtbot, window, tmp_path):
    window.open_night(small_night(tmp_path / "night", science=40))
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=8000)
    paths = [frame.path for frame in window.night.frames if frame.kind.value == "science"]
    walk(qtbot, window, paths, 2 * len(paths))  # the cache is full then
    memory, widgets, threads = held()
    walk(qtbot, window, paths, STEPS)
    after = held()
    assert after[0] - memory < GROWTH_MB
    assert after[1] <= widgets + 5
    assert after[2] <= threads


def test_fifty_nights_opened_and_closed_leave_nothing(qtbot, window, tmp_path):
    nights = [small_night(tmp_path / name) for name in ("one", "two")]

    def round_trip(k):
        window.open_night(nights[k % 2])
        qtbot.waitUntil(lambda: window.night.plan is not None, timeout=8000)
        qtbot.waitUntil(lambda: window.viewing.view.shown is not None, timeout=8000)
        window.night.close()
        QApplication.processEvents()

    for k in range(6):
        round_trip(k)
    memory, widgets, threads = held()
    for k in range(ROUNDS):
        round_trip(k)
    after = held()
    assert after[0] - memory < GROWTH_MB
    assert after[1] <= widgets + 5
    assert after[2] <= threads
