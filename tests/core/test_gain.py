"""Gain and read noise from pairs."""

import numpy as np
import pytest

from pipeline_core.errors import DataError
from pipeline_core.science.gain import clipped_variance, gain_from_pairs

GAIN, READ_NOISE_E, BIAS = 1.7, 6.0, 500.0


def camera(signal_e, rng, shape=(256, 256)):
    light = np.broadcast_to(signal_e, shape)
    return np.round((rng.poisson(light) + rng.normal(0, READ_NOISE_E, shape)) / GAIN + BIAS).astype(np.float32)


def frames(levels_e=(30000, 24000, 19000, 26000), seed=3):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:256, :256] / 256
    response = (1 - 0.4 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)) * rng.normal(1, 0.01, (256, 256))
    flats = [camera(level * response * (1 + 0.02 * i * x), rng) for i, level in enumerate(levels_e)]
    return flats, [camera(0.0, rng) for _ in range(5)]


def test_gain_and_read_noise_of_a_simulated_camera_are_found():
    estimate = gain_from_pairs(*frames())
    assert estimate.gain_e_per_adu == pytest.approx(GAIN, rel=0.015)
    assert abs(estimate.gain_e_per_adu - GAIN) < 4 * estimate.gain_error
    # The rounding noise of 1/12 ADU² acts together with the read noise.
    assert estimate.read_noise_adu == pytest.approx(np.hypot(READ_NOISE_E / GAIN, 12**-0.5), rel=0.02)
    assert estimate.n_pairs == 2


def test_stars_cosmic_rays_and_saturated_corners_do_not_change_the_gain():
    flats, biases = frames()
    rng = np.random.default_rng(5)
    for frame in [*flats, *biases]:
        frame[rng.integers(0, 256, 300), rng.integers(0, 256, 300)] += 3000
    flats[0][:40, :40] = 65535
    estimate = gain_from_pairs(flats, biases, saturation_adu=60000)
    assert estimate.gain_e_per_adu == pytest.approx(GAIN, rel=0.02)
    assert estimate.read_noise_e == pytest.approx(READ_NOISE_E, rel=0.05)


def test_a_single_flat_or_bias_is_refused_with_a_remedy():
    flats, biases = frames()
    for few in ((flats[:1], biases), (flats, biases[:1])):
        with pytest.raises(DataError, match="two flats") as error:
            gain_from_pairs(*few)
        assert "calibrate.gain_e_per_adu" in error.value.hint


def test_flats_without_light_are_refused():
    _, biases = frames()
    with pytest.raises(DataError, match="scatter no more"):
        gain_from_pairs(biases[:2], biases[2:])


def test_clipped_variance_is_that_of_a_gaussian_under_its_hits():
    values = np.random.default_rng(1).normal(0, 3, 200_000)
    values[::100] += 500
    assert clipped_variance(values) == pytest.approx(9.0, rel=0.015)
