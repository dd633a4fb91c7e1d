"""A frame that has no steps is shown as it is, whatever step was chosen for the frame before."""

from __future__ import annotations

import numpy as np

from astep_gui.models.blink import BLINK_PART, BlinkModel
from astep_gui.models.blink_frame import BlinkFrame
from astep_gui.models.frame_images import Loaded, reduced_image
from astep_gui.models.memory_budget import MemoryBudget
from pipeline_core.events import RunContext
from pipeline_core.scan import scan_night
from tests.gui.nights import write_frame


def test_a_frame_of_unknown_kind_is_shown_though_a_step_was_chosen_for_the_last_one(qtbot, opened):
    viewing = opened.viewing
    viewing.steps.choose("raw")
    qtbot.waitUntil(lambda: viewing.view.shown is not None and viewing.view.shown.key[0] == "step", timeout=20_000)
    opened.night.select(["mystery.fits"])
    qtbot.waitUntil(lambda: viewing.view.shown.key[:2] == ("raw", "mystery.fits"), timeout=8000)
    opened.night.select(["light_001.fits"])
    qtbot.waitUntil(lambda: viewing.view.shown.key[:2] == ("step", "light_001.fits"), timeout=20_000)


def test_a_small_version_keeps_nothing_alive_of_the_whole_frame(make_shown):
    whole = make_shown()
    small = reduced_image(whole, 4)
    arrays = [*small.codes, small.sample]
    assert small.image is small.codes[0]
    assert all(array.base is None for array in arrays)
    assert sum(array.nbytes for array in arrays) == small.bytes


def test_what_blinking_tells_of_its_memory_is_what_its_arrays_hold(qtbot, qapp):
    side, n = 600, 5
    budget = MemoryBudget(int(3 * 2 * side * side / BLINK_PART))
    blink = BlinkModel(budget=budget)
    frames = [
        BlinkFrame(
            k, str(k), lambda k=k: Loaded(str(k), np.full((side, side), k, np.uint16), "adu"), shape=(side, side)
        )
        for k in range(n)
    ]
    try:
        blink.set_frames(frames)
        qtbot.waitUntil(lambda: blink.loaded == n, timeout=5000)
        held = {}
        for small in blink._small.values():
            for array in (*small.codes, small.sample):
                root = array if array.base is None else array.base
                held[id(root)] = root.nbytes
        assert sum(held.values()) <= budget.bytes == blink.bytes <= budget.most_bytes
    finally:
        blink.close()


def test_a_flat_that_is_in_no_master_is_shown_as_it_is_when_its_night_is_opened_again(qtbot, opened, night_folder):
    viewing = opened.viewing
    opened.decisions.reject(["flat_002.fits"])
    opened.night.select(["flat_002.fits"])
    viewing.steps.choose("raw")
    qtbot.waitUntil(lambda: viewing.steps.error is not None, timeout=20_000)
    qtbot.waitUntil(lambda: viewing.view.shown.key[:2] == ("raw", "flat_002.fits"), timeout=8000)
    opened.night.close()
    opened.open_night(night_folder)
    qtbot.waitUntil(lambda: opened.night.plan is not None, timeout=8000)
    opened.night.select(["flat_002.fits"])
    flat = ("raw", "flat_002.fits")  # the step that was chosen comes back with the night: of the first frame at first
    qtbot.waitUntil(lambda: viewing.view.shown is not None and viewing.view.shown.key[:2] == flat, timeout=20_000)


def test_a_frame_that_is_still_being_read_when_its_night_grows_is_shown_all_the_same(qtbot, opened, night_folder):
    """The image was asked for, the night grew, all that was asked for was forgotten: the view stayed empty."""
    night, viewing = opened.night, opened.viewing
    qtbot.waitUntil(lambda: viewing.view.shown is not None and not viewing.images.is_busy, timeout=8000)
    viewing.images.clear()
    night.select(["light_002.fits"])  # not read yet: its pixels arrive in the window's next turn at the earliest
    write_frame(night_folder / "light_099.fits", "Light Frame", number=99)
    grown = scan_night(night_folder, RunContext())
    night._opened(night._scan, night.place, grown)
    assert night.frame("light_099.fits") is not None
    qtbot.waitUntil(lambda: viewing.view.shown.key[:2] == ("raw", "light_002.fits"), timeout=8000)
