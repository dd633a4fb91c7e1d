"""What saturated pixels enclose is saturated, as scipy fills holes; what lies between them by chance is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import ndimage

from pipeline_core.science import _full_kernels as kernels
from pipeline_core.science.pixel_mask import saturated_bits
from pipeline_core.types import MaskBit

LEVEL = 60_000
FULL, NEAR, SKY = 62_000, 58_000, 1_000
TOUCHING = np.ones((3, 3))


def marked(raw, *, grow=False):
    bits = saturated_bits(raw, LEVEL, grow=grow)
    assert set(np.unique(bits)) <= {0, MaskBit.SATURATED}, "no mark of the search is left"
    return bits > 0


def told_by_scipy(raw):
    """The rule in the library's words."""
    full = raw >= LEVEL
    filled = full.copy()
    holes, number = ndimage.label(ndimage.binary_fill_holes(full) & ~full)
    groups, _ = ndimage.label(full, TOUCHING)
    for k, (ys, xs) in enumerate(ndimage.find_objects(holes, number), 1):
        hole = holes == k
        if max(ys.stop - ys.start, xs.stop - xs.start) > kernels.REACH:
            continue
        touching = np.unique(groups[ndimage.binary_dilation(hole, TOUCHING) & full])
        (around,) = [g for g in touching if (ndimage.binary_fill_holes(groups == g) >= hole).all()]
        if (groups == around).sum() >= hole.sum() or (raw[hole] >= kernels.NEAR * LEVEL).all():
            filled |= hole
    return filled


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    share=st.floats(0, 1),
    dtype=st.sampled_from([np.uint16, np.float32]),
)
def test_any_pattern_of_pixels_is_filled_as_the_library_says(seed, shape, share, dtype):
    rng = np.random.default_rng(seed)
    raw = rng.choice([FULL, NEAR, SKY], shape, p=[share, *(0.5 * (1 - share),) * 2]).astype(dtype)
    np.testing.assert_array_equal(marked(raw), told_by_scipy(raw))


@example(rings=[(34, 5, 34, 5, 1)], inside=NEAR)  # too high a hole, whose second row looks like its first
@given(
    rings=st.lists(
        st.tuples(*[st.integers(-10, 180)] * 2, st.integers(1, 80), st.integers(1, 80), st.integers(1, 6)), max_size=5
    ),
    inside=st.sampled_from([NEAR, SKY]),
)
def test_rings_of_any_size_within_each_other_and_at_the_edge_are_filled_as_the_library_says(rings, inside):
    raw = np.full((170, 170), inside, np.uint16)
    y, x = np.mgrid[:170, :170]
    for cy, cx, ry, rx, width in rings:
        outer = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1
        raw[outer & ~ndimage.binary_erosion(outer, TOUCHING, iterations=width, border_value=1)] = FULL
    np.testing.assert_array_equal(marked(raw), told_by_scipy(raw))


def star(rim, middle, radius=4, width=2):
    """A full star whose rim reads more than its middle."""
    raw = np.full((60, 60), SKY, np.uint16)
    y, x = np.mgrid[:60, :60]
    distance = np.hypot(y - 30, x - 30)
    raw[distance <= radius + width] = rim
    raw[distance <= radius] = middle
    return raw, distance <= radius + width


@pytest.mark.parametrize("middle", [59_500, 40_000, 0])
def test_the_middle_of_a_full_star_is_full_however_low_it_reads(middle):
    raw, disc = star(FULL, middle)
    np.testing.assert_array_equal(marked(raw), disc)
    trail = marked(raw, grow=True)
    # The 13 px of the middle column: grown by 1 + 13 // 4 at both ends, not as two runs of 2 px by one each.
    assert np.flatnonzero(trail[:, 30]).tolist() == list(range(20, 41))


def test_the_rim_of_one_pixel_around_a_nearly_full_middle_is_enough():
    raw, disc = star(FULL, NEAR, radius=9, width=1)
    np.testing.assert_array_equal(marked(raw), disc)


def test_a_middle_without_a_value_is_full_too():
    raw, disc = star(FULL, 0)
    values = raw.astype(np.float32)
    values[28:33, 28:33] = np.nan
    np.testing.assert_array_equal(marked(values), disc)


def test_the_sky_between_two_trails_that_meet_at_their_ends_is_left():
    raw = np.full((300, 60), SKY, np.uint16)
    raw[20:280, [20, 30]] = FULL
    raw[[20, 279], 20:31] = FULL
    np.testing.assert_array_equal(marked(raw), raw >= LEVEL)
    raw[21:279, 21:30] = NEAR  # longer than any star's top
    np.testing.assert_array_equal(marked(raw), raw >= LEVEL)


def test_a_ring_of_hot_pixels_around_a_region_does_not_eat_it():
    raw = np.full((80, 80), SKY, np.uint16)
    raw[20:60, 20:60] = FULL
    raw[21:59, 21:59] = SKY
    np.testing.assert_array_equal(marked(raw), raw >= LEVEL)


def test_a_star_cut_by_the_edge_of_the_frame_encloses_nothing():
    raw, disc = star(FULL, 59_500)
    np.testing.assert_array_equal(marked(np.ascontiguousarray(raw[30:])), (disc & (raw >= LEVEL))[30:])
