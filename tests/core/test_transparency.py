"""The same stars tell how much light is lost, where on the chip, and whether it moves."""

import numpy as np
import pytest

from pipeline_core.measures import StarList
from pipeline_core.science.transparency import (
    curtain_error,
    deepest_patch,
    detection_limit,
    flux_error,
    hidden_losses,
    patchiness,
    persistence,
    residuals,
    solve,
    transparency_map,
)


def table(rng, frames, stars, loss):
    """Fluxes of stars in frames with the given transparency, 1 % errors."""
    clear = np.sort(1e3 * rng.pareto(1.0, stars) + 1e3)[::-1]
    return clear, clear * np.asarray(loss)[:, None] * rng.normal(1, 0.01, (frames, stars))


def test_frames_and_stars_are_told_apart():
    rng = np.random.default_rng(1)
    loss = np.array([1.0, 1.0, 1.0, 0.5, 0.8, 1.0, 0.2, 1.0, 0.9, 0.3])
    clear, flux = table(rng, 10, 80, loss)
    through, stars = solve(flux, np.full(10, 1.0), np.ones_like(flux, bool))
    # Medians of 40 stars of 1 %.
    np.testing.assert_allclose(through, loss, rtol=0.01)
    np.testing.assert_allclose(stars, clear, rtol=0.03)


def test_stars_that_vanish_in_cloud_do_not_make_it_look_thinner():
    rng = np.random.default_rng(2)
    loss = np.ones(10)
    _, flux = table(rng, 10, 100, loss)
    # Thick patches with edges: most stars lose nearly all, some a little; those below the limit are not listed.
    flux[4] *= np.where(rng.random(100) < 0.6, 0.05, rng.uniform(0.3, 1.0, 100))
    limit = np.full(10, 900.0)
    listed = np.where(flux > limit[:, None], flux, np.nan)
    through, _ = solve(listed, limit, np.ones_like(flux, bool))
    assert np.nanmedian(listed[4] / np.median(flux, axis=0)) > 0.5, "the survivors alone would mislead"
    assert through[4] < 0.5


def test_stars_that_are_missing_from_a_clear_frame_are_no_cloud():
    rng = np.random.default_rng(8)
    _, flux = table(rng, 10, 100, np.ones(10))
    # A curtain of aurora: three of four stars are not clean, the others have all their light.
    flux[4, rng.random(100) < 0.75] = np.nan
    through, _ = solve(flux, np.full(10, 300.0), np.ones_like(flux, bool))
    assert through[4] == pytest.approx(1, abs=0.02)


def test_under_curtains_the_bright_stars_tell_how_clear_it_is():
    rng = np.random.default_rng(9)
    clear, flux = table(rng, 10, 60, np.ones(10))
    error = 1500.0
    flux[4] -= np.abs(rng.normal(0, error, 60))  # the sky beneath each star was thought a little too bright
    flux[flux < 300] = np.nan
    curtains = np.zeros(10)
    curtains[4] = error
    everywhere = np.ones_like(flux, bool)
    misled, _ = solve(flux, np.full(10, np.nan), everywhere)
    told, stars = solve(flux, np.full(10, np.nan), everywhere, curtains)
    assert misled[4] < 0.85
    assert told[4] == pytest.approx(1, abs=0.06)
    np.testing.assert_allclose(stars, clear, rtol=0.03)
    dimmed, _ = solve(flux * np.where(np.arange(10) == 4, 0.5, 1.0)[:, None], np.full(10, np.nan), everywhere, curtains)
    assert dimmed[4] < 0.55, "a cloud in front of aurora is seen all the same"


def test_an_ordinary_sky_has_no_curtains():
    assert curtain_error(5.0, 20.0, 2.5) == 0
    assert curtain_error(100.0, 20.0, 6.0) == pytest.approx(5 * np.pi * 81)
    assert curtain_error(float("nan"), 20.0, 6.0) == 0
    assert curtain_error(100.0, float("nan"), 6.0) == 0


def test_a_frame_with_two_stars_is_not_measured():
    rng = np.random.default_rng(3)
    _, flux = table(rng, 5, 30, np.ones(5))
    flux[2, 2:] = np.nan
    through, _ = solve(flux, np.full(5, np.nan), np.ones_like(flux, bool))
    assert np.isnan(through[2])
    assert np.isfinite(np.delete(through, 2)).all()


def test_nothing_at_all_is_measured_as_nothing():
    through, stars = solve(np.full((3, 4), np.nan), np.full(3, np.nan), np.zeros((3, 4), bool))
    assert np.isnan(through).all()
    assert np.isnan(stars).all()
    through, _ = solve(np.zeros((3, 0)), np.full(3, np.nan), np.zeros((3, 0), bool))
    assert np.isnan(through).all()


def test_flux_errors_follow_the_ccd_equation():
    # 1e4 electrons, noise 20 in pi (1.5 * 2)^2 = 28.3 pixels: sqrt(1e4 + 11310) / 1e4.
    assert flux_error(np.array([1e4]), 20.0, 2.0, 1.0, floor=0.0)[0] == pytest.approx(0.01460, rel=1e-3)
    # Counts of 5 electrons each have fewer photons' noise.
    assert flux_error(np.array([2e3]), 4.0, 2.0, 5.0, floor=0.0)[0] == pytest.approx(0.01460, rel=1e-3)


def test_even_loss_is_not_patchy_and_a_patch_is():
    rng = np.random.default_rng(4)
    error = np.full(100, 0.02)
    off = rng.normal(0, 1.086 * 0.02, 100)
    assert patchiness(off, error) < 0.02
    off[:25] += 0.5
    assert patchiness(off, error) == pytest.approx(0.22, abs=0.04)  # 0.5 sqrt(0.25 * 0.75)
    assert np.isnan(patchiness(off[:4], error[:4]))


def test_a_patch_is_found_in_its_part_of_the_field():
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0, 1024, (2, 150))
    error = np.full(150, 0.02)
    off = rng.normal(0, 0.02, 150)
    nothing = np.full(150, np.nan)
    assert deepest_patch(x, y, off, nothing, error, shape=(1024, 1024)) < 0.03
    inside = (x < 256) & (y > 768)
    off[inside] += 0.6
    assert deepest_patch(x, y, off, nothing, error, shape=(1024, 1024)) == pytest.approx(0.57, abs=0.05)


def test_two_missing_stars_are_no_patch_and_a_missing_crowd_is():
    rng = np.random.default_rng(6)
    x, y = rng.uniform(0, 1024, (2, 150))
    clear = np.full(150, 1e4)
    off = rng.normal(0, 0.02, 150)
    block = np.flatnonzero((x < 256) & (y < 256))
    assert block.size >= 6
    for gone, patch in ((2, False), (block.size, True)):
        seen = off.copy()
        seen[block[:gone]] = np.nan
        hidden = hidden_losses(seen, 1.0, clear, 1e3, np.ones(150, bool))
        assert np.isfinite(hidden).sum() == gone
        deep = deepest_patch(x, y, seen, hidden, np.full(150, 0.02), shape=(1024, 1024))
        assert bool(deep > 1.0) is patch


def test_stars_missing_among_others_that_keep_their_light_are_no_patch():
    # Of thousands of sharp stars a list of four hundred holds others in each frame.
    rng = np.random.default_rng(8)
    x, y = rng.uniform(0, 256, (2, 30))
    off = rng.normal(0, 0.01, 30)
    off[:18] = np.nan
    hidden = hidden_losses(off, 1.0, np.full(30, 1e4), 1e3, np.ones(30, bool))
    assert np.isfinite(hidden).sum() == 18
    assert deepest_patch(x, y, off, hidden, np.full(30, 0.02), shape=(1024, 1024)) < 0.05


@pytest.mark.parametrize(("seen_mag", "is_patch"), [((0.0,), False), ((0.0, -0.02), False), ((0.3,), True), ((), True)])
def test_of_a_few_stars_those_that_are_seen_tell_whether_cloud_hides_the_others(seen_mag, is_patch):
    # Close stars are taken for one in this frame, or lie under a streak: the one beside them keeps all its light.
    off = np.array([*seen_mag, *[np.nan] * 5])
    n = off.size
    hidden = hidden_losses(off, 1.0, np.full(n, 1e4), 1e3, np.ones(n, bool))
    x, y = np.random.default_rng(9).uniform(0, 256, (2, n))
    deep = deepest_patch(x, y, off, hidden, np.full(n, 0.02), shape=(1024, 1024))
    assert bool(deep > 0.2) is is_patch


def test_the_map_lies_on_the_chip_as_the_stars_do():
    x, y = np.array([10.0, 10.0, 1000.0, -3.0]), np.array([5.0, 6.0, 500.0, 2000.0])
    cells = transparency_map(x, y, np.array([0.4, 0.6, 0.9, 0.7]), (1024, 2048))
    assert cells.shape == (8, 8)
    assert cells[0, 0] == pytest.approx(0.5)
    assert cells[3, 3] == pytest.approx(0.9)
    assert cells[7, 0] == pytest.approx(0.7), "a star just outside counts at the edge"
    assert np.isfinite(cells).sum() == 3


def test_a_fixed_pattern_persists_and_a_moving_one_does_not():
    rng = np.random.default_rng(7)
    pattern = 1 - 0.3 * rng.random((8, 8))
    fixed = np.array([pattern * rng.normal(1, 0.01, (8, 8)) for _ in range(10)])
    moving = np.array([np.roll(pattern, 3 * k, axis=1) for k in range(10)])
    assert (persistence(fixed, 2) > 0.9).all()
    assert np.median(persistence(moving, 2)) < 0.5
    assert np.isnan(persistence(np.full((4, 8, 8), np.nan))).all()


def test_residuals_and_limits_of_nothing_are_nothing():
    assert np.isnan(residuals(np.full((1, 2), np.nan), np.ones(1), np.ones(2))).all()
    empty = StarList(*(np.zeros(0),) * 4)
    assert np.isnan(detection_limit(empty))
