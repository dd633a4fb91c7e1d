"""What drew the stars of a frame out: an even motion, or shaking."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from pipeline_core.demo.sky import SkyModel, expected_light, make_stars
from pipeline_core.science.evidence import Evidence
from pipeline_core.science.flags import science_flags
from pipeline_core.science.quality import measure_science
from pipeline_core.science.trail import trail_length

SIZE, SKY_E = 512, 400.0
SETTINGS = {"unit": "electron", "state": "final", "gain_e_per_adu": 1.0, "read_noise_e": 9.0, "saturation": 125_000.0}
SEEDS = (31, 32, 33)


def light(seed, fwhm, **shape):
    stars = make_stars(SIZE, np.random.default_rng([seed, 0]))
    return expected_light(SkyModel("R", SKY_E, fwhm_px=fwhm, **shape), stars, SIZE)


def measured(seed, expected):
    rng = np.random.default_rng([seed, 1])
    image = np.minimum(rng.poisson(expected) + rng.normal(0, 9, expected.shape), 125_000).astype(np.float32)
    return measure_science(image, **SETTINGS)[0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fwhm", [2.5, 4.0, 6.0])
def test_a_trail_that_is_too_short_for_its_ellipticity_to_tell_is_told_by_its_profile(seed, fwhm):
    trail = 1.4 * fwhm
    found = measured(seed, light(seed, fwhm, trail_px=trail, angle_deg=50.0 * seed % 180))
    assert found.ellipticity < 0.4
    assert found.trail_px == pytest.approx(trail, rel=0.2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fwhm", [1.5, 2.5, 4.0, 6.0])
@pytest.mark.parametrize("elongation", [1.3, 1.6])
def test_stars_that_wind_stretched_are_no_trails(seed, fwhm, elongation):
    found = measured(seed, light(seed, fwhm, elongation=elongation, angle_deg=50.0 * seed % 180))
    assert found.trail_px is None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fwhm", [2.5, 4.0, 6.0])
def test_stars_that_guiding_errors_scattered_are_no_trails(seed, fwhm):
    found = measured(seed, gaussian_filter1d(light(seed, fwhm), 0.4 * fwhm, axis=1))
    assert found.ellipticity > 0.15
    assert found.trail_px is None


def test_round_stars_are_not_asked():
    assert measured(31, light(31, 2.5)).trail_px is None


def test_five_stars_tell_nothing():
    image = light(31, 4.0, trail_px=6.0)
    x = y = np.linspace(100, 400, 5)
    assert trail_length(image, x, y, np.full(5, 1e4), 4.5, 0.7, 0.0) is None


@pytest.mark.parametrize("axis_ratio", [0.0, 1e-7, float("nan")])
def test_lines_as_thin_as_a_pixel_are_no_drawn_out_stars_and_take_no_memory(axis_ratio):
    image = light(31, 4.0)
    x = y = np.linspace(100, 400, 10)
    assert trail_length(image, x, y, np.full(10, 1e4), 3.0, axis_ratio, 0.0) is None


def test_the_flag_names_the_trail_and_its_length():
    known = {"stars": 50.0, "ellipticity": 0.28, "ellipticity_clear": 0.08, "coherence": 0.9}
    (wind,) = science_flags(Evidence(**known))
    (trail,) = science_flags(Evidence(**known, trail_px=8.1))
    assert wind.cause == "wind"
    assert (trail.cause, trail.severity) == ("trailed", "bad")
    assert "evenly by 8.1 px" in trail.words


def test_where_the_reference_is_long_itself_the_profile_tells_all_the_same():
    known = {"stars": 50.0, "ellipticity": 0.35, "ellipticity_clear": 0.33, "coherence": 0.9}
    (wind,) = science_flags(Evidence(**known))
    (trail,) = science_flags(Evidence(**known, trail_px=5.0))
    assert (wind.cause, trail.cause) == ("wind", "trailed")
