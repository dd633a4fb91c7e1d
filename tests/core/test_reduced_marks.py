"""What a single pixel says is still there in a smaller picture."""

import numpy as np
import pytest

from pipeline_core.science.display import coded, sky_level
from pipeline_core.science.reduced_marks import peak_pyramid, reach_of_few, widened_bits, widened_peaks

REST = 500


def changed(shape=(256, 320), seed=3, n=20):
    rng = np.random.default_rng(seed)
    codes = np.full(shape, REST, np.uint16)
    places = rng.choice(codes.size, n, replace=False)
    codes.ravel()[places] = rng.choice([100, 450, 520, 900], n)
    return codes


def test_a_coarse_pixel_is_that_of_its_pixels_that_changed_most():
    codes = changed()
    pyramid = peak_pyramid(codes, REST, 5)
    assert [level.shape for level in pyramid] == [(256 >> k, 320 >> k) for k in range(5)]
    for k, level in enumerate(pyramid):
        side = 1 << k
        cells = codes.reshape(256 // side, side, 320 // side, side).astype(int) - REST
        assert np.array_equal(np.abs(level.astype(int) - REST), np.abs(cells).max(axis=(1, 3)))


def test_pixels_of_which_nothing_is_known_say_nothing_in_coarser_ones():
    codes = np.full((4, 4), REST, np.uint16)
    codes[0, 0] = 0
    codes[2:, 2:] = 0
    coarse = peak_pyramid(codes, REST, 2)[1]
    assert coarse.tolist() == [[REST, REST], [REST, 0]]


def test_a_frame_of_odd_size_loses_its_last_row_and_column_as_the_means_do():
    assert peak_pyramid(changed((257, 321)), REST, 2)[1].shape == (128, 160)


@pytest.mark.parametrize("side", [1, 2, 3, 6])
def test_a_changed_pixel_fills_a_square_around_its_place(side):
    codes = np.full((40, 50), REST, np.uint16)
    codes[20, 30] = 120
    rows, columns = np.nonzero(widened_peaks(codes, REST, side) == 120)
    for found, place in ((rows, 20), (columns, 30)):
        assert found.max() - found.min() + 1 == side
        assert found.min() <= place <= found.max()
    assert rows.size == side**2


def test_where_squares_meet_the_larger_change_is_seen_whichever_its_sign():
    codes = np.full((60, 60), REST, np.uint16)
    codes[20, 20], codes[20, 21] = 100, 600
    wide = widened_peaks(codes, REST, 3)
    assert (wide == 100).sum() == 9
    assert (wide == 600).sum() == 3


def test_at_the_edge_squares_are_cut_and_what_is_not_known_is_left_so():
    codes = np.full((40, 40), REST, np.uint16)
    codes[0, 0], codes[0, 1] = 100, 0
    wide = widened_peaks(codes, REST, 3)
    assert wide[:2, :2].tolist() == [[100, 0], [100, 100]]
    assert (wide == 100).sum() == 3


def test_crowded_changes_and_marks_stay_as_they_are():
    codes = changed(n=4000)
    assert np.array_equal(widened_peaks(codes, REST, 3), codes)
    bits = (codes != REST).astype(np.uint8)
    bits[5, 5] |= 4
    wide = widened_bits(bits, 1 | 4, 3)
    assert np.array_equal(wide & 1, bits & 1), "the many"
    assert ((wide & 4) > 0).sum() == 9, "the single one"


def test_only_kinds_that_are_shown_are_widened():
    bits = np.zeros((30, 30), np.uint8)
    bits[10, 10], bits[20, 20] = 1, 2
    wide = widened_bits(bits, 2, 4)
    assert (wide == 1).sum() == 1
    assert (wide == 2).sum() == 16


def test_a_change_of_few_pixels_reaches_as_far_as_three_in_four_of_them_however_few_and_however_large_the_frame():
    rng = np.random.default_rng(11)
    image = np.zeros((2000, 2000), np.float32)
    hits = -rng.pareto(1.0, 40).astype(np.float32) * 150.0 - 60.0
    image.ravel()[rng.choice(image.size, hits.size, replace=False)] = hits
    image[5, 5] = np.nan
    reach = reach_of_few(image, sky_level(image))
    assert (-hits <= reach).mean() == pytest.approx(0.75, abs=0.03)


def test_a_change_of_all_pixels_or_of_none_is_not_one_of_few():
    noise = np.random.default_rng(1).normal(-1000.0, 3.0, (200, 200)).astype(np.float32)
    for image in (noise, np.zeros((50, 50), np.float32), np.full((50, 50), np.nan, np.float32)):
        assert reach_of_few(image, sky_level(image)) is None


def test_codes_of_what_did_not_change_are_all_the_same():
    image = np.zeros((400, 400), np.float32)
    image[7, 9], image[70, 9] = -5910.7, 33.3
    codes = coded(image).pyramid[0]
    assert np.unique(codes).size == 3
