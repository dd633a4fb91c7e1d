"""Overscan: equal to ccdproc, to the last digit that a float32 has, where no line strays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.errors import DataError
from pipeline_core.science.overscan import frame_levels, overscan_levels, subtract_overscan, trimmed
from pipeline_core.types import Section


def frame(seed=2):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :150]
    return (rng.normal(1000, 5, (120, 150)) + 0.1 * y + 0.02 * x).astype(np.float32)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize(("section", "axis"), [(Section(0, 120, 130, 150), 1), (Section(105, 120, 0, 150), 0)])
def test_it_equals_ccdproc(order, section, axis):
    import ccdproc
    from astropy.modeling.models import Polynomial1D
    from astropy.nddata import CCDData

    raw = frame()
    theirs = ccdproc.subtract_overscan(
        CCDData(raw.astype(float), unit="adu"),
        fits_section=section.as_fits(),
        overscan_axis=axis,
        model=Polynomial1D(order),
    )
    lit = Section(0, 100, 5, 125)
    theirs = ccdproc.trim_image(theirs, fits_section=lit.as_fits())
    ours = trimmed(subtract_overscan(raw.copy(), section, order), lit)
    # float32 numbers near 1000 are 6e-5 apart
    np.testing.assert_allclose(ours, theirs.data, atol=2e-4)


def test_rows_beyond_the_section_get_the_level_of_its_end():
    raw = frame()
    section = Section(10, 110, 130, 150)
    ours = subtract_overscan(raw.copy(), section, 1)
    levels = overscan_levels(raw[section.slices], 1, 1)
    np.testing.assert_allclose(raw[0] - ours[0], levels[0], atol=2e-4)
    np.testing.assert_allclose(raw[119] - ours[119], levels[-1], atol=2e-4)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_first_lines_of_electronics_that_settle_do_not_tilt_the_level_of_a_frame(order):
    rng = np.random.default_rng(5)
    y = np.arange(1370)
    strip = rng.normal(1625, 4, (1370, 45)) + (0.002 * y if order else 0 * y)[:, None]
    truth = overscan_levels(strip, 1, order)
    strip[:20] -= (1200 * np.exp(-np.arange(20) / 3.5))[:, None]
    found = overscan_levels(strip, 1, order)
    # 5 sigma of a line (4 / sqrt(45) ADU), in the few that settle last and still count.
    np.testing.assert_allclose(found, truth, atol=0.1)


@pytest.mark.parametrize("by_row", [True, False])
@pytest.mark.parametrize("noise", [0.6, 4.0])
def test_columns_that_are_not_at_the_level_of_the_others_have_no_say(by_row, noise):
    """Lowell's last overscan column reads 600 ADU too low, and differently from frame to frame."""
    rng = np.random.default_rng(6)
    strip = np.rint(rng.normal(1625.3, noise, (1370, 45)))
    truth = overscan_levels(strip[:, 2:44], 1, 1)
    strip[:, -1] -= rng.normal(600, 30, 1370)
    strip[:, 0] += 40  # charge left over from the last lit pixel
    strip[:, 1] += 5
    found = overscan_levels(strip, 1, 1) if by_row else overscan_levels(strip.T.copy(), 0, 1)
    np.testing.assert_allclose(found, truth, atol=0.02 * noise)


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(2, 300), st.sampled_from([0.1, 0.8, 5.0, 60.0]))
def test_columns_of_plain_noise_all_have_their_say(seed, columns, lines, noise):
    strip = np.rint(np.random.default_rng(seed).normal(1000, noise, (lines, columns)))
    found = overscan_levels(strip, 1, 0)
    lines_mean = strip.mean(axis=1)
    lowest, highest = lines_mean.min(), lines_mean.max()
    assert lowest - 1e-3 <= found[0] <= highest + 1e-3
    if lines < 20:  # of more, lines that stray by chance may be left out
        assert found[0] == pytest.approx(strip.mean(), abs=1e-3)


def test_a_strip_whose_columns_differ_as_a_rule_keeps_them_all():
    rng = np.random.default_rng(8)
    strip = rng.normal(1000, 4, (500, 32)) + rng.normal(0, 20, 32)
    np.testing.assert_allclose(overscan_levels(strip, 1, 0).mean(), strip.mean(), atol=0.2)


def test_lines_that_are_all_alike_and_one_that_is_not_give_the_level_of_the_many():
    strip = np.full((50, 4), 1000.0)
    strip[7] = 0.0
    assert np.array_equal(overscan_levels(strip, 1, 0), np.full(50, 1000.0, np.float32))


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("columns", [1, 2])
def test_a_strip_of_quiet_electronics_counted_in_whole_adu_keeps_the_part_of_a_count(order, columns):
    rng = np.random.default_rng(3)
    strip = (1000 + (rng.random((400, columns)) < 0.15)).astype(np.float32)
    found = overscan_levels(strip, 1, order)
    np.testing.assert_allclose(found.mean(), strip.mean(), atol=0.01)


def test_a_pixel_without_a_value_in_the_overscan_takes_no_value_from_the_frame():
    strip = np.full((50, 4), 1000.0)
    strip[7, 2] = np.nan
    np.testing.assert_allclose(overscan_levels(strip, 1, 1), 1000.0, rtol=1e-6)


def test_a_strip_too_short_for_its_polynomial_is_refused_with_a_hint():
    with pytest.raises(DataError, match="order 3 needs 4") as error:
        overscan_levels(np.ones((2, 30)), 1, 3)
    assert "overscan.section" in error.value.hint


def test_without_a_section_nothing_is_trimmed():
    raw = frame()
    assert trimmed(raw, None) is raw


@pytest.mark.parametrize(("section", "shape"), [(Section(0, 40, 50, 60), (40, 1)), (Section(35, 40, 0, 60), (1, 60))])
def test_the_levels_of_a_raw_frame_are_what_is_subtracted_from_it(section, shape):
    raw = np.random.default_rng(6).integers(900, 1100, (40, 60)).astype(np.uint16)
    levels = frame_levels(raw, section, 1)
    assert levels.shape == shape
    assert np.array_equal(raw.astype(np.float32) - levels, subtract_overscan(raw.astype(np.float32), section, 1))
