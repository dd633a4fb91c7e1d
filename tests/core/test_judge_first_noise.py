"""Noise at a first look: a raw frame's sky stands on a zero level that makes no noise."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline_core.judge import judge_night

from . import judge_helpers as nights

NOISY = 4


def flagged_for_noise(night, zero_level):
    """Return the numbers of the frames that are called noisy, as raw ones on a zero level."""
    raw = {
        path: replace(m, state="quick", unit="ADU", background=m.background + zero_level)
        for path, m in night.measures.items()
    }
    rows = judge_night(night.frames, raw, night.stars, nights.LOWELL, groups=night.groups)
    return {int(row.path[1:4]) for row in rows if any(f.cause == "noise" for f in row.flags)}


@pytest.mark.parametrize("zero_level", [0.0, 1625.0, 3000.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_rising_moon_makes_no_raw_frame_noisy_whatever_its_zero_level(seed, zero_level):
    """Lowell's last two frames were said to be 1.4 times as noisy as expected; their noise was that of their sky."""
    rng = np.random.default_rng(seed)
    states = nights.ordinary_states(rng, 20)
    for k, risen in enumerate(np.linspace(1, 8, 7)):
        states[13 + k] = replace(states[13 + k], sky=states[13 + k].sky * risen)
    assert flagged_for_noise(nights.build(states, rng), zero_level) == set()
    states[NOISY] = replace(states[NOISY], extra_noise=1.6)
    assert flagged_for_noise(nights.build(states, rng), zero_level) == {NOISY}


@pytest.mark.parametrize("seed", range(4))
def test_a_noisy_raw_frame_is_named_where_all_skies_are_alike(seed):
    rng = np.random.default_rng(seed)
    states = nights.ordinary_states(rng, 20)
    states[NOISY] = replace(states[NOISY], extra_noise=1.6, sky=1.05 * states[NOISY].sky)
    assert flagged_for_noise(nights.build(states, rng), 1625.0) == {NOISY}
