"""Whether wells are asked about is a matter of what frames show, never of how many show nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.science.full_well import full_well

LIMIT = 65535.0
SKY = 1000.0


def cut_off(rng, well, count=60):
    """Places of one frame whose brightness falls as that of stars does (index -1), cut off at a well."""
    peaks = np.minimum(20_000 / rng.random(count), well * (1 + 0.01 * rng.standard_normal(count)))
    return np.concatenate([[SKY], np.sort(peaks)[::-1]])


def silent(rng, kind):
    """A frame that cannot show a full well."""
    if kind == "few stars":
        return np.array([SKY, 39_700.0, 31_000.0, 22_000.0])
    if kind == "short":  # many stars, of which the brightest is far from full
        return np.concatenate([[SKY], np.sort(SKY + 300 / rng.uniform(0.01, 1, 60))[::-1]])
    return np.array([np.nan if kind == "no value" else 30_000.0])  # or a bright sky: only its level is told


KINDS = ("few stars", "short", "no value", "bright sky")
SHOWING = [cut_off(np.random.default_rng(seed), 40_000.0) for seed in range(6)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [1, 5, 50])
def test_frames_that_cannot_show_a_full_well_do_not_speak_against_it(kind, number):
    rng = np.random.default_rng(1)
    mute = [silent(rng, kind) for _ in range(number)]
    for showing in (SHOWING[:3], SHOWING):
        level = full_well(showing, LIMIT)
        assert level == pytest.approx(40_000, rel=0.03)
        assert full_well([*mute, *showing], LIMIT) == level


@given(
    kept=st.sets(st.integers(0, len(SHOWING) - 1)),
    mute=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9)), max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_the_answer_is_that_of_the_frames_that_show_something(kept, mute, order):
    showing = [SHOWING[k] for k in sorted(kept)]
    all_of_them = [*showing, *(silent(np.random.default_rng(seed), kind) for kind, seed in mute)]
    order.shuffle(all_of_them)
    level = full_well(all_of_them, LIMIT)
    assert level == full_well(showing, LIMIT)
    assert (level is not None) == (len(kept) >= 3), "two frames are too few"


def test_stars_alike_in_some_frames_are_no_full_ones_where_others_hold_more():
    alike = [cut_off(np.random.default_rng(seed), 30_000.0) for seed in range(4)]
    assert full_well(alike, LIMIT) is not None
    longer = np.array([SKY, 52_000.0, 47_000.0, 41_000.0, 20_000.0])
    assert full_well([*alike, longer], LIMIT) is None
    one_hit = np.array([SKY, 52_000.0, 29_000.0, 20_000.0])
    assert full_well([*alike, one_hit], LIMIT) is not None, "a cosmic ray is no star"


@pytest.mark.parametrize("field", ["the same stars", "other stars in each frame"])
def test_a_night_of_many_exposures_without_a_full_well_is_never_accused(field):
    for seed in range(150):
        rng = np.random.default_rng(seed)
        stars = 20_000 / rng.random(int(rng.integers(3, 120)))
        night = []
        for _ in range(int(rng.integers(3, 40))):
            if field != "the same stars":
                stars = 20_000 / rng.random(len(stars))
            light = stars * rng.choice([0.05, 0.3, 1.0]) * rng.normal(1, 0.02)
            night.append(np.concatenate([[SKY], np.sort(light[light < 0.9 * LIMIT])[::-1]]))
        assert full_well(night, LIMIT) is None, f"seed {seed}"
