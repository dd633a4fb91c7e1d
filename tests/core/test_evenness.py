"""How even a frame is, and what a night says of its noise before and after."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline_core.noise_summary import noise_summary
from pipeline_core.science.evenness import tile_scatter
from pipeline_core.science.reduction import FrameFacts, Masters, reduce_frame
from pipeline_core.types import Frame, FrameKind


def sky(seed, shape=(512, 640), noise=10.0):
    return np.random.default_rng(seed).normal(1000.0, noise, shape).astype(np.float32)


def test_an_even_sky_scatters_by_the_noise_of_its_tiles_only():
    # 512 × 640 in 16 × 16 tiles: 32 × 40 pixels each, all looked at; the mean of the middle half of a Gaussian is known
    # to 1.09 times what their mean is.
    assert tile_scatter(sky(1)) == pytest.approx(1.09 * 10 / np.sqrt(1280), rel=0.25)


def test_vignetting_is_seen_and_dividing_by_it_removes_it():
    image = sky(2)
    y, x = np.indices(image.shape)
    light = 1.0 - 0.3 * (((y - 256) / 256) ** 2 + ((x - 320) / 320) ** 2) / 2
    vignetted = image * light.astype(np.float32)
    assert tile_scatter(vignetted) > 20 * tile_scatter(vignetted / light)


def test_stars_and_pixels_without_value_do_not_count():
    image = sky(3)
    even = tile_scatter(image)
    rng = np.random.default_rng(4)
    image[rng.integers(0, 512, 3000), rng.integers(0, 640, 3000)] = 60000.0
    image[100:140, 100:180] = np.nan
    image[200:300:7, 200:300] = -np.inf
    assert tile_scatter(image) == pytest.approx(even, rel=0.2)


def test_a_raw_frames_whole_numbers_scatter_as_the_light_they_stand_for():
    """A sky of a few counts' slope: medians of whole numbers told 0 ADU where the light has 0.6."""
    y, _ = np.indices((512, 640)) / 512
    for slope in (1.5, 2.5, 4.0):
        light = sky(5, noise=6.0) + np.float32(slope) * y.astype(np.float32)
        assert tile_scatter(np.rint(light).astype(np.uint16)) == pytest.approx(tile_scatter(light), rel=0.05)


def test_whole_numbers_without_noise_scatter_by_nothing():
    assert tile_scatter(np.full((64, 64), 7, np.int32)) == 0.0
    halves = np.zeros((32, 32), np.uint16)
    halves[::2] = 9  # each tile's median lies between two numbers
    assert tile_scatter(halves) == 0.0


def test_small_whole_numbered_and_empty_images_are_answered():
    assert tile_scatter(np.ones((3, 5), np.uint16)) == 0.0
    assert np.isnan(tile_scatter(np.full((32, 32), np.nan, np.float32)))


def report(pixel, unit="electron"):
    return {
        "noise": {
            "unit": unit, "pixel_raw": pixel, "pixel_calibrated": pixel / 2, "tile_raw": 8.0, "tile_calibrated": 1.0,
        }
    }  # fmt: skip


def summed(reports, groups=None):
    """Sum up reports of frames; ``groups`` gives filter and exposure of each, else all are of one."""
    groups = groups or [("R", 90.0)] * len(reports)
    frames = {
        f"{n}.fits": Frame(f"{n}.fits", FrameKind.SCIENCE, 0, 0, filter=name, exposure_s=exposure_s)
        for n, (name, exposure_s) in enumerate(groups)
    }
    return noise_summary({f"{n}.fits": told for n, told in enumerate(reports)}, frames)


def test_the_summary_is_the_median_over_the_frames():
    summary = summed([report(10.0), report(30.0), report(12.0), {"saturated_fraction": 0.0}])
    assert (summary.frames, summary.pixel_raw, summary.pixel_calibrated) == (3, 12.0, 6.0)
    assert summary.document()["tile_scatter"] == {"raw": 8.0, "calibrated": 1.0, "ratio": 0.125}
    assert summary.words() == (
        "R, 90 s (median of 3 frames): pixel to pixel 12 → 6 e⁻ (× 0.50), from place to place 8 → 1 e⁻ (× 0.12)"
    )


def test_a_frame_that_is_rejected_does_not_carry_the_summary_to_other_frames():
    """As on the Jason night: 4 frames of 90 s are dark and without a flat, the others short ones of the twilight."""

    def frame(raw, calibrated, tile_raw, tile_calibrated):
        names = ("pixel_raw", "pixel_calibrated", "tile_raw", "tile_calibrated")
        return {
            "noise": {"unit": "electron", **dict(zip(names, (raw, calibrated, tile_raw, tile_calibrated), strict=True))}
        }

    night = [frame(37.0 + n / 10, 27.0 + n / 10, 5.4, 6.6) for n in range(5)]
    twilight = [frame(60.0 + 5 * n, 50.0 + 5 * n, 40.0 + 30 * n, 10.0 + 5 * n) for n in range(4)]
    groups = [("Visual", 90.0)] * 5 + [("Clear", 1.0), ("Clear", 10.0), ("Clear", 10.0), ("Clear", 1.0)]
    whole = summed(night + twilight, groups)
    less = summed(night[1:] + twilight, groups[1:])
    assert (whole.group, whole.frames, whole.of_frames, less.group, less.frames) == (
        "Visual, 90 s",
        5,
        9,
        *("Visual, 90 s", 4),
    )
    assert less.pixel_raw == pytest.approx(whole.pixel_raw, rel=0.01)
    assert less.pixel_calibrated == pytest.approx(whole.pixel_calibrated, rel=0.01)
    assert less.tile_ratio == pytest.approx(whole.tile_ratio, rel=0.01)
    assert "looks evener than it is" in whole.words()
    assert "looks evener than it is" in less.words()
    assert "Visual, 90 s (median of 4 of 8 frames): " in less.words()


def test_of_two_groups_both_are_told_in_the_same_order_whichever_is_larger():
    """As on the Jason night: a rejected frame of Clear made Visual the largest group, and × 0.21 became × 1.66."""
    clear, visual = report(42.0), report(4.0)
    groups = [("Clear", 90.0)] * 4 + [("Visual", 90.0)] * 3
    before = summed([clear] * 4 + [visual] * 3, groups).words().split(" · ")
    after = summed([clear] * 2 + [visual] * 3, groups[2:]).words().split(" · ")
    assert [words.partition(" (")[0] for words in before] == ["Clear, 90 s", "Visual, 90 s"]
    assert [words.partition("): ")[2] for words in before] == [words.partition("): ")[2] for words in after]
    assert after[0].startswith("Clear, 90 s (median of 2 frames): ")


def test_single_frames_of_other_exposures_are_counted_only():
    groups = [("Clear", 90.0)] * 4 + [("Visual", 90.0)] * 3 + [("Visual", 1.0), ("Visual", 5.0)]
    words = summed([report(42.0)] * 9, groups).words()
    assert words.endswith("2 frames of other filters and exposures apart")
    alone = summed([report(42.0)] * 6, [*groups[:4], *groups[-2:]]).words()
    assert "Visual" not in alone
    assert "(median of 4 of 6 frames)" in alone


def test_what_rises_in_one_of_two_groups_is_explained_for_that_one():
    risen = report(4.0) | {"noise": report(4.0)["noise"] | {"pixel_calibrated": 5.0}}
    words = summed([report(42.0)] * 3 + [risen] * 3, [("Clear", 90.0)] * 3 + [("Visual", 90.0)] * 3).words()
    assert " · Visual, 90 s: pixel to pixel it rises" in words


def test_of_groups_as_large_the_longest_exposure_tells():
    assert summed([report(10.0), report(20.0)], [("R", 90.0), ("V", 1.0)]).group == "R, 90 s"
    assert summed([report(10.0), report(20.0)], [("R", 90.0001), ("R", 89.9999)]).frames == 2


def test_noise_that_rises_is_explained_and_noise_that_falls_is_not():
    lowell = report(82.5) | {"noise": report(82.5)["noise"] | {"pixel_calibrated": 91.5}}
    words = summed([lowell]).words()
    assert "82.5 → 91.5 e⁻" in words
    assert "the flat lifts dim parts of the field" in words
    assert "flat" not in summed([report(82.5)]).words()


def grown(*, flattened):
    told = report(82.5)["noise"] | {"tile_raw": 5.46, "tile_calibrated": 7.66}
    return {"noise": told if flattened is None else told | {"flattened": flattened}}


def test_a_sky_that_is_less_even_than_before_is_explained_apart_from_the_noise_of_pixels():
    words = summed([grown(flattened=True)]).words()
    assert "from place to place 5.46 → 7.66 e⁻ (× 1.40)" in words
    assert (
        "the raw sky looks evener than it is where the zero level or the corners' shade slope against the sky" in words
    )
    assert "or the flat does not fit" in words
    assert "pixel to pixel it rises" not in words
    assert "no flat" not in words


def test_a_sky_that_is_less_even_is_not_laid_to_a_flat_where_there_is_none():
    words = summed([grown(flattened=False), grown(flattened=False)]).words()
    assert "where the camera's zero level slopes against the sky (twilight, Moon, stray light);" in words
    assert "no frame has a flat" in words
    assert "does not fit" not in words


def test_it_is_said_how_many_frames_have_no_flat_as_far_as_it_is_known():
    words = summed([grown(flattened=False), grown(flattened=False), grown(flattened=True)]).words()
    assert words.endswith("does not fit; 2 of 3 frames have no flat")
    assert "no flat" not in summed([grown(flattened=None)]).words()


def test_a_slope_of_the_sky_that_the_zero_level_hid_is_seen_once_the_bias_is_off():
    """As in the Visual frames of Jason: the zero level falls by 16 e⁻ over the chip, the sky rises by as much."""
    x = np.broadcast_to(np.linspace(-8.0, 8.0, 256, dtype=np.float32), (256, 256))
    rng = np.random.default_rng(6)
    raw = np.rint(1100.0 + rng.normal(0.0, 5.0, (256, 256))).astype(np.uint16)
    facts = FrameFacts(1.0, 5.0, None, 0.0, None, 0, None, grow_bleeding=False)
    made = reduce_frame(raw, facts, Masters(bias=(1000.0 - x).astype(np.float32)), None).made["noise"]
    assert made["tile_calibrated"] > 5 * made["tile_raw"]
    assert made["flattened"] is False


def test_electrons_are_not_mixed_with_adu():
    assert summed([report(10.0, "adu"), report(20.0)]).pixel_raw == 20.0
    assert "ADU" in summed([report(10.0, "adu")]).words()


def test_frames_of_an_earlier_version_tell_nothing():
    assert summed([{"noise": None}, {}]) is None
