import numpy as np
import pytest

from pipeline_core.config import Recipe
from pipeline_core.measures import QualityRow, ScienceMeasures, StarList
from pipeline_core.night_quality import dark_findings, with_darks
from pipeline_core.plan import Choices, build_plan
from pipeline_core.science.calibration_flags import STRAY_SIGMA, dark_flags
from pipeline_core.science.calibration_quality import measure_calibration
from pipeline_core.science.dark_match import dark_flag, dark_residual, grows_with_sky
from pipeline_core.science.dark_sources import median_of_nine
from pipeline_core.types import FrameKind

from .frames_helpers import frame, night, series
from .stars_helpers import star_frame

CAMERA = {"gain_e_per_adu": 1.0, "read_noise_e": 9.0, "saturation_adu": 65535.0}


def hot_dark(shape=(768, 768), seed=1, hits=200):
    """A dark with 0.3 % hot pixels and particle tracks."""
    rng = np.random.default_rng(seed)
    dark = rng.normal(1000, 9, shape)
    hot = rng.random(shape) < 3e-3
    dark[hot] += 150 + rng.exponential(400, hot.sum())
    for _ in range(hits):
        x, y, turn = rng.uniform(20, shape[1] - 20), rng.uniform(20, shape[0] - 20), rng.uniform(0, 2 * np.pi)
        for step in range(1 + int(rng.exponential(8))):
            px, py = int(x + step * np.cos(turn)), int(y + step * np.sin(turn))
            if 0 <= px < shape[1] and 0 <= py < shape[0]:
                dark[py, px] += rng.exponential(500)
    return dark.astype(np.float32), int(hot.sum())


@pytest.mark.parametrize("seed", range(5))
def test_hot_pixels_and_cosmic_rays_are_no_stars(seed):
    dark, hot = hot_dark(seed=seed)
    measures = measure_calibration(dark, "dark", **CAMERA)
    assert measures.sources == 0
    assert measures.level_adu == pytest.approx(1000, abs=0.5)
    assert measures.noise_adu == pytest.approx(9, rel=0.03)
    assert hot < measures.hot_pixels < hot + 200 * 12


@pytest.mark.parametrize("fwhm", [2.5, 4.0])
def test_stars_in_a_dark_are_noticed_among_hot_pixels(fwhm):
    dark, _ = hot_dark(seed=7)
    stars, *_ = star_frame(shape=dark.shape, stars=25, fwhm=fwhm, sky=0, noise=0.1, flux=(2e3, 2e4), seed=8)
    measures = measure_calibration(dark + stars, "dark", **CAMERA)
    assert measures.sources >= 10
    assert "stars in a dark" in measures.notes[0]


def quiet_bias(shape=(512, 512), seed=1):
    """A bias whose counts are nearly all one of three whole numbers, less an overscan's level that is none."""
    rng = np.random.default_rng(seed)
    rows = np.linspace(1610.0, 1610.03, shape[0])[:, None]
    return (np.rint(rng.normal(1626.1, 1.0, shape)) - rows).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_whole_counts_of_quiet_electronics_are_no_stars(seed):
    listed = StarList(*np.random.default_rng(seed).uniform(40, 470, (2, 30)), np.full(30, 1e4), np.full(30, 2.5))
    measures = measure_calibration(quiet_bias(seed=seed), "bias", **CAMERA, stars=[(listed, 2.5)])
    assert measures.sources == 0
    assert measures.stray_sigma < STRAY_SIGMA
    assert dark_flags(FrameKind.BIAS, [measures] * 7) == [()] * 7


@pytest.mark.parametrize("seed", range(3))
def test_stars_in_a_bias_of_quiet_electronics_are_noticed(seed):
    stars, *_ = star_frame(shape=(512, 512), stars=25, fwhm=3, sky=0, noise=0.01, flux=(200, 2e3), seed=seed)
    measures = measure_calibration(np.rint(quiet_bias(seed=seed) + stars), "bias", **CAMERA)
    assert measures.sources >= 10


def test_level_tilt_and_saturation_of_a_flat():
    rng = np.random.default_rng(9)
    ramp = 1 + 0.1 * ((np.arange(512) + 0.5) / 512 - 0.5)
    flat = (30000 * ramp + rng.normal(0, 120, (512, 512))).astype(np.float32)
    flat[:8, :64] = 65535
    measures = measure_calibration(flat, "flat", **CAMERA)
    assert measures.gradient_percent == pytest.approx(10, abs=0.7)
    assert measures.noise_adu == pytest.approx(120, rel=0.03)
    assert measures.saturated_fraction == pytest.approx(512 / 512**2)
    assert measures.structure_percent < 0.3


def test_a_frame_without_a_usable_pixel_says_so():
    measures = measure_calibration(np.full((64, 64), np.nan, np.float32), "bias")
    assert measures.notes == ("no pixel of this frame can be used",)


def test_the_median_of_nine_is_numpys():
    rng = np.random.default_rng(10)
    image = rng.normal(0, 1, (40, 50)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    assert np.array_equal(median_of_nine(image)[1:-1, 1:-1], np.median(windows, axis=(2, 3)))


@pytest.mark.parametrize("truth", [0.06, 0.0, -0.1])
def test_a_dark_too_strong_is_measured(truth):
    rng = np.random.default_rng(11)
    current = rng.exponential(1, (512, 512)).astype(np.float32)
    hot = rng.random(current.shape) < 3e-3
    current[hot] += rng.exponential(800, hot.sum()).astype(np.float32)
    stars, *_ = star_frame(stars=60, seed=12, sky=300, noise=17)
    fraction, error = dark_residual((stars - truth * current).astype(np.float32), current)
    assert fraction == pytest.approx(truth, abs=max(4 * error, 0.003))
    assert error < 0.005


def test_a_dark_without_hot_pixels_tells_nothing():
    rng = np.random.default_rng(13)
    image = rng.normal(300, 17, (128, 128)).astype(np.float32)
    assert np.isnan(dark_residual(image, np.zeros_like(image))).all()


def test_a_dark_that_does_not_fit_is_noted_with_its_part():
    assert dark_flag(0.06, 0.002).words.startswith("dark 6 % too strong for hot pixels: ")
    assert dark_flag(-0.26, 0.002).words.startswith("dark 26 % too weak for hot pixels: ")
    assert {dark_flag(0.06, 0.002).severity, dark_flag(-0.3, 0.01).severity} == {"note"}


@pytest.mark.parametrize(("fraction", "error"), [(0.02, 0.001), (0.06, 0.02), (float("nan"), float("nan"))])
def test_a_dark_that_fits_or_of_which_little_is_known_is_not_mentioned(fraction, error):
    assert dark_flag(fraction, error) is None


def row(fraction, path="a.fits"):
    flag = dark_flag(fraction, 0.002)
    return QualityRow(
        path,
        ScienceMeasures("final", "electron"),
        flags=(flag,) if flag else (),
        extra={"dark_residual": fraction, "dark_residual_error": 0.002},
    )


def test_the_night_says_once_by_how_much_its_darks_missed():
    frames = night([frame(f"{name}.fits", "science", exposure_s=60.0, temperature_c=-9.8) for name in "abc"])
    (found,) = dark_findings([row(-0.05), row(-0.261, "b.fits"), row(0.01, "c.fits")], frames)
    assert found.what == "the dark takes off 5 to 26 % too little of the hot pixels in 2 of 3 frames"
    assert found.why == "they shine through"
    assert found.hint.startswith("take darks of 60 s at -10 °C, in the same night")
    assert found.paths == ("a.fits", "b.fits")
    (strong,) = dark_findings([row(0.08)], frames)
    assert strong.what == "the dark takes off 8 % too much of the hot pixels in the frame"
    assert dark_findings([row(0.01), row(-0.02)], frames) == []


def test_frames_without_a_dark_do_not_make_a_misfit_of_all_the_others_look_like_one_of_some():
    frames = night(
        series("bias", 3),
        series("dark", 3),
        series("science", 2),
        series("science", 1, folder="long", exposure_s=500.0),
    )
    plan = build_plan(frames, Recipe(), Choices())
    assert [one.dark for one in plan.science].count(None) == 1
    rows = [row(-0.3 if one.dark else 0.0, one.path) for one in plan.science]
    (found,) = dark_findings(rows, frames, plan)
    assert found.what == "the dark takes off 30 % too little of the hot pixels in 2 of 2 frames that have a dark"


def test_a_dark_that_was_scaled_is_said_to_be_where_it_does_not_fit():
    frames = night(series("bias", 3), series("dark", 5, exposure_s=90.0), series("science", 2, exposure_s=60.0))
    plan = build_plan(frames, Recipe(), Choices())
    rows = [row(-0.3, one.path) for one in plan.science]
    (found,) = dark_findings(rows, frames, plan)
    assert found.why == "they shine through, and its dark current was scaled from another exposure"
    (plain,) = dark_findings(rows, frames)
    assert "scaled" not in plain.why


SKY_E = (85.0, 126.0, 730.0, 1020.0, 1150.0, 1650.0, 2160.0)
WEAK = (-0.05, -0.066, -0.256, -0.363, -0.393, -0.464, -0.492)
"""What a real chip did, whose frames and darks agree to 0.4 °C."""


def judged(residuals, sky=SKY_E, dark_c=-10.0, frame_c=-10.2, dark_s=90.0, exposures_s=None):
    """Rows of frames with these skies and misfits."""
    frames = [
        frame(f"light_{n}.fits", "science", exposure_s=exposure, temperature_c=frame_c)
        for n, exposure in enumerate(exposures_s or [90.0] * len(residuals))
    ]
    darks = [frame(f"dark_{n}.fits", "dark", exposure_s=dark_s, temperature_c=dark_c) for n in range(3)]
    rows = [
        QualityRow(f.path, ScienceMeasures("final", "electron", background=s)) for f, s in zip(frames, sky, strict=True)
    ]
    return with_darks(rows, night(frames, darks), {f.path: [r, 0.002] for f, r in zip(frames, residuals, strict=True)})


@pytest.mark.parametrize(("dark_c", "frame_c"), [(-10.0, -10.2), (None, -10.2), (-10.0, None)])
def test_a_misfit_that_grows_with_the_sky_is_not_laid_to_the_temperature(dark_c, frame_c):
    rows = judged(WEAK, dark_c=dark_c, frame_c=frame_c)
    for row in rows:
        (flag,) = row.flags
        assert "more is left under a brighter sky" in flag.words
        assert "take darks of its temperature" not in flag.words
    (found,) = dark_findings(rows, night())
    assert found.what == "the dark takes off 5 to 49 % too little of the hot pixels in 7 of 7 frames"
    assert "more is left under a brighter sky" in found.why
    assert "take darks" not in found.words
    for words in (found.words, *(row.flags[0].words for row in rows)):
        assert "at one exposure and temperature" in words, "what speaks for it"
        assert "as charge traps would" in words, "likely, not measured"


def test_nobody_is_told_to_mask_hot_pixels_which_the_program_does_but_by_which_setting_it_masks_more():
    rows = judged(WEAK, dark_c=-10.0, frame_c=-10.2)
    assert all("stack frames that moved;" in row.flags[0].words for row in rows)
    (found,) = dark_findings(rows, night())
    assert not any("mask its" in words for words in (found.hint, *(row.flags[0].words for row in rows)))
    assert "masked already, more of them with a lower mask.hot_sigma" in found.hint
    assert "hot_sigma" in type(Recipe().mask).model_fields


@pytest.mark.parametrize(
    ("residuals", "dark_c"),
    [
        (WEAK, -14.0),  # the temperature may explain it
        ((-0.25, -0.26, -0.25, -0.26, -0.25, -0.26, -0.25), -10.0),  # it does not grow
        ((-0.4, -0.05, -0.3, -0.2, -0.06, -0.35, -0.1), -10.0),  # it does not follow the sky
    ],
)
def test_any_other_misfit_still_asks_for_better_darks(residuals, dark_c):
    rows = judged(residuals, dark_c=dark_c)
    assert all("take darks of its temperature" in row.flags[0].words for row in rows)
    (found,) = dark_findings(rows, night())
    assert "take darks of the frames' temperature" in found.hint


@pytest.mark.parametrize("dark_s", [90.02, 120.0])
def test_temperatures_are_known_of_darks_of_about_the_exposure_or_of_those_that_were_scaled(dark_s):
    rows = judged(WEAK, dark_c=-14.0, dark_s=dark_s)
    assert all("take darks of its temperature" in row.flags[0].words for row in rows)


def test_long_frames_are_not_compared_with_short_ones_whose_sky_is_darker_and_whose_dark_is_another():
    sky, residuals = (50.0, 52.0, 51.0, 53.0, 900.0, 910.0, 905.0, 920.0), (*[-0.04, -0.05] * 2, *[-0.2, -0.21] * 2)
    assert grows_with_sky(np.array(sky), np.array(residuals))
    rows = judged(residuals, sky=sky, exposures_s=[10.0] * 4 + [90.0] * 4)
    assert all("take darks of its temperature" in row.flags[0].words for row in rows)


def test_ranks_of_a_few_frames_agree_by_chance_once_in_a_hundred_nights():
    rng = np.random.default_rng(8)
    for frames in (5, 6, 7, 8, 12):
        told = [grows_with_sky(rng.uniform(100, 300, frames), -rng.uniform(0.03, 0.4, frames)) for _ in range(3000)]
        assert np.mean(told) < 0.02


def test_a_dark_that_is_too_strong_has_the_usual_remedy_whatever_the_sky():
    assert not grows_with_sky(np.array(SKY_E), -np.array(WEAK))
    assert grows_with_sky(np.array(SKY_E), np.array(WEAK))
    assert not grows_with_sky(np.array(SKY_E[:4]), np.array(WEAK[:4])), "four frames may agree by chance"


def test_the_table_of_frames_shows_the_figure_of_each_dark():
    assert row(-0.12).flags[0].brief == "dark 12 % too weak"
