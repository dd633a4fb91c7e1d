"""Aurora: stars are found and measured through curtains, and curtains are no streaks."""

import numpy as np
import pytest

from pipeline_core.science.quality import measure_science

from .stars_helpers import add_streak, star_frame

SETTINGS = {"unit": "electron", "state": "final", "gain_e_per_adu": 1.0, "read_noise_e": 9.0}


def curtain(shape=(512, 512), electrons=500.0):
    """Three ridges of light as wide as a twentieth of the frame, with the noise of their light."""
    y, x = np.mgrid[: shape[0], : shape[1]] / shape[0]
    line = x + 0.08 * np.sin(7 * y)
    light = sum(
        part * np.exp(-(((line - place) / width) ** 2) / 2)
        for place, width, part in ((0.25, 0.06, 1), (0.6, 0.09, 0.7), (0.85, 0.04, 0.5))
    )
    return electrons * light


@pytest.fixture(scope="module")
def frames():
    clear, *_ = star_frame(stars=80, seed=61)
    light = curtain()
    noise = np.random.default_rng(61).normal(0, 1, clear.shape) * np.sqrt(light)
    return clear, (clear + light + noise).astype(np.float32)


def test_stars_are_found_and_keep_their_light_through_aurora(frames):
    (_, before), (_, after) = (measure_science(frame, **SETTINGS) for frame in frames)
    assert len(after) >= 0.85 * len(before)
    ratios = []
    for x, y, flux in zip(before.x_px, before.y_px, before.flux, strict=True):
        distance = np.hypot(after.x_px - x, after.y_px - y)
        if distance.min() < 1:
            ratios.append(after.flux[np.argmin(distance)] / flux)
    assert len(ratios) >= 0.8 * len(before)
    assert np.median(ratios) == pytest.approx(1, abs=0.02)


def test_the_slope_of_a_curtain_is_no_noise(frames):
    before, after = (measure_science(frame, **SETTINGS)[0] for frame in frames)
    light = curtain()
    expected = np.sqrt(before.noise**2 + np.median(light))
    assert after.noise == pytest.approx(expected, rel=0.1)
    assert after.mesh_rms_percent > 5


def test_curtains_are_no_streaks_and_hide_none(frames):
    _, aurora = frames
    assert measure_science(aurora, **SETTINGS)[0].streaks == ()
    crossed = add_streak(aurora.copy(), (30, 90), (480, 400), per_px=250.0)
    assert len(measure_science(crossed, **SETTINGS)[0].streaks) == 1


def test_wide_stars_are_not_taken_for_sky_under_aurora():
    clear, *_ = star_frame(stars=30, fwhm=6.0, flux=(8e3, 1e5), seed=62)
    light = 2 * curtain()
    noise = np.random.default_rng(62).normal(0, 1, clear.shape) * np.sqrt(light)
    (_, before), (_, after) = (
        measure_science(frame, **SETTINGS) for frame in (clear, (clear + light + noise).astype(np.float32))
    )
    ratios = []
    for x, y, flux in zip(before.x_px, before.y_px, before.flux, strict=True):
        distance = np.hypot(after.x_px - x, after.y_px - y)
        if distance.min() < 3:
            ratios.append(after.flux[np.argmin(distance)] / flux)
    assert len(ratios) >= 10
    assert np.median(ratios) > 0.82  # tiles two widths across left 0.75: the stars' own wings were the sky
