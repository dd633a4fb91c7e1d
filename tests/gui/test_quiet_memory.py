"""Unreachable objects are collected little by little, and whole only when nobody is at work."""

import gc
import sys
import weakref

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLineEdit, QMenu

from astep_gui import quiet_memory
from astep_gui.quiet_memory import QuietMemory


class Knot:
    """Refers to itself: only a collection ends it."""

    def __init__(self):
        self.me = self


@pytest.fixture
def older_objects_set_aside():
    """Nothing, and none by the tests before: what is set aside, and when, is what these tests are about."""
    gc.unfreeze()


@pytest.fixture
def memory(qapp):
    busy = []
    memory = QuietMemory(qapp, lambda: bool(busy))
    memory.busy = busy
    memory.start()
    yield memory
    memory.stop()


@pytest.fixture
def settled(memory):
    """The same, with all imports done and set aside."""
    memory._modules = memory._set_aside = len(sys.modules)
    return memory


def test_it_takes_over_and_gives_back_what_python_had(qapp):
    gc.unfreeze()  # what tests before set aside
    before = gc.isenabled(), sys.getswitchinterval(), gc.get_freeze_count()
    memory = QuietMemory(qapp, lambda: False)
    memory.start()
    assert not gc.isenabled()
    memory.stop()
    assert (gc.isenabled(), sys.getswitchinterval(), gc.get_freeze_count()) == before


def test_new_knots_are_collected_while_a_run_goes_on_but_nothing_old_is_passed_over(settled):
    settled.busy.append("run")
    full = gc.get_stats()[2]["collections"]
    knots = [weakref.ref(Knot()) for _ in range(3 * quiet_memory.YOUNG)]
    for _ in range(2 * quiet_memory.MIDDLE_EVERY):
        settled.look()
        knots += [weakref.ref(Knot()) for _ in range(2 * quiet_memory.YOUNG)]
    settled.look()
    assert sum(knot() is not None for knot in knots) < len(knots) / 10
    assert gc.get_stats()[2]["collections"] == full


def test_a_full_pass_waits_until_keys_and_mouse_rest(settled, qtbot, monkeypatch):
    monkeypatch.setattr(quiet_memory, "IDLE_S", 0.4)
    monkeypatch.setattr(quiet_memory, "FEW", 0)
    line = shown_line(qtbot)
    settled._touched = 0.0
    QTest.keyClick(line.windowHandle(), Qt.Key.Key_A)
    assert not settled.is_idle
    full = gc.get_stats()[2]["collections"]
    settled._middles = quiet_memory.FULL_AFTER
    settled.look()
    assert gc.get_stats()[2]["collections"] == full
    qtbot.waitUntil(lambda: gc.get_stats()[2]["collections"] > full, timeout=3000)


def shown_line(qtbot):
    """Return a field that has the keys."""
    line = QLineEdit()
    qtbot.addWidget(line)
    with qtbot.waitActive(line):
        line.show()
    return line


def test_the_mouse_and_an_open_menu_are_somebody_at_work(settled, qtbot):
    line = shown_line(qtbot)
    settled._touched = 0.0
    assert settled.is_idle
    QTest.mouseMove(line.windowHandle(), line.rect().center())
    qtbot.waitUntil(lambda: not settled.is_idle, timeout=1000)
    settled._touched = 0.0
    menu = QMenu(line)
    menu.addAction("read me")
    menu.popup(line.mapToGlobal(line.rect().center()))
    assert not settled.is_idle
    menu.close()
    assert settled.is_idle


def test_what_the_window_does_by_itself_does_not_pass_through_python(settled, qtbot, monkeypatch):
    line = shown_line(qtbot)
    seen = []
    monkeypatch.setattr(type(settled), "eventFilter", lambda _self, watched, _event: bool(seen.append(watched)))
    for k in range(20):
        line.setText(str(k))
        line.repaint()
    assert line not in seen
    assert len(seen) < 20


def test_where_there_is_little_to_pass_over_nobody_needs_to_rest(settled, monkeypatch):
    monkeypatch.setattr(quiet_memory, "FEW", len(gc.get_objects()) + 100_000)
    settled.busy.append("run")
    knot = weakref.ref(Knot())
    gc.collect(0)
    gc.collect(1)
    settled._middles = quiet_memory.FULL_AFTER
    settled.look()
    assert knot() is None


def test_few_objects_that_may_hold_whole_frames_do_not_wait_for_thousands_of_new_ones(settled, monkeypatch):
    monkeypatch.setattr(quiet_memory, "FEW", len(gc.get_objects()) + 100_000)
    monkeypatch.setattr(quiet_memory, "FULL_EVERY_S", 0.0)
    settled.busy.append("run")
    knot = weakref.ref(Knot())
    gc.collect(0)
    gc.collect(1)
    settled.look()
    assert knot() is None


def test_many_objects_are_not_counted_at_each_look_of_somebody_at_work(settled, monkeypatch):
    monkeypatch.setattr(quiet_memory, "FEW", 0)
    settled.busy.append("run")
    counted, count = [], gc.get_objects
    monkeypatch.setattr(gc, "get_objects", lambda: counted.append(1) or count())
    settled._middles = quiet_memory.FULL_AFTER
    full = gc.get_stats()[2]["collections"]
    for _ in range(50):
        settled.look()
    assert len(counted) == 1
    assert gc.get_stats()[2]["collections"] == full


def test_what_imports_made_is_set_aside_once_they_rest_without_a_pass_over_it(memory, qtbot, monkeypatch):
    monkeypatch.setattr(quiet_memory, "REST_S", 0.1)
    full = gc.get_stats()[2]["collections"]
    qtbot.waitUntil(lambda: gc.get_freeze_count() > 10_000, timeout=3000)
    assert gc.get_stats()[2]["collections"] == full
    frozen = gc.get_freeze_count()
    qtbot.wait(300)
    assert gc.get_freeze_count() <= frozen  # nothing was imported since


def test_old_knots_are_collected_at_last(settled, monkeypatch):
    monkeypatch.setattr(quiet_memory, "IDLE_S", -1.0)
    knot = weakref.ref(Knot())
    settled._middles = quiet_memory.FULL_AFTER
    settled.look()
    assert knot() is None
