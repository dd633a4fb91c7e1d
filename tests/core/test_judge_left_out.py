"""What is said of a frame does not depend on whether somebody took the clouded ones out before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline_core.judge import judge_night
from pipeline_core.science.baseline import explained

from . import judge_helpers as nights

CLEAR, THIN, LAMP, CLOUDED = (0, 2, 4, 5, 7, 9, 10), 3, 8, (1, 6, 11, 12, 13, 14, 15, 16)


def clouded_night(seed):
    """Half under lit cloud; beside clear frames one through a veil of a quarter magnitude, and one with a lamp on."""
    rng = np.random.default_rng(seed)
    states = nights.ordinary_states(rng, 17)
    for k in CLOUDED:
        lost = rng.uniform(0.5, 0.9)
        states[k] = replace(states[k], clear=1 - lost, sky=states[k].sky * (1 + 2 * lost))
    states[THIN] = replace(states[THIN], clear=0.78)
    states[LAMP] = replace(states[LAMP], sky=1.4 * states[LAMP].sky)
    return nights.build(states, rng, start=datetime(2024, 6, 6, 16, 0, tzinfo=UTC))  # new Moon


def against(night, left_out=()):
    """Frame's number → causes that speak against it, judged without some."""
    names = {f"f{k:03d}.fits" for k in left_out}
    frames = [frame for frame in night.frames if frame.path not in names]
    rows = judge_night(frames, night.measures, night.stars, nights.DOME_C, groups=[[f.path for f in frames]])
    return {int(row.path[1:4]): {f.cause for f in row.flags if f.severity != "note"} for row in rows}


@pytest.mark.parametrize("seed", range(8))
def test_a_veil_and_a_lamp_are_named_and_clear_frames_left_in_peace_with_the_clouds_or_without(seed):
    night = clouded_night(seed)
    rng = np.random.default_rng(seed)
    for number in (0, 2, 5, len(CLOUDED)):
        said = against(night, rng.choice(CLOUDED, number, replace=False))
        assert said[THIN] == {"cloud"}, f"without {number} of the clouded"
        assert said[LAMP] == {"bright sky"}, f"without {number} of the clouded"
        assert not {k: said[k] for k in CLEAR if said[k]}, f"without {number} of the clouded"
        assert all("cloud" in said[k] for k in CLOUDED if k in said)


def test_doubtful_frames_have_no_say_where_others_tell_and_tell_what_others_do_not():
    rng = np.random.default_rng(4)
    values = 100 * rng.normal(1, 0.01, 30)
    lit = np.arange(30) % 3 > 0
    values[lit] *= rng.uniform(1.3, 3, 20)
    flat = np.ones((1, 30))
    with_say, _ = explained(values, flat)
    without, _ = explained(values, flat, doubtful=lit)
    assert with_say[0] > 120
    assert without[0] == pytest.approx(100, rel=0.01)
    # A cause that only doubtful frames have: its height is theirs.
    glow = np.where(np.arange(30) >= 27, 1.0, 0.0)
    doubtful = glow > 0
    expected, _ = explained(100 * (1 + 4 * glow), np.array([np.ones(30), glow]), doubtful=doubtful)
    assert expected[-1] == pytest.approx(500, rel=0.01)
    everybody, _ = explained(values, flat, doubtful=np.ones(30, bool))
    np.testing.assert_array_equal(everybody, with_say)


@pytest.mark.parametrize("seed", range(4))
def test_many_doubtful_frames_leave_the_others_what_they_would_say_alone(seed):
    rng = np.random.default_rng(seed)
    values = 100 * rng.normal(1, 0.03, 40)
    values[:3] *= 1.12
    lit = np.arange(40) >= 12
    values[lit] *= 1.5
    beside, _ = explained(values, np.ones((1, 40)), doubtful=lit)
    alone, _ = explained(values[:12], np.ones((1, 12)))
    assert beside[0] == pytest.approx(alone[0], rel=2e-3)
