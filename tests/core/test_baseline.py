"""Baselines: neighbours for jumps, the clear reference for slow loss."""

import numpy as np
import pytest

from pipeline_core.science.baseline import (
    clear_frames,
    clear_value,
    depth_mag,
    explained,
    frame_scatter,
    neighbour_median,
)


def test_a_frame_is_not_its_own_neighbour():
    values = np.array([1.0, 1.0, 9.0, 1.0, 1.0])
    assert neighbour_median(values)[2] == 1.0
    assert neighbour_median(values)[0] == 1.0


def test_too_few_neighbours_say_nothing():
    assert np.isnan(neighbour_median(np.array([1.0, 2.0]))).all()
    assert np.isnan(neighbour_median(np.array([1.0, np.nan, np.nan, np.nan, np.nan]))).all()
    assert neighbour_median(np.zeros(0)).size == 0


def test_a_steady_trend_is_no_scatter():
    assert frame_scatter(np.linspace(0, 100, 50), 0.01) == 0.01


def test_the_scatter_of_noise_is_its_sigma():
    rng = np.random.default_rng(1)
    # Two robust estimates of 2000 values are good to about 4 %, and the smaller is taken.
    assert frame_scatter(rng.normal(0, 2.0, 2000)) == pytest.approx(2.0, rel=0.1)


def test_one_bad_frame_among_six_does_not_widen_the_scatter():
    assert frame_scatter(np.array([1.0, 1.1, 0.9, 8.0, 1.0, 1.05])) < 0.2


def test_three_frames_have_no_scatter_but_their_error():
    assert frame_scatter(np.array([1.0, 50.0, 3.0]), 0.3) == 0.3


def test_the_clear_frames_are_the_deepest_fifth():
    depth = np.arange(50.0)
    np.testing.assert_array_equal(clear_frames(depth), np.arange(40, 50))
    assert clear_frames(np.array([1.0, np.nan, 3.0])).tolist() == [2]
    assert clear_frames(np.arange(7.0)).tolist() == [4, 5, 6]
    assert clear_frames(np.full(4, np.nan)).size == 0


def test_a_measure_missing_in_the_clear_frames_is_taken_from_all():
    values = np.array([2.0, 4.0, np.nan])
    assert clear_value(values, np.array([2])) == 3.0
    assert np.isnan(clear_value(np.full(3, np.nan), np.array([0])))


def test_depth_follows_the_textbook():
    depth = depth_mag(np.array([1.0, 0.5, 1.0, 1.0, 0.0]), np.array([1.0, 1, 2, 1, 1]), np.array([2.0, 2, 2, 4, 2]))
    # Half the light, twice the noise, twice the width: 0.753 mag each.
    np.testing.assert_allclose(depth[0] - depth[1:4], 2.5 * np.log10(2), atol=1e-12)
    assert np.isnan(depth[4])


def test_known_causes_are_found_and_an_outlier_has_no_say():
    rng = np.random.default_rng(2)
    hours = np.linspace(0, 6, 40)
    causes = np.array([np.ones(40), np.exp(hours)])
    sky = 300 + 2 * np.exp(hours)
    sky[10] *= 3
    expected, uncertain = explained(sky * rng.normal(1, 0.01, 40), causes, rough=np.array([False, True]))
    keep = np.arange(40) != 10
    np.testing.assert_allclose(expected[keep], sky[keep], rtol=0.02)
    assert sky[10] / expected[10] == pytest.approx(3, rel=0.03)
    np.testing.assert_allclose(uncertain, 2 * np.exp(hours), rtol=0.05)


def test_causes_never_take_light_away():
    sky = np.linspace(500, 300, 20)
    expected, _ = explained(sky, np.array([np.ones(20), np.linspace(0, 1, 20)]))
    assert np.ptp(expected) < 1e-6


def test_two_frames_explain_nothing():
    expected, _ = explained(np.array([1.0, np.nan, 2.0]), np.ones((1, 3)))
    assert np.isnan(expected).all()
