"""The sky of a frame through one it is aligned to."""

import numpy as np
import pytest

from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placed_sky import sky_through
from pipeline_core.science.placement import Placement
from pipeline_core.science.tan_sip import TanSip, separation_deg

SHAPE = (900, 1000)
STEP = 1.5 / 3600.0
A = np.zeros((4, 4))
A[3, 0], A[1, 2] = 2e-9, -1e-9
B = np.zeros((4, 4))
B[2, 1], B[0, 3] = 1e-9, 3e-9
SOLUTION = TanSip(120.0, -45.0, 499.5, 449.5, STEP * np.array([[-1.0, 0.02], [0.02, 1.0]]), A, B)


def placed(turn_deg, dx, dy, *, mirrored=False):
    turn = np.exp(1j * np.radians(turn_deg))
    centre = complex((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
    base = np.conj(centre) if mirrored else centre
    return Placement.of(Alignment(turn, centre - turn * base + complex(dx, dy), mirrored=mirrored), SHAPE)


@pytest.mark.parametrize(("turn", "dx", "dy"), [(0.0, 3.2, -7.7), (180.0, 12.0, 5.0), (33.0, 0.0, 0.0)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_star_has_the_same_place_in_both_frames(turn, dx, dy, mirrored):
    own, base = placed(turn, dx, dy, mirrored=mirrored), Placement.identity(SHAPE)
    found = sky_through(own, base, SOLUTION, SHAPE)
    rng = np.random.default_rng(5)
    x, y = rng.uniform(100, SHAPE[1] - 100, 200), rng.uniform(100, SHAPE[0] - 100, 200)
    ra, dec = SOLUTION.to_sky(x, y)
    off = separation_deg(ra, dec, *found.to_sky(*own.moved(x, y))) * 3600 / 1.5
    assert off.max() < 2e-3  # px


def test_the_solved_frame_need_not_be_the_reference():
    own, other = placed(180.0, 4.0, 1.0), placed(0.3, -20.0, 8.0)
    found = sky_through(own, other, SOLUTION, SHAPE)
    x, y = np.array([200.0, 700.0]), np.array([300.0, 600.0])  # of the reference
    ra, dec = SOLUTION.to_sky(*other.moved(x, y))
    assert (separation_deg(ra, dec, *found.to_sky(*own.moved(x, y))) * 3600 / 1.5).max() < 2e-3


def test_a_mirrored_frame_has_the_other_parity():
    own = placed(0.0, 0.0, 0.0, mirrored=True)
    assert sky_through(own, Placement.identity(SHAPE), SOLUTION, SHAPE).parity == -SOLUTION.parity
