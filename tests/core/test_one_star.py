"""One star in one frame, and the same star or pixel in the frames of a night."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline_core.config import Recipe
from pipeline_core.errors import UsageError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.measures import QualityRow, ScienceMeasures
from pipeline_core.on_demand import science_tasks, steps_as_far_as_possible, task_of
from pipeline_core.plan import Choices, build_plan
from pipeline_core.scan import scan_night
from pipeline_core.science.one_star import measure_star, stamp_codes
from pipeline_core.star_track import NOT_ALIGNED, follow_pixel, follow_star, moved, sources_of, star_at

SIGMA = 1.2
FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0)) * SIGMA


def cutout(x, y, light, sky=1000.0, noise=5.0, shape=(61, 61), seed=1):
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    star = light * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * SIGMA**2)) / (2 * math.pi * SIGMA**2)
    return (np.random.default_rng(seed).normal(sky, noise, shape) + star).astype(np.float32)


def test_a_star_is_found_from_a_pixel_away_with_place_light_and_width():
    found = measure_star(cutout(30.3, 29.6, 40000), 31.0, 30.5, 2.8, gain=1.0)
    assert found.found
    assert (found.x_px, found.y_px) == pytest.approx((30.3, 29.6), abs=0.1)
    # A circle of 1.5 FWHM holds all but 1 - exp(-(1.5 FWHM)²/2σ²) = 0.2 % of a Gaussian.
    assert found.flux == pytest.approx(40000, rel=0.01)
    # The fit tells the light's width before pixels of 8 ln 2 / 12 px² averaged it; these pixels did not average.
    assert found.fwhm_px == pytest.approx(math.sqrt(FWHM**2 - 8 * math.log(2) / 12), rel=0.02)
    assert found.sky == pytest.approx(1000, abs=2)


def test_empty_sky_holds_no_star():
    assert not measure_star(cutout(30, 30, 0), 30.0, 30.0, 2.8, gain=1.0).found


def test_a_hot_pixel_or_a_hit_is_no_star_however_high_it_stands():
    """Followed through the night, one of Jason had "FWHM 0.21 px" and a curve of one point."""
    image = cutout(30, 30, 0)
    image[30, 30] += 900
    image[30, 31] += 260
    found = measure_star(image, 30.0, 30.0, 2.8, gain=1.0)
    assert (found.found, found.is_sharp) == (False, True)
    assert math.isnan(found.fwhm_px)


def test_a_sharp_star_is_one_while_nobody_knows_how_wide_stars_are_on_its_frame(monkeypatch):
    """A camera with stars of 1.5 px, in the seconds before the quick look has measured its frames."""
    monkeypatch.setattr("tests.core.test_one_star.SIGMA", 0.6)
    image = cutout(30.2, 29.9, 20000)
    guessed, known = (measure_star(image, 30.0, 30.0, 3.0, gain=1.0, is_measured=told) for told in (False, True))
    assert guessed.fwhm_px < 1.6
    assert (guessed.found, known.found, known.is_sharp) == (True, False, True)


def test_faint_light_that_no_profile_fits_is_no_star(monkeypatch):
    def unfitted(*_, **__):
        return SimpleNamespace(fwhm_px=np.array([np.nan]))

    monkeypatch.setattr("pipeline_core.science.one_star.fit_moffats", unfitted)
    faint, bright = (measure_star(cutout(30, 30, light), 30.0, 30.0, 2.8, gain=1.0) for light in (350, 40000))
    assert faint.flux > 5 * faint.error
    assert (faint.found, bright.found) == (False, True)


def test_a_hot_pixel_beside_a_star_does_not_draw_the_centre_away():
    image = cutout(30, 30, 30000)
    image[33, 33] += 3000
    found = measure_star(image, 30.0, 30.0, 2.8, gain=1.0)
    assert (found.x_px, found.y_px) == pytest.approx((30, 30), abs=0.3)


def test_missing_pixels_are_not_light():
    image = cutout(30, 30, 30000)
    image[:, 45:] = np.nan
    assert measure_star(image, 30.0, 30.0, 2.8, gain=1.0).flux == pytest.approx(30000, rel=0.02)


def test_a_stamp_beyond_the_rim_is_black_there_and_has_its_star_in_the_middle():
    codes = stamp_codes(cutout(2, 30, 30000), 2.0, 30.0, 1000.0, 5.0)
    assert codes.shape == (41, 41)
    assert (codes[:, :18] == 0).all()
    assert codes[20, 20] == 255


@pytest.fixture
def drifting(tmp_path):
    """Four frames whose field is shifted, the third turned by half around (a pier flip)."""
    from astropy.io import fits

    places = [((0.0, 0.0), 0.0), ((3.0, -2.0), 0.0), ((5.0, 4.0), 180.0), ((200.0, 0.0), 0.0)]
    rows = []
    for k, ((dx, dy), turn) in enumerate(places):
        z = (complex(40, 45) - 49.5 * (1 + 1j)) * np.exp(1j * np.radians(turn)) + 49.5 * (1 + 1j) + complex(dx, dy)
        header = fits.Header({"IMAGETYP": "LIGHT", "EXPTIME": 90.0, "FILTER": "R", "OBJECT": "A"})
        header["DATE-OBS"] = f"2024-06-20T20:{10 + k}:00"
        pixels = cutout(z.real, z.imag, 40000, shape=(100, 100), seed=k)
        fits.PrimaryHDU(np.clip(pixels, 0, 65535).astype(np.uint16), header).writeto(tmp_path / f"s{k}.fits")
        measures = ScienceMeasures("quick", "ADU", fwhm_px=2.8)
        against = {"reference": "s0.fits"}
        rows.append(QualityRow(f"s{k}.fits", measures, dx_px=dx, dy_px=dy, rotation_deg=turn, extra=against))
    night = scan_night(tmp_path, RunContext())
    return night, build_plan(night, Recipe(), Choices()), rows


def test_a_star_is_followed_through_drift_and_a_pier_flip_until_it_leaves_the_chip(drifting):
    sources = sources_of(*drifting, "s1.fits")
    points = list(follow_star(sources, "s1.fits", 43.0, 43.0, RunContext()))
    assert [point.star is not None and point.star.found for point in points] == [True, True, True, False]
    # 99 - 40 + 5, 99 - 45 + 4
    assert (points[2].star.x_px, points[2].star.y_px) == pytest.approx((64, 58), abs=0.1)
    assert points[3].note == "outside this frame"


def test_beyond_the_meridian_the_stamp_is_turned_as_the_blink_turns_the_frame(drifting):
    """A second star 6 px to the right of the first: in the turned frame it lies to the left of it."""
    from astropy.io import fits

    night = drifting[0]
    for name, way in (("s0.fits", 6), ("s2.fits", -6)):
        with fits.open(night.root / name, mode="update") as file:
            x, y = (40, 45) if way > 0 else (64, 58)
            file[0].data[y, x + way] += 9000
    points = list(follow_star(sources_of(*drifting, "s0.fits"), "s0.fits", 40.0, 45.0, RunContext()))
    for point in (points[0], points[2]):
        row = point.stamp[20].astype(int)
        assert row[26] > row[14] + 50


def test_the_star_that_a_hand_misses_by_some_pixels_of_the_screen_is_meant(drifting):
    """At fit five pixels of the screen are fifteen of the frame: nothing was found there on any frame."""
    sources = sources_of(*drifting, "s0.fits")
    assert star_at(sources, "s0.fits", 51.0, 35.0, 24.0) == pytest.approx((40.0, 45.0), abs=0.2)
    assert star_at(sources, "s0.fits", 51.0, 35.0, 6.0) == (51.0, 35.0)
    assert star_at(sources, "s0.fits", -4.0, 500.0, 24.0) == (-4.0, 500.0)


def test_moving_there_and_back_is_no_move(drifting):
    sources = sources_of(*drifting, "s1.fits")
    there = moved(12.5, 77.0, sources[1], sources[2])
    assert moved(*there, sources[2], sources[1]) == pytest.approx((12.5, 77.0))


def test_a_frame_that_was_not_aligned_is_looked_at_in_the_same_place_and_says_so(drifting):
    night, plan, rows = drifting
    rows[2] = replace(rows[2], dx_px=None)
    sources = sources_of(night, plan, rows, "s0.fits")
    assert moved(10, 20, sources[0], sources[2]) == (10, 20)
    points = list(follow_star(sources, "s0.fits", 40.0, 45.0, RunContext()))
    assert points[2].note == NOT_ALIGNED
    assert [point.is_aligned for point in points] == [True, True, False, True]
    assert not points[2].star.found
    assert points[1].note == ""


def test_a_star_is_followed_into_frames_that_a_quick_look_measured_against_another_reference(drifting):
    night, plan, rows = drifting
    rows[0] = replace(rows[0], extra={"reference": "s0.fits"})
    rows[1] = replace(rows[1], extra={"reference": "s0.fits"})
    # Rejected before the reduction: known against s1, (3, -2) from the reference of the others, and turned.
    rows[2] = replace(rows[2], dx_px=8.0, dy_px=2.0, extra={"reference": "s1.fits"})
    points = list(follow_star(sources_of(night, plan, rows, "s0.fits"), "s0.fits", 40.0, 45.0, RunContext()))
    assert points[2].star.found
    assert (points[2].star.x_px, points[2].star.y_px) == pytest.approx((64, 58), abs=0.1)
    rows[2] = replace(rows[2], extra={"reference": "a frame that is known against none of them"})
    points = list(follow_star(sources_of(night, plan, rows, "s0.fits"), "s0.fits", 40.0, 45.0, RunContext()))
    assert points[2].note == NOT_ALIGNED


def test_following_stops_at_a_cancel(drifting):
    context = RunContext()
    points = follow_star(sources_of(*drifting, "s0.fits"), "s0.fits", 40, 45, context)
    next(points)
    context.cancel()
    with pytest.raises(Cancelled):
        next(points)


def test_a_damaged_frame_is_named_and_the_rest_is_followed(drifting):
    night = drifting[0]
    file = night.root / "s1.fits"
    file.write_bytes(file.read_bytes()[:4000])
    points = list(follow_star(sources_of(*drifting, "s0.fits"), "s0.fits", 40, 45, RunContext()))
    assert "cannot be read" in points[1].note
    assert points[2].star.found


def test_a_pixel_is_followed_in_raw_counts(drifting):
    from astropy.io import fits

    values = dict(follow_pixel(sources_of(*drifting, "s0.fits"), 7, 9, RunContext()))
    assert values == {f"s{k}.fits": fits.getdata(drifting[0].root / f"s{k}.fits")[9, 7] for k in range(4)}


def test_steps_without_any_master_show_what_needs_none(drifting, tmp_path):
    night, _, _ = drifting
    tasks = science_tasks(night, Recipe(), None)
    found = steps_as_far_as_possible(task_of(tasks, "s0.fits"), tmp_path / "out")
    # Without calibration frames there is nothing to wait for: all steps are there, most say why they do nothing.
    assert [step.name for step in found.steps.steps][:3] == ["raw", "overscan", "trim"]
    assert found.missing is None


def test_a_frame_that_is_no_science_frame_is_refused_with_a_hint(drifting):
    with pytest.raises(UsageError) as refusal:
        task_of(science_tasks(drifting[0], Recipe(), None), "dark.fits")
    assert "astep plan" in refusal.value.hint
