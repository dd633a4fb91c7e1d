import numpy as np
import pytest
from astropy.stats import mad_std

from pipeline_core.science.robust import median_and_sigma, pixel_noise, weighted_median


@pytest.mark.parametrize("shape", [(50, 60), (700, 800)])
def test_median_and_sigma_agree_with_numpy_and_astropy_among_outliers(shape):
    rng = np.random.default_rng(1)
    image = rng.normal(1000, 12, shape).astype(np.float32)
    image[rng.random(shape) < 0.02] += 5000
    median, sigma = median_and_sigma(image)
    assert median == pytest.approx(np.median(image), abs=0.003 * 12)
    assert sigma == pytest.approx(mad_std(image), rel=0.003)


def test_masked_and_not_finite_pixels_do_not_count():
    rng = np.random.default_rng(2)
    image = rng.normal(50, 3, (600, 600)).astype(np.float32)
    valid = np.ones(image.shape, bool)
    valid[:, :300] = False
    image[:, :300] = 900
    image[::7, 400] = np.nan
    median, sigma = median_and_sigma(image, valid)
    good = image[valid & np.isfinite(image)]
    assert median == pytest.approx(np.median(good), abs=0.01)
    assert sigma == pytest.approx(mad_std(good), rel=0.003)


def test_unsigned_counts_are_measured_as_they_are():
    rng = np.random.default_rng(3)
    image = rng.normal(1000, 30, (600, 600)).astype(np.uint16)
    assert median_and_sigma(image)[0] == pytest.approx(np.median(image), abs=0.5)


def test_a_constant_image_has_its_level_and_no_scatter():
    assert median_and_sigma(np.full((600, 600), 7.0, np.float32)) == (7.0, 0.0)


def test_an_image_without_a_usable_pixel_is_nan():
    assert np.isnan(median_and_sigma(np.full((10, 10), np.nan, np.float32))).all()
    assert np.isnan(pixel_noise(np.full((10, 10), np.nan, np.float32)))


def test_pixel_noise_sees_through_slow_structure_hits_and_whole_numbers():
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:600, :600]
    image = np.rint(rng.normal(0, 1.5, (600, 600)) + 300 + x + 0.5 * y + 40 * np.sin(x / 300))
    image[rng.random(image.shape) < 3e-3] += 3000
    assert pixel_noise(image.astype(np.float32)) == pytest.approx(np.hypot(1.5, 1 / np.sqrt(12)), rel=0.03)


def test_a_weighted_median_has_half_of_the_weight_on_either_side():
    values = np.array([3.0, 1.0, 2.0])
    assert weighted_median(values, np.ones(3)) == 2.0
    assert weighted_median(values, np.array([100.0, 1.0, 1.0])) == pytest.approx(3.0, abs=0.02)
    assert weighted_median(np.array([7.0]), np.array([0.1])) == 7.0
