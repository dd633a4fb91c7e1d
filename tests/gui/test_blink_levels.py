"""A blink has the levels of a frame in the middle of all, one for all frames, until a person chooses others."""

from __future__ import annotations

import numpy as np
import pytest

from astep_gui.models.blink import BlinkFrame, BlinkModel
from astep_gui.models.blink_levels import BlinkLevels
from astep_gui.models.frame_images import Loaded, reduced_image, shown_image
from astep_gui.models.header_facts import HeaderFacts

SKIES = (30000, 9000, 1010, 1000, 1005, 995, 1020)
"""Two frames of the twilight, on which a person begins, and five of the night: ADU."""


def frame(k: int, sky: float) -> BlinkFrame:
    def load() -> Loaded:
        pixels = np.random.default_rng(k).normal(sky, 10, (200, 220)).astype(np.uint16)
        return Loaded(f"f{k}.fits", pixels, "adu")

    return BlinkFrame(k, f"f{k}.fits", load, shape=(200, 220))


@pytest.fixture
def blink(qapp):
    blink = BlinkModel()
    yield blink
    blink.close()


@pytest.fixture
def blinking(qtbot, blink, levels):
    """A blink of all of them, with the levels of the first frame held."""
    levels.follow(shown_image(0, frame(0, SKIES[0]).loader()))
    levels.set_frozen(True)
    chosen = BlinkLevels(blink, levels)
    blink.set_frames([frame(k, sky) for k, sky in enumerate(SKIES)], 0)
    chosen.begin()
    qtbot.waitUntil(lambda: blink.loaded == len(SKIES), timeout=5000)
    return chosen


def shows_the_night(levels) -> bool:
    return levels.lo < 1005 < levels.hi < 2000


def test_frames_of_the_night_are_not_black_though_the_blink_began_in_the_twilight(blinking, levels):
    assert shows_the_night(levels)
    assert levels.frozen


def test_the_levels_rest_once_all_frames_are_known(blinking, blink, levels):
    before, moved = (levels.lo, levels.hi), []
    levels.changed.connect(lambda: moved.append((levels.lo, levels.hi)))
    blink.progress_changed.emit()
    blink.go(1)
    assert set(moved) <= {before}


def test_levels_that_a_person_moved_by_hand_before_stay(qtbot, blink, levels):
    levels.follow(shown_image(0, frame(0, SKIES[0]).loader()))
    levels.set_range(500, 600)
    levels.set_frozen(True)
    BlinkLevels(blink, levels).begin()
    blink.set_frames([frame(k, sky) for k, sky in enumerate(SKIES)])
    qtbot.waitUntil(lambda: blink.loaded == len(SKIES), timeout=5000)
    assert (levels.lo, levels.hi) == (500, 600)


def test_what_a_person_chooses_while_frames_come_in_stays(qtbot, blink, levels):
    levels.follow(shown_image(0, frame(0, SKIES[0]).loader()))
    levels.set_frozen(True)
    blink.set_frames([frame(k, sky) for k, sky in enumerate(SKIES[:2])])
    chosen = BlinkLevels(blink, levels)
    chosen.begin()
    qtbot.waitUntil(lambda: blink.loaded == 2, timeout=5000)
    levels.set_range(500, 600)
    blink.set_frames([frame(k, sky) for k, sky in enumerate(SKIES)])
    qtbot.waitUntil(lambda: blink.loaded == len(SKIES), timeout=5000)
    assert (levels.lo, levels.hi) == (500, 600)


def test_asking_for_the_same_levels_again_chooses_them_anew(blinking, blink, levels):
    levels.set_frozen(False)
    levels.follow(shown_image(0, frame(0, SKIES[0]).loader()))
    assert not shows_the_night(levels), "each frame has its own"
    levels.set_frozen(True)
    assert shows_the_night(levels)


def test_after_the_blink_the_levels_are_left_alone(blinking, blink, levels):
    blinking.end()
    levels.follow(shown_image(0, frame(0, SKIES[0]).loader()))
    levels.set_frozen(False)
    levels.set_frozen(True)
    blink.progress_changed.emit()
    assert not shows_the_night(levels)


def test_a_frame_without_a_finite_pixel_is_no_middle(qtbot, blink):
    def empty() -> Loaded:
        return Loaded("empty.fits", np.full((200, 220), np.nan, np.float32), "adu")

    assert blink.middle() is None
    blink.set_frames([BlinkFrame("e", "empty.fits", empty, shape=(200, 220)), frame(3, 1000)])
    qtbot.waitUntil(lambda: blink.loaded == 2, timeout=5000)
    assert blink.middle().key == 3


def test_a_small_version_knows_the_pixel_scale_for_its_scale_bar_and_no_more(make_shown):
    facts = HeaderFacts((("A", "1", ""),), pixel_scale_arcsec=1.3, about={"a": "b"})
    small = reduced_image(make_shown(facts=facts), 2)
    assert small.facts == HeaderFacts((), pixel_scale_arcsec=1.3)
    assert reduced_image(make_shown(), 2).facts is None
