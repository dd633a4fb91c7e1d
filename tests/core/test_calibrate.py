"""The steps from raw counts to electrons, one by one, against the equation they undo and against ccdproc."""

import numpy as np
import pytest

from pipeline_core.science import calibrate

RNG_SEED = 20260621


@pytest.fixture
def rng():
    return np.random.default_rng(RNG_SEED)


def image(rng, level=1000.0, sigma=10.0, shape=(40, 50)):
    return rng.normal(level, sigma, shape).astype(np.float32)


def test_each_step_works_in_place_so_that_a_large_frame_is_not_copied(rng):
    frame = image(rng)
    assert calibrate.subtract_level(frame, 5.0) is frame
    assert calibrate.to_electrons(frame, 2.0) is frame


def test_pixels_below_the_floor_or_without_response_are_left_undivided():
    frame = np.full((1, 4), 100, np.float32)
    flat = np.array([[0.5, 0.05, np.nan, 2.0]], np.float32)
    undivided = calibrate.divide_by_flat(frame, flat, 0.1)
    np.testing.assert_array_equal(undivided, [[False, True, True, False]])
    np.testing.assert_array_equal(frame, [[200, 100, 100, 50]])


def test_the_steps_equal_ccdproc(rng):
    ccdproc = pytest.importorskip("ccdproc")
    from astropy import units as u
    from astropy.nddata import CCDData

    raw, dark, flat = image(rng, 3000), image(rng, 1100), image(rng, 1, 0.1)
    ours = raw.copy()
    calibrate.subtract_level(ours, dark)
    calibrate.divide_by_flat(ours, flat, 0.1)
    calibrate.to_electrons(ours, 2.0)
    theirs = ccdproc.subtract_dark(
        CCDData(raw, unit="adu"), CCDData(dark, unit="adu"), dark_exposure=90 * u.s, data_exposure=90 * u.s
    )
    theirs = ccdproc.flat_correct(theirs, CCDData(flat, unit=u.one), norm_value=1.0)
    theirs = ccdproc.gain_correct(theirs, 2.0 * u.electron / u.adu)
    np.testing.assert_allclose(ours, theirs.data, rtol=1e-5)


def test_the_variance_is_poisson_plus_read_noise_plus_rounding_over_the_flat_squared():
    collected = np.array([[400.0, -50.0]], np.float32)
    flat = np.array([[0.5, 1.0]], np.float32)
    variance = calibrate.pixel_variance(collected, flat, 9.0, 2.0, 0.1)
    np.testing.assert_allclose(variance, [[(400 + 81 + 4 / 12) / 0.25, 81 + 4 / 12]], rtol=1e-6)


def test_the_variance_of_simulated_pixels_is_what_it_says(rng):
    light_e, gain, read_noise_e = 700.0, 2.0, 9.0
    electrons = rng.poisson(light_e, 200_000) + rng.normal(0, read_noise_e, 200_000)
    adu = np.rint(electrons / gain + 1000)
    measured = np.var((adu - 1000) * gain)
    expected = calibrate.pixel_variance(np.full((1, 1), light_e, np.float32), None, read_noise_e, gain, 0.1)[0, 0]
    # 200,000 samples give a variance to 0.3 %.
    assert measured == pytest.approx(expected, rel=0.012)


def test_the_uncertainty_holds_the_noise_of_dark_and_flat():
    variance = np.full((1, 1), 100, np.float32)
    light = np.full((1, 1), 1000, np.float32)
    flat, flat_error = np.full((1, 1), 0.5, np.float32), np.full((1, 1), 0.005, np.float32)
    dark_error = np.full((1, 1), 2, np.float32)
    sigma = calibrate.total_uncertainty(
        variance,
        light,
        gain_e_per_adu=2.0,
        dark_uncertainty_adu=dark_error,
        flat=flat,
        flat_uncertainty=flat_error,
        floor=0.1,
    )
    assert sigma[0, 0] == pytest.approx(np.sqrt(100 + (2 * 2 / 0.5) ** 2 + (1000 * 0.01) ** 2), rel=1e-6)


def test_an_undivided_pixel_has_no_flat_error_and_no_nan():
    one = np.ones((1, 1), np.float32)
    sigma = calibrate.total_uncertainty(
        one * 100,
        one * 1000,
        gain_e_per_adu=2.0,
        dark_uncertainty_adu=one,
        flat=one * 0.01,
        flat_uncertainty=one,
        floor=0.1,
    )
    assert np.isfinite(sigma).all()
    assert sigma[0, 0] == pytest.approx(np.sqrt(100 + 4), rel=1e-6)
