"""All of the stars' light is compared, however much of it the star list's aperture holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline_core.judge import judge_night
from pipeline_core.measures import science_measures
from pipeline_core.science.aperture_correction import aperture_correction, corrections, whole_radius_px
from pipeline_core.science.quality import measure_science, quick_science
from pipeline_core.types import Frame, FrameKind
from tests.core import judge_helpers as nights
from tests.core.stars_helpers import star_frame

FWHM = np.array([1.3, 1.45, 1.6, 1.8, 2.0, 2.25, 2.5, 3.0])
THROUGH = np.array([1.0, 0.97, 1.0, 0.93, 1.0, 0.85, 0.99, 0.95])
FIELD = {"stars": 120, "spacing": 42, "margin": 45, "flux": (3e4, 6e5), "shape": (700, 700), "seed": 31}


def picture(k, wings, **changes):
    """Return the field seen by a sharp core and, with a part of the light, by wings that do not change with it."""
    seen = {**FIELD, "shift": (0.37 * k, -0.61 * k), **changes}
    through = seen.pop("through", THROUGH[k])
    image, *_ = star_frame(**seen, fwhm=FWHM[k], through=(1 - wings) * through, noise_seed=100 + k)
    if wings:
        wide, *_ = star_frame(**seen, fwhm=5.0, through=wings * through, sky=0, noise=0.1, noise_seed=200 + k)
        image = image + wide
    return image


def judged(images, measure=measure_science, **how):
    frames, measures, stars = [], {}, {}
    for k, image in enumerate(images):
        path = f"f{k}.fits"
        start = datetime(2026, 6, 20, 16, tzinfo=UTC)
        frames.append(
            Frame(path, FrameKind.SCIENCE, 1, 1, exposure_s=90.0, mid_utc=start + timedelta(minutes=2 * k),
                  shape=image.shape, gain_e_per_adu=1.0)
        )  # fmt: skip
        measures[path], stars[path] = measure(image, gain_e_per_adu=1.0, read_noise_e=9.0, **how)
    return judge_night(frames, measures, stars, None, groups=[[f.path for f in frames]])


@pytest.mark.parametrize("wings", [0.0, 0.12])
def test_transparency_follows_the_light_and_not_the_width_of_undersampled_stars(wings):
    rows = judged([picture(k, wings) for k in range(FWHM.size)], unit="electron", state="final")
    found = np.array([row.transparency for row in rows])
    error = found / THROUGH / np.median(found / THROUGH) - 1
    print(np.round(error, 4))
    assert np.abs(error).max() < 0.01


def test_a_first_look_at_raw_frames_compares_all_of_the_light_too():
    rows = judged([picture(k, 0.12) + 1000 for k in range(FWHM.size)], quick_science)
    found = np.array([row.transparency for row in rows])
    error = found / THROUGH / np.median(found / THROUGH) - 1
    print(np.round(error, 4))
    assert np.abs(error).max() < 0.015  # by 40 stars


def test_the_correction_is_the_light_beyond_the_aperture():
    image, x, y, flux = star_frame(fwhm=2.5, stars=60, spacing=45, margin=25, shape=(600, 600), flux=(1e5, 1e6), seed=5)
    order = np.argsort(-flux)
    found = aperture_correction(image - 400, x[order], y[order], 2.5, 20)
    # Moffat of beta 3: the share beyond r is (1 + (r / 0.98 FWHM)²)^-2.
    near, whole = (1 - (1 + (r / 2.452) ** 2) ** -2 for r in (3.75, whole_radius_px(2.5)))
    assert found == pytest.approx(whole / near, abs=0.01)


@pytest.mark.parametrize("stars", [{"stars": 2}, {"flux": (2e3, 6e3)}, {"stars": 0}])
def test_few_or_faint_stars_tell_no_correction(stars):
    image, x, y, _ = star_frame(fwhm=2.5, spacing=45, seed=6, **stars) if stars.get("stars") != 0 else (
        np.zeros((99, 99), np.float32), np.zeros(0), np.zeros(0), None
    )  # fmt: skip
    assert aperture_correction(image - 400, x, y, 2.5, 20) is None


def test_a_frame_without_its_own_correction_takes_that_of_frames_as_wide():
    width = np.concatenate([np.linspace(1.3, 1.5, 6), np.linspace(2.5, 2.9, 6), [1.41, 2.7]])
    own = np.where(width < 2, 1.2, 1.1)
    own[-2:] = np.nan
    whole, usual = corrections(own, width)
    assert whole.tolist() == [1.2] * 6 + [1.1] * 6 + [1.2, 1.1]
    assert usual[-2:].tolist() == [1.2, 1.1]


def test_where_no_frame_knows_its_correction_none_is_corrected():
    whole, usual = corrections(np.full(3, np.nan), np.array([1.3, np.nan, 2.0]))
    assert whole.tolist() == usual.tolist() == [1, 1, 1]


def test_what_is_usual_follows_the_width_and_no_frosted_frame_and_is_not_carried_beyond_what_is_known():
    rng = np.random.default_rng(8)
    width = np.exp(rng.uniform(np.log(1.3), np.log(2.6), 40))
    course = 1.3 - 0.2 * np.log(width)
    own = course * rng.normal(1, 0.005, 40)
    own[30:38] *= 1.15
    width[39] = 12.0  # defocused
    own[39] = 1.05
    whole, usual = corrections(own, width)
    assert whole.tolist() == own.tolist()
    off = np.abs(usual / course - 1)[:39]
    assert np.median(off) < 0.01
    assert np.percentile(off, 90) < 0.03  # where frosted frames happen to be alike in width, they say what is usual
    assert 1.04 < usual[39] < 1.15


def test_light_that_is_spread_beyond_the_aperture_arrived_but_is_lost_for_the_depth():
    rng = np.random.default_rng(4)
    night = nights.build([replace(s, fwhm=2.0) for s in nights.ordinary_states(rng, 10)], rng)
    spread, path = 0.8, night.frames[4].path
    night.measures = {
        p: replace(m, aperture_correction=1.1 / (spread if p == path else 1)) for p, m in night.measures.items()
    }
    night.stars[path] = replace(night.stars[path], flux=spread * night.stars[path].flux)
    row = judge_night(night.frames, night.measures, night.stars, nights.DOME_C, groups=night.groups)[4]
    assert row.transparency == pytest.approx(1, abs=0.03)
    assert row.depth_loss_mag == pytest.approx(-2.5 * np.log10(spread), abs=0.08)
    # What spread it is asked for: ice and dew do.
    assert any(flag.severity != "note" for flag in row.flags)


def test_sharp_undersampled_frames_are_not_called_cloudy_for_the_light_in_their_wings():
    rng = np.random.default_rng(5)
    width = np.linspace(1.0, 2.6, 14)
    share = np.linspace(0.72, 0.92, 14)  # of the light in the aperture
    night = nights.build([replace(s, fwhm=w) for s, w in zip(nights.ordinary_states(rng, 14), width, strict=True)], rng)
    for frame, part in zip(night.frames, share, strict=True):
        night.measures[frame.path] = replace(night.measures[frame.path], aperture_correction=1 / part)
        night.stars[frame.path] = replace(night.stars[frame.path], flux=part * night.stars[frame.path].flux)
    rows = judge_night(night.frames, night.measures, night.stars, nights.DOME_C, groups=night.groups)
    assert np.abs(np.array([row.transparency for row in rows]) - 1).max() < 0.03
    assert not {flag.cause for row in rows for flag in row.flags} & {"cloud", "frost", "haloes"}


def test_curtains_in_the_wide_circle_are_no_light_of_the_stars():
    rng = np.random.default_rng(6)
    states = nights.ordinary_states(rng, 12)
    for k in (5, 6):
        states[k] = replace(states[k], mesh=15.0)
    night = nights.build(states, rng)
    for k, frame in enumerate(night.frames):
        correction = 1.3 if k in {5, 6} else 1.1
        night.measures[frame.path] = replace(night.measures[frame.path], aperture_correction=correction)
    rows = judge_night(night.frames, night.measures, night.stars, nights.DOME_C, groups=night.groups)
    assert [rows[k].transparency for k in (5, 6)] == pytest.approx([1, 1], abs=0.04)


def test_measures_that_an_older_program_kept_are_read_without_a_correction():
    assert science_measures({"state": "quick", "unit": "ADU", "fwhm_px": 1.3}).aperture_correction is None
