"""Frames whose skies differ by a plane are stacked without steps where one of them ends."""

import threading

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.events import Cancelled, RunContext
from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement
from pipeline_core.science.sky_planes import MESH, SkyPlane, block_levels, sky_plane
from pipeline_core.stage import check_wanted, stopping_by
from pipeline_core.stages.stack import make_stack

SHAPE = (512, 640)
NOISE = 5.0
DITHERS = ((0, 0), (70, 30), (-55, 64), (33, -70), (-90, -41))
SLOPES = ((4.0, -2.0), (30.0, 12.0), (-25.0, 20.0), (8.0, -35.0), (-18.0, -16.0))


def moved_by(dx, dy, turn_deg=0.0):
    return Placement.of(Alignment(np.exp(1j * np.radians(turn_deg)), complex(dx, dy)), SHAPE)


def sky_in_frame(placement, slopes, nebula=0.0):
    """A frame's own sky, a plane on its chip, and what stands still among the stars."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    level = 200.0 + slopes[0] * (x / 320 - 1) + slopes[1] * (y / 320 - 0.8)
    field_x, field_y = placement.returned(x, y)
    return level + nebula * np.exp(-((field_x - 300) ** 2 + (field_y - 200) ** 2) / 2 / 90.0**2)


def frames_of(folder, *, nebula=60.0, seed=1):
    """Write calibrated frames; return the settings and inputs of their stack."""
    rng = np.random.default_rng(seed)
    listed, inputs = [], {}
    for k, (shift, slopes) in enumerate(zip(DITHERS, SLOPES, strict=True)):
        placement = moved_by(*shift)
        image = sky_in_frame(placement, slopes, nebula) + rng.normal(0, NOISE, SHAPE)
        x, y = rng.uniform(10, SHAPE[1] - 10, 40).astype(int), rng.uniform(10, SHAPE[0] - 10, 40).astype(int)
        image[y, x] += 5e3
        file = folder / f"f{k}_CAL.fits"
        hdus = [fits.PrimaryHDU(image.astype(np.float32)), fits.ImageHDU(np.zeros(SHAPE, np.uint8), name="MASK")]
        fits.HDUList(hdus).writeto(file)
        inputs[f"frame_{k}"] = file
        listed.append({
            "input": f"frame_{k}", "path": file.name, "placement": placement.as_dict(), "flux_ratio": 1.0,
            "sky": float(np.median(image)), "noise": NOISE * (1.0 if k == 0 else 1.05), "exposure_s": 90.0,
            "mid_utc": None,
        })  # fmt: skip
    settings = {
        "group": "g", "method": "mean", "sigma": 5.0, "fixed": "sky", "shape": list(SHAPE), "reference": "f0",
        "wcs": None, "frames": listed,
    }  # fmt: skip
    return settings, inputs


def steps(file):
    """How much the sky jumps where the number of frames changes, along the middle rows and columns."""
    image, count = fits.getdata(file).astype(float), fits.getdata(file, "COUNT")
    image -= sky_in_frame(moved_by(0, 0), SLOPES[0], 60.0)  # the best frame's own, which the stack keeps
    found = []
    for values, frames in ((image, count), (image.T, count.T)):
        band = slice(values.shape[0] // 2 - 90, values.shape[0] // 2 + 90)
        level, number = np.nanmedian(values[band], axis=0), np.median(frames[band], axis=0)
        edges = np.flatnonzero(np.diff(number) != 0)
        found += [
            abs(np.mean(level[edge + 3 : edge + 13]) - np.mean(level[edge - 12 : edge - 2]))
            for edge in edges
            if 20 < edge < len(level) - 20
        ]
    return np.array(found)


def test_planes_are_taken_away_and_no_step_is_left_where_a_frame_ends(tmp_path):
    settings, inputs = frames_of(tmp_path)
    seen = {}
    for kind in ("none", "offset", "plane"):
        out = tmp_path / f"{kind}.fits"
        make_stack(settings | {"background": kind}, inputs, out, 2)
        seen[kind] = steps(out)
    print({kind: (len(found), found.max()) for kind, found in seen.items()})
    assert len(seen["none"]) >= 5
    assert seen["none"].max() > 3.0
    # Ten columns' medians of 180 pixels scatter by 0.15; three sigma of their difference.
    assert seen["plane"].max() < 0.6
    assert seen["plane"].max() < 0.2 * seen["none"].max()


def test_the_table_says_what_was_taken_away_and_the_nebula_stays(tmp_path):
    settings, inputs = frames_of(tmp_path)
    make_stack(settings | {"background": "plane"}, inputs, tmp_path / "s.fits", 1)
    table = fits.getdata(tmp_path / "s.fits", "FRAMES")
    assert (table["SKY"][0], table["SKYX"][0], table["SKYY"][0]) == (0, 0, 0)  # the best one is the measure
    np.testing.assert_allclose(table["SKYX"][1:], [slope[0] - 4.0 for slope in SLOPES[1:]], atol=0.5)
    np.testing.assert_allclose(table["SKYY"][1:], [slope[1] + 2.0 for slope in SLOPES[1:]], atol=0.5)
    assert fits.getval(tmp_path / "s.fits", "STACKBKG") == "plane"
    image = fits.getdata(tmp_path / "s.fits") - sky_in_frame(moved_by(0, 0), SLOPES[0])
    assert np.median(image[190:210, 290:310]) - np.median(image[190:210, 590:610]) == pytest.approx(60.0, abs=1.5)


def test_a_frame_that_was_turned_is_levelled_over_the_same_places():
    rng = np.random.default_rng(2)
    best, turned = moved_by(0, 0), moved_by(600, 500, 175.0)
    levels = []
    for placement, slopes in ((best, (0.0, 0.0)), (turned, (10.0, 6.0))):
        image = (sky_in_frame(placement, slopes, 40.0) + rng.normal(0, NOISE, SHAPE)).astype(np.float32)
        rows = [image[k : k + MESH] for k in range(0, SHAPE[0], MESH)]
        levels.append(np.array([block_levels(band, np.zeros(band.shape, bool)) for band in rows]))
    plane = sky_plane(levels[1], turned, levels[0], best, "plane")
    # The chip's slopes point the other way over the field.
    assert (plane.slope_x, plane.slope_y) == (pytest.approx(-10.0, abs=1.5), pytest.approx(-6.0, abs=1.5))
    over = plane.over(0, SHAPE, best)
    assert over.dtype == np.float32
    assert over.shape == SHAPE


def test_frames_that_share_a_corner_are_levelled_by_one_number_and_strangers_not_at_all():
    levels = np.full((8, 10), 5.0)
    corner = sky_plane(levels + np.arange(10), moved_by(-300, -250), levels, moved_by(0, 0), "plane")
    assert (corner.slope_x, corner.slope_y) == (0.0, 0.0)
    assert 0.0 < corner.level < 9.0
    assert sky_plane(levels, moved_by(2000, 0), levels, moved_by(0, 0), "plane") == SkyPlane()
    assert sky_plane(np.full((8, 10), np.nan), moved_by(0, 0), levels, moved_by(0, 0), "plane") == SkyPlane()


def test_a_block_that_is_mostly_masked_has_no_level():
    rows = np.full((16, 2 * MESH), 7.0, np.float32)
    holes = np.zeros(rows.shape, bool)
    holes[:9, :MESH] = True
    levels = block_levels(rows, holes)
    assert np.isnan(levels[0])
    assert levels[1] == 7.0


def test_levels_are_medians_of_what_is_known():
    rng = np.random.default_rng(4)
    rows = rng.normal(100, 5, (16, 5 * MESH + 7)).astype(np.float32)
    holes = rng.random(rows.shape) < 0.3
    rows[2, 3], rows[5, 9], rows[7, 70] = np.nan, -np.inf, np.inf
    known = np.where(holes | ~np.isfinite(rows), np.nan, rows)
    expected = [np.nanmedian(known[:, k * MESH : (k + 1) * MESH]) for k in range(5)]
    np.testing.assert_allclose(block_levels(rows, holes), expected, rtol=1e-6)


def test_a_stack_that_nobody_waits_for_any_more_stops_in_its_midst(tmp_path):
    settings, inputs = frames_of(tmp_path)
    context = RunContext()
    asked = []

    def check():
        asked.append(1)
        if len(asked) == 3:
            context.cancel()
        context.check()

    with stopping_by(check), pytest.raises(Cancelled):
        make_stack(settings | {"background": "plane"}, inputs, tmp_path / "s.fits", 1)
    assert not (tmp_path / "s.fits").exists()
    check_wanted()  # outside of a run nobody is asked


def test_who_is_asked_in_one_thread_is_not_asked_in_another():
    def stop():
        raise Cancelled

    def work():
        check_wanted()
        went_on.append(True)

    went_on = []
    with stopping_by(stop):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(5)
    assert went_on
