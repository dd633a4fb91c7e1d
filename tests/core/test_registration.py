"""A group of frames placed on its best one, and how the field wandered."""

import numpy as np
import pytest

from pipeline_core.measures import StarList
from pipeline_core.science.registration import predicted_by_neighbours, register, track

SIZE = 1000


def wide_field(seed=1, n=1200):
    """Stars of a field three frames wide."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-SIZE, 2 * SIZE, n), rng.uniform(-SIZE, 2 * SIZE, n), np.sort(1e3 * rng.pareto(1, n) + 1e3)[::-1]


def frame_at(stars, dx, dy, rng, keep=0.9):
    x, y, flux = stars
    x, y = x + dx + rng.normal(0, 0.1, x.size), y + dy + rng.normal(0, 0.1, y.size)
    inside = (x > 0) & (x < SIZE) & (y > 0) & (y < SIZE) & (rng.random(x.size) < keep)
    return StarList(x[inside], y[inside], flux[inside], np.full(inside.sum(), 3.0))


def test_every_frame_is_placed_on_the_deepest():
    rng = np.random.default_rng(2)
    stars = wide_field()
    frames = [frame_at(stars, 2.0 * k, -1.0 * k, rng) for k in range(12)]
    done = register(frames, np.array([0.0] * 5 + [1.0] + [0.0] * 6), (SIZE, SIZE))
    assert done.reference == 5
    for k, alignment in enumerate(done.alignments):
        assert alignment.displacement(500, 500) == pytest.approx((2.0 * (k - 5), -1.0 * (k - 5)), abs=0.1)


def test_a_field_that_drifts_away_is_followed_and_its_new_stars_are_taken():
    rng = np.random.default_rng(3)
    stars = wide_field()
    frames = [frame_at(stars, 60.0 * k, 0.0, rng) for k in range(15)]
    done = register(frames, np.array([1.0] + [0.0] * 14), (SIZE, SIZE))
    assert done.reference == 0
    assert all(alignment is not None for alignment in done.alignments)
    # 840 px of drift: placed through the frames between, each adding 0.02 px.
    assert done.alignments[14].displacement(500, 500) == pytest.approx((840, 0), abs=1.0)
    x, _ = done.alignments[14].moved(done.catalogue.x_px, done.catalogue.y_px)
    assert ((x > 0) & (x < SIZE)).sum() > 0.4 * len(frames[14])


def test_a_deep_frame_of_another_field_does_not_become_the_reference():
    rng = np.random.default_rng(4)
    stars = wide_field()
    frames = [frame_at(stars, k, 0, rng) for k in range(10)]
    frames[3] = frame_at(wide_field(99), 0, 0, rng)
    depth = np.zeros(10)
    depth[3] = 5
    done = register(frames, depth, (SIZE, SIZE))
    assert done.reference != 3
    assert [k for k, a in enumerate(done.alignments) if a is None] == [3]


def test_frames_without_stars_have_no_place():
    empty = StarList(*(np.zeros(0),) * 4)
    done = register([empty, empty], np.full(2, np.nan), (SIZE, SIZE))
    assert done.reference == -1
    assert done.alignments == (None, None)
    rng = np.random.default_rng(5)
    stars = wide_field()
    done = register([frame_at(stars, 0, 0, rng), empty, frame_at(stars, 1, 0, rng)], np.zeros(3), (SIZE, SIZE))
    assert [a is None for a in done.alignments] == [False, True, False]


def test_a_straight_line_through_the_neighbours_follows_a_drift_to_its_ends():
    at = np.arange(10.0)
    values = 3 * at + 1
    np.testing.assert_allclose(predicted_by_neighbours(at, values), values)
    values[4] = 500
    np.testing.assert_allclose(np.delete(predicted_by_neighbours(at, values), 4), np.delete(3 * at + 1, 4), atol=3)
    assert predicted_by_neighbours(at, values)[4] == pytest.approx(13)
    assert np.isnan(predicted_by_neighbours(at[:3], values[:3])).all()


def test_drift_jump_and_wandering_are_told():
    rng = np.random.default_rng(6)
    hours = np.arange(60) / 40
    x, y = 20 * hours + rng.normal(0, 0.1, 60), rng.normal(0, 0.1, 60)
    x[30] += 12
    told = track(hours, x, y, np.zeros(60))
    assert np.median(told.drift_px_per_hour) == pytest.approx(20, rel=0.05)
    assert told.off_px[30] == pytest.approx(12, abs=0.5)
    assert np.median(told.off_px) < 0.5
    assert told.scatter_px == pytest.approx(0.12, abs=0.06)
    # The 5th to the 95th percentile of 20 px in an hour, where the hour lies inside the series.
    assert told.moved_px[29] == pytest.approx(18, abs=1)


def test_the_two_sides_of_a_flip_are_followed_apart():
    hours = np.arange(20) / 10
    turn = np.where(np.arange(20) < 10, -179.8, 0.3)
    x = np.where(np.arange(20) < 10, 100.0, -50.0) + 2 * hours
    told = track(hours, x, np.zeros(20), turn)
    np.testing.assert_allclose(told.off_px, 0, atol=1e-6)
    np.testing.assert_allclose(told.drift_px_per_hour, 2, atol=1e-6)


def test_unplaced_frames_have_no_track():
    told = track(np.arange(4.0), np.full(4, np.nan), np.full(4, np.nan), np.full(4, np.nan))
    assert np.isnan(told.off_px).all()
    assert np.isnan(told.moved_px).all()
