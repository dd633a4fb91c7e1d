"""Zero points, limits and sky brightness from stars of known magnitude."""

import numpy as np
import pytest

from pipeline_core.measures import QualityRow, ScienceMeasures
from pipeline_core.science.depth import Depth, frame_depth, with_depth
from pipeline_core.science.zero_point import (
    SOLAR_COLOUR,
    absolute_transparency,
    fit_extinction,
    fit_zero_point,
    limiting_magnitude,
    sky_brightness,
)

ZP, COLOUR = 22.3, -0.15


def stars(seed, n=80, *, zero=ZP, colour_term=COLOUR, exposure=90.0, noise=0.02, wild=0):
    rng = np.random.default_rng(seed)
    magnitude, colour = rng.uniform(10, 15, n), rng.uniform(0.3, 1.8, n)
    instrument = magnitude - zero - colour_term * (colour - SOLAR_COLOUR)
    flux = exposure * 10 ** (-0.4 * instrument) * (1 + rng.normal(0, noise, n))
    flux[:wild] *= rng.uniform(0.2, 4, wild)
    return flux, np.full(n, noise), magnitude, colour


def test_the_zero_point_and_the_colour_term_come_back():
    pulls, terms = [], []
    for seed in range(30):
        flux, error, magnitude, colour = stars(seed)
        found = fit_zero_point(flux, error, magnitude, colour, exposure_s=90.0)
        assert found.colour_fitted
        pulls.append((found.magnitude - ZP) / found.error_mag)
        terms.append(found.colour_term)
    assert 0.6 < np.std(pulls) < 1.4  # the stated error is true
    assert abs(np.mean(pulls)) < 0.6
    assert np.mean(terms) == pytest.approx(COLOUR, abs=0.01)


def test_variable_stars_blends_and_false_matches_do_not_pull():
    for seed in range(10):
        found = fit_zero_point(*stars(seed, wild=16), exposure_s=90.0)
        assert found.magnitude == pytest.approx(ZP, abs=0.02), f"seed {seed}"
        assert 60 <= found.stars <= 72


def test_a_known_colour_term_is_used_and_serves_few_stars():
    flux, error, magnitude, colour = stars(3, 8)
    found = fit_zero_point(flux, error, magnitude, colour, exposure_s=90.0, colour_term=COLOUR)
    assert not found.colour_fitted
    assert found.magnitude == pytest.approx(ZP, abs=0.03)
    without = fit_zero_point(flux, error, magnitude, np.full(8, np.nan), exposure_s=90.0)
    assert without.colour_term == 0.0
    assert without.scatter_mag > found.scatter_mag


def test_stars_of_one_colour_give_no_colour_term():
    flux, error, magnitude, _ = stars(4, colour_term=0.0)
    found = fit_zero_point(flux, error, magnitude, np.full(80, 0.9), exposure_s=90.0)
    assert not found.colour_fitted
    assert found.magnitude == pytest.approx(ZP, abs=0.02)


def test_what_the_aperture_leaves_out_is_added():
    flux, error, magnitude, colour = stars(5)
    found = fit_zero_point(flux / 1.12, error, magnitude, colour, exposure_s=90.0, aperture_correction=1.12)
    assert found.magnitude == pytest.approx(ZP, abs=0.02)


@pytest.mark.parametrize("n", [0, 4])
def test_too_few_stars_give_none(n):
    assert fit_zero_point(*stars(6, n), exposure_s=90.0) is None


def test_stars_that_do_not_agree_give_none():
    rng = np.random.default_rng(7)
    flux, error, magnitude, colour = stars(7)
    assert (
        fit_zero_point(flux, error, rng.permutation(magnitude) + rng.normal(0, 3, 80), colour, exposure_s=90.0) is None
    )


def test_the_sky_and_its_noise_give_limit_and_brightness():
    # 2.266 FWHM² pixels of noise 20 e: 5 sigma of a star that is lost in the sky.
    pixels = 2.266 * 2.5**2
    bare = 5 * 20 * np.sqrt(pixels)
    limit = limiting_magnitude(ZP, 20.0, 2.5, 90.0)
    assert limit == pytest.approx(ZP - 2.5 * np.log10((12.5 + np.hypot(12.5, bare)) / 90), abs=1e-3)
    assert limiting_magnitude(ZP, 10.0, 2.5, 90.0) - limit == pytest.approx(0.75, abs=0.05)
    # 400 e in 90 s in a pixel of 0.93": 5.14 e/s/arcsec².
    assert sky_brightness(ZP, 400.0, 90.0, 0.93) == pytest.approx(ZP - 2.5 * np.log10(400 / 90 / 0.93**2))
    assert sky_brightness(ZP, -3.0, 90.0, 0.93) is None


def test_a_star_at_the_limit_has_a_signal_to_noise_of_five():
    rng = np.random.default_rng(8)
    flux = 90.0 * 10 ** (-0.4 * (limiting_magnitude(ZP, 20.0, 3.0, 90.0) - ZP))
    y, x = np.mgrid[:31, :31]
    s2 = (3.0 / 2.355) ** 2
    profile = np.exp(-((x - 15.3) ** 2 + (y - 14.8) ** 2) / 2 / s2) / (2 * np.pi * s2)
    # Profile fitting: the weighted sum with the least noise.
    sums = []
    for _ in range(4000):
        image = flux * profile + rng.normal(0, 1, profile.shape) * np.sqrt(400 + flux * profile)
        sums.append((image * profile).sum() / (profile**2).sum())
    assert np.mean(sums) / np.std(sums) == pytest.approx(5.0, rel=0.05)


def nightly(seed, *, k=0.22, clouds=8, n=40):
    rng = np.random.default_rng(seed)
    airmass = np.linspace(1.0, 2.2, n)
    zero = ZP - k * airmass + rng.normal(0, 0.01, n)
    cloudy = rng.choice(n, clouds, replace=False)
    zero[cloudy] -= rng.uniform(0.1, 2.5, clouds)
    return zero, airmass, np.full(n, 0.01), cloudy


def test_extinction_comes_from_the_clear_frames():
    for seed in range(10):
        zero, airmass, error, cloudy = nightly(seed, clouds=14)
        found = fit_extinction(zero, airmass, error, usual_k_mag=0.15)
        assert found.k_mag == pytest.approx(0.22, abs=0.03), f"seed {seed}"
        assert not found.clear[cloudy[zero[cloudy] - (ZP - 0.22 * airmass[cloudy]) < -0.3]].any()
        through = absolute_transparency(zero, airmass, found)
        clear = np.setdiff1d(np.arange(40), cloudy)
        np.testing.assert_allclose(through[clear], 1, atol=0.05)
        assert (through[cloudy] < 0.95).all()


def test_at_one_air_mass_the_usual_extinction_is_taken():
    zero = np.array([22.0, 22.01, 21.5, 21.99, 22.0, 22.02])
    found = fit_extinction(zero, np.full(6, 1.3), np.full(6, 0.01), usual_k_mag=0.15)
    assert found.k_mag == 0.15
    assert np.isnan(found.k_error_mag)
    assert found.above_mag == pytest.approx(22.0 + 0.15 * 1.3, abs=0.02)
    assert found.clear.tolist() == [True, True, False, True, True, True]


def test_cloud_that_grows_with_the_air_mass_is_no_negative_extinction():
    airmass = np.linspace(1, 2, 12)
    found = fit_extinction(22.0 + 0.5 * airmass, airmass, np.full(12, 0.01), usual_k_mag=0.15)
    assert found.k_mag == 0.15


def test_nothing_measured_is_no_error():
    found = fit_extinction(np.full(3, np.nan), np.ones(3), np.full(3, np.nan), usual_k_mag=0.15)
    assert not found.clear.any()


def measures(**changes):
    usual = {"noise": 22.0, "background": 400.0, "fwhm_px": 2.5, "halo_ratio": 1.1}
    return ScienceMeasures("final", "electron", **(usual | changes))


def depth_of(seed=1, **changes):
    flux, _, magnitude, colour = stars(seed, noise=0.005)
    return frame_depth(
        measures(**changes), flux / 1.1, magnitude, colour, exposure_s=90.0, gain_e_per_unit=1.0,
        pixel_scale_arcsec=0.93, reference="Gaia DR3", band="G",
    )  # fmt: skip


def test_a_frame_with_stars_has_a_depth():
    found = depth_of()
    assert found.zero_point_mag == pytest.approx(ZP, abs=0.02)
    assert found.limiting_mag == pytest.approx(limiting_magnitude(ZP, 22.0, 2.5, 90.0), abs=0.03)
    assert found.sky_mag_arcsec2 == pytest.approx(sky_brightness(ZP, 400.0, 90.0, 0.93), abs=0.03)
    assert Depth.from_dict(found.as_dict()) == found


def test_all_of_the_light_of_undersampled_stars_counts_for_the_zero_point():
    # Flux over 1.1 is what the aperture held; 8 FWHM across would find another 2 % only.
    assert depth_of(halo_ratio=1.02, aperture_correction=1.1).zero_point_mag == pytest.approx(ZP, abs=0.02)


def test_without_halo_noise_or_width_what_can_be_said_is_said():
    assert depth_of(halo_ratio=None).zero_point_mag == pytest.approx(ZP, abs=0.02)
    assert depth_of(noise=None) is None
    assert depth_of(fwhm_px=None) is None
    assert depth_of(background=None).sky_mag_arcsec2 is None


def test_depth_joins_the_rows_and_leaves_others_alone():
    rows = [QualityRow(f"{k}.fits", measures(), extra={"airmass": 1.2, "group": 0}) for k in range(3)]
    depths = {"0.fits": Depth(22.0, 0.01, 30, 0.03, 0.0, 18.0, 20.5, "Tycho-2", "VT", is_rough=True)}
    depths["1.fits"] = Depth(21.0, 0.01, 30, 0.03, 0.0, 17.0, 20.0, "Tycho-2", "VT", is_rough=True)
    joined = with_depth(rows, depths, usual_k_mag=0.15, filters={})
    assert joined[0].zero_point_mag == 22.0
    assert joined[0].limiting_mag == 18.0
    assert joined[0].sky_mag_arcsec2 == 20.5
    assert joined[0].extra["depth_rough"] is True
    assert joined[0].extra["depth_reference"] == "Tycho-2"
    assert joined[0].extra["group"] == 0
    assert joined[0].transparency_absolute == pytest.approx(1.0, abs=0.01)
    assert joined[1].transparency_absolute == pytest.approx(0.398, abs=0.01)
    assert joined[2] == rows[2]
    assert joined[2].zero_point_mag is None
