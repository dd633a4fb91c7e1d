"""Stars of the night that shine in a dark, too faint to be seen one by one."""

import numpy as np
import pytest

from pipeline_core.judge import judge_calibration
from pipeline_core.measures import StarList
from pipeline_core.science.calibration_flags import STRAY_SIGMA
from pipeline_core.science.calibration_quality import measure_calibration, screen_calibration
from pipeline_core.science.stray_stars import stray_starlight
from pipeline_core.types import FrameKind

from .stars_helpers import star_frame
from .test_dark_measures import CAMERA, hot_dark
from .test_judge_calibration import group, numbers

FWHM = 2.5
POOR = {"shape": (512, 512), "stars": 30, "fwhm": FWHM, "sky": 0, "noise": 0.0, "flux": (1e3, 1e4), "seed": 3}


def field(dx=0.0, dy=0.0, **changed):
    """The noiseless light of a poor field, and its stars at places that are off by (dx, dy)."""
    light, x, y, flux = star_frame(**{**POOR, **changed})
    order = np.argsort(-flux)
    return np.clip(light, 0, None), StarList(x[order] + dx, y[order] + dy, flux[order], np.full(len(x), FWHM))


def dark(seed, shape=(512, 512)):
    image, _ = hot_dark(shape, seed=seed, hits=80)
    return image


@pytest.mark.parametrize("part", [0.1, 0.05])
@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (7.3, -11.6)])
@pytest.mark.parametrize("fwhm", [1.3, 2.5, 6.0])
def test_a_tenth_of_the_light_of_a_poor_field_is_found_wherever_the_field_went(part, dx, dy, fwhm):
    light, stars = field(dx, dy, fwhm=fwhm, seed=4)
    found = stray_starlight(dark(11) - 1000 + np.float32(part) * light, stars, fwhm)
    assert found.stars >= 25
    assert found.sigma > STRAY_SIGMA
    assert 0.5 * part < found.fraction < 1.5 * part  # stars of 1.3 px between two pixels lose most


@pytest.mark.parametrize("seed", range(10))
def test_a_dark_without_stars_shows_none(seed):
    _, stars = field(seed=seed)
    assert stray_starlight(dark(20 + seed) - 1000, stars, FWHM).sigma < 6


def test_few_stars_or_a_frame_without_noise_tell_nothing():
    _, stars = field()
    few = StarList(stars.x_px[:5], stars.y_px[:5], stars.flux[:5], stars.fwhm_px[:5])
    assert stray_starlight(dark(1) - 1000, few, FWHM) is None
    assert stray_starlight(np.zeros((512, 512), np.float32), stars, FWHM) is None


def test_the_measures_of_a_dark_tell_of_stray_light_that_no_single_source_shows():
    light, stars = field()
    measures = measure_calibration(dark(5) + np.float32(0.05) * light, "dark", **CAMERA, stars=[(stars, FWHM)])
    assert measures.sources == 0
    assert measures.stray_sigma > 9
    assert measure_calibration(dark(5) + np.float32(0.05) * light, "dark", **CAMERA).stray_stars == 0


def test_the_better_of_two_science_frames_tells():
    light, stars = field()
    _, other = field(seed=99)
    measures = measure_calibration(
        dark(5) + np.float32(0.1) * light, "dark", **CAMERA, stars=[(other, FWHM), (stars, FWHM)]
    )
    assert measures.stray_sigma > 9


def test_in_a_large_dark_the_stars_of_the_blocks_that_are_read_are_enough():
    shape = (2304, 2304)
    light, stars = field(shape=shape, stars=400, spacing=16.0)
    image = np.random.default_rng(8).normal(1000, 9, shape).astype(np.float32) + np.float32(0.05) * light
    measures = screen_calibration(lambda y0, y1: image[y0:y1], shape, "dark", **CAMERA, stars=[(stars, FWHM)])
    assert 60 < measures.stray_stars < 300
    assert measures.stray_sigma > 9
    assert measures.stray_fraction == pytest.approx(0.05, rel=0.3)


def lit(sigma):
    return numbers(stray_sigma=sigma, stray_fraction=0.1, stray_stars=30)


@pytest.mark.parametrize("n", [3, 5, 20])
def test_a_dark_with_the_stars_of_the_night_is_left_out_and_the_words_have_the_figures(n):
    frames, measures = group(FrameKind.DARK, [1000.0] * n, {k: lit(12.0 if k == 1 else 4.0) for k in range(n)})
    found = judge_calibration(frames, measures)
    assert list(found) == [frames[1].path]
    (flag,) = found[frames[1].path]
    assert (flag.cause, flag.severity) == ("stars in dark", "bad")
    assert "10 % of the light of 30 stars" in flag.words


def test_hot_clumps_that_all_darks_share_are_no_stars():
    frames, measures = group(FrameKind.DARK, [1000.0] * 5, {k: lit(9.0 + k) for k in range(5)})
    assert judge_calibration(frames, measures) == {}


def test_a_dark_without_fellows_is_suspected_but_used():
    frames, measures = group(FrameKind.DARK, [1000.0] * 2, {0: lit(12.0), 1: lit(3.0)})
    (flag,) = judge_calibration(frames, measures)[frames[0].path]
    assert flag.severity == "suspect"
