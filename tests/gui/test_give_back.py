"""Freed memory goes back to the system, off the window's thread, where the C library can be asked to."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading

import numpy as np
import psutil
import pytest

from astep_gui import give_back
from astep_gui.give_back import GiveBack, map_large_blocks, trimmer


@pytest.fixture
def giving(qapp, monkeypatch):
    monkeypatch.setattr(give_back, "EVERY_MS", 20)
    giving = GiveBack()
    yield giving
    giving.stop()


def test_it_asks_again_and_again_and_never_in_the_windows_thread(qtbot, giving):
    asked = []
    giving._trim = lambda pad: asked.append((pad, threading.current_thread() is threading.main_thread()))
    giving.start()
    qtbot.waitUntil(lambda: len(asked) >= 3, timeout=5000)
    giving.stop()
    assert set(asked) == {(0, False)}


def test_one_look_waits_for_the_other(giving):
    gate, asked = threading.Event(), []
    giving._trim = lambda _pad: (asked.append(1), gate.wait(5))
    for _ in range(3):
        giving.look()
    gate.set()
    giving.stop()
    assert asked == [1]


def test_without_such_a_library_nothing_is_done(qtbot, giving, monkeypatch):
    def no_library(_name):
        raise TypeError("no such thing here")

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    assert trimmer() is None
    other = GiveBack()
    other.start()
    other.look()
    qtbot.wait(60)
    assert not [thread for thread in threading.enumerate() if thread.name == "astep give back"]


@pytest.mark.skipif(trimmer() is None, reason="the C library gives nothing back on request")
def test_what_a_thread_freed_between_things_that_stay_is_resident_no_more(qapp):
    stays = []

    def work():
        goes = []
        for _ in range(2000):  # small enough to come from the thread's own arena
            goes.append(np.ones(8000))
            stays.append(np.ones(8))
        goes.clear()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    before = psutil.Process().memory_info().rss
    giving = GiveBack()
    giving.look()
    giving.stop()
    assert before - psutil.Process().memory_info().rss > 60e6  # of 128 MB
    assert len(stays) == 2000


LARGE_BLOCKS = """
import numpy as np
import psutil
from astep_gui.give_back import MAPPED_BYTES, map_large_blocks

assert map_large_blocks()
resident = psutil.Process().memory_info
np.ones(24 << 20, np.uint8)  # freed at once: glibc takes it for a sign that such blocks come and go
blocks, between = [], []
for _ in range(100):
    blocks.append(np.ones(MAPPED_BYTES, np.uint8))
    between.append(np.ones(MAPPED_BYTES // 4, np.uint8))  # what stays behind, and keeps a heap from shrinking
before = resident().rss
blocks.clear()
print((before - resident().rss) / (100 * MAPPED_BYTES))
"""


@pytest.mark.skipif(trimmer() is None, reason="another C library")
def test_frames_go_back_as_soon_as_they_are_freed():
    said = subprocess.run([sys.executable, "-c", LARGE_BLOCKS], capture_output=True, text=True, check=True)
    assert 0.9 < float(said.stdout) < 1.1


def test_without_such_a_library_blocks_stay_where_they_are(monkeypatch):
    def no_library(_name):
        raise OSError("no such thing here")

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    assert not map_large_blocks()
