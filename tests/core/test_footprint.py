"""The outline of a solved frame on the sky."""

import numpy as np
import pytest

from pipeline_core.footprint import footprint
from pipeline_core.science.tan_sip import TanSip
from pipeline_core.sky_state import NightSky
from pipeline_core.solving.result import FrameSolution

SCALE_DEG = 1.0 / 3600
NORTH_UP = np.array([[-SCALE_DEG, 0.0], [0.0, SCALE_DEG]])
SOLVED = FrameSolution("a.fits", solved=True, solution=TanSip(120.0, 0.0, 49.5, 29.5, NORTH_UP), shape=(60, 100))
LOST = FrameSolution("b.fits", solved=False, reason="too few stars")


def test_the_corners_go_round_and_lie_half_a_pixel_outside_of_the_pixel_centres():
    ra, dec = footprint(SOLVED)
    assert ra == pytest.approx(120.0 + SCALE_DEG * np.array([50.0, -50.0, -50.0, 50.0]), abs=1e-9)
    assert dec == pytest.approx(SCALE_DEG * np.array([-30.0, -30.0, 30.0, 30.0]), abs=1e-9)


def test_a_frame_that_is_not_solved_has_none():
    assert footprint(LOST) is None


def test_a_night_has_those_of_its_solved_frames_and_works_them_out_once():
    sky = NightSky(solutions={"a.fits": SOLVED, "b.fits": LOST})
    (corners,) = sky.footprints
    np.testing.assert_array_equal(corners, footprint(SOLVED))
    assert sky.footprints is sky.footprints
