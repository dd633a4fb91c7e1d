import numpy as np
import pytest
from scipy import ndimage

from pipeline_core.science.components import find_components


def reference(image, threshold):
    """The same in scipy: smooth, cut, label with eight neighbours."""
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    smooth = ndimage.convolve(image.astype(np.float64), kernel, mode="nearest")
    labels, n = ndimage.label(smooth > threshold, structure=np.ones((3, 3)))
    return smooth, labels, n


def test_groups_are_those_of_scipy_with_the_same_sums():
    rng = np.random.default_rng(6)
    image = ndimage.gaussian_filter(rng.normal(0, 1, (200, 230)), 1.5).astype(np.float32)
    smooth, labels, n = reference(image, 0.25)
    found = find_components(image, np.full((1, 1), 0.25, np.float32), min_pixels=1)
    assert len(found) == n
    index = np.arange(1, n + 1)
    sizes = np.sort(ndimage.sum_labels(np.ones_like(smooth), labels, index))
    assert np.array_equal(np.sort(found.pixels), sizes)
    assert np.sort(found.flux) == pytest.approx(np.sort(ndimage.sum_labels(smooth, labels, index)), rel=1e-4)
    peaks = np.sort(ndimage.maximum(smooth, labels, index))
    assert np.sort(found.peak) == pytest.approx(peaks, rel=1e-4)


def test_a_u_shape_is_one_group_with_its_box():
    image = np.zeros((40, 40), np.float32)
    image[5:30, 8:10] = image[5:30, 20:22] = image[28:30, 8:22] = 100
    found = find_components(image, np.full((1, 1), 30, np.float32))
    assert len(found) == 1
    assert found.box[0].tolist() == [8, 21, 5, 29]


def test_saturated_and_masked_pixels_are_noted():
    image = np.zeros((40, 80), np.float32)
    image[18:22, 18:22] = image[18:22, 58:62] = 100
    mask = np.zeros(image.shape, bool)
    mask[19, 19] = True
    found = find_components(image, np.full((1, 1), 30, np.float32), mask, mask)
    left = np.argmin(found.x)
    assert found.saturated.tolist() == [k == left for k in range(2)]
    assert found.masked[left] == pytest.approx(1 / found.pixels[left])
    assert found.masked[1 - left] == 0


def test_a_frame_of_nothing_but_peaks_is_thinned_instead_of_filling_memory():
    image = np.zeros((1100, 1100), np.float32)
    image[::2, ::2] = 16.0 + np.arange(550) % 7  # 302,500 groups at first
    found = find_components(image - 8.0, np.full((1, 1), 0.001, np.float32), min_pixels=1)
    assert len(found) <= 250_000
