"""Frames on the same pixels become one deeper frame, without what single frames carry."""

import numpy as np
import pytest

from pipeline_core.errors import DataError
from pipeline_core.science.stack import combine_aligned, frame_weights

SHAPE = (40, 50)


def stack_of(n, *, noise=10.0, light=None, seed=1, shape=SHAPE):
    rng = np.random.default_rng(seed)
    image = np.zeros(shape) if light is None else light
    return (image + rng.normal(0, noise, (n, *shape)) * np.sqrt(1 + image / noise**2)).astype(np.float32)


def given(n, noise=10.0):
    return np.full(n, noise), np.ones(n), np.ones(n)


def twin(stack, noise, gain, weight, sigma=5.0, method="mean"):
    """The rule in plain numpy."""
    middle = np.nanmedian(stack, axis=0)
    light = np.maximum(middle, 0)
    variance = (noise**2)[:, None, None] + light / gain[:, None, None]
    seen = np.isfinite(stack)
    off = np.sort(np.where(seen, np.abs(stack - middle), -1), axis=0)[::-1]
    n = seen.sum(axis=0)
    hits = np.minimum(1 + n // 10, (n - 1) // 2)
    usual = 3 * np.take_along_axis(off, hits[None], axis=0)[0]
    far = np.square(stack - middle) > np.maximum(sigma**2 * (variance + (0.15 * light) ** 2), usual**2)
    used = seen & (~far | (seen.sum(axis=0) < 3))
    if method == "median":
        return middle, seen.sum(axis=0)
    w = np.where(used, weight[:, None, None], 0)
    return (w * np.nan_to_num(stack)).sum(axis=0) / w.sum(axis=0), used.sum(axis=0)


@pytest.mark.parametrize("method", ["mean", "median"])
def test_the_kernel_equals_its_numpy_twin(method):
    rng = np.random.default_rng(2)
    stack = stack_of(7, light=rng.uniform(0, 500, SHAPE))
    stack[rng.random(stack.shape) < 0.05] = np.nan
    stack[rng.random(stack.shape) < 0.02] += 3000
    noise, gain, weight = rng.uniform(5, 15, 7), rng.uniform(0.5, 2, 7), rng.uniform(0.2, 1, 7)
    expected, count = twin(stack, noise, gain, weight, method=method)
    made = combine_aligned(stack, noise, gain, weight, method=method, threads=2)
    np.testing.assert_allclose(made.image, expected, rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(made.count, count)


@pytest.mark.parametrize("method", ["mean", "median"])
@pytest.mark.parametrize("n", [3, 5, 20])
def test_a_hit_in_one_frame_is_gone(method, n):
    stack = stack_of(n)
    stack[1, 20, 20] += 5000
    made = combine_aligned(stack, *given(n), method=method)
    assert abs(made.image[20, 20]) < 4 * 10 * 1.25 / np.sqrt(n - 1)
    if method == "mean":
        assert made.count[20, 20] == n - 1


def test_a_mean_is_deeper_by_the_root_of_the_frames_and_says_so():
    made = combine_aligned(stack_of(16), *given(16))
    assert np.std(made.image) == pytest.approx(2.5, rel=0.05)
    assert np.median(np.sqrt(made.variance)) == pytest.approx(2.5, rel=0.01)
    middle = combine_aligned(stack_of(16), *given(16), method="median")
    assert np.std(middle.image) / np.median(np.sqrt(middle.variance)) == pytest.approx(1.0, rel=0.06)


def test_the_core_of_a_star_is_kept_when_the_seeing_changes():
    y, x = np.mgrid[:41, :41] - 20
    frames = []
    rng = np.random.default_rng(3)
    for fwhm in rng.normal(3.0, 0.15, 12):
        s2 = (fwhm / 2.355) ** 2
        star = 2e5 * np.exp(-(x**2 + y**2) / 2 / s2) / (2 * np.pi * s2)
        frames.append(star + rng.normal(0, 1, star.shape) * np.sqrt(100 + star))
    stack = np.array(frames, np.float32)
    made = combine_aligned(stack, *given(12))
    near = np.hypot(x, y) < 12
    # All the light of the mean frame is there: the clip took no sharp core and no wide wing away.
    assert made.image[near].sum() == pytest.approx(stack.mean(axis=0)[near].sum(), rel=2e-3)


def test_where_nothing_is_seen_there_is_nan_and_a_count_of_zero():
    stack = stack_of(4)
    stack[:, 5, 6] = np.nan
    stack[:3, 7, 8] = np.nan
    made = combine_aligned(stack, *given(4))
    assert np.isnan(made.image[5, 6])
    assert np.isnan(made.variance[5, 6])
    assert made.count[5, 6] == 0
    assert made.image[7, 8] == stack[3, 7, 8]
    assert made.count[7, 8] == 1


def test_two_frames_that_differ_are_both_kept():
    stack = np.zeros((2, 4, 4), np.float32)
    stack[1] = 1000
    made = combine_aligned(stack, *given(2))
    np.testing.assert_allclose(made.image, 500)
    assert (made.count == 2).all()


def test_threads_change_nothing():
    stack = stack_of(9)
    one, three = (combine_aligned(stack, *given(9), threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one.image, three.image)
    np.testing.assert_array_equal(one.variance, three.variance)


def test_no_frame_is_refused():
    with pytest.raises(DataError, match="there are none"):
        combine_aligned(np.empty((0, 3, 3), np.float32), np.empty(0), np.empty(0), np.empty(0))


def test_cloud_weighs_little_and_is_scaled_up():
    made = frame_weights(np.array([1.0, 0.5, 0.05]), np.array([20.0, 20.0, 20.0]))
    np.testing.assert_allclose(made.scale, [1, 2, 20])
    np.testing.assert_allclose(made.weight, [1, 0.25, 0])  # the last has a 400th of the first


def test_the_best_frame_may_have_less_light_and_less_sky():
    made = frame_weights(np.array([1.0, 0.8]), np.array([40.0, 10.0]))
    np.testing.assert_allclose(made.scale, [0.8, 1.0])
    np.testing.assert_allclose(made.weight, [0.0625 / 0.64, 1.0])


def test_a_frame_without_a_known_ratio_counts_as_usual():
    made = frame_weights(np.array([1.0, np.nan, 1.2]), np.array([10.0, 10.0, 10.0]))
    assert made.scale[1] == pytest.approx(1.2 / 1.1)
    assert (made.weight > 0).all()


def test_frames_of_unknown_noise_cannot_be_weighed():
    with pytest.raises(DataError, match="noise"):
        frame_weights(np.array([1.0]), np.array([np.nan]))


def test_weighting_is_the_best_for_a_star():
    """The weighted mean of scaled frames has the least noise that any weights give."""
    ratio, noise = np.array([1.0, 0.6, 0.3]), np.array([10.0, 12.0, 9.0])
    made = frame_weights(ratio, noise)
    scatter = noise * made.scale

    def error(weight):
        return np.sqrt(np.sum((weight * scatter) ** 2)) / np.sum(weight)

    for other in np.random.default_rng(4).dirichlet([1, 1, 1], 200):
        assert error(made.weight) <= error(other) + 1e-12
