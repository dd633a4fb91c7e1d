"""Images are loaded off the window's thread, the latest wanted first, in bounded memory."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from astep_gui.models.frame_images import ImageStore, Loaded
from astep_gui.models.memory_budget import MemoryBudget
from pipeline_core.errors import DataError


def loader(value: int, side: int = 300, *, gate: threading.Event | None = None, log: list | None = None):
    def load() -> Loaded:
        if gate is not None:
            gate.wait(5)
        if log is not None:
            log.append((value, threading.current_thread() is threading.main_thread()))
        return Loaded(f"{value}", np.full((side, side), value, np.uint16), "adu")

    return load


@pytest.fixture
def store(qapp):
    store = ImageStore(budget=MemoryBudget(3 * 2 * 300 * 300 * 2))
    yield store
    store.close()


def test_an_image_arrives_whole_and_was_not_loaded_in_the_windows_thread(qtbot, store):
    log = []
    with qtbot.waitSignal(store.arrived, timeout=5000) as arrived:
        store.request("a", loader(7, log=log))
    shown = arrived.args[0]
    assert (shown.key, shown.title, shown.unit, shown.value(0, 0)) == ("a", "7", "ADU", 7.0)
    assert log == [(7, False)]


def test_what_is_kept_arrives_at_once(qtbot, store):
    with qtbot.waitSignal(store.arrived, timeout=5000):
        store.request("a", loader(7))
    told = []
    store.arrived.connect(told.append)
    store.request("a", loader(8))
    assert told[0].value(0, 0) == 7.0


def test_of_many_requests_only_the_last_is_answered(qtbot, store):
    gate, told = threading.Event(), []
    store.arrived.connect(lambda shown: told.append(shown.key))
    for k in range(20):
        store.request(k, loader(k, gate=gate))
    gate.set()
    qtbot.waitUntil(lambda: not store.is_busy, timeout=5000)
    assert told == [19]


def test_two_views_do_not_supersede_each_other(qtbot, store):
    gate, told = threading.Event(), []
    store.arrived.connect(lambda shown: told.append(shown.key))
    store.request("left", loader(1, gate=gate), group="left")
    store.request("right", loader(2, gate=gate), group="right")
    gate.set()
    qtbot.waitUntil(lambda: len(told) == 2, timeout=5000)
    assert set(told) == {"left", "right"}


def test_memory_stays_within_its_bound(qtbot, store):
    for k in range(12):
        with qtbot.waitSignal(store.arrived, timeout=5000):
            store.request(k, loader(k))
    assert store.bytes <= 3 * 2 * 300 * 300 * 2
    assert store.get(11) is not None
    assert store.get(0) is None


def test_a_file_that_cannot_be_read_says_so(qtbot, store):
    def broken() -> Loaded:
        raise DataError("cannot read a.fits", "the file is cut short", "copy it again")

    with qtbot.waitSignal(store.failed, timeout=5000) as failed:
        store.request("a", broken)
    assert failed.args[1].hint == "copy it again"


def test_an_unforeseen_error_of_a_loader_is_told_and_the_store_goes_on(qtbot, store):
    with qtbot.waitSignal(store.failed, timeout=5000) as failed:
        store.request("a", lambda: 1 / 0)
    assert "division" in failed.args[1].why
    with qtbot.waitSignal(store.arrived, timeout=5000):
        store.request("b", loader(2))


def test_a_prefetched_image_is_kept_and_does_not_arrive(qtbot, store):
    told = []
    store.arrived.connect(told.append)
    with qtbot.waitSignal(store.prefetched, timeout=5000):
        store.prefetch("a", loader(1))
    assert not told
    assert store.get("a") is not None


def test_a_closed_store_has_no_threads_and_says_nothing(qapp):
    store = ImageStore()
    gate = threading.Event()
    store.request("a", loader(1, gate=gate))
    gate.set()
    store.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("image")]
