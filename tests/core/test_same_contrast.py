"""Levels carried from frame to frame keep their distance from the sky."""

from __future__ import annotations

import math

import pytest

from pipeline_core.science.display import SkyLevel, auto_levels
from pipeline_core.science.same_contrast import carried_levels

NIGHT = SkyLevel(1000.0, 10.0, 900.0, 60000.0)
LEVELS = (980.0, 1300.0)


def test_a_brighter_sky_is_the_same_grey_and_a_star_as_far_above_it_as_bright():
    moonlit = SkyLevel(1400.0, 12.0, 1300.0, 60000.0)
    assert carried_levels(LEVELS, NIGHT, moonlit) == pytest.approx((1380.0, 1700.0))


def test_the_frame_they_were_chosen_for_keeps_its_levels_to_the_digit():
    assert carried_levels(LEVELS, NIGHT, NIGHT) == LEVELS


def test_a_less_noisy_frame_is_not_stretched_so_that_what_is_dimmed_stays_dimmed():
    calm = SkyLevel(500.0, 2.0, 480.0, 60000.0)
    low, high = carried_levels(LEVELS, NIGHT, calm)
    assert high - low == pytest.approx(LEVELS[1] - LEVELS[0])


@pytest.mark.parametrize("sigma", [10.0, 25.0, 170.0, 2000.0])
def test_however_noisy_a_frame_most_of_its_sky_is_neither_black_nor_white(sigma):
    bright = SkyLevel(30000.0, sigma, 20000.0, 60000.0)
    low, high = carried_levels(auto_levels(NIGHT), NIGHT, bright)
    assert low <= bright.sky - 0.99 * sigma
    assert high >= bright.sky + 10.0 * sigma


def test_levels_are_left_alone_where_a_sky_is_not_known():
    nothing = SkyLevel(math.nan, math.nan, math.nan, math.nan)
    assert carried_levels(LEVELS, NIGHT, nothing) == LEVELS
    assert carried_levels(LEVELS, nothing, NIGHT) == LEVELS


def test_a_frame_without_noise_gives_its_levels_at_their_width():
    even = SkyLevel(1000.0, 0.0, 1000.0, 1000.0)
    assert carried_levels((990.0, 1010.0), even, NIGHT) == (990.0, 1010.0)
