"""Catalogue stars lie where the solution puts them in a frame, and one cone serves a pointing."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline_core.catalogues.provider import CatalogueError
from pipeline_core.catalogues.reference import ReferenceStars, Source
from pipeline_core.depth_catalogue import SolvedFields
from pipeline_core.science.tan_sip import TanSip
from pipeline_core.solving.result import FrameSolution
from pipeline_core.types import Frame, FrameKind, Night

SHAPE = (1000, 1200)
SCALE_DEG = 1.1 / 3600


class Provider:
    """A catalogue of random stars; counts how often it is asked."""

    def __init__(self, *, reportable=True, fails=False):
        rng = np.random.default_rng(1)
        n = 400
        ra, dec = 120.0 + rng.uniform(-0.4, 0.4, n), -30.0 + rng.uniform(-0.4, 0.4, n)
        still, error = np.zeros(n), np.full(n, 0.1)
        source = Source("Gaia DR3" if reportable else "Tycho-2", "x", "G", reportable=reportable)
        self.stars = ReferenceStars(
            ra, dec, still, still, rng.uniform(9, 15, n), rng.uniform(0.4, 1.6, n), error, error, 2016.0, source
        )
        self.asked, self.fails = 0, fails

    def cone(self, ra_deg, dec_deg, radius_deg):
        self.asked += 1
        if self.fails:
            raise CatalogueError("no stars", "no catalogue", "fetch one")
        return self.stars.within(ra_deg, dec_deg, radius_deg)


def solution(path, ra=120.0, dec=-30.0, *, solved=True):
    cd = np.array([[-SCALE_DEG, 0.0], [0.0, SCALE_DEG]])
    wcs = TanSip(ra, dec, 599.5, 499.5, cd, np.zeros((2, 2)), np.zeros((2, 2)))
    return FrameSolution(path, solved=solved, solution=wcs if solved else None, shape=SHAPE if solved else None)


@pytest.fixture
def night():
    mid = datetime(2026, 6, 21, tzinfo=UTC)
    frames = tuple(Frame(f"{k}.fits", FrameKind.SCIENCE, 1, 1, mid_utc=mid, shape=SHAPE) for k in range(3))
    return Night(Path("night"), frames)


def test_stars_lie_where_the_solution_puts_them(night):
    provider = Provider()
    one = solution("0.fits")
    stars = SolvedFields(night, {"0.fits": one}, provider)("0.fits")
    assert 30 < stars.x_px.size < 400
    assert ((stars.x_px > 0) & (stars.x_px < 1199) & (stars.y_px > 0) & (stars.y_px < 999)).all()
    ra, dec = one.solution.to_sky(stars.x_px, stars.y_px)
    for k in range(0, stars.x_px.size, 7):
        off = np.hypot((provider.stars.ra_deg - ra[k]) * np.cos(np.radians(30)), provider.stars.dec_deg - dec[k])
        near = int(np.argmin(off))
        assert off[near] * 3600 < 0.01
        assert provider.stars.magnitude[near] == stars.magnitude[k]
        assert provider.stars.colour[near] == stars.colour[k]
    assert stars.name == "Gaia DR3"
    assert not stars.is_rough


def test_one_cone_serves_the_frames_of_a_pointing(night):
    provider = Provider()
    known = {f"{k}.fits": solution(f"{k}.fits", 120.0 + 0.005 * k) for k in range(3)}
    fields = SolvedFields(night, known, provider)
    keys = {fields(path).key for path in known}
    assert provider.asked == 1
    assert len(keys) == 3  # each frame has its own places


def test_a_coarse_catalogue_marks_the_depth(night):
    assert SolvedFields(night, {"0.fits": solution("0.fits")}, Provider(reportable=False))("0.fits").is_rough


def test_what_is_not_solved_or_has_no_catalogue_has_no_stars(night):
    known = {"0.fits": solution("0.fits", solved=False), "1.fits": solution("1.fits")}
    provider = Provider(fails=True)
    fields = SolvedFields(night, known, provider)
    assert fields("0.fits") is None
    assert fields("2.fits") is None
    assert fields("1.fits") is None
    assert fields("1.fits") is None
    assert provider.asked == 1
