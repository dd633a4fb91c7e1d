"""A slow loss of light: how steadily it grows, and what the haloes hold of it."""

import numpy as np
import pytest

from pipeline_core.science.slow_loss import growth, halo_shares, told_growth


def test_a_loss_that_grows_evenly_has_its_slope_and_no_scatter_to_the_very_ends():
    slope, scatter = growth(0.05 + 0.1 * np.arange(9.0))
    np.testing.assert_allclose(slope, 0.1)
    np.testing.assert_allclose(scatter, 0.0, atol=1e-12)


def test_a_frame_that_is_not_measured_does_not_count():
    loss = 0.1 * np.arange(9.0)
    loss[4] = np.nan
    slope, _ = growth(loss)
    np.testing.assert_allclose(slope, 0.1)
    loss[6] = np.nan
    assert np.isnan(growth(loss)[0][5])
    assert np.isnan(growth(np.array([0.1, 0.2, 0.3]))[1]).all()
    assert growth(np.zeros(0))[0].size == 0


@pytest.mark.parametrize("loss", [[0, 0, 0.5, 0, 0], [0, 1.1, 1.3, 0, 0], [0.3, 0.1, 0.6, 0.2, 0.5]])
def test_a_cloud_scatters_by_more_than_it_grows(loss):
    slope, scatter = growth(np.array(loss))
    assert (scatter > slope).all()


def test_scatter_of_white_noise_is_its_standard_deviation():
    rng = np.random.default_rng(3)
    _, scatter = growth(0.1 * np.arange(4000) + rng.normal(0, 0.02, 4000))
    assert np.sqrt(np.mean(np.square(scatter))) == pytest.approx(0.02, rel=0.05)


HOURS = np.arange(5.0)
MISSING = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


def shares(*groups):
    """Of groups of (hours, halo growth, missing light)."""
    return halo_shares(*(list(column) for column in zip(*groups, strict=True)))


def test_haloes_of_five_frames_together_tell_what_one_cannot():
    rng = np.random.default_rng(4)
    found = [shares((HOURS, 0.2 * MISSING + rng.normal(0, 0.04, 5), MISSING))[0][2] for _ in range(2000)]
    assert np.mean(found) == pytest.approx(0.2, abs=0.01)
    alone = [(0.2 * 0.3 + rng.normal(0, 0.04)) / 0.3 for _ in range(2000)]
    assert np.std(found) < 0.5 * np.std(alone)


def test_frames_that_lack_no_light_or_have_no_halo_say_nothing():
    halo = np.array([0.5, 0.02, np.nan, 0.04, 0.06])
    missing = np.array([-0.1, 0.1, 0.2, 0.2, 0.3])
    np.testing.assert_allclose(shares((HOURS, halo, missing))[0], 0.2)
    assert np.isnan(shares((HOURS, np.full(5, np.nan), missing))[0]).all()
    assert halo_shares([], [], []) == []


def test_the_frames_of_another_filter_at_the_same_time_tell_too_and_those_of_another_time_do_not():
    blind = (HOURS, np.full(5, np.nan), MISSING)
    between = (HOURS + 0.5, 0.2 * MISSING, MISSING)
    np.testing.assert_allclose(shares(blind, between)[0], 0.2)
    later = (HOURS + 10, 0.2 * MISSING, MISSING)
    assert np.isnan(shares(blind, later)[0]).all()
    np.testing.assert_allclose(shares(blind, later)[1], 0.2)


def test_without_times_a_group_speaks_for_itself():
    untimed = (np.full(5, np.nan), 0.1 * MISSING, MISSING)
    np.testing.assert_allclose(shares(untimed, (HOURS, 0.3 * MISSING, MISSING))[0], 0.1)


def words_of(*loss_mag):
    slope, scatter = growth(np.array(loss_mag))
    return told_growth(slope[2], scatter[2])


def test_a_loss_came_slowly_only_where_the_frames_beside_it_bear_that_out():
    assert words_of(0.20, 0.27, 0.33, 0.41, 0.46) == ", which came slowly"
    assert words_of(0.20, 0.27, 1.02, 2.51, 2.90) == ", which grows by 0.76 mag a frame"
    assert words_of(2.90, 2.51, 1.02, 0.27, 0.20) == ", which goes by 0.76 mag a frame"
    assert words_of(0.2, 0.1, 1.0, 0.1, 0.2) == ", which changes by 0.44 mag from frame to frame"


def test_of_too_few_frames_it_is_not_said_how_the_loss_came():
    assert words_of(0.20, np.nan, 1.02, np.nan, 2.90) == ""
