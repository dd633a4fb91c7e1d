"""A field that no index can serve is not searched: the reason is known beforehand."""

from pathlib import Path

import numpy as np

from pipeline_core.config import Recipe
from pipeline_core.events import RunContext
from pipeline_core.io.index_file import IndexFile
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.solve_reduced import _field_arcmin
from pipeline_core.solving.frame_solver import FrameSolver
from pipeline_core.solving.wanted import SolverOptions, Wanted
from pipeline_core.types import Section
from tests.core.frames_helpers import night, series

WIDE = IndexFile(Path("index-4107.fits"), 22.0, 2000.0, 1000, 1000, 4107, is_all_sky=True, healpix=-1, nside=1)


class Engine:
    name = "counting"

    def __init__(self):
        self.asked = 0

    def solve(self, *_):
        self.asked += 1

    def close(self):
        pass


def asked_for(scale_arcsec, indexes=(WIDE,)):
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 1024, (2, 60))
    stars = FrameStars(x, y, np.sort(rng.uniform(1e3, 1e6, 60))[::-1], np.full(60, 0.05), np.zeros(60, bool))
    engine = Engine()
    solver = FrameSolver([engine], None, list(indexes), SolverOptions())
    reasons = {
        solver.solve(Wanted(str(k), stars, (1024, 1024), scale_arcsec, 124.6, 25.3, 2019.2), RunContext()).reason
        for k in range(4)
    }
    return engine.asked, reasons


def test_no_engine_is_asked_for_a_field_smaller_than_every_pattern():
    asked, reasons = asked_for(1.3)  # 22′: patterns from 22′ on do not fit
    assert asked == 0
    (reason,) = reasons
    assert "a field of 22′ wants an index" in reason
    assert "is the scale wrong that this size comes from, 1.3″ a pixel?" in reason
    assert "astep set OUT '*' --scale" in reason


def test_a_field_that_is_served_or_of_unknown_scale_is_searched():
    assert asked_for(2.0)[0] > 0
    assert asked_for(None)[0] > 0
    assert asked_for(1.3, ())[0] > 0  # nothing is known of what the engine has


def test_the_field_that_is_told_before_a_search_is_the_lit_part():
    lights = series("science", 2, shape=(1024, 1200), trim=Section(0, 900, 0, 1100), pixel_scale_arcsec=1.2)
    assert _field_arcmin(night(lights), Recipe(), {})[:2] == (900 * 1.2 / 60, 1.2)
