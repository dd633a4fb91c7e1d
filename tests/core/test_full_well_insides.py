"""The level of full wells is that inside of full stars, not that of their rims, which read more."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline_core.science.full_well import bright_places, full_well
from pipeline_core.science.pixel_mask import saturated_bits

LIMIT = 65535.0
WELL = 50_000.0
RIM = 1.03
NOISE = 150.0
SIDE = 1024


def frame(rng, width_px=1.7, well=WELL, rim=RIM, brightest=np.inf):
    """Stars of which the full ones have an edge that reads more than their middle; and which pixels are full."""
    y, x = np.mgrid[:SIDE, :SIDE]
    light = np.full((SIDE, SIDE), 1000.0)
    for cy, cx in rng.uniform(15, SIDE - 15, (40, 2)):
        near = (slice(int(cy) - 15, int(cy) + 16), slice(int(cx) - 15, int(cx) + 16))
        r2 = (y[near] - cy) ** 2 + (x[near] - cx) ** 2
        light[near] += min(30_000 / rng.random(), brightest) * np.exp(-r2 / (2 * width_px**2))
    full = light >= well
    padded = np.pad(full, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    image = np.minimum(light, well)
    image[full & ~inside] *= rim
    return np.clip(image + rng.normal(0, NOISE, image.shape), 0, LIMIT).astype(np.uint16), full


def told(frames):
    places, insides = zip(*map(bright_places, frames), strict=True)
    return full_well(places, LIMIT, insides)


@pytest.mark.parametrize("seed", range(4))
def test_the_level_marks_the_middle_of_full_stars_too(seed):
    rng = np.random.default_rng(seed)
    made = [frame(rng) for _ in range(4)]
    level = told([image for image, _ in made])
    assert level == pytest.approx(WELL, rel=0.02)
    assert level < WELL
    for image, full in made:
        mask = saturated_bits(image, level, grow=False) > 0
        assert full.sum() > 100
        assert mask[full].mean() > 0.99
        assert (mask & ~full).mean() < 1e-4, "hardly a pixel beside"


def test_the_level_of_evenly_full_stars_is_no_lower_for_their_noise():
    rng = np.random.default_rng(5)
    level = told([frame(rng, rim=1.0)[0] for _ in range(4)])
    assert WELL - 6 * NOISE < level < WELL


@pytest.mark.parametrize("width_px", [0.7, 1.7, 2.5])
def test_stars_that_are_not_full_have_no_inside(width_px):
    rng = np.random.default_rng(6)
    for _ in range(4):
        image, full = frame(rng, width_px, well=60_000, brightest=0.4 * LIMIT)
        assert not full.any(), "not where two stars stand at one place either"
        assert not len(bright_places(image)[1])


def test_an_inside_is_told_as_its_lowest_pixel():
    image = np.full((200, 100), 1000, np.uint16)
    image[20:25, 20:25] = 50_000
    image[22, 22], image[23, 22] = 49_000, 48_500
    image[60:62, 60:62] = 50_000  # has no inside
    image[80:83, 97:100] = 50_000
    image[40, 40] = 50_000
    places, insides = bright_places(image)
    assert places.tolist() == [1000, 50_000, 50_000, 50_000, 50_000]
    assert insides.tolist() == [48_500, 50_000]
    image[80:83, 97] = 30_000
    assert bright_places(image)[1].tolist() == [48_500], "at the frame's edge nobody knows"


def test_an_inside_far_below_the_pile_lowers_no_level():
    rng = np.random.default_rng(7)
    peaks = np.sort(np.minimum(20_000 / rng.random((4, 60)), 40_000))[:, ::-1]
    places = [np.concatenate([[1000.0], row]) for row in peaks]
    level = full_well(places, LIMIT)
    assert full_well(places, LIMIT, [np.array([30_000.0])] * 4) == level, "a wide star that is not full"
    assert full_well(places, LIMIT, [np.array([39_000.0])] * 4) == pytest.approx(0.998 * 39_000, abs=100)
    assert full_well(places, LIMIT, [np.array([])] * 4) == level


def test_no_level_of_nothing_is_told_for_frames_that_are_scaled_to_about_one():
    """It was 0 ADU: insides a little below a pile at 1 were rounded down to nothing."""
    rng = np.random.default_rng(1)
    places = [np.r_[0.1, np.full(20, 1.02), np.sort(rng.uniform(0.11, 0.9, 100))[::-1]] for _ in range(5)]
    assert full_well(places, 4.0) == 1.0
    assert full_well(places, 4.0, [np.full(5, 0.97)] * 5) is None
