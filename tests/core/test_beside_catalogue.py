"""Small fields are solved without any index file, by Gaia's stars around the place that the header states."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from pipeline_core.catalogues.provider import CatalogueProvider
from pipeline_core.catalogues.reference import ReferenceStars
from pipeline_core.catalogues.services import CatalogueServiceError
from pipeline_core.catalogues.tile_cache import GAIA, TileCache, tiles_in_cone
from pipeline_core.config import SolveSettings
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.solve_means import engines_for, has_stars_near
from pipeline_core.solving import embedded, engines
from pipeline_core.solving.beside_catalogue import BesideCatalogue
from pipeline_core.solving.engine import EngineError, Found, Hint, TimeLimitError
from pipeline_core.solving.frame_solver import FrameSolver
from pipeline_core.solving.wanted import SolverOptions, Wanted
from tests.core.sky_simulation import YEAR, Camera, Field, OneCatalogue, truth_of

SIZE, SCALE = 1024, 1.25
"""A field of 21 minutes of arc, as of (6063) Jason's night: too small for Tycho-2."""


def small_field(rng, camera, *, density=2500.0, ra=236.7, dec=-3.4):
    """See a field of random stars, a little over two thousand a square degree, as Gaia has them up to 17 mag."""
    truth = truth_of(camera, ra, dec)
    number = rng.poisson(density * np.pi * 0.8**2)
    r, angle = 0.8 * np.sqrt(rng.random(number)), rng.uniform(0, 2 * np.pi, number)
    star_dec = dec + r * np.sin(angle)
    star_ra = ra + r * np.cos(angle) / np.cos(np.radians(star_dec))
    magnitude = np.sort(17.0 + np.log10(rng.random(number)) / 0.35)
    x, y = truth.to_pixel(star_ra, star_dec)
    flux = 1e5 * 10 ** (-0.4 * (magnitude + rng.normal(0, 0.15, number) - 15.0)) * camera.clear
    error = np.hypot(1.2 / np.sqrt(flux) * np.sqrt(1 + 2e4 / flux), 0.01)
    seen = (x > 2) & (y > 2) & (x < camera.size - 3) & (y < camera.size - 3) & (flux > 4000.0)
    columns = [(x + rng.normal(0, 1, number) * error)[seen], (y + rng.normal(0, 1, number) * error)[seen], flux[seen]]
    hot = rng.uniform(0, camera.size, (2, 8))
    columns = [np.concatenate(pair) for pair in zip(columns, [*hot, 10 ** rng.uniform(4, 5.5, 8)], strict=True)]
    columns.append(np.concatenate([error[seen], np.full(8, 0.02)]))
    order = np.argsort(-columns[2])
    stars = FrameStars(*(column[order] for column in columns), np.zeros(len(order), bool))
    nothing = np.zeros(number)
    reference = ReferenceStars(
        star_ra, star_dec, nothing, nothing, magnitude, nothing, np.full(number, 0.5), nothing + 0.03, 2016.0, GAIA
    )
    return Field(truth, stars, reference, (camera.size, camera.size))


def wanted_of(field, off_deg=0.06, scale=SCALE * 1.015, **more):
    known = {"scale_arcsec": scale, "ra_deg": field.truth.ra_deg, "dec_deg": field.truth.dec_deg + off_deg}
    return Wanted("frame", field.stars, field.shape, year=YEAR, **(known | more))


def solver_of(*references):
    catalogue = OneCatalogue(*references)
    return FrameSolver([], catalogue, [], SolverOptions(), BesideCatalogue(catalogue))


def test_small_fields_turned_anyhow_and_mirrored_are_found_truly_without_an_index():
    found = 0
    for seed in range(16):
        rng = np.random.default_rng([21, seed])
        camera = Camera(
            scale=SCALE, size=SIZE, rotation_deg=rng.uniform(-180, 180), parity=1 if seed % 2 else -1,
            distortion=0.3, clear=(1.0, 0.3)[seed % 3 == 0],
        )  # fmt: skip
        field = small_field(rng, camera)
        solved = solver_of(field.reference).solve(wanted_of(field, rng.uniform(-0.1, 0.1)), RunContext())
        if not solved.solved:
            continue
        found += 1
        assert np.hypot(*field.error_arcsec(solved.solution)).max() < 1.0
        assert (solved.engine, solved.index, solved.how) == ("catalogue", "Gaia DR3", "hint")
        assert solved.parity == camera.parity
        assert solved.reportable
    assert found >= 15


def test_a_field_elsewhere_and_noise_are_refused():
    for seed in range(6):
        rng = np.random.default_rng([22, seed])
        field = small_field(rng, Camera(scale=SCALE, size=SIZE))
        other = small_field(rng, Camera(scale=SCALE, size=SIZE))
        assert not solver_of(other.reference).solve(wanted_of(field), RunContext()).solved
        x, y = rng.uniform(0, SIZE, (2, 150))
        noise = FrameStars(x, y, np.sort(rng.uniform(1e3, 1e6, 150))[::-1], np.full(150, 0.05), np.zeros(150, bool))
        blank = Field(field.truth, noise, field.reference, field.shape)
        begun = time.monotonic()
        assert not solver_of(field.reference).solve(wanted_of(blank), RunContext()).solved
        assert time.monotonic() - begun < 10.0


def test_without_place_or_scale_it_is_not_tried_and_a_stop_is_heard():
    field = small_field(np.random.default_rng(23), Camera(scale=SCALE, size=SIZE))
    engine = BesideCatalogue(OneCatalogue(field.reference))
    place = (field.truth.ra_deg, field.truth.dec_deg)
    for hint in (Hint((1.2, 1.3)), Hint(None, *place), Hint((0.4, 4.0), *place)):
        assert engine.solve(field.stars, field.shape, hint, RunContext(), 5.0) is None
    stopped = RunContext()
    stopped.cancel()
    with pytest.raises(Cancelled):
        engine.solve(field.stars, field.shape, Hint((1.22, 1.28), *place), stopped, 5.0)
    with pytest.raises(TimeLimitError):
        engine.solve(field.stars, field.shape, Hint((1.22, 1.28), *place), RunContext(), -1.0)


def test_a_scale_that_would_make_a_frame_half_the_sky_asks_for_no_stars(tmp_path):
    asked = []

    class Archive:
        name = "archive"

        def tiles(self, tiles, faintest_mag, context):
            asked.extend(tiles)
            raise CatalogueServiceError("none", "a test", "")

    field = small_field(np.random.default_rng(25), Camera(scale=SCALE, size=SIZE))
    provider = CatalogueProvider(TileCache(tmp_path), services=[Archive()])
    # A header may state any scale; the unit of this one is milliarcseconds, or it was left at some default.
    for scale in (30.0, 1000.0):
        wanted = wanted_of(field, scale=scale)
        assert not has_stars_near(provider, [wanted])
        assert (
            not FrameSolver([], provider, [], SolverOptions(), BesideCatalogue(provider))
            .solve(wanted, RunContext())
            .solved
        )
    assert asked == []
    assert has_stars_near(provider, [wanted_of(field)])


class SlowArchive:
    """Answers after a while, or when it is told that nobody waits any more; knows what it was asked for."""

    name = "archive"

    def __init__(self, seconds, stars):
        self.seconds = seconds
        self.stars = stars
        self.asked = []
        self.left_behind = threading.Event()

    def tiles(self, tiles, faintest_mag, context):
        del faintest_mag
        self.asked.append(tuple(tiles))
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            if context.cancelled:
                self.left_behind.set()
                raise Cancelled
            time.sleep(0.01)
        return {tile: self.stars.pick(of_tile(self.stars, tile)) for tile in tiles}


def slow_solver(tmp_path, archive, patience_s, **more):
    provider = CatalogueProvider(TileCache(tmp_path), services=[archive], **more)
    return FrameSolver([], provider, [], SolverOptions(), BesideCatalogue(provider.waiting(patience_s)))


def test_frames_that_point_anywhere_wait_for_the_network_only_so_long_all_together(tmp_path):
    field = small_field(np.random.default_rng(26), Camera(scale=SCALE, size=SIZE))
    archive = SlowArchive(60.0, field.reference)
    solver = slow_solver(tmp_path, archive, 0.6)
    begun = time.monotonic()
    frames = [
        solver.solve(wanted_of(field, ra_deg=ra, dec_deg=dec), RunContext())
        for ra, dec in ((10.0, 5.0), (80.0, 40.0), (150.0, -30.0), (300.0, 60.0))
    ]
    assert time.monotonic() - begun < 3.0
    assert len(archive.asked) == 1  # the others find the time spent
    assert archive.left_behind.wait(2.0)
    for frame in frames:
        assert not frame.solved
        assert "the network was waited for" in frame.reason
        assert "astep catalogue fetch" in frame.reason


def test_the_time_for_guessed_places_is_not_that_for_places_that_were_found(tmp_path):
    field = small_field(np.random.default_rng(27), Camera(scale=SCALE, size=SIZE))
    archive = SlowArchive(0.05, field.reference)
    provider = CatalogueProvider(TileCache(tmp_path), services=[archive], patience_s=30.0)
    guessing = provider.waiting(0.0)
    place = (field.truth.ra_deg, field.truth.dec_deg, 0.3)
    assert list(guessing.references(*place)) == []
    assert guessing.cut_short
    (stars,) = provider.references(*place)
    assert (len(stars) > 100, provider.cut_short) == (True, "")
    assert list(guessing.references(*place))  # what is on disk, or in memory, takes no time
    assert guessing.cut_short == ""


def test_stars_that_came_slowly_but_in_time_are_searched_all_the_same(tmp_path):
    field = small_field(np.random.default_rng(28), Camera(scale=SCALE, size=SIZE))
    solver = slow_solver(tmp_path, SlowArchive(0.4, field.reference), 30.0)
    solver.options = replace(solver.options, time_limit_s=1.5)  # of which an index-less search may take a quarter
    solved = solver.solve(wanted_of(field), RunContext())
    assert (solved.solved, solved.reference) == (True, "Gaia DR3")


def test_a_stop_is_heard_while_the_network_is_waited_for(tmp_path):
    field = small_field(np.random.default_rng(29), Camera(scale=SCALE, size=SIZE))
    archive = SlowArchive(60.0, field.reference)
    context = RunContext()
    solver = slow_solver(tmp_path, archive, 50.0, context=context)
    threading.Timer(0.3, context.cancel).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        solver.solve(wanted_of(field), context)
    assert time.monotonic() - begun < 2.0
    assert archive.left_behind.wait(2.0)


class Guessing:
    """Proposes a wrong place near the stated one, and the true one when the whole sky is asked for."""

    name = "guessing"

    def __init__(self, wrong, truth):
        self.wrong = wrong
        self.truth = truth

    def solve(self, stars, shape, hint, context, time_limit_s):
        del stars, shape, context, time_limit_s
        return Found(self.wrong if hint.has_position else self.truth, self.name, "none", 50.0, 20)

    def close(self):
        pass


def test_stars_that_come_slowly_for_a_wrong_place_take_no_time_from_the_search(tmp_path):
    field = small_field(np.random.default_rng(32), Camera(scale=SCALE, size=SIZE))
    elsewhere = replace(field.truth, dec_deg=field.truth.dec_deg + 0.2)
    archive = SlowArchive(0.5, field.reference)
    provider = CatalogueProvider(TileCache(tmp_path), services=[archive], patience_s=30.0)
    solver = FrameSolver([Guessing(elsewhere, field.truth)], provider, [], SolverOptions(time_limit_s=0.7))
    solved = solver.solve(wanted_of(field), RunContext())
    assert (solved.solved, solved.how) == (True, "blind")
    assert np.hypot(*field.error_arcsec(solved.solution)).max() < 1.0


def test_a_frame_in_vain_tells_which_stars_it_was_held_against():
    field = small_field(np.random.default_rng(30), Camera(scale=SCALE, size=SIZE))
    other = small_field(np.random.default_rng(31), Camera(scale=SCALE, size=SIZE))
    wanted = wanted_of(field)
    ((ra, dec, radius),) = solver_of(other.reference).solve(wanted, RunContext()).looked_at
    assert (ra, dec) == (wanted.ra_deg, wanted.dec_deg)
    assert 0.39 < radius < 0.40  # one and a half of half the diagonal of 21.7 minutes of arc, and 3 % for the scale
    assert solver_of(other.reference).solve(wanted_of(field, scale=None), RunContext()).looked_at == ()


def test_no_index_is_no_end_where_gaias_stars_are_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "find_spec", lambda _name: None)
    monkeypatch.setattr(engines.solve_field, "is_available", lambda: False)
    field = small_field(np.random.default_rng(24), Camera(scale=SCALE, size=SIZE))
    provider = CatalogueProvider(TileCache(tmp_path))
    with pytest.raises(EngineError):
        engines_for(SolveSettings(), [], provider, [wanted_of(field)])
    for tile in tiles_in_cone(field.truth.ra_deg, field.truth.dec_deg, 0.9):
        provider.cache.save(tile, 17.0, field.reference.pick(of_tile(field.reference, tile)))
    here = CatalogueProvider(TileCache(tmp_path))
    assert has_stars_near(here, [wanted_of(field)])
    assert not has_stars_near(here, [wanted_of(field, ra_deg=None)])
    index_engines, beside = engines_for(SolveSettings(), [], here, [wanted_of(field)])
    assert index_engines == []
    solved = FrameSolver([], here, [], SolverOptions(), beside).solve(wanted_of(field), RunContext())
    assert solved.solved
    with pytest.raises(EngineError):  # who names an engine means it
        engines_for(SolveSettings(engine="solve-field"), [], here, [wanted_of(field)])


def of_tile(stars, tile):
    from astropy import units
    from astropy_healpix import HEALPix

    healpix = HEALPix(nside=64, order="nested")
    return healpix.lonlat_to_healpix(stars.ra_deg * units.deg, stars.dec_deg * units.deg) == tile
