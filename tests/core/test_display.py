"""Frames as they are shown: codes, pyramids, levels and tables."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from pipeline_core.science.colormaps import COLORMAPS, colormap
from pipeline_core.science.display import (
    STRETCHES,
    auto_levels,
    bit_pyramid,
    change_levels,
    coded,
    colour_table,
    histogram,
    histogram_range,
    overlay_colours,
    percentile_levels,
    sample,
    sky_level,
    stretched,
    zscale,
)


def sky(seed: int = 1, shape: tuple[int, int] = (700, 900), level: float = 1000.0, sigma: float = 20.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = rng.normal(level, sigma, shape).astype(np.float32)
    image[::97, ::89] += rng.exponential(4000.0, image[::97, ::89].shape)
    return image


def test_raw_counts_are_their_own_codes():
    raw = np.arange(600 * 600, dtype=np.uint32).reshape(600, 600).astype(np.uint16)
    out = coded(raw)
    assert out.pyramid[0] is raw
    assert (out.zero, out.scale, out.holds_no_data) == (0.0, 1.0, False)


def test_codes_give_values_back_to_an_eighth_of_the_noise():
    image = sky()
    out = coded(image)
    back = out.zero + out.scale * out.pyramid[0].astype(float)
    assert np.abs(back - image).max() <= 20.0 / 8.0


def test_a_single_very_bright_pixel_does_not_make_the_sky_coarse():
    image = sky(sigma=1.0)
    image[5, 5] = 3e6
    out = coded(image)
    back = out.zero + out.scale * out.pyramid[0].astype(float)
    faint = image < 5000.0
    assert np.abs(back - image)[faint].max() <= 1.1 / 8.0
    assert out.pyramid[0][5, 5] == 65535


def test_pixels_without_a_value_take_code_0_and_count_in_no_mean():
    image = sky()
    image[0:3, 0:3] = np.nan
    out = coded(image)
    assert out.holds_no_data
    assert (out.pyramid[0][0:3, 0:3] == 0).all()
    assert out.pyramid[0][3:, 3:].min() >= 1
    assert out.pyramid[1][0, 0] == 0
    three_known = [int(out.pyramid[0][y, x]) for y, x in ((2, 3), (3, 2), (3, 3))]
    assert out.pyramid[1][1, 1] == pytest.approx(np.mean(three_known), abs=0.51)


def test_a_frame_without_any_value_is_all_no_data():
    out = coded(np.full((300, 300), np.nan, np.float32))
    assert out.holds_no_data
    assert not out.pyramid[0].any()


def test_a_constant_frame_keeps_its_value():
    out = coded(np.full((300, 300), 7.25, np.float32))
    assert out.zero + out.scale * float(out.pyramid[0][4, 4]) == pytest.approx(7.25)


def test_each_level_of_the_pyramid_is_the_mean_of_the_one_before():
    rng = np.random.default_rng(3)
    raw = rng.integers(0, 65536, (1027, 1301), np.uint16)
    out = coded(raw).pyramid
    assert [level.shape for level in out] == [(1027, 1301), (513, 650), (256, 325)]
    expected = raw[:1026, :1300].reshape(513, 2, 650, 2).astype(float).mean(axis=(1, 3))
    assert np.abs(out[1] - expected).max() <= 0.5


def test_a_coarse_mask_pixel_has_every_bit_below_it():
    bits = np.zeros((8, 8), np.uint8)
    bits[0, 1], bits[1, 0], bits[7, 7] = 1, 16, 8
    levels = bit_pyramid(bits, 4)
    assert levels[1][0, 0] == 17
    assert levels[3][0, 0] == 25


def test_the_sky_is_measured_though_stars_stand_on_it():
    level = sky_level(sky())
    assert level.sky == pytest.approx(1000.0, abs=0.2)
    assert level.sigma == pytest.approx(20.0, rel=0.02)


def test_levels_by_the_sky_show_it_dark_and_lie_within_the_values():
    level = sky_level(sky())
    low, high = auto_levels(level)
    assert low == pytest.approx(960.0, abs=2.0)
    assert 1500.0 < high <= level.highest
    assert auto_levels(sky_level(np.zeros((300, 300), np.uint16))) == (0.0, 1.0)


def test_what_a_step_took_off_a_few_pixels_is_dark_on_grey_and_not_all_white():
    taken = np.zeros((300, 300), np.float32)
    taken[100, 50:90] = -6555
    low, high = auto_levels(sky_level(taken))
    assert low == -6555
    assert (0.0 - low) / (high - low) == 0.5


def test_zscale_is_astropys():
    visualization = pytest.importorskip("astropy.visualization")
    for seed, sigma in ((1, 20.0), (2, 3.0), (3, 200.0)):
        values = sample(sky(seed, sigma=sigma))
        expected = visualization.ZScaleInterval(max_iterations=5).get_limits(values)
        assert zscale(values) == pytest.approx(tuple(float(v) for v in expected), rel=1e-6)


def test_percentiles_leave_out_as_much_below_as_above():
    assert percentile_levels(np.arange(1001.0), 90.0) == pytest.approx((50.0, 950.0))


@pytest.mark.parametrize("stretch", STRETCHES)
def test_every_stretch_rises_from_black_to_white(stretch):
    bent = stretched(np.linspace(-0.5, 1.5, 401), stretch)
    assert (np.diff(bent) >= 0).all()
    assert (bent[0], bent[-1]) == pytest.approx((0.0, 1.0))


def test_the_table_shows_the_levels_as_black_and_white_and_turns_round():
    table = colour_table(100.0, 0.5, 200.0, 300.0, "linear", colormap("grey"))
    assert table[200] == 0xFF000000
    assert table[400] == 0xFFFFFFFF
    assert table[65535] == 0xFFFFFFFF
    turned = colour_table(100.0, 0.5, 200.0, 300.0, "linear", colormap("grey"), inverted=True, no_data=(1, 2, 3))
    assert turned[200] == 0xFFFFFFFF
    assert turned[0] == 0xFF010203


@pytest.mark.parametrize("name", COLORMAPS)
def test_colour_maps_have_256_colours(name):
    assert colormap(name).shape == (256, 3)
    assert colormap(name).dtype == np.uint8


@pytest.mark.parametrize("name", ["viridis", "magma", "inferno", "cividis", "cubehelix"])
def test_colour_maps_are_matplotlibs_and_rise_in_lightness(name):
    colours = colormap(name).astype(float)
    assert (np.diff(colours @ (0.2126, 0.7152, 0.0722)) > -3.0).all()
    matplotlib = pytest.importorskip("matplotlib")
    if name != "cubehelix":
        expected = 255.0 * matplotlib.colormaps[name](np.arange(256))[:, :3]
        assert np.abs(colours - expected).max() < 7.0


def test_a_histogram_of_whole_counts_has_no_comb():
    rng = np.random.default_rng(5)
    values = np.rint(rng.normal(1000.0, 120.0, 200_000))
    _, counts = histogram(values, 600.0, 1400.0)
    middle = counts[len(counts) // 3 : 2 * len(counts) // 3].astype(float)
    assert np.abs(np.diff(middle)).max() < 0.15 * middle.max()


@pytest.mark.parametrize("kind", ["whole counts", "electrons"])
def test_each_value_of_a_histogram_is_counted_between_its_edges(kind):
    values = np.random.default_rng(7).normal(1000.0, 40.0, 50_000)
    values = np.rint(values) if kind == "whole counts" else values
    edges, counts = histogram(values, 880.0, 1310.0)
    expected = [((low <= values) & (values < high)).sum() for low, high in itertools.pairwise(edges)]
    expected[-1] += (values == edges[-1]).sum()  # the last one holds its upper edge
    np.testing.assert_array_equal(counts, expected)


def test_the_histogram_reaches_saturation_only_when_that_is_near():
    level = sky_level(sky())
    assert histogram_range(level, 65000.0)[1] < 3000.0
    assert histogram_range(level, 2500.0)[1] > 2500.0


def test_the_last_bit_of_an_overlay_wins():
    out = overlay_colours(np.array([[0, 1, 17]], np.uint8), {1: (255, 0, 0), 16: (0, 255, 0)}, alpha=255)
    assert out.tolist() == [[0, 0xFFFF0000, 0xFF00FF00]]


def test_a_large_frame_is_coded_in_a_moment():
    image = sky(shape=(2048, 2048))
    coded(image)
    start = time.process_time()  # others may be at work here
    coded(image)
    assert time.process_time() - start < 1.0


def test_the_levels_of_a_change_reach_to_its_hot_pixels_and_are_even_about_noise_alone():
    rng = np.random.default_rng(31)
    noise = rng.normal(-1000.0, 3.0, (400, 400)).astype(np.float32)
    low, high = change_levels(sky_level(noise), sample(noise))
    assert (low + high) / 2 == pytest.approx(-1000.0, abs=1.0)
    assert high - low == pytest.approx(8 * 3.0, rel=0.1)
    hot = noise.copy()
    hot.ravel()[::400] = -6000.0  # what a dark takes off them
    low, high = change_levels(sky_level(hot), sample(hot))
    assert low == pytest.approx(-1000.0 - 12 * 3.0, rel=0.02)
    assert high == pytest.approx(-1000.0 + 4 * 3.0, rel=0.02)
    assert change_levels(sky_level(np.full((9, 9), 5.0)), np.full(81, 5.0)) == auto_levels(
        sky_level(np.full((9, 9), 5.0))
    )
