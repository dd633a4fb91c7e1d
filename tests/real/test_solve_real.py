"""Real frames on the sky: the zoo's solved pair, and Lowell's night against its own verified (string) WCS."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from pipeline_core.config import Recipe, SolveSettings
from pipeline_core.events import RunContext
from pipeline_core.science.solve_stars import stars_for_solving
from pipeline_core.science.tan_sip import TanSip, separation_deg
from pipeline_core.solve_night import SolveOptions, solve_output
from pipeline_core.solving.embedded import EmbeddedEngine, is_available
from pipeline_core.solving.frame_solver import FrameSolver
from pipeline_core.solving.index_files import find_indexes
from pipeline_core.solving.wanted import SolverOptions, Wanted
from tests.core.sky_simulation import index_catalogue, needs_index

DATA = Path(os.environ.get("ASTEP_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
pytestmark = [
    pytest.mark.skipif(
        not (DATA / "truth" / "lowell5945.json").exists(),
        reason=f"the real nights are not at {DATA} (set ASTEP_REAL_DATA)",
    ),
    pytest.mark.skipif(not is_available(), reason="the package astrometry is not installed (extra [solve])"),
]
ZOO = DATA / "zoo" / "panoptes_panoptes-utils"


@needs_index
@pytest.mark.parametrize("name", ["unsolved.fits", "solved.fits.fz"])
def test_the_zoos_pair_is_found_blind_and_lies_where_it_is_known_to_lie(name):
    with fits.open(ZOO / name) as hdus:
        image = next(h.data for h in hdus if h.data is not None).astype(np.float32)
    stars = stars_for_solving(image, saturated=image > 13_000)
    indexes, _ = find_indexes()
    solver = FrameSolver([EmbeddedEngine([i.path for i in indexes])], index_catalogue(), indexes, SolverOptions())
    try:
        found = solver.solve(Wanted(name, stars, image.shape), RunContext())
    finally:
        solver.close()
    assert found.solved, found.reason
    assert float(separation_deg(found.ra_deg, found.dec_deg, 303.21, 46.02)) < 0.02
    assert found.stars_matched > 100
    if name == "solved.fits.fz":  # its own second-order solution, by another program: within two pixels of 10 arcsec
        own = WCS(fits.getheader(ZOO / name, 1))
        x, y = np.meshgrid(np.linspace(20, 680, 7), np.linspace(20, 680, 7))
        ra, dec = own.all_pix2world(x, y, 0)
        assert np.median(separation_deg(ra, dec, *found.solution.to_sky(x, y))) * 3600 < 20.6


def string_wcs(header):
    """Read Lowell's WCS, whose numbers are strings and whose TAN carries SCAMP's PV terms (TPV)."""
    cards = fits.Header()
    for card in header.cards:
        if card.keyword.startswith(("CRVAL", "CRPIX", "CD", "PV")):
            try:
                cards[card.keyword] = float(card.value)
            except (TypeError, ValueError):
                continue
    cards["CTYPE1"], cards["CTYPE2"], cards["CUNIT1"], cards["CUNIT2"] = "RA---TPV", "DEC--TPV", "deg", "deg"
    return WCS(cards)


@pytest.fixture(scope="module")
def lowell(reduced_night, tmp_path_factory):
    """The output of the night, reduced without solving."""
    from pipeline_core.cli import main

    out = tmp_path_factory.mktemp("lowell") / "out"
    if reduced_night(DATA / "lowell5945", out)["solved"]:  # Tycho-2 alone does not, other indexes here may
        shutil.rmtree(out)
    recipe = out.parent / "recipe.toml"
    recipe.write_text('version = 1\n[solve]\nenabled = "never"\n', encoding="utf-8")
    words = ["reduce", str(DATA / "lowell5945"), "-o", str(out), "--recipe", str(recipe), "--quiet"]
    assert main([*words, "--executor", "threads", "--workers", "1"]) == 0
    return out


def frames_of(out):
    """Calibrated files with their raw twins' string WCS, moved to the trimmed pixels."""
    frames = {}
    for path in sorted(out.glob("*/science/*_CAL.fits")):
        raw = DATA / "lowell5945" / "science" / path.name.replace("_CAL.fits", ".fits.fz")
        header = fits.getheader(path)
        moved = -header.get("LTV1", 0.0), -header.get("LTV2", 0.0)
        frames[path.name[:13]] = (path, string_wcs(fits.getheader(raw, 1)), *moved)
    return frames


@pytest.fixture(scope="module")
def index(lowell, tmp_path_factory):
    """An index of the field, out of the stars that the frames' own WCS place on the sky."""
    program = shutil.which("build-astrometry-index")
    if program is None:
        pytest.skip("build-astrometry-index (Debian's astrometry.net) is not installed")
    places, flux = [], []
    for path, wcs, dx, dy in frames_of(lowell).values():
        with fits.open(path) as hdus:
            stars = stars_for_solving(
                hdus[0].data.astype(np.float32), masked=(hdus["MASK"].data & 0x37) != 0,
                saturated=(hdus["MASK"].data & 8) != 0, most=400,
            )  # fmt: skip
        ra, dec = wcs.all_pix2world(stars.x_px + dx, stars.y_px + dy, 0)
        places.append(np.stack([ra, dec], axis=1))
        flux.append(stars.flux)
    # A star is where the mean of all frames has it; seen in five of them at least.
    mean_ra, mean_dec, magnitude = [], [], []
    for (ra, dec), light in zip(places[0], flux[0], strict=True):
        near = []
        for other in places:
            distance = separation_deg(ra, dec, other[:, 0], other[:, 1])
            if distance.min() * 3600 < 1.5:
                near.append(other[np.argmin(distance)])
        if len(near) >= 5:
            middle = np.median(near, axis=0)
            mean_ra.append(middle[0])
            mean_dec.append(middle[1])
            magnitude.append(25 - 2.5 * np.log10(light))
    folder = tmp_path_factory.mktemp("index")
    columns = {"RA": ("D", mean_ra), "DEC": ("D", mean_dec), "MAG": ("E", magnitude)}
    table = fits.BinTableHDU.from_columns([fits.Column(name, kind, array=v) for name, (kind, v) in columns.items()])
    table.writeto(folder / "stars.fits")
    made = folder / "index-lowell.fits"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [program, "-i", folder / "stars.fits", "-o", made, "-P", "4", "-S", "MAG", "-E", "-I", "9001", "-j", "0.3"],
        check=True, capture_output=True, env=environment,
    )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def solved(lowell, index):
    settings = SolveSettings(indexes=(str(index),), catalogue="index", network=False)
    return solve_output(lowell, Recipe(solve=settings), SolveOptions(executor="threads", workers=1), RunContext())


def test_every_lowell_frame_is_solved_from_an_index_of_its_own_stars(solved):
    assert len(solved.frames) == 20
    assert [frame.path for frame in solved.frames if not frame.solved] == []
    assert sum(frame.how == "predicted" for frame in solved.frames) >= 17
    assert all(abs(frame.scale_arcsec - 1.107) < 0.003 for frame in solved.frames)
    residuals = [frame.rms_arcsec for frame in solved.frames]
    print("rms, arcsec:", residuals)
    assert np.median(residuals) < 0.16
    assert max(residuals) < 0.25  # four frames are trailed or out of focus


def test_the_solutions_lie_on_lowells_own_wcs(lowell, solved):
    frames = frames_of(lowell)
    distances = []
    for frame in solved.frames:
        _, wcs, dx, dy = frames[Path(frame.path).name[:13]]
        x, y = np.meshgrid(np.linspace(50, 1300, 8), np.linspace(50, 1300, 8))
        ra, dec = wcs.all_pix2world(x + dx, y + dy, 0)
        distances.append(np.median(separation_deg(ra, dec, *frame.solution.to_sky(x, y))) * 3600)
    print("median distance to the frame's own WCS, arcsec:", np.round(distances, 3))
    assert max(distances) < 0.12


def test_the_asteroid_differs_from_its_ephemeris_by_one_constant(lowell, solved):
    truth = json.loads((DATA / "truth" / "lowell5945.json").read_text())["frames"]
    frames = frames_of(lowell)
    by_name = {Path(frame.path).name[:13]: frame for frame in solved.frames}
    offsets = []
    for row in truth:
        name = row["file"][:13]
        _, _, dx, dy = frames[name]
        solution: TanSip = by_name[name].solution
        ra, dec = solution.to_sky(row["x"] - dx, row["y"] - dy)
        cosine = np.cos(np.radians(row["ephemeris_dec_deg"]))
        offsets.append(((ra - row["ephemeris_ra_deg"]) * cosine * 3600, (dec - row["ephemeris_dec_deg"]) * 3600))
    offsets = np.array(offsets)
    print("offset", offsets.mean(axis=0).round(3), "scatter", offsets.std(axis=0).round(3))
    assert np.abs(offsets.mean(axis=0) - (-0.85, 0.18)).max() < 0.1
    assert offsets.std(axis=0).max() < 0.1


def test_a_lowell_header_reads_back_as_the_solution(lowell, solved):
    frame = solved.frames[3]
    path = frames_of(lowell)[Path(frame.path).name[:13]][0]
    header = fits.getheader(path)
    assert not any(isinstance(header[name], str) for name in ("CRVAL1", "CRPIX1", "CD1_1", "EQUINOX"))
    assert "PV1_1" not in header
    ra, dec = WCS(header).all_pix2world(700.0, 600.0, 0)
    assert float(separation_deg(ra, dec, *frame.solution.to_sky(700.0, 600.0))) * 3600 < 1e-4
