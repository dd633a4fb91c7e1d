"""Widths, shapes and light of stars against simulated truth."""

import numpy as np
import pytest

from pipeline_core.science.profile import aperture_flux, halo_ratio, profile_widths
from pipeline_core.science.psf import fit_moffats
from pipeline_core.science.shape import StarShapes, adaptive_moments, common_shape, field_map

from .stars_helpers import star_frame


@pytest.mark.parametrize("beta", [2.5, 4.0, None])
@pytest.mark.parametrize("fwhm", [1.3, 2.0, 3.5, 6.0])
def test_fitted_widths_are_those_of_the_light_before_the_pixels(beta, fwhm):
    image, x, y, _ = star_frame(fwhm=fwhm, beta=beta, stars=30, seed=21, flux=(3e4, 3e5))
    fits = fit_moffats(image - 400, x + 0.2, y - 0.2, 1.15 * fwhm, noise=20, gain=1)
    assert np.nanmedian(fits.fwhm_px) == pytest.approx(fwhm, rel=0.03)
    assert np.median(np.hypot(fits.x_px - x, fits.y_px - y)) < 0.05


def test_the_fitted_ellipse_tells_the_shape_of_sharp_stars():
    image, x, y, _ = star_frame(fwhm=1.5, ellipticity=0.3, angle_deg=120, stars=30, seed=22, flux=(3e4, 3e5))
    fits = fit_moffats(image - 400, x, y, 1.5, noise=20, gain=1)
    shapes = StarShapes(x, y, *fits.ellipse.T)
    assert np.nanmedian(shapes.ellipticity) == pytest.approx(0.3, abs=0.03)
    assert np.nanmedian(shapes.angle_deg) == pytest.approx(120, abs=3)


def test_stars_that_cannot_be_fitted_are_nan():
    image = np.zeros((64, 64), np.float32)
    fits = fit_moffats(image, np.array([2.0, 32.0]), np.array([2.0, 32.0]), 3.0, noise=1, gain=1)
    assert np.isnan(fits.fwhm_px).all()


@pytest.mark.parametrize("ellipticity", [0.1, 0.3, 0.5])
def test_elongation_angle_and_agreement_are_found(ellipticity):
    image, x, y, _ = star_frame(fwhm=3.0, ellipticity=ellipticity, angle_deg=35, stars=40, seed=23, flux=(3e4, 3e5))
    found = common_shape(adaptive_moments(image - 400, x, y, 3.0))
    assert found[0] == pytest.approx(ellipticity, abs=0.02)
    assert found[1] == pytest.approx(35, abs=3)
    assert found[2] > 0.95


def test_stars_elongated_in_all_directions_do_not_agree():
    image, x, y, _ = star_frame(fwhm=3.0, ellipticity=0.3, random_angle=True, stars=50, seed=24, flux=(3e4, 3e5))
    found = common_shape(adaptive_moments(image - 400, x, y, 3.0))
    assert found[0] == pytest.approx(0.3, abs=0.02)
    assert found[2] < 0.35  # 50 random directions: 1/sqrt(50) and its scatter


def test_directions_around_zero_do_not_average_to_ninety():
    turn = np.radians([178.0, 2.0, 179.0, 1.0])
    shapes = StarShapes(turn, turn, 2 + np.cos(2 * turn), 2 - np.cos(2 * turn), np.sin(2 * turn))
    _, angle, coherence = common_shape(shapes)
    assert min(angle, 180 - angle) < 0.5
    assert coherence > 0.99


def test_two_stars_have_no_common_shape():
    nan = np.array([np.nan])
    assert common_shape(StarShapes(nan, nan, nan, nan, nan)) is None


def test_the_profile_gives_the_outer_width_of_a_ring_and_sees_its_hole():
    image, x, y, _ = star_frame(ring=(4, 10), fwhm=4, stars=20, spacing=70, margin=50, flux=(1e5, 1e6), seed=25)
    width, dip = profile_widths(image - 400, x, y, 24)
    assert np.median(width) == pytest.approx(20, rel=0.03)
    assert np.median(dip) < 0.3


def test_the_profile_of_a_peak_agrees_with_its_width():
    image, x, y, _ = star_frame(fwhm=6, stars=20, seed=26, spacing=60, flux=(1e5, 1e6))
    width, dip = profile_widths(image - 400, x, y, 20)
    assert np.median(width) == pytest.approx(6, rel=0.05)
    assert np.median(dip) > 0.9


def test_apertures_sum_flat_light_to_their_area():
    sums = aperture_flux(np.ones((60, 60), np.float32), np.array([30.0, 30.37, 1.0]), np.array([30.0, 29.81, 1.0]), 4.0)
    assert sums[:2] == pytest.approx(np.pi * 16, rel=0.005)
    assert np.isnan(sums[2])


def test_a_halo_raises_the_halo_ratio():
    clean, x, y, _ = star_frame(fwhm=2.5, beta=4.0, stars=30, seed=27, spacing=45, flux=(1e5, 1e6))
    wide, *_ = star_frame(fwhm=12, beta=None, stars=30, seed=27, spacing=45, flux=(1e5, 1e6), sky=0, noise=0.1)
    before = halo_ratio(clean - 400, x, y, 2.5, 20)
    after = halo_ratio(clean - 400 + 0.3 * wide, x, y, 2.5, 20)
    assert before == pytest.approx(1.05, abs=0.03)
    assert after > before + 0.08


def test_the_field_map_starts_at_low_y_and_needs_two_stars():
    x, y = np.array([10.0, 12, 290, 150]), np.array([10.0, 12, 290, 150])
    found = field_map(x, y, np.array([2.0, 3.0, 5.0, np.nan]), (300, 300))
    assert found[0] == (2.5, None, None)
    assert found[2] == (None, None, None)
