"""Stars are kept and hits are found, from 1.3 to 6 px, on seeds that nothing was tuned on."""

import numpy as np
import pytest

from pipeline_core.science.cosmic import clean_cosmic_rays
from pipeline_core.science.noise_guard import BESIDE_STAR_SIGMAS, PEAK_SIGMAS, is_doubtful, stand_out, stars_beside
from pipeline_core.science.round_stars import STEP_PX, measure_round_stars, modelled
from pipeline_core.science.star_guard import PHASES, measure_star_width, star_images
from tests.core.cosmic_simulation import judge, light, simulate

JUDGED_SEEDS = (101, 102)


def judged(fwhm, ring=0.0, corner=1.0, guess=1.0):
    total = np.zeros(6, int)
    for seed in JUDGED_SEEDS:
        sim = simulate(seed, fwhm, ring=ring, corner=corner)
        told = None if ring else fwhm * guess
        total += judge(sim, clean_cosmic_rays(sim.image, sim.variance, sim.masked, fwhm_px=told), fwhm, ring)
    return total


@pytest.mark.parametrize("fwhm", [1.3, 1.5, 1.8, 2.0, 2.5, 3.0, 4.0, 6.0])
def test_hits_are_found_and_stars_are_kept(fwhm):
    events, found, pixels, pixels_found, stars, lost = judged(fwhm)
    assert found >= 0.96 * events  # 240 events: one standard deviation below the 97 % of the requirement
    assert pixels_found >= 0.88 * pixels
    assert lost <= max(1, stars / 500)  # 260 stars


def test_a_width_that_reads_a_tenth_high_still_keeps_sharp_stars():
    *_, stars, lost = judged(1.5, guess=1.1)
    assert lost <= max(1, stars / 500)


def test_a_vignetted_corner_keeps_its_stars_and_loses_its_hits():
    events, found, pixels, pixels_found, stars, lost = judged(1.5, corner=0.4)
    assert found >= 0.96 * events
    assert pixels_found >= 0.88 * pixels
    assert lost <= max(1, stars / 500)


@pytest.mark.parametrize(("fwhm", "radius"), [(3.0, 8.0), (2.0, 4.0)])
def test_rings_of_defocused_stars_are_no_hits(fwhm, radius):
    events, found, pixels, pixels_found, stars, lost = judged(fwhm, ring=radius)
    assert found >= 0.96 * events
    assert pixels_found >= 0.88 * pixels
    assert lost <= max(1, stars / 500)


def test_thin_small_rings_are_kept():
    events, found, _, _, stars, lost = judged(1.5, ring=3.0)
    assert found >= 0.96 * events
    assert lost <= max(1, stars / 500)  # the original loses 40 of 100


def drawn_out(fwhm_y, fwhm_x, dy, dx, half=14, steps=7):
    """A star of two widths, with faint wings, of unit flux, integrated over the pixels."""
    at = (np.arange((2 * half + 1) * steps) + 0.5) / steps - half - 0.5
    y, x = (at - dy)[:, None], (at - dx)[None, :]
    image = np.exp(-4 * np.log(2) * ((y / fwhm_y) ** 2 + (x / fwhm_x) ** 2)) + 0.02 * (1 + y**2 + x**2) ** -1.5
    image = image.reshape(2 * half + 1, steps, 2 * half + 1, steps).mean(axis=(1, 3))
    return image / image.sum()


def test_bright_stars_that_wind_has_drawn_out_are_kept():
    """No round Moffat fits them within their small noise: 23 of these 25 were taken for hits."""
    rng = np.random.default_rng(106)
    scene = np.full((240, 240), 400.0)
    truth = [(y, x) for y in range(40, 201, 40) for x in range(40, 201, 40)]
    for y, x in truth:
        scene[y - 14 : y + 15, x - 14 : x + 15] += 3e5 * drawn_out(1.4, 1.9, *rng.uniform(-0.5, 0.5, 2))
    image = (rng.poisson(scene) + rng.normal(0, 9, scene.shape)).astype(np.float32)
    result = clean_cosmic_rays(image, (scene + 81).astype(np.float32), fwhm_px=1.9)
    assert not [at for at in truth if result.hits[at[0] - 2 : at[0] + 3, at[1] - 2 : at[1] + 3].any()]


@pytest.mark.parametrize("fwhm", [1.3, 1.5])
@pytest.mark.parametrize("apart", [3.5, 4.5])
def test_both_stars_of_a_close_pair_are_kept(fwhm, apart):
    """The wing of one covers the peak of the other: its flanks must not be taken for hits all the same."""
    rng = np.random.default_rng(105)
    size, half, n = 400, 14, 36
    scene = np.full((size, size), 400.0)
    middle = np.arange(n, size - n, n)
    truth = []
    for y in middle:
        for x in middle:
            at = np.array([y, x]) + rng.uniform(-0.5, 0.5, 2)
            turn = rng.uniform(0, 2 * np.pi)
            bright = 10 ** rng.uniform(3.5, 5)
            for (sy, sx), flux in (
                (at, bright),
                (at + apart * np.array([np.sin(turn), np.cos(turn)]), bright * rng.uniform(0.3, 3)),
            ):
                iy, ix = int(np.floor(sy + 0.5)), int(np.floor(sx + 0.5))
                window = (slice(iy - half, iy + half + 1), slice(ix - half, ix + half + 1))
                scene[window] += flux * light(fwhm, sy - iy, sx - ix, half)
                truth.append((iy, ix))
    image = (rng.poisson(scene) + rng.normal(0, 9, scene.shape)).astype(np.float32)
    result = clean_cosmic_rays(image, np.maximum(image, 0) + 81, fwhm_px=fwhm)
    hurt = sum(result.hits[iy - 2 : iy + 3, ix - 2 : ix + 3].any() for iy, ix in truth)
    assert len(truth) >= 160
    assert hurt == 0  # a fifth of them before peaks under a neighbour's wing were judged


def test_noise_in_a_faint_stars_aperture_is_left_and_the_same_peak_in_the_sky_is_a_hit():
    rng = np.random.default_rng(106)
    image = rng.normal(400, 20, (64, 64)).astype(np.float32)
    variance = np.full(image.shape, 400, np.float32)
    image[20:29, 20:29] += 1500 * light(2.5, 0, 0, 4)
    nothing = np.zeros(image.shape, np.uint8)
    rows, columns = np.array([27, 50], np.int32), np.array([27, 50], np.int32)
    beside = stars_beside(image, variance, nothing, nothing, rows, columns, 2.5)
    assert beside.tolist() == [True, False]
    sigmas = np.full(2, (PEAK_SIGMAS + BESIDE_STAR_SIGMAS) / 2, np.float32)
    assert is_doubtful(sigmas, 4.5).all()
    assert stand_out(sigmas, nothing, rows, columns, 4.5, beside).tolist() == [False, True]
    clear = np.full(2, 1.1 * BESIDE_STAR_SIGMAS, np.float32)
    assert not is_doubtful(clear, 4.5).any()
    assert stand_out(clear, nothing, rows, columns, 4.5, beside).all()


def test_a_star_that_is_not_there_makes_no_pixel_special():
    rng = np.random.default_rng(107)
    image = rng.normal(400, 20, (256, 256)).astype(np.float32)
    nothing = np.zeros(image.shape, np.uint8)
    rows, columns = (at.astype(np.int32) for at in rng.integers(20, 236, (2, 400)))
    beside = stars_beside(image, np.full(image.shape, 400, np.float32), nothing, nothing, rows, columns, 2.5)
    assert beside.mean() < 0.1  # 3.5 sigma, in some of the 169 boxes of one in forty


def test_the_profile_of_rings_is_measured_among_hits():
    sim = simulate(103, 2.0, ring=4.0)
    profile = measure_round_stars(sim.image, sim.variance, sim.masked).profile
    assert np.argmax(profile) * STEP_PX == pytest.approx(4.0, abs=0.25)
    assert profile[0] < 0.02 * profile.max()


def test_a_ring_beside_a_bright_hit_is_found_where_it_is():
    """The hit drags the light's centroid away from the ring; the ring's faint third knows better."""
    sim = simulate(108, 1.5, ring=3.0, hits=0)
    image = sim.image.copy()
    beside = [(int(y) + 1, int(x) + 6) for x, y in zip(sim.star_x, sim.star_y, strict=True)]
    for y, x in beside:
        image[max(0, y - 1) : y + 2, x : x + 2] += 2000
    guard = measure_round_stars(image, sim.variance, sim.masked)
    rows, columns = (np.asarray(at, np.int32) for at in zip(*beside, strict=True))
    inside = (rows < 512) & (columns < 512)
    light_there, _ = modelled(image, sim.variance, sim.masked, guard.profile, rows[inside], columns[inside])
    bright = sim.star_flux > 3000
    share = [
        light_there[max(0, int(y) - 6) : int(y) + 7, max(0, int(x) - 6) : int(x) + 7].sum() / flux
        for x, y, flux in zip(sim.star_x[bright], sim.star_y[bright], sim.star_flux[bright], strict=True)
    ]
    assert np.mean(np.array(share) > 0.8) > 0.95


def test_a_frame_without_stars_has_no_profile():
    sim = simulate(104, 2.0, size=256, stars=0)
    assert measure_round_stars(sim.image, sim.variance, sim.masked) is None


def test_bad_pixels_neither_hide_the_hits_beside_them_nor_hurt_the_stars():
    total = np.zeros(6, int)
    for seed in JUDGED_SEEDS:
        sim = simulate(seed, 1.5)
        rng = np.random.default_rng(seed)
        bad = rng.random(sim.image.shape) < 0.015
        image = sim.image.copy()
        image[bad] = rng.choice([0, 5000, 60000], int(bad.sum()))
        result = clean_cosmic_rays(image, sim.variance, sim.masked, bad)
        assert not (result.hits & bad).any()
        result.cleaned[bad] = sim.image[bad]
        sim.events = [e for e in (e[~bad[e[:, 0], e[:, 1]]] for e in sim.events) if len(e)]
        total += judge(sim, result, 1.5)
    events, found, pixels, pixels_found, stars, lost = total
    assert found >= 0.97 * events
    assert pixels_found >= 0.88 * pixels
    assert lost <= max(1, stars / 500)


def test_without_protection_sharp_stars_would_be_lost():
    sim = simulate(101, 1.3)
    bare = clean_cosmic_rays(sim.image, sim.variance, sim.masked, fwhm_px=1.3, protect_below_fwhm_px=0)
    *_, stars, lost = judge(sim, bare, 1.3)
    assert lost > 0.5 * stars


@pytest.mark.parametrize("fwhm", [1.3, 1.8, 2.5, 4.0])
def test_the_width_is_measured_among_hits(fwhm):
    sim = simulate(103, fwhm)
    assert measure_star_width(sim.image, sim.variance, sim.masked) == pytest.approx(fwhm, rel=0.13)


def test_a_frame_without_stars_has_no_width():
    sim = simulate(104, 2.0, size=256, stars=0)
    assert measure_star_width(sim.image, sim.variance, sim.masked) is None


def test_star_images_hold_the_light_of_a_moffat():
    bank = star_images([1.3], PHASES, 10)
    assert bank.shape == (1, 81, 441)
    # Beyond 10.5 px lie (1 + (10.5 / 1.275)²)^-2 = 0.02 % of the light.
    assert bank.sum(axis=2) == pytest.approx(1, abs=0.01)
