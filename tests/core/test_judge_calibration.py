"""Calibration frames that must not enter a master are found; ordinary ones are not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline_core.config import FlatSettings
from pipeline_core.judge import judge_calibration
from pipeline_core.measures import CalibrationMeasures
from pipeline_core.types import Frame, FrameKind


def frame(name, kind, k=0, **more):
    return Frame(
        name,
        kind,
        1,
        1,
        mid_utc=datetime(2024, 6, 1, tzinfo=UTC) + timedelta(minutes=k),
        shape=(512, 512),
        gain_e_per_adu=2.0,
        saturation_adu=65535.0,
        **{"exposure_s": 0.0 if kind is FrameKind.BIAS else 90.0, "temperature_c": -10.0, **more},
    )


def numbers(level=1000.0, **more):
    usual = {
        "noise_adu": 6.0,
        "structure_percent": 0.5,
        "gradient_percent": 0.5,
        "sources": 0,
        "hot_pixels": 40,
        "saturated_fraction": 0.0,
    }
    return CalibrationMeasures(level_adu=level, **{**usual, **more})


def group(kind, levels, odd=None, **more):
    """A group with ordinary scatter; ``odd`` replaces the measures of some frames."""
    frames = [frame(f"{kind}_{k}.fits", kind, k, **more) for k in range(len(levels))]
    measures = {f.path: numbers(level) for f, level in zip(frames, levels, strict=True)}
    for k, measure in (odd or {}).items():
        measures[frames[k].path] = measure
    return frames, measures


def test_ordinary_groups_of_any_size_are_left_in_peace():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for kind in (FrameKind.BIAS, FrameKind.DARK, FrameKind.FLATDARK):
            for n in (1, 2, 3, 7, 20):
                frames, measures = group(kind, rng.normal(1000, 0.7, n))
                assert judge_calibration(frames, measures) == {}, f"seed {seed}"


@pytest.mark.parametrize("n", [3, 5, 20])
def test_stars_in_a_dark_are_found(n):
    frames, measures = group(FrameKind.DARK, [1000.0] * n, {1: numbers(1001.0, sources=80)})
    found = judge_calibration(frames, measures)
    assert list(found) == ["dark_1.fits"]
    (flag,) = found["dark_1.fits"]
    assert (flag.cause, flag.severity) == ("stars in dark", "bad")
    assert "80 star-like sources" in flag.words


def test_a_single_dark_with_stars_is_found_without_a_fellow():
    frames, measures = group(FrameKind.DARK, [1000.0], {0: numbers(sources=60)})
    assert judge_calibration(frames, measures)["dark_0.fits"][0].cause == "stars in dark"


def test_a_few_sources_are_stars_only_where_the_other_darks_hold_none():
    frames, measures = group(FrameKind.DARK, [1000.0] * 6, {2: numbers(sources=5)})
    assert list(judge_calibration(frames, measures)) == ["dark_2.fits"]
    alone, measures = group(FrameKind.DARK, [1000.0], {0: numbers(sources=5)})
    assert judge_calibration(alone, measures) == {}


def test_a_flat_that_is_full_everywhere_is_saturated():
    found = judge_calibration(*flats([20000.0, 65535.0, 30000.0], {1: numbers(65535.0, saturated_fraction=0.99)}))
    assert [flag.cause for flag in found["flat_1.fits"]] == ["saturated"]


def test_clumps_of_hot_pixels_that_every_dark_holds_are_no_stars():
    frames, measures = group(FrameKind.DARK, [1000.0] * 5, {k: numbers(sources=20 + k) for k in range(5)})
    assert judge_calibration(frames, measures) == {}


@pytest.mark.parametrize("off", [40.0, -40.0])
def test_a_wrong_level_is_named_with_both_levels(off):
    frames, measures = group(FrameKind.BIAS, [1000.0, 1001.0, 1000.0 + off, 999.5, 1000.5])
    found = judge_calibration(frames, measures)
    assert list(found) == ["bias_2.fits"]
    assert found["bias_2.fits"][0].cause == "wrong level"
    assert found["bias_2.fits"][0].severity == "bad"
    assert "40 ADU" in found["bias_2.fits"][0].words


def test_darks_of_other_exposure_or_temperature_are_other_groups():
    frames, measures = group(FrameKind.DARK, [1000.0] * 3)
    warm = [frame(f"warm_{k}.fits", FrameKind.DARK, k, temperature_c=5.0) for k in range(3)]
    short = [frame(f"short_{k}.fits", FrameKind.DARK, k, exposure_s=10.0) for k in range(3)]
    measures |= {f.path: numbers(1400.0) for f in warm} | {f.path: numbers(800.0) for f in short}
    assert judge_calibration([*frames, *warm, *short], measures) == {}


def test_light_on_one_side_of_a_dark_is_a_leak():
    frames, measures = group(FrameKind.DARK, [1000.0] * 5, {2: numbers(1005.0, gradient_percent=6.0)})
    assert [f.cause for f in judge_calibration(frames, measures)["dark_2.fits"]] == ["light leak"]


def test_a_level_that_drifts_through_the_group_is_noted_on_all():
    frames, measures = group(FrameKind.BIAS, 1000.0 + 0.8 * np.arange(12))
    found = judge_calibration(frames, measures)
    assert len(found) == 12
    assert {(flag.cause, flag.severity) for flags in found.values() for flag in flags} == {("drift", "note")}


def flats(levels, odd=None):
    biases, measures = group(FrameKind.BIAS, [1000.0] * 3)
    frames, more = group(FrameKind.FLAT, levels, odd, exposure_s=10.0, filter="R")
    return [*biases, *frames], {**measures, **more}


def test_twilight_flats_may_differ_in_level():
    assert judge_calibration(*flats([8000.0, 12000.0, 18000.0, 27000.0, 40000.0])) == {}


def test_a_flat_above_its_limit_or_with_saturated_pixels_is_too_bright():
    found = judge_calibration(*flats([20000.0, 60000.0, 30000.0], {2: numbers(30000.0, saturated_fraction=0.03)}))
    assert set(found) == {"flat_1.fits", "flat_2.fits"}
    assert "92 % of saturation" in found["flat_1.fits"][0].words
    assert "3.0 % of the pixels" in found["flat_2.fits"][0].words
    assert {flags[0].cause for flags in found.values()} == {"too bright"}
    assert {flags[0].severity for flags in found.values()} == {"bad"}


def test_a_flat_is_too_faint_by_its_electrons_above_the_bias():
    # 1900 ADU hold 1000 ADU of bias: 1800 electrons. 2100 ADU hold 2200 electrons.
    found = judge_calibration(*flats([1900.0, 2100.0, 20000.0]))
    assert list(found) == ["flat_0.fits"]
    assert found["flat_0.fits"][0].words.startswith("too faint: 1800 e⁻")
    assert judge_calibration(*flats([1900.0, 2100.0, 20000.0]), FlatSettings(min_signal_e=1000)) == {}


def test_a_tilted_flat_is_suspect_but_kept():
    found = judge_calibration(*flats([2e4] * 6, {3: numbers(2e4, gradient_percent=8.0)}))
    assert [(f.cause, f.severity) for f in found["flat_3.fits"]] == [("tilted", "suspect")]


def test_unknown_gain_and_saturation_silence_their_checks():
    frames, measures = flats([1100.0, 64000.0])
    bare = [replace(f, gain_e_per_adu=None, saturation_adu=None, mid_utc=None) for f in frames]
    assert judge_calibration(bare, measures) == {}


def test_science_and_unmeasured_frames_are_passed_over():
    frames, measures = group(FrameKind.DARK, [1000.0] * 3)
    science = frame("s.fits", FrameKind.SCIENCE)
    assert (
        judge_calibration(
            [science, frame("other.fits", FrameKind.DARK), *frames], {**measures, "s.fits": numbers(sources=500)}
        )
        == {}
    )
