"""Bad, hot, unstable, saturated pixels."""

import numpy as np
import pytest

from pipeline_core.errors import DataError
from pipeline_core.science._local_kernels import nth_smallest
from pipeline_core.science.combine import Correction
from pipeline_core.science.local import local_median, local_scatter
from pipeline_core.science.pixel_mask import (
    bad_in_flat,
    hot_in_dark,
    saturated_bits,
    unstable_between_darks,
    unstable_in_band,
)
from pipeline_core.types import MaskBit

SHAPE = (192, 256)


def flat(seed=4):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    vignetting = 1 - 0.4 * ((x / 256 - 0.5) ** 2 + (y / 192 - 0.5) ** 2)
    return (vignetting * rng.normal(1, 0.01, SHAPE)).astype(np.float32)


def test_dead_and_bright_pixels_and_columns_are_bad_and_vignetting_is_not():
    image = flat()
    planted = np.zeros(SHAPE, bool)
    planted[np.random.default_rng(1).integers(8, 184, 60), np.random.default_rng(2).integers(8, 248, 60)] = True
    image[planted] *= 0.7
    image[:, 100] *= 1.3
    planted[:, 100] = True
    bad = bad_in_flat(image, 8.0)
    assert bad[planted].mean() > 0.98
    assert bad[~planted].sum() == 0


def test_it_agrees_with_ccdmask():
    import ccdproc
    from astropy.nddata import CCDData

    image = flat()
    rng = np.random.default_rng(7)
    image[rng.integers(0, 192, 150), rng.integers(0, 256, 150)] *= rng.uniform(0.3, 0.8, 150)
    # Half the distance of its percentiles is half a sigma of a Gaussian: its 16 is our 8.
    theirs = ccdproc.ccdmask(CCDData(image, unit="adu"), lsigma=16, hsigma=16)
    ours = bad_in_flat(image, 8.0)
    assert theirs.sum() > 100
    # Only pixels near the threshold may differ: the two measure the local scatter on other pixels.
    assert (ours ^ theirs).sum() <= 0.03 * theirs.sum()


def test_a_flat_without_response_is_bad_whatever_surrounds_it():
    image = flat()
    image[50:100, 50:100] = 0.05
    image[10, 10] = np.nan
    bad = bad_in_flat(image, 8.0, floor=0.1)
    assert bad[50:100, 50:100].all()
    assert bad[10, 10]


def test_a_flat_of_nan_is_refused():
    with pytest.raises(DataError, match="no pixel"):
        bad_in_flat(np.full((64, 64), np.nan, np.float32), 8.0)


def test_hot_pixels_stand_out_on_a_sloping_dark_and_the_faint_do_not():
    rng = np.random.default_rng(3)
    dark = (rng.normal(1000, 4, SHAPE) + np.linspace(0, 300, 256)).astype(np.float32)
    hot = rng.random(SHAPE) < 0.005
    dark[hot] += 80
    found, sigma = hot_in_dark(dark, 8.0)
    assert sigma == 8.0
    assert found[hot].mean() > 0.98
    assert found[~hot].sum() <= 1


def test_no_more_than_the_allowed_part_of_the_chip_is_hot():
    rng = np.random.default_rng(3)
    dark = rng.normal(1000, 4, SHAPE) + rng.exponential(60, SHAPE) * (rng.random(SHAPE) < 0.2)
    found, sigma = hot_in_dark(dark.astype(np.float32), 3.0, max_fraction=0.02)
    assert 0.019 < found.mean() <= 0.02
    assert sigma > 3.0


def test_pixels_that_switch_are_unstable_and_a_cosmic_ray_is_not():
    rng = np.random.default_rng(6)
    darks = rng.normal(1000, 5, (6, 64, 64)).astype(np.float32)
    darks[::2, 10, :] += 80
    darks[3, 20, :] += 3000
    scatter = unstable_between_darks(darks, 25.0, 1.0, 1000.0)
    assert (scatter[10] > 3).mean() > 0.97
    assert (scatter[20] > 3).mean() == 0
    assert (np.delete(scatter, 10, axis=0) > 3).mean() < 1e-3


def test_three_darks_cannot_tell_which_pixels_are_unstable():
    darks = np.random.default_rng(6).normal(1000, 50, (3, 8, 8)).astype(np.float32)
    assert (unstable_between_darks(darks, 1.0, 1.0, 1000.0) == 0).all()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_saturated_pixels_are_found_and_grow_along_their_column(dtype):
    raw = np.full((60, 40), 1000, dtype)
    raw[20:32, 7] = 65535
    raw[5, 5] = 65535
    bits = saturated_bits(raw, 65000)
    expected = np.zeros((60, 40), np.uint8)
    expected[16:36, 7] = MaskBit.SATURATED  # 12 px long: grown by 1 + 12 // 4 at both ends
    expected[4:7, 5] = MaskBit.SATURATED
    np.testing.assert_array_equal(bits, expected)
    plain = saturated_bits(raw, 65000, grow=False)
    np.testing.assert_array_equal(plain > 0, raw >= 65000)


def test_a_saturation_above_what_words_hold_flags_nothing():
    assert not saturated_bits(np.full((4, 4), 65535, np.uint16), 70000).any()


def test_the_local_median_is_that_of_rows_then_columns():
    image = np.random.default_rng(1).normal(size=(40, 50)).astype(np.float32)
    padded = np.pad(image, ((0, 0), (3, 3)), mode="edge")
    across = np.median([padded[:, j : j + 50] for j in range(7)], axis=0)
    padded = np.pad(across, ((3, 3), (0, 0)), mode="edge")
    expected = np.median([padded[j : j + 40] for j in range(7)], axis=0)
    np.testing.assert_array_equal(local_median(image, 7), expected.astype(np.float32))
    np.testing.assert_array_equal(local_median(image, 7, threads=2), expected.astype(np.float32))


def test_the_local_scatter_is_a_standard_deviation_that_hits_do_not_move():
    image = np.random.default_rng(1).normal(0, 3, (256, 256)).astype(np.float32)
    image[::10, ::10] = 1e4
    np.testing.assert_allclose(local_scatter(image), 3.0, rtol=0.12)


def test_pixels_that_are_calm_for_certain_are_passed_over_and_no_other_changes():
    rng = np.random.default_rng(31)
    darks = rng.normal(1000, 5, (9, 40, 700)).astype(np.float32)
    darks[:, 5, 5:300] += rng.choice([0, 40], (9, 295)).astype(np.float32)
    darks[3, 20] += 500  # hits
    darks[2, 7, 7] = np.nan
    whole = unstable_between_darks(darks, 25.0, 1.0, 1000.0)
    passed = np.empty_like(whole)
    unstable_in_band(darks, Correction.none(9, 40), 25.0, 1.0, 1000.0, passed, least=3.0)
    assert ((passed == whole) | ((passed == 0) & (whole <= 3.0))).all()
    assert (passed > 3.0).any()
    assert np.array_equal(passed > 3.0, whole > 3.0)


def test_words_of_a_file_scatter_as_their_values_do():
    rng = np.random.default_rng(32)
    darks = rng.integers(900, 1100, (5, 12, 600)).astype(np.uint16)
    words = np.bitwise_xor(darks, np.uint16(0x8000)).byteswap()
    found = np.empty((12, 590), np.float32)
    unstable_in_band(words, Correction.none(5, 12), 25.0, 1.0, 1000.0, found, x_start=10)
    assert np.array_equal(found, unstable_between_darks(darks[:, :, 10:].astype(np.float32), 25.0, 1.0, 1000.0))


def test_the_nth_smallest_is_what_a_sort_gives():
    rng = np.random.default_rng(33)
    for n in (1, 2, 11, 256, 1000):
        values = rng.integers(0, 60, n).astype(np.float32)  # many are equal
        for nth in {0, n // 3, n - 1}:
            assert nth_smallest(values.copy(), nth, n) == np.sort(values)[nth]
