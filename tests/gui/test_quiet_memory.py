"""Unreachable objects are collected little by little, and whole only when nobody is at work."""

import gc
import sys
import weakref

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLineEdit

from astep_gui import quiet_memory
from astep_gui.quiet_memory import QuietMemory


class Knot:
    """Refers to itself: only a collection ends it."""

    def __init__(self):
        self.me = self


@pytest.fixture
def memory(qapp):
    busy = []
    memory = QuietMemory(qapp, lambda: bool(busy))
    memory.busy = busy
    memory.start()
    yield memory
    memory.stop()


def test_it_takes_over_and_gives_back_what_python_had(qapp):
    before = gc.isenabled(), sys.getswitchinterval(), gc.get_freeze_count()
    memory = QuietMemory(qapp, lambda: False)
    memory.start()
    assert not gc.isenabled()
    memory.stop()
    assert (gc.isenabled(), sys.getswitchinterval(), gc.get_freeze_count()) == before


def test_new_knots_are_collected_while_a_run_goes_on_but_nothing_old_is_passed_over(memory):
    memory.busy.append("run")
    full = gc.get_stats()[2]["collections"]
    knots = [weakref.ref(Knot()) for _ in range(3 * quiet_memory.YOUNG)]
    for _ in range(2 * quiet_memory.MIDDLE_EVERY):
        memory.look()
        knots += [weakref.ref(Knot()) for _ in range(2 * quiet_memory.YOUNG)]
    memory.look()
    assert sum(knot() is not None for knot in knots) < len(knots) / 10
    assert gc.get_stats()[2]["collections"] == full


def test_a_full_pass_waits_until_keys_and_mouse_rest(memory, qtbot, monkeypatch):
    monkeypatch.setattr(quiet_memory, "IDLE_S", 0.3)
    line = QLineEdit()
    qtbot.addWidget(line)
    qtbot.keyClick(line, Qt.Key.Key_A)
    assert not memory.is_idle
    full = gc.get_stats()[2]["collections"]
    memory.look()
    assert gc.get_stats()[2]["collections"] == full
    qtbot.waitUntil(lambda: gc.get_stats()[2]["collections"] > full, timeout=3000)
    assert gc.get_freeze_count() > 1000  # what the imports made is not looked at again


def test_old_knots_are_collected_at_last(memory, monkeypatch):
    monkeypatch.setattr(quiet_memory, "IDLE_S", -1.0)
    memory.look()  # settles
    knot = weakref.ref(Knot())
    memory._middles = quiet_memory.FULL_AFTER
    memory.look()
    assert knot() is None
