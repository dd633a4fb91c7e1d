"""Combining frames: hits go, noise stays what it is, and ccdproc's arithmetic is matched."""

import numpy as np
import pytest

from pipeline_core.errors import DataError
from pipeline_core.science.combine import (
    Clip,
    Combined,
    Correction,
    combine,
    combine_band,
    combine_by_ccdproc,
    corrected,
    median_network,
    noise_model,
)

READ_NOISE_ADU = 5.0
LEVEL = 1000.0
SEED = 20260611


def darks(n, shape=(64, 256), seed=SEED):
    rng = np.random.default_rng(seed)
    return rng.normal(LEVEL, READ_NOISE_ADU, (n, *shape)).round().astype(np.float32)


def model(n):
    return noise_model(n, READ_NOISE_ADU, 1.0, zero=LEVEL)


@pytest.mark.parametrize("n", [3, 5, 7, 10, 20, 50, 60])
def test_a_bright_hit_leaves_less_than_one_sigma_of_the_master(n):
    clean = darks(n)
    hit = clean.copy()
    y, x = np.mgrid[0:64:4, 0:256:8]
    hit[(y + x) % n, y, x] += 2000
    difference = combine(hit, Clip(), model(n)).image - combine(clean, Clip(), model(n)).image
    # Leaving one value out moves a mean by sigma / sqrt(N (N - 1)) at random; the hit adds nothing to that.
    expected = READ_NOISE_ADU / np.sqrt(n * (n - 1))
    assert np.sqrt(np.mean(difference[y, x] ** 2)) < 1.15 * expected < READ_NOISE_ADU / np.sqrt(n)
    assert abs(difference[y, x].mean()) < 4 * expected / np.sqrt(x.size)


@pytest.mark.parametrize("n", [3, 5, 10, 20])
def test_gaussian_noise_is_neither_shifted_nor_thrown_away(n):
    master = combine(darks(n, (128, 512)), Clip(), model(n))
    error = READ_NOISE_ADU / np.sqrt(n) / np.sqrt(master.image.size)
    assert abs(master.image.mean() - LEVEL) < 4 * error
    assert master.image.std() == pytest.approx(READ_NOISE_ADU / np.sqrt(n), rel=0.02)
    assert np.median(master.uncertainty) == pytest.approx(READ_NOISE_ADU / np.sqrt(n), rel=0.02)
    assert master.n_used.mean() > n - 0.01


def test_poisson_pixels_are_unbiased():
    rng = np.random.default_rng(SEED)
    n, gain, signal = 7, 2.0, 40.0
    shape = (n, 128, 512)
    frames = (rng.poisson(signal, shape) / gain + LEVEL + rng.normal(0, 2, shape)).astype(np.float32)
    master = combine(frames, Clip(), noise_model(n, 2.0, gain, zero=LEVEL))
    sigma = np.sqrt(signal / gain**2 + 4) / np.sqrt(n)
    # 65,536 pixels know the mean to 0.004 sigma; the cut of the longer upper tail is below that.
    assert master.image.mean(dtype=float) - LEVEL == pytest.approx(signal / gain, abs=0.016 * sigma)


def test_coarse_quantisation_rejects_nothing():
    frames = np.full((9, 16, 64), 100, np.float32)
    frames[:4] += 1  # noise well under one ADU: values toggle between two numbers
    master = combine(frames, Clip(), noise_model(9, 0.1, 1.0, zero=100.0))
    assert (master.n_used == 9).all()
    np.testing.assert_allclose(master.image, 100 + 4 / 9, rtol=1e-6)


@pytest.mark.parametrize("n", [8, 20, 50])
def test_a_pixel_that_switches_between_two_levels_keeps_its_frames(n):
    frames = darks(n)
    frames[: n // 2, ::2, ::2] += 200  # half of the time 200 ADU higher
    master = combine(frames, Clip(), model(n))
    assert (master.n_used[::2, ::2] == n).all()
    frames = darks(n)
    frames[: n // 3 + 2, ::2, ::2] += 200  # more often than hits could come
    master = combine(frames, Clip(), model(n))
    assert (master.n_used[::2, ::2] == n).all()
    # Its uncertainty is that of its own scatter, not of a quiet pixel.
    p = (n // 3 + 2) / n
    scatter = 200 * np.sqrt(p * (1 - p) * n / (n - 1))
    assert np.median(master.uncertainty[::2, ::2]) == pytest.approx(scatter / np.sqrt(n), rel=0.05)


def test_a_model_ten_times_too_quiet_does_not_throw_half_the_frames_away():
    frames = darks(20) * 10
    master = combine(frames, Clip(), noise_model(20, READ_NOISE_ADU, 1e6, zero=10 * LEVEL))
    assert master.n_used.min() >= 12
    assert master.n_used.mean() > 18


def test_two_hits_in_five_frames_are_both_rejected():
    frames = darks(5)
    frames[1, 10] += 500
    frames[3, 10] += 2000
    master = combine(frames, Clip(), model(5))
    assert abs(master.image[10] - LEVEL).max() < 5 * READ_NOISE_ADU / np.sqrt(3)
    assert (master.n_used[10] == 3).mean() > 0.95


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_frames_are_never_clipped(n):
    frames = darks(n)
    frames[0, 5, 5] += 2000
    master = combine(frames, Clip(), model(n))
    np.testing.assert_allclose(master.image, frames.mean(axis=0), atol=1e-3)
    assert (master.n_used == n).all()


@pytest.mark.parametrize("clip", [Clip(), Clip("ccdproc", 3.0), Clip("none")])
def test_nan_does_not_count_and_a_pixel_without_any_value_is_nan(clip):
    frames = darks(5)
    frames[2, 3] = np.nan
    frames[:, 4] = np.nan
    master = combine(frames, clip, model(5))
    np.testing.assert_allclose(master.image[3].mean(), LEVEL, atol=1)
    assert set(np.unique(master.n_used[3])) <= {3, 4}
    assert np.isnan(master.image[4]).all()
    assert np.isnan(master.uncertainty[4]).all()
    assert (master.n_used[4] == 0).all()
    assert np.isfinite(np.delete(master.image, 4, axis=0)).all()


def plain_rule(column, sigma, floor, slope, zero):
    """The noise rule for one pixel, in numpy."""
    centre = np.median(column)
    d = np.abs(column - centre)
    n = column.size
    reach = 3 * np.sort(d)[n - 1 - min((n - 1) // 2, 2 + n // 10)]
    noise = np.sqrt(floor + slope * max(centre - zero, 0))
    return column[d <= max(sigma * noise, reach)].mean()


@pytest.mark.parametrize("n", [3, 4, 6, 11, 23])
def test_the_kernel_does_what_the_plain_rule_says(n):
    rng = np.random.default_rng(SEED)
    frames = darks(n, (8, 600))
    frames += 60 * rng.standard_t(1.5, frames.shape).astype(np.float32)  # wild: every branch is taken
    master = combine(frames, Clip("noise", 4.0), model(n))
    twin = [[plain_rule(frames[:, y, x], 4.0, 25 + 1 / 12, 1.0, LEVEL) for x in range(600)] for y in range(8)]
    np.testing.assert_allclose(master.image, twin, rtol=1e-5)


@pytest.mark.parametrize("n", [5, 12, 20])
def test_ccdproc_mode_equals_ccdproc(n):
    import astropy.units as u
    import ccdproc
    from astropy.nddata import CCDData

    rng = np.random.default_rng(SEED)
    frames = darks(n, (32, 600))
    frames[rng.random(frames.shape) < 0.02] += 300
    theirs = ccdproc.combine(
        [CCDData(frame, unit=u.adu) for frame in frames],
        method="average",
        sigma_clip=True,
        sigma_clip_low_thresh=3,
        sigma_clip_high_thresh=3,
    )
    ours = combine(frames, Clip("ccdproc", 3.0))
    np.testing.assert_allclose(ours.image, theirs.data, atol=1e-3)
    by_ccdproc = combine_by_ccdproc(frames, Clip("ccdproc", 3.0))
    np.testing.assert_allclose(ours.image, by_ccdproc.image, atol=1e-3)
    np.testing.assert_array_equal(ours.n_used, by_ccdproc.n_used)
    np.testing.assert_allclose(ours.uncertainty, by_ccdproc.uncertainty, rtol=1e-3)
    assert (ours.n_used.min() < n) == (n > 10)  # one pass of 3 sigma rejects nothing among ten or fewer


def test_a_band_of_file_words_is_decoded_scaled_and_darkened_like_plain_arithmetic():
    rng = np.random.default_rng(SEED)
    n, ny, nx, x_start = 4, 12, 530, 3
    raw = rng.integers(0, 65536, (n, ny, nx + 10)).astype(np.uint16)
    correction = Correction(
        offsets=rng.normal(100, 5, (n, ny)).astype(np.float32),
        scale=np.array([1, 0.9, 1.1, 2], np.float32),
        weight=np.array([1, 2, 1, 0.5], np.float32),
        dark_scale=np.array([0, 0.5, 1, 1], np.float32),
        base=rng.normal(50, 1, (ny, nx)).astype(np.float32),
        current=rng.normal(9, 1, (ny, nx)).astype(np.float32),
        blocked=rng.random((n, 3, 133)) < 0.2,
        saturation_adu=60000,
    )
    words = (raw ^ np.uint16(0x8000)).astype(">u2").view(np.uint16)
    out = Combined.empty((ny, nx))
    combine_band(words[:, 4:8].copy(), correction, Clip("none"), None, out.rows(4, 8), y0=4, x_start=x_start)
    plain = corrected(raw[:, 4:8, x_start : x_start + nx].astype(np.float32), correction, 4)
    values = np.ma.masked_invalid(plain)
    weights = np.broadcast_to(correction.weight[:, None, None], plain.shape)
    expected = np.ma.average(values, axis=0, weights=weights)
    np.testing.assert_array_equal(out.n_used[4:8], values.count(axis=0))
    np.testing.assert_allclose(out.image[4:8], expected.filled(np.nan), rtol=1e-5)
    again = Combined.empty((ny, nx))
    floats = raw[:, 4:8].astype(np.float32)
    combine_band(floats, correction, Clip("none"), None, again.rows(4, 8), y0=4, x_start=x_start)
    np.testing.assert_array_equal(out.image[4:8], again.image[4:8])


@pytest.mark.parametrize("n", [*range(2, 26), 50, 64])
def test_the_network_brings_the_median_to_the_middle(n):
    values = np.random.default_rng(n).normal(size=(n, 200))
    exchanged = values.copy()
    for low, high in median_network(n):
        pair = exchanged[[low, high]]
        exchanged[low], exchanged[high] = pair.min(axis=0), pair.max(axis=0)
    middle = 0.5 * (exchanged[(n - 1) // 2] + exchanged[n // 2])
    np.testing.assert_array_equal(middle, np.median(values, axis=0))


def test_no_frames_are_refused_with_a_hint():
    with pytest.raises(DataError, match="there are none") as error:
        combine(np.empty((0, 4, 4), np.float32), Clip(), noise_model(0, 1, 1))
    assert error.value.hint
