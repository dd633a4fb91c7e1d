"""Frames brought onto another's pixels keep flux, places, noise and marks."""

import numpy as np
import pytest
from align_helpers import moved_field, render

from pipeline_core.science.placement import Placement
from pipeline_core.science.warp import HOLES, empty, rows_needed, warp, warp_rows, weight_table
from pipeline_core.types import MaskBit

SHAPE = (200, 230)
SMALL = (60, 70)


def weights_of(offset):
    """Least squares over 300 frequencies up to 0.33, with Lagrange multipliers for the zeroth and first moment."""
    v = (np.arange(300) + 0.5) / 300 * 0.33
    wave = np.exp(2j * np.pi * v[:, None] * offset)
    real = np.vstack([wave.real, wave.imag])
    moments = np.array([np.ones(8), offset])
    square = np.block([[real.T @ real, moments.T], [moments, np.zeros((2, 2))]])
    right = np.concatenate([real.T @ np.repeat([1.0, 0.0], 300), [1.0, 0.0]])
    return np.linalg.solve(square, right)[:8]


def twin(image, placement, shape, variance=None):
    """The same sum in plain numpy, with exact weights: interior pixels only, NaN elsewhere."""
    out = np.full(shape, np.nan)
    out_variance = np.full(shape, np.nan)
    y, x = np.mgrid[: shape[0], : shape[1]]
    px, py = placement.moved(x, y)
    area = placement.area(x, y)
    for j, i in np.ndindex(shape):
        ix, iy = int(np.floor(px[j, i])), int(np.floor(py[j, i]))
        if ix < 3 or iy < 3 or ix + 5 > image.shape[1] or iy + 5 > image.shape[0]:
            continue
        taps = np.arange(-3, 5)
        wx, wy = (weights_of(taps - f) for f in (px[j, i] - ix, py[j, i] - iy))
        cut = np.s_[iy - 3 : iy + 5, ix - 3 : ix + 5]
        out[j, i] = area[j, i] * (wy @ image[cut].astype(float) @ wx)
        if variance is not None:
            out_variance[j, i] = area[j, i] ** 2 * (wy**2 @ variance[cut].astype(float) @ wx**2)
    return out, out_variance


PLACEMENTS = [
    moved_field(0, 0.37, -1.62, shape=SMALL),
    moved_field(179.7, 2.2, 1.1, shape=SMALL, scale=1.003),
    moved_field(31, -3, 2, shape=SMALL),
    moved_field(1, 1, 1, shape=SMALL, mirrored=True),
    moved_field(180, 0.2, 0.3, shape=SMALL, bend=1.5),
]


@pytest.mark.parametrize("placement", PLACEMENTS, ids=["shift", "flip", "turned", "mirrored", "bent"])
def test_the_kernel_equals_its_numpy_twin(placement):
    rng = np.random.default_rng(1)
    image = rng.normal(400, 20, SMALL).astype(np.float32)
    variance = rng.uniform(300, 500, SMALL).astype(np.float32)
    expected, expected_variance = twin(image, placement, SMALL, variance)
    warped = warp(image, placement, SMALL, variance=variance, threads=2)
    inside = np.isfinite(expected)
    assert inside.sum() > 1000
    # Places are rounded to 1/4096 px: times a slope of 20 e a pixel, and single precision.
    np.testing.assert_allclose(warped.image[inside], expected[inside], atol=0.02)
    np.testing.assert_allclose(warped.variance[inside], expected_variance[inside], rtol=1e-3)


def twin_of_good(image, variance, hole, placement, shape):
    """The sums around holes in plain numpy: good pixels only, scaled to the weight that is there; the plain mean of the
    nearest 4×4 where that is less than half. Interior pixels only, NaN elsewhere."""
    out, out_variance, weight = (np.full(shape, np.nan) for _ in range(3))
    y, x = np.mgrid[: shape[0], : shape[1]]
    px, py = placement.moved(x, y)
    area = placement.area(x, y)
    light, noise = (np.where(hole, 0.0, plane).astype(float) for plane in (image, variance))
    for j, i in np.ndindex(shape):
        ix, iy = int(np.floor(px[j, i])), int(np.floor(py[j, i]))
        if ix < 3 or iy < 3 or ix + 5 > image.shape[1] or iy + 5 > image.shape[0]:
            continue
        taps = np.arange(-3, 5)
        w = np.outer(*(weights_of(taps - f) for f in (py[j, i] - iy, px[j, i] - ix)))
        cut, middle = np.s_[iy - 3 : iy + 5, ix - 3 : ix + 5], np.s_[iy - 1 : iy + 3, ix - 1 : ix + 3]
        good = ~hole[cut]
        weight[j, i] = w[good].sum()
        if weight[j, i] >= 0.5:
            scale = area[j, i] / weight[j, i]
            out[j, i] = scale * (w * light[cut]).sum()
            out_variance[j, i] = scale**2 * (w**2 * noise[cut]).sum()
        elif not hole[middle].all():
            scale = area[j, i] / (~hole[middle]).sum()
            out[j, i], out_variance[j, i] = scale * light[middle].sum(), scale**2 * noise[middle].sum()
    return out, out_variance, weight


@pytest.mark.parametrize("share", [0.01, 0.3])
@pytest.mark.parametrize("placement", PLACEMENTS, ids=["shift", "flip", "turned", "mirrored", "bent"])
def test_around_holes_the_kernel_equals_its_numpy_twin(placement, share):
    rng = np.random.default_rng(10)
    image = rng.normal(400, 20, SMALL).astype(np.float32)
    variance = rng.uniform(300, 500, SMALL).astype(np.float32)
    hole = rng.random(SMALL) < share
    expected, expected_variance, weight = twin_of_good(image, variance, hole, placement, SMALL)
    bits = np.where(hole, MaskBit.BAD, 0).astype(np.uint8)
    unmarked = hole & (rng.random(SMALL) < 0.5)
    bits[unmarked] = 0
    image[hole] = np.float32(3e38)  # nothing of it may get in
    image[unmarked] = rng.choice([np.nan, np.inf, -np.inf], unmarked.sum())
    variance[hole] = np.nan
    warped = warp(image, placement, SMALL, variance=variance, bits=bits, threads=2)
    compared = np.isfinite(expected) & (np.abs(weight - 0.5) > 1e-3)  # single precision decides at the limit
    assert compared.sum() > 1000
    assert np.isfinite(warped.image[compared]).all()
    # As without holes; where weights are scaled up, twice that.
    np.testing.assert_allclose(warped.image[compared], expected[compared], atol=0.04)
    np.testing.assert_allclose(warped.variance[compared], expected_variance[compared], rtol=2e-3)
    if share > 0.1:
        assert (weight[compared] < 0.5).any()
        assert (weight[compared] > 1.0).any()


def test_marks_are_carried_by_the_four_pixels_around_with_weight_enough():
    rng = np.random.default_rng(11)
    placement = moved_field(31, -3, 2, shape=SMALL)
    bits = rng.choice(np.array([0, 1, 2, 8, 16], np.uint8), SMALL, p=[0.92, 0.02, 0.02, 0.02, 0.02])
    image = rng.normal(400, 20, SMALL).astype(np.float32)
    image[rng.random(SMALL) < 0.01] = np.nan
    warped = warp(image, placement, SMALL, bits=bits)
    shown = np.where(np.isfinite(image), bits, MaskBit.NO_DATA)
    y, x = np.mgrid[: SMALL[0], : SMALL[1]]
    px, py = placement.moved(x, y)
    seen = 0
    for j, i in np.ndindex(SMALL):
        ix, iy = int(np.floor(px[j, i])), int(np.floor(py[j, i]))
        if ix < 0 or iy < 0 or ix + 2 > SMALL[1] or iy + 2 > SMALL[0]:
            continue
        w = np.outer(*(weights_of(np.arange(-3, 5) - f)[3:5] for f in (py[j, i] - iy, px[j, i] - ix)))
        if (np.abs(w - 0.1) < 1e-3).any():  # the weights' table is single precision, at 4096 places
            continue
        seen += 1
        expected = np.bitwise_or.reduce(shown[iy : iy + 2, ix : ix + 2][w >= 0.1], initial=0)
        assert warped.bits[j, i] == expected
    assert seen > 1000


def test_a_frame_narrower_than_the_sums_is_brought_over_too():
    image = np.full((6, 40), 10, np.float32)
    image[3, 5] = np.nan
    warped = warp(image, moved_field(0, 0.5, 0.0, shape=image.shape), image.shape, variance=image, threads=2)
    assert np.isfinite(warped.image[:, :-1]).all()
    np.testing.assert_allclose(warped.image[:, :-1], 10, rtol=1e-5)
    nothing = warp(np.full((6, 40), np.nan, np.float32), moved_field(shape=image.shape), image.shape)
    assert np.isnan(nothing.image).all()


def test_whole_pixels_are_moved_exactly():
    image = np.random.default_rng(2).normal(0, 1, SMALL).astype(np.float32)
    warped = warp(image, moved_field(0, 5, -7, shape=SMALL), SMALL)
    np.testing.assert_allclose(warped.image[10:, :-5], image[3:-7, 5:], atol=1e-5)
    assert np.isnan(warped.image[:6]).all()
    turned = warp(image, moved_field(180, 0, 0, shape=SMALL), SMALL)
    np.testing.assert_allclose(turned.image, image[::-1, ::-1], atol=1e-5)


def test_scipy_agrees_where_its_splines_are_as_fine():
    from scipy.ndimage import affine_transform

    # Well sampled: where fifth-order splines and our sums both follow the light.
    image = render([60.3, 120.8, 90.1], [70.2, 100.4, 140.7], [1e5, 2e5, 5e4], shape=SHAPE, fwhm=5, beta=4, sky=0.0)
    placement = moved_field(12, 3.3, -4.1, shape=SHAPE)
    (a, b), (c, d) = (
        np.array(placement.x_terms[1:]) / placement.reach,
        np.array(placement.y_terms[1:]) / placement.reach,
    )
    x0, y0 = placement.moved(0, 0)
    theirs = affine_transform(image.astype(float), [[d, c], [b, a]], [y0, x0], order=5)
    ours = warp(image, placement, SHAPE).image
    inner = np.s_[40:-40, 40:-40]
    # Heights of single frequencies are kept to 0.4 %.
    assert np.abs(ours[inner] - theirs[inner]).max() < 4e-3 * image.max()


def moments(image, x, y, radius):
    """Sum and centre of light within a circle, far enough that nothing is lost."""
    yy, xx = np.mgrid[: image.shape[0], : image.shape[1]]
    near = np.hypot(xx - x, yy - y) <= radius
    light = image[near].astype(float)
    return light.sum(), (light * xx[near]).sum() / light.sum(), (light * yy[near]).sum() / light.sum()


def gaussian(x, y, fwhm, shape, total=1e6):
    from scipy.special import erf

    s = fwhm / 2.3548 * np.sqrt(2)
    ex, ey = (np.diff(erf((np.arange(n + 1) - 0.5 - c) / s)) / 2 for n, c in ((shape[1], x), (shape[0], y)))
    return (total * np.outer(ey, ex)).astype(np.float32)


def warped_star(rng, fwhm, rotation, scale):
    """Sum and centre of light of a star before and after, and what a Gaussian fit says of both."""
    shape = (96, 96)
    placement = moved_field(rotation, *rng.uniform(-2, 2, 2), shape=shape, scale=scale)
    x, y = rng.uniform(42, 54, 2)
    warped = np.nan_to_num(warp(gaussian(*placement.moved(x, y), fwhm, shape), placement, shape).image)
    return gaussian(x, y, fwhm, shape), warped, x, y


@pytest.mark.parametrize("fwhm", [2.0, 2.5, 3.0, 4.0])
@pytest.mark.parametrize(("rotation", "scale"), [(0, 1), (0.25, 1.0003), (179.75, 0.9997), (90, 1), (37, 1)])
def test_flux_stays_within_a_ten_thousandth_and_places_within_two_millipixels(fwhm, rotation, scale):
    rng = np.random.default_rng(3)
    for _ in range(6):
        before, after, x, y = warped_star(rng, fwhm, rotation, scale)
        total, wanted_x, wanted_y = moments(before, x, y, 30)
        flux, found_x, found_y = moments(after, x, y, 30)
        # Turned by tens of degrees, the pixels of a star narrower than 3 px do not hold its light as finely.
        slack = {2.0: 2e-3, 2.5: 4e-4}.get(fwhm, 1e-4) if rotation == 37 else 1e-4
        assert flux == pytest.approx(total, rel=slack)
        assert np.hypot(found_x - wanted_x, found_y - wanted_y) < 2e-3


@pytest.mark.parametrize("fwhm", [2.5, 4.0])
def test_a_profile_fit_finds_the_star_within_two_millipixels(fwhm):
    from pipeline_core.science.psf import fit_moffats

    rng = np.random.default_rng(5)
    for rotation in (0, 179.75):
        for _ in range(6):
            before, after, x, y = warped_star(rng, fwhm, rotation, 1.0)
            first, second = (
                fit_moffats(image, np.array([x]), np.array([y]), fwhm, noise=1.0, gain=1.0) for image in (before, after)
            )
            assert np.hypot(first.x_px - second.x_px, first.y_px - second.y_px) < 2e-3
            assert second.fwhm_px == pytest.approx(first.fwhm_px, rel=5e-3)


def test_a_flat_sky_stays_flat_to_the_edge_and_under_distortion():
    image = np.full(SHAPE, 1000, np.float32)
    warped = warp(image, moved_field(2, 3.4, 1.7, shape=SHAPE), SHAPE).image
    np.testing.assert_allclose(warped[np.isfinite(warped)], 1000, rtol=1e-6)
    bent = moved_field(bend=2.0, shape=SHAPE)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    warped = warp(image, bent, SHAPE).image
    seen = np.isfinite(warped)
    np.testing.assert_allclose(warped[seen], 1000 * bent.area(x, y)[seen], rtol=2e-4)


def test_what_the_frame_does_not_reach_is_nan_and_marked():
    image = np.ones(SHAPE, np.float32)
    warped = warp(image, moved_field(0, 40.2, 0, shape=SHAPE), SHAPE, bits=np.zeros(SHAPE, np.uint8))
    assert np.isnan(warped.image[:, 190:]).all()
    assert (warped.bits[:, 190:] == MaskBit.NO_DATA).all()
    assert np.isfinite(warped.image[:, :189]).all()
    assert not warped.bits[:, :189].any()
    gone = warp(image, moved_field(0, 900, 0, shape=SHAPE), SHAPE)
    assert np.isnan(gone.image).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_does_not_spread(value):
    rng = np.random.default_rng(4)
    image = rng.normal(500, 5, SHAPE).astype(np.float32)
    image[rng.random(SHAPE) < 0.01] = value
    before = image.copy()
    placement = moved_field(180.3, 0.4, 0.6, shape=SHAPE)
    warped = warp(image, placement, SHAPE, bits=np.zeros(SHAPE, np.uint8), threads=2)
    inside = warped.bits != MaskBit.NO_DATA
    reached = np.isfinite(warped.image)
    assert reached.mean() > 0.97
    # Weights scaled up for holes amplify noise, but nothing of the holes themselves gets in.
    assert np.abs(warped.image[reached] - 500).max() < 60
    assert reached[inside].all()
    np.testing.assert_array_equal(image, before)
    assert np.abs(warp(image, placement, SHAPE).image[reached] - warped.image[reached]).max() < 1e-3


def test_bad_pixels_count_for_nothing_and_their_marks_are_carried():
    image = np.full(SMALL, 100, np.float32)
    bits = np.zeros(SMALL, np.uint8)
    image[30, 40], bits[30, 40] = 9e6, MaskBit.HOT
    image[20, 20], bits[20, 20] = 5e4, MaskBit.SATURATED
    image[40, 50], bits[40, 50] = 130, MaskBit.COSMIC
    warped = warp(image, moved_field(0, 0.5, 0.5, shape=SMALL), SMALL, bits=bits)
    hot = warped.bits & MaskBit.HOT != 0
    assert np.argwhere(hot).tolist() == [[29, 39], [29, 40], [30, 39], [30, 40]]
    # The light of the hot pixel reached nothing.
    assert np.abs(warped.image[24:36, 34:46] - 100).max() < 1e-2
    # A saturated star is a star: its light is summed, its mark carried.
    assert warped.image[19, 19] > 1e4
    assert warped.bits[19, 19] == MaskBit.SATURATED
    assert warped.bits[39, 49] == MaskBit.COSMIC
    whole = warp(image, moved_field(0, 3, 0, shape=SMALL), SMALL, bits=bits)
    assert np.argwhere(whole.bits & MaskBit.HOT).tolist() == [[30, 37]]
    assert HOLES & MaskBit.HOT
    assert not HOLES & MaskBit.SATURATED


def test_the_noise_is_what_the_variance_says():
    rng = np.random.default_rng(6)
    values = []
    placement = moved_field(0.2, 0.31, 0.42, shape=SMALL)
    variance = np.full(SMALL, 25, np.float32)
    for _ in range(200):
        warped = warp(rng.normal(0, 5, SMALL).astype(np.float32), placement, SMALL, variance=variance)
        values.append(warped.image[10:-10, 10:-10])
    pull = np.std(values, axis=0) / np.sqrt(warped.variance[10:-10, 10:-10])
    assert np.mean(pull) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("placement", [moved_field(180.2, 3, -5, shape=SHAPE), moved_field(25, 1, 2, shape=SHAPE)])
def test_bands_make_the_same_as_the_whole(placement):
    rng = np.random.default_rng(7)
    image = rng.normal(100, 10, SHAPE).astype(np.float32)
    bits = (rng.random(SHAPE) < 0.01).astype(np.uint8) * MaskBit.BAD
    whole = warp(image, placement, SHAPE, bits=bits)
    for y0, y1 in ((0, 37), (37, 38), (150, 200)):
        first, last = rows_needed(placement, y0, y1, SHAPE[1], SHAPE[0])
        out = empty((y1 - y0, SHAPE[1]), bits=True)
        warp_rows(image[first:last], placement, y0, out, first_row=first, frame_ny=SHAPE[0], bits=bits[first:last])
        np.testing.assert_array_equal(out.bits, whole.bits[y0:y1])
        np.testing.assert_allclose(out.image, whole.image[y0:y1], atol=1e-3, equal_nan=True)


def test_noise_that_nobody_gave_is_not_known_and_marks_of_none_are_none():
    image, out = np.ones(SMALL, np.float32), empty(SMALL, variance=True, bits=True)
    warp_rows(image, moved_field(0, 0.5, 0.5, shape=SMALL), 0, out)
    assert np.isnan(out.variance).all()
    assert (out.bits[:-1, :-1] == 0).all()
    np.testing.assert_allclose(out.image[:-1, :-1], 1, rtol=1e-6)
    image.setflags(write=False)  # as what is mapped from a file
    np.testing.assert_array_equal(warp(image, moved_field(0, 0.5, 0.5, shape=SMALL), SMALL).image, out.image)


def test_threads_change_nothing():
    image = np.random.default_rng(8).normal(100, 10, SHAPE).astype(np.float32)
    placement = moved_field(5, 1.5, 2.5, shape=SHAPE)
    np.testing.assert_array_equal(warp(image, placement, SHAPE).image, warp(image, placement, SHAPE, threads=3).image)


def test_with_holes_and_noise_threads_and_the_bands_they_do_change_nothing():
    rng = np.random.default_rng(12)
    image = rng.normal(100, 10, SHAPE).astype(np.float32)
    bits = (rng.random(SHAPE) < 0.02).astype(np.uint8) * np.uint8(MaskBit.HOT)
    placement = moved_field(184, 1.5, 2.5, shape=SHAPE)
    one, three = (warp(image, placement, SHAPE, variance=image, bits=bits, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one.image, three.image)
    np.testing.assert_array_equal(one.variance, three.variance)
    np.testing.assert_array_equal(one.bits, three.bits)


def test_weights_sum_to_one_and_are_single_at_whole_pixels():
    table = weight_table()
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(table[0], [0, 0, 0, 1, 0, 0, 0, 0], atol=1e-7)
    np.testing.assert_allclose(table[-1], [0, 0, 0, 0, 1, 0, 0, 0], atol=1e-7)


def test_frames_of_other_sizes_are_brought_to_the_reference():
    image = np.random.default_rng(9).normal(10, 1, (80, 50)).astype(np.float32)
    placement = Placement.identity((40, 60))
    warped = warp(image, placement, (40, 60))
    np.testing.assert_allclose(warped.image[:, :50], image[:40], atol=1e-5)
    assert np.isnan(warped.image[:, 50:]).all()
