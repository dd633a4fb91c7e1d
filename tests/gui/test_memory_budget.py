"""The caches of a window share one bound: whoever was used longest ago gives first."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import OrderedDict

import numpy as np
import pytest

from astep_gui.models.blink import BlinkModel
from astep_gui.models.blink_frame import BlinkFrame
from astep_gui.models.frame_images import ImageStore, Loaded
from astep_gui.models.memory_budget import LEAST_BYTES, MOST_BYTES, PROGRAM_BYTES, MemoryBudget, window_bytes
from pipeline_core import memory
from tests.tour.soak import MOST_MB

GIB = 1 << 30


class Cache:
    """Holds things of given sizes, the oldest is given first."""

    def __init__(self, budget):
        self.share = budget.join(self.give)
        self.kept = OrderedDict()
        self.gave_in = []

    def keep(self, name, size):
        self.kept[name] = size
        self.share.keep(len(self.kept), sum(self.kept.values()))

    def give(self):
        self.gave_in.append(threading.current_thread())
        self.kept.popitem(last=False)
        self.share.gave(len(self.kept), sum(self.kept.values()))


@pytest.fixture
def budget(qapp):
    return MemoryBudget(100)


def test_one_cache_may_fill_all_while_the_others_rest(budget):
    one, _other = Cache(budget), Cache(budget)
    for k in range(12):
        one.keep(k, 10)
    assert list(one.kept) == list(range(2, 12))
    assert budget.bytes == 100


def test_the_cache_that_was_used_longest_ago_gives_first(budget):
    one, two, three = Cache(budget), Cache(budget), Cache(budget)
    one.keep("a", 40)
    two.keep("b", 40)
    one.keep("c", 10)
    three.keep("d", 30)
    assert (list(one.kept), list(two.kept), list(three.kept)) == (["a", "c"], [], ["d"])


def test_the_last_thing_of_the_cache_in_use_stays_even_if_it_is_too_large(budget):
    one, two = Cache(budget), Cache(budget)
    one.keep("a", 40)
    two.keep("whole", 300)
    assert (list(one.kept), list(two.kept)) == ([], ["whole"])


def test_a_cache_that_cannot_give_is_passed_over(budget):
    stubborn, one = Cache(budget), Cache(budget)
    stubborn.share.give = lambda: None
    stubborn.keep("shown", 60)
    one.keep("a", 30)
    one.keep("b", 30)
    assert (list(stubborn.kept), list(one.kept)) == (["shown"], ["b"])


def test_what_a_thread_keeps_is_asked_back_in_the_windows_thread(qtbot, budget):
    one, two = Cache(budget), Cache(budget)
    one.keep("a", 80)
    thread = threading.Thread(target=two.keep, args=("b", 90))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: not one.kept, timeout=3000)
    assert one.gave_in == [threading.main_thread()]
    assert budget.bytes == 90


def test_who_has_left_holds_nothing_whatever_its_thread_still_says(budget):
    one = Cache(budget)
    one.keep("a", 80)
    one.share.leave()
    one.keep("b", 80)
    assert budget.bytes == 0


def test_who_has_left_is_freed_at_once_without_a_search_for_unreachable_objects(budget):
    cache = Cache(budget)
    cache.keep("frame", 50)
    gone = weakref.ref(cache)
    was_on = gc.isenabled()
    gc.disable()
    try:
        cache.share.leave()
        del cache
        assert gone() is None
    finally:
        if was_on:
            gc.enable()


def test_no_machine_gives_more_than_a_quarter_and_none_more_than_the_soak_allows(monkeypatch):
    for machine_gib, wanted in ((64, MOST_BYTES), (8, MOST_BYTES), (4, GIB - PROGRAM_BYTES), (2, GIB - PROGRAM_BYTES)):
        quarter = max(GIB, machine_gib * GIB // 4)  # the program cannot live in less
        monkeypatch.setattr(memory, "memory_budget", lambda quarter=quarter: quarter)
        assert window_bytes() == wanted
        assert window_bytes() + PROGRAM_BYTES <= min(quarter, MOST_MB * 1e6)
    assert window_bytes() > LEAST_BYTES


def test_blinking_takes_the_room_of_frames_that_were_looked_at_before_and_gives_it_back(qtbot, qapp):
    side = 300
    frame = side * side * 2
    budget = MemoryBudget(int(6.4 * frame))
    store, blink = ImageStore(budget=budget), BlinkModel(budget=budget)

    def loader(k):
        return lambda: Loaded(f"{k}", np.full((side, side), k, np.uint16), "adu")

    def look(k):
        with qtbot.waitSignal(store.arrived, timeout=5000):
            store.request(k, loader(k))

    try:
        for k in range(8):
            look(k)
        assert 0 < budget.bytes <= budget.most_bytes
        blink.set_frames([BlinkFrame(k, f"{k}", loader(k), shape=(side, side)) for k in range(4)])
        qtbot.waitUntil(lambda: blink.loaded == 4, timeout=5000)
        assert blink.reduction == 1
        assert budget.bytes <= budget.most_bytes
        assert store.bytes < 3 * (frame + 8 * side * side)
        for k in range(8):
            look(k)
        assert blink.loaded < 4
        assert budget.bytes <= budget.most_bytes
    finally:
        store.close()
        blink.close()
    assert budget.bytes == 0
