"""Parts of a frame: lines, boxes, circles, stars."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline_core.science.regions import (
    box_statistics,
    circle_statistics,
    line_profile,
    line_statistics,
    pixels_by_kind,
    star_near,
)
from pipeline_core.science.star_reading import read_star


def field(seed: int = 1, fwhm: float = 3.0, height: float = 3000.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = rng.normal(500.0, 10.0, (200, 220)).astype(np.float32)
    y, x = np.indices(image.shape)
    for cx, cy, part in ((100.3, 80.7, 1.0), (150.0, 150.0, 0.1)):
        image += part * height * np.exp(-4 * np.log(2) * ((x - cx) ** 2 + (y - cy) ** 2) / fwhm**2).astype(np.float32)
    return image


def test_a_line_along_a_row_gives_its_pixels():
    image = np.arange(100, dtype=np.float32).reshape(10, 10)
    distance, value = line_profile(image, 2, 3, 7, 3)
    assert distance == pytest.approx([0, 1, 2, 3, 4, 5])
    assert value == pytest.approx([32, 33, 34, 35, 36, 37])


def test_between_pixels_a_line_interpolates_and_outside_it_knows_nothing():
    image = np.arange(100, dtype=np.uint16).reshape(10, 10)
    _, value = line_profile(image, 2.5, 3, 3.5, 4)
    assert value[0] == pytest.approx(32.5)
    assert value[-1] == pytest.approx(43.5)
    assert np.isnan(line_profile(image, 8, 0, 12, 0)[1][-1])


def test_a_pixel_without_a_value_hurts_only_where_it_counts():
    image = np.ones((5, 5), np.float32)
    image[2, 3] = np.nan
    _, value = line_profile(image, 0, 2, 4, 2)
    assert np.isnan(value).tolist() == [False, False, False, True, False]


def test_a_box_is_described_without_its_masked_pixels():
    image = np.arange(100, dtype=np.float32).reshape(10, 10)
    masked = np.zeros(image.shape, bool)
    masked[2, 2] = True
    found = box_statistics(image, 4, 4, 2, 2, masked)
    assert (found.pixels, found.masked, found.minimum, found.maximum) == (8, 1, 23.0, 44.0)
    assert found.median == 33.5


def test_a_circle_holds_the_pixels_within_its_radius():
    found = circle_statistics(np.ones((100, 100), np.uint16), 50, 50, 20.0)
    assert found.pixels == pytest.approx(np.pi * 400, rel=0.01)
    assert (found.mean, found.std) == (1.0, 0.0)


def test_a_region_outside_of_the_frame_holds_nothing():
    assert box_statistics(np.ones((10, 10)), 20, 20, 30, 30).pixels == 0
    assert circle_statistics(np.ones((10, 10)), -50, 5, 10).pixels == 0


def test_a_click_beside_a_star_finds_its_centre():
    found = star_near(field(), 104.0, 77.0)
    assert (found.x_px, found.y_px) == pytest.approx((100.3, 80.7), abs=0.1)
    assert found.sky == pytest.approx(500.0, abs=2.0)
    assert found.peak == pytest.approx(3000.0, rel=0.15)


@pytest.mark.parametrize("seed", range(20))
def test_there_is_no_star_on_blank_sky(seed):
    rng = np.random.default_rng(seed)
    blank = rng.normal(500.0, 10.0, (120, 120)).astype(np.float32)
    assert star_near(blank, 60, 60) is None


def test_a_hot_pixel_is_no_star():
    image = np.random.default_rng(2).normal(500.0, 10.0, (120, 120)).astype(np.float32)
    image[60, 60] = 9000.0
    assert star_near(image, 60, 60) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_warm_pixel_that_noise_helps_is_no_star_and_does_not_hide_the_star_beside_it(seed):
    """Raw frames of Jason: every second click found a "star" of FWHM 0.3 to 0.8 px, twelve sigma high."""
    image = np.random.default_rng(seed).normal(500.0, 10.0, (120, 120)).astype(np.float32)
    image[60, 60] += 120.0
    image[60, 61] += 45.0
    assert read_star(image, 60, 60, usual_fwhm_px=2.0) is None
    y, x = np.indices(image.shape)
    image += 900.0 * np.exp(-4 * np.log(2) * ((x - 67) ** 2 + (y - 60) ** 2) / 2.2**2).astype(np.float32)
    found = read_star(image, 60, 60, usual_fwhm_px=2.0)
    assert (found.profile.x_px, found.profile.y_px) == pytest.approx((67.0, 60.0), abs=0.3)


def test_a_bump_of_the_noise_is_no_star():
    """Frame 073 of Jason: a peak of three sigma at the place of another frame's star was measured as one."""
    image = np.random.default_rng(4).normal(500.0, 10.0, (120, 120)).astype(np.float32)
    y, x = np.indices(image.shape)
    image[60, 60] = 500.0
    bump = np.exp(-4 * np.log(2) * ((x - 60) ** 2 + (y - 60) ** 2) / 2.0**2).astype(np.float32)
    assert read_star(image + 30.0 * bump, 60, 60) is None
    assert read_star(image + 200.0 * bump, 60, 60) is not None


def test_a_wide_faint_star_is_one_although_no_pixel_of_it_stands_out():
    image = np.random.default_rng(5).normal(500.0, 10.0, (160, 160)).astype(np.float32)
    y, x = np.indices(image.shape)
    image += 25.0 * np.exp(-4 * np.log(2) * ((x - 80) ** 2 + (y - 80) ** 2) / 12.0**2).astype(np.float32)
    found = read_star(image, 80, 80)
    assert found is not None
    assert (found.profile.x_px, found.profile.y_px) == pytest.approx((80.0, 80.0), abs=3.0)


def test_where_the_star_must_be_no_other_one_is_taken():
    assert star_near(field(), 108.0, 81.0) is not None
    assert star_near(field(), 108.0, 81.0, reach_px=4.0) is None


def test_the_faint_star_that_was_clicked_is_meant_and_not_a_far_bright_one():
    found = star_near(field(), 151.0, 149.0)
    assert (found.x_px, found.y_px) == pytest.approx((150.0, 150.0), abs=0.3)


def test_at_the_border_of_the_frame_nothing_breaks():
    image = field()
    for x, y in ((0, 0), (219, 199), (-5, 50), (1000, 1000)):
        star_near(image, x, y)


@pytest.mark.parametrize("fwhm", [1.8, 3.0, 6.0])
def test_the_width_is_that_of_the_star(fwhm):
    found = read_star(field(fwhm=fwhm), 100, 81)
    # The test's star is not averaged over its pixels: the fit sees it so much sharper.
    assert found.fwhm_px == pytest.approx(np.sqrt(fwhm**2 - 8 * np.log(2) / 12), rel=0.03)
    assert found.ellipticity < 0.05


def test_a_saturated_star_has_no_width():
    image = np.minimum(field(), 2000.0)
    found = read_star(image, 100, 81, saturation=2000.0)
    assert found.is_saturated
    assert np.isnan(found.fwhm_px)


def full_wells(fwhm: float, well: float, seed: int = 3) -> np.ndarray:
    """A star in the middle of wells that are full at levels of their own, some 1 % apart."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((161, 161))
    light = 120_000.0 * np.exp(-4 * np.log(2) * ((x - 80.2) ** 2 + (y - 79.7) ** 2) / fwhm**2)
    levels = rng.normal(well, 0.01 * well, light.shape)
    return (np.minimum(rng.normal(500.0 + light, 10.0 + np.sqrt(light)), levels)).astype(np.float32)


def test_a_star_whose_wells_are_full_below_the_stated_saturation_is_flat_topped():
    """Jason 069: wells full at some 62,200 ADU under a stated 65,535; its FWHM read 3.3 px where others have 2.1."""
    found = read_star(full_wells(3.5, 62_200.0), 80, 80, saturation=65_535.0)
    assert not found.is_saturated
    assert found.is_flat
    assert found.is_doubtful


@pytest.mark.parametrize("fwhm", [1.5, 2.0, 3.0, 6.0])
@pytest.mark.parametrize("place", [(100.0, 80.0), (100.5, 80.5), (100.3, 80.7)])
def test_a_star_below_the_wells_is_not_flat_topped_wherever_it_lies_on_the_pixels(fwhm, place):
    rng = np.random.default_rng(8)
    y, x = np.indices((161, 161))
    light = 40_000.0 * np.exp(-4 * np.log(2) * ((x - place[0]) ** 2 + (y - place[1]) ** 2) / fwhm**2)
    found = read_star(rng.normal(500.0 + light, 10.0 + np.sqrt(light)).astype(np.float32), *place, saturation=65_535.0)
    assert not found.is_flat


def test_a_flat_top_far_below_saturation_is_a_star_out_of_focus():
    image = full_wells(8.0, 9_000.0)
    assert not read_star(image, 80, 80, saturation=65_535.0).is_flat
    assert read_star(image, 80, 80).is_flat, "where saturation is not known it may be that"


def test_a_star_of_ordinary_profile_is_beyond_doubt_and_two_that_touch_are_not():
    y, x = np.indices((161, 161))

    def star(cx, cy):
        return (1.0 + (2**0.3333 - 1) * 4 * ((x - cx) ** 2 + (y - cy) ** 2) / 3.0**2) ** -3.0

    sky = np.random.default_rng(9).normal(500.0, 10.0, x.shape)
    assert not read_star((sky + 5000 * star(80.2, 79.8)).astype(np.float32), 80, 80).is_doubtful
    two = sky + 5000 * star(80.2, 79.8) + 4000 * star(85.0, 82.0)
    assert read_star(two.astype(np.float32), 80, 80).is_doubtful


def test_a_star_is_saturated_where_the_mask_says_so_whatever_its_value_is_now():
    image, full = field(), np.zeros((200, 220), bool)
    full[81, 100] = True
    assert read_star(image, 100, 81, saturation=65_535.0, full=full).is_saturated
    assert not read_star(image, 150, 150, saturation=65_535.0, full=full).is_saturated
    assert not read_star(image, 100, 81, saturation=65_535.0, full=full, masked=full).is_saturated, "a bad pixel"


def test_the_pixels_of_a_mask_are_counted_by_kind_and_one_may_be_of_several():
    mask = np.zeros((20, 30), np.uint8)
    mask[0, :7] = 1
    mask[1, :5] = 1 | 16
    mask[2, 0] = 32
    assert {bit: n for bit, n in pixels_by_kind(mask).items() if n} == {1: 12, 16: 5, 32: 1}


def test_values_along_a_line_are_described_without_those_outside_of_the_frame():
    image = np.arange(100.0).reshape(10, 10)
    distance, value = line_profile(image, -3.0, 0.0, 9.0, 0.0)
    found = line_statistics(value)
    assert (found.pixels, found.masked) == (10, len(distance) - 10)
    assert (found.minimum, found.median, found.maximum) == (0.0, 4.5, 9.0)
