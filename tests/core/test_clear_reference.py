"""The clear reference: the deepest frames of a group, but none that is bad while there is a better one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline_core.judge import judge_night
from pipeline_core.science.baseline import clear_frames, without_bad
from tests.core import judge_helpers as nights

DEPTH = np.array([0.0, -0.5, 0.2, -2.0, 0.3, -1.0])


@pytest.mark.parametrize(
    ("bad", "left"),
    [
        ((), (0, 2, 4)),
        ((4,), (0, 2)),  # none is taken in its place: the next in depth is dimmed
        ((2, 4), (0,)),
        ((0, 2, 4), (1,)),
        ((0, 1, 2, 3, 4, 5), (0, 2, 4)),  # nothing better is there
    ],
)
def test_a_bad_frame_is_no_measure_of_others_while_a_better_one_is_left(bad, left):
    is_bad = np.isin(np.arange(DEPTH.size), bad)
    assert without_bad(clear_frames(DEPTH), DEPTH, is_bad).tolist() == list(left)


def test_a_frame_that_was_not_measured_takes_no_bad_ones_place():
    depth = np.array([0.1, np.nan, np.nan])
    assert without_bad(clear_frames(depth), depth, np.array([True, False, False])).tolist() == [0]


@pytest.mark.parametrize("trailed", [(1,), (1, 3)])
def test_what_is_trailed_though_deep_is_not_what_others_are_compared_with(trailed):
    """The reference of Jason's first field was two trailed frames and a good one."""
    rng = np.random.default_rng(3)
    states = nights.ordinary_states(rng, 8)
    for k in trailed:
        states[k] = replace(states[k], clear=1.3, ellipticity=0.5, coherence=0.97)
    night = nights.build(states, rng)
    rows = judge_night(night.frames, night.measures, night.stars, nights.DOME_C, groups=night.groups)
    bad = {k for k, row in enumerate(rows) if any(flag.severity == "bad" for flag in row.flags)}
    assert bad == set(trailed)
    loss = [row.depth_loss_mag for row in rows]
    assert min(loss[k] for k in range(8) if k not in trailed) > -0.1
    assert all(loss[k] < -0.1 for k in trailed), "deeper than the best of the good ones"
    said = " ".join(flag.words for k in trailed for flag in rows[k].flags)
    assert "reference frames of its group itself" not in said
    assert "is the reference of its group itself" not in said
