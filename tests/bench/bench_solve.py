"""Plate solving: our way from a star list beside solve-field, our fit beside astropy's fit_wcs_from_points."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from pipeline_core.events import RunContext
from pipeline_core.io.index_file import read_index
from pipeline_core.science.astrometric_fit import fit_astrometry
from pipeline_core.science.catalogue_match import refine
from pipeline_core.science.predict import predict
from pipeline_core.science.solve_stars import stars_for_solving
from pipeline_core.solving import solve_field
from pipeline_core.solving.embedded import EmbeddedEngine, is_available
from pipeline_core.solving.engine import Hint
from pipeline_core.solving.frame_solver import FrameSolver
from pipeline_core.solving.wanted import SolverOptions
from tests.bench.bench_measure import field as star_field
from tests.bench.timing import Row
from tests.core.sky_images import FIELD_ARCMIN, images, through_the_chain
from tests.core.sky_simulation import INDEXES, YEAR, OneCatalogue, asteps_fields, index_catalogue

FIELDS = 12
PICTURES = 48


def run(size: int = 4096) -> list[Row]:
    """Return rows; nothing but a note where the index or the engine is not installed."""
    if not all(path.is_file() for path in INDEXES) or not is_available():
        return [Row("plate solving", note="left out: Debian's Tycho-2 indexes or the package astrometry are missing")]
    fields = list(asteps_fields(FIELDS, 31))
    return [_engines(fields), *_fits(fields), _star_list(size), *_pictures(min(size, 2048))]


def _engines(fields) -> Row:
    def timed(engine):
        seconds = []
        for field in fields:
            hint = Hint((0.9, 0.96), field.truth.ra_deg % 360, field.truth.dec_deg)
            begun = time.perf_counter()
            found = engine.solve(field.stars, field.shape, hint, RunContext(), 30.0)
            seconds.append(time.perf_counter() - begun)
            assert found is not None
        engine.close()
        return seconds[1:]  # the first starts the process and maps the index

    ours = timed(EmbeddedEngine(INDEXES))
    theirs = timed(solve_field.SolveFieldEngine(INDEXES)) if solve_field.is_available() else None
    return Row(
        "solve a star list with hints", median(ours), "solve-field", median(theirs) if theirs else None,
        note=f"longest {max(ours):.3g} s",
    )  # fmt: skip


def _fits(fields) -> list[Row]:
    from astropy import units
    from astropy.coordinates import SkyCoord
    from astropy.wcs.utils import fit_wcs_from_points

    ours, theirs, steps, errors, their_errors = [], [], [], [], []
    for field in fields:
        sky = field.reference.at(YEAR)
        found = refine(field.stars, sky, field.truth, field.shape)
        used, there = found.frame[found.fit.used], found.sky[found.fit.used]
        x, y = field.stars.x_px[used], field.stars.y_px[used]
        ra, dec = sky.ra_deg[there], sky.dec_deg[there]
        begun = time.perf_counter()
        fit = fit_astrometry(x, y, ra, dec, (2047.5, 2047.5), sigma_px=field.stars.sigma_px[used])
        ours.append(time.perf_counter() - begun)
        errors.append(np.sqrt(np.mean(field.error_arcsec(fit.solution) ** 2)))
        begun = time.perf_counter()
        wcs = fit_wcs_from_points((x, y), SkyCoord(ra * units.deg, dec * units.deg), sip_degree=3)
        theirs.append(time.perf_counter() - begun)
        their_errors.append(_error_of(wcs, field))
        last = field.truth.shifted(20.0, -15.0)
        begun = time.perf_counter()
        vote = predict(field.stars, sky, last, field.shape)
        refine(field.stars, sky, vote.solution, field.shape, radius_px=6.0)
        steps.append(time.perf_counter() - begun)
    note = f"true rms {median(errors):.4f} arcsec, theirs {median(their_errors):.4f}"
    return [
        Row("astrometric fit, order 3", median(ours), "fit_wcs_from_points", median(theirs), "≤ 10 ms", note),
        Row("next frame: predict, match, fit", median(steps), goal="≤ 10 ms"),
    ]


def _error_of(wcs, field) -> float:
    x, y = (g.ravel() for g in np.meshgrid(np.linspace(0, 4095, 11), np.linspace(0, 4095, 11)))
    ra, dec = wcs.all_pix2world(x, y, 0)
    ra0, dec0 = field.truth.to_sky(x, y)
    east = ((ra - ra0 + 180) % 360 - 180) * np.cos(np.radians(dec0))
    return float(np.sqrt(np.mean(np.stack([east, dec - dec0]) ** 2)) * 3600)


def _star_list(size: int) -> Row:
    image = star_field(size, stars=4000 * size * size // 4096**2)
    seconds = []
    for _ in range(4):
        begun = time.perf_counter()
        found = stars_for_solving(image, saturated=image > 59000)
        seconds.append(time.perf_counter() - begun)
    return Row("star list of a frame", median(seconds[1:]), note=f"{len(found)} stars")


def _pictures(size: int) -> list[Row]:
    """See 48 fields all over the sky, and take each picture through the whole chain, against Gaia and against Tycho."""
    rows = []
    seconds: dict[str, list[float]] = {"Gaia": [], "Tycho-2": []}
    ends: dict[str, list] = {"Gaia": [], "Tycho-2": []}
    engine = EmbeddedEngine(INDEXES)
    indexes = [read_index(path) for path in INDEXES]
    with TemporaryDirectory() as folder:
        for field, image, mask in images(PICTURES, 77, size):
            for name, catalogue in (("Gaia", OneCatalogue(field.reference)), ("Tycho-2", index_catalogue())):
                solver = FrameSolver([engine], catalogue, indexes, SolverOptions())
                begun = time.perf_counter()
                ends[name].append(through_the_chain(Path(folder), solver, field, image, mask))
                seconds[name].append(time.perf_counter() - begun)
    engine.close()
    scale = FIELD_ARCMIN * 60.0 / size
    for name, found in ends.items():
        solved = [one for one in found if one.found.solved]
        wrong = sum(one.off_arcsec > 5.0 * scale + 5.0 for one in solved)
        note = (
            f"{len(solved)} of {len(found)} solved, {wrong} wrong; true rms {median(o.rms_arcsec for o in solved):.4f} "
            f"arcsec (worst {max(o.rms_arcsec for o in solved):.4f}), pulls "
            f"{np.sqrt(np.mean([o.pull**2 for o in solved])):.2f}"
        )
        rows.append(Row(f"{size}² picture to header, {name}", median(seconds[name]), goal="≥ 47 of 48", note=note))
    return rows
