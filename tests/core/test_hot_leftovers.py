"""Hot pixels that a dark left behind are no cosmic rays, and cosmic rays are no hot pixels."""

import numpy as np
import pytest

from pipeline_core.science.frame_cosmic import CosmicChoices
from pipeline_core.science.hot_leftovers import excess_at, tell_leftovers
from pipeline_core.science.reduction import FrameFacts, Masters, reduce_frame
from pipeline_core.types import MaskBit

SIZE, BIAS, GAIN, READ_NOISE_E, SKY_ADU = 256, 1000.0, 2.0, 8.0, 150.0
FACTS = FrameFacts(gain_e_per_adu=GAIN, read_noise_e=READ_NOISE_E, saturation_adu=60_000.0)
TRACK = (np.arange(100, 112), np.arange(60, 72))


@pytest.fixture
def warm_chip():
    """Dark current of 90 s in ADU: 400 hot pixels of 100 to 400 ADU, none near the track or the border."""
    rng = np.random.default_rng(31)
    current = np.full((SIZE, SIZE), 5.0)
    y, x = rng.integers(4, SIZE - 4, (2, 500))
    apart = (np.abs(y - 105) > 12) | (np.abs(x - 65) > 12)
    y, x = y[apart][:400], x[apart][:400]
    current[y, x] += rng.uniform(100, 400, len(y))
    return current, (y, x)


def exposed(current, part, seed=32):
    """A frame of an even sky with this part of the dark current and one track of a cosmic ray."""
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(GAIN * (SKY_ADU + part * current)) + rng.normal(0, READ_NOISE_E, current.shape)
    raw = BIAS + electrons / GAIN
    raw[TRACK] += 600
    return np.round(raw).astype(np.uint16)


def reduced(raw, **masters):
    bias = np.full(raw.shape, BIAS, np.float32)
    return reduce_frame(raw, FACTS, Masters(bias=bias, **masters), CosmicChoices())


def test_what_a_weak_dark_left_is_flagged_hot_and_keeps_its_value(warm_chip):
    current, hot = warm_chip
    dark = (BIAS + 0.6 * current).astype(np.float32)
    frame = reduced(exposed(current, 1.0), dark=dark)
    assert frame.made["cosmic_events"] <= 3  # the track; noise does the rest
    assert frame.made["hot_leftovers"] > 100
    assert (frame.mask[TRACK] & MaskBit.COSMIC).all()
    left = (frame.mask & MaskBit.HOT) > 0
    where = np.zeros(left.shape, bool)
    where[hot] = True
    assert not (left & ~where).any()
    expected = GAIN * (SKY_ADU + 0.4 * current)
    assert np.median(frame.image[left] / expected[left]) == pytest.approx(1, abs=0.03)


def test_without_the_dark_the_same_pixels_would_be_hits(warm_chip):
    current, _ = warm_chip
    raw = exposed(current, 1.0)
    dark = (BIAS + 0.6 * np.median(current) * np.ones_like(current)).astype(np.float32)
    assert reduced(raw, dark=dark).made["cosmic_events"] > 200


def test_a_dark_of_another_exposure_tells_where_none_is_subtracted(warm_chip):
    current, hot = warm_chip
    raw = exposed(current, 0.25)  # 22 s against the dark's 90
    dark = (BIAS + current).astype(np.float32)
    blind = reduced(raw)
    told = reduced(raw, warm=dark, warm_scale=0.25)
    assert blind.made["cosmic_events"] > 50
    assert told.made["cosmic_events"] <= 3
    # Not subtracted: the levels are those of the frame without a dark.
    assert np.median(told.image) == np.median(blind.image)
    assert (told.mask[hot] & MaskBit.HOT).any()


def test_a_dark_that_fits_flags_nothing(warm_chip):
    current, _ = warm_chip
    frame = reduced(exposed(current, 1.0), dark=(BIAS + current).astype(np.float32))
    assert frame.made["hot_leftovers"] <= 2
    assert (frame.mask[TRACK] & MaskBit.COSMIC).all()


def told(above, excess, columns=None):
    n = len(above)
    columns = np.arange(n) if columns is None else np.asarray(columns)
    sigma = np.full(n, 10, np.float32)
    return tell_leftovers(np.zeros(n, int), columns, np.float32(above), sigma, np.float32(excess))


def test_a_track_over_a_warm_pixel_stays_a_track():
    answer = told([300, 90, 400], [0, 100, 0])
    assert answer.is_hit.all()
    assert not answer.is_hot.any()


def test_what_grew_beside_a_hot_pixel_is_given_back_and_a_hit_elsewhere_stays():
    answer = told([200, 25, 200], [180, 0, 0], columns=[5, 6, 90])
    assert answer.is_hit.tolist() == [False, False, True]
    assert answer.is_hot.tolist() == [True, False, False]


def test_charge_that_the_dark_cannot_explain_is_a_hit_even_on_a_warm_pixel():
    assert told([500], [100]).is_hit.all()


def test_nothing_to_judge_is_answered_with_nothing():
    assert len(told([], []).is_hit) == 0


def test_excess_is_taken_without_the_bias_pattern_and_holes_of_the_dark_say_nothing():
    rng = np.random.default_rng(33)
    bias = rng.normal(1000, 50, (9, 9)).astype(np.float32)
    dark = bias + 3
    dark[4, 4] += 100
    dark[0, 0] += 50
    dark[7, 7] = np.nan
    excess = excess_at(dark, bias, np.array([4, 0, 7, 2]), np.array([4, 0, 7, 6]), 2.0)
    assert excess == pytest.approx([200, 100, 0, 0], abs=1e-2)
