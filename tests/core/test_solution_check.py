"""Only what cannot be chance is believed; and the next frame follows from the last."""

import time
from dataclasses import replace

import numpy as np
import pytest

from pipeline_core.science.catalogue_match import FrameStars, pair, refine
from pipeline_core.science.predict import predict
from pipeline_core.science.solution_check import LOG_ODDS_NEEDED, check_solution
from tests.core.sky_simulation import YEAR, Camera, needs_index, simulate, truth_of

pytestmark = needs_index


@pytest.fixture(scope="module")
def field():
    return simulate(np.random.default_rng(11), 217.4, -62.7, Camera(rotation_deg=77.0, parity=-1))


def noise_stars(rng, number=300, size=4096):
    x, y = rng.uniform(0, size, (2, number))
    return FrameStars(x, y, np.sort(rng.uniform(1e3, 1e6, number))[::-1], np.full(number, 0.05), np.zeros(number, bool))


def test_the_true_solution_is_believed_with_odds_to_spare(field):
    sky = field.reference.at(YEAR)
    found = refine(field.stars, sky, replace(field.truth, a=None, b=None), field.shape)
    verdict = check_solution(field.stars, sky, found, field.shape)
    assert verdict.accepted, verdict.reason
    assert verdict.log_odds > 10 * LOG_ODDS_NEEDED
    assert verdict.rms_px < 0.2
    assert verdict.matched > 0.8 * len(field.stars)


def test_a_hundred_wrong_pointings_and_noise_frames_are_all_refused(field):
    rng = np.random.default_rng(12)
    sky = field.reference.at(YEAR)
    odds = []
    for k in range(100):
        stars = field.stars if k % 2 else noise_stars(rng)
        wrong = replace(
            truth_of(Camera(rotation_deg=rng.uniform(-180, 180), parity=rng.choice([-1, 1])), 217.4, -62.7),
            ra_deg=217.4 + rng.uniform(-0.5, 0.5), dec_deg=-62.7 + rng.uniform(-0.2, 0.2), a=None, b=None,
        )  # fmt: skip
        found = refine(stars, sky, wrong, field.shape, radius_px=15.0)
        if found is None:
            continue
        verdict = check_solution(stars, sky, found, field.shape)
        odds.append(verdict.log_odds)
        assert not verdict.accepted
        assert verdict.reason
    print("highest log-odds of a wrong one:", max(odds))
    assert max(odds) < LOG_ODDS_NEEDED


def test_a_solution_of_an_impossible_scale_is_refused_and_says_so(field):
    sky = field.reference.at(YEAR)
    found = refine(field.stars, sky, field.truth, field.shape)
    verdict = check_solution(field.stars, sky, found, field.shape, scale_arcsec=(1.0, 1.1))
    assert not verdict.accepted
    assert "scale" in verdict.reason


def test_seven_matched_stars_prove_nothing(field):
    sky = field.reference.at(YEAR)
    x, y = field.truth.to_pixel(sky.ra_deg, sky.dec_deg)
    inside = np.flatnonzero((x > 100) & (y > 100) & (x < 3900) & (y < 3900))[:7]
    seven = FrameStars(x[inside], y[inside], np.ones(7), np.full(7, 0.05), np.zeros(7, bool))
    found = refine(seven, sky, field.truth, field.shape, radius_px=3.0)
    verdict = check_solution(seven, sky, found, field.shape)
    assert not verdict.accepted
    assert "only 7 stars" in verdict.reason


@pytest.mark.parametrize(("dx", "dy", "flipped"), [(0, 0, False), (55.3, -80.2, False), (-7.5, 12.1, True)])
def test_the_next_frame_is_predicted_after_drift_and_after_a_meridian_flip(field, dx, dy, flipped):
    sky = field.reference.at(YEAR)
    last = field.truth.shifted(dx, dy)
    last = last.turned() if flipped else last
    begun = time.process_time()  # others may be at work here
    vote = predict(field.stars, sky, last, field.shape)
    seconds = time.process_time() - begun
    assert vote is not None
    assert vote.flipped is flipped
    assert vote.votes > 0.6 * vote.of
    found = refine(field.stars, sky, vote.solution, field.shape, radius_px=6.0)
    assert np.sqrt(np.mean(field.error_arcsec(found.fit.solution) ** 2)) < 0.02
    assert seconds < 0.05  # 2 ms on a quiet machine


def test_a_slew_and_a_frame_of_noise_get_no_votes(field):
    sky = field.reference.at(YEAR)
    elsewhere = simulate(np.random.default_rng(13), 190.0, -50.0, Camera())
    assert predict(elsewhere.stars, sky, field.truth, field.shape) is None
    assert predict(noise_stars(np.random.default_rng(14)), sky, field.truth, field.shape) is None
    assert predict(noise_stars(np.random.default_rng(14), 2), sky, field.truth, field.shape) is None


def test_pairs_are_mutual_and_within_the_radius():
    x = np.array([0.0, 10.0, 10.4, 50.0])
    ours, theirs = pair(x, np.zeros(4), np.array([10.1, 0.9, 80.0]), np.zeros(3), 1.0)
    assert sorted(zip(ours.tolist(), theirs.tolist(), strict=True)) == [(0, 1), (1, 0)]
    assert len(pair(np.zeros(0), np.zeros(0), x, x, 1.0)[0]) == 0
