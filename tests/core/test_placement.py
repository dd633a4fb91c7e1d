"""Frames are placed on each other to a few hundredths of a pixel, whatever the telescope did between them."""

import json

import numpy as np
import pytest
from align_helpers import error_px, frame_of, moved_field, star_places

from pipeline_core.measures import StarList
from pipeline_core.science.alignment import Alignment, align
from pipeline_core.science.field_alignment import FrameStars, align_field, reference_rank
from pipeline_core.science.placement import Placement, position_error, refine
from pipeline_core.science.quality import measure_science

SHAPE = (512, 512)


def measured(image):
    measures, stars = measure_science(image, unit="electron", state="final", gain_e_per_adu=1.0, read_noise_e=9.0)
    return FrameStars(stars, measures.noise, measures.fwhm_px or np.nan, measures.ellipticity or np.nan)


def star_list(x, y, flux):
    order = np.argsort(-flux)
    return StarList(x[order], y[order], flux[order], np.full(len(x), 3.0))


def lists(truth, seed, *, n=120, noise=20.0, lost=0.1, wrong=6, shape=SHAPE):
    """Two star lists whose places scatter as :func:`position_error` says."""
    rng = np.random.default_rng(seed)
    x, y, flux = star_places(rng, n, shape)
    error = position_error(flux, noise, 3.0, 1.0)
    out = []
    for place in (Placement.identity(shape), truth):
        px, py = place.moved(x, y)
        px, py = px + rng.normal(0, error), py + rng.normal(0, error)
        kept = (px > 0) & (py > 0) & (px < shape[1]) & (py < shape[0]) & (rng.random(len(x)) > lost)
        px, py = np.append(px[kept], rng.uniform(0, shape[1], wrong)), np.append(py[kept], rng.uniform(0, 500, wrong))
        out.append(star_list(px, py, np.append(flux[kept], rng.choice(flux, wrong))))
    return out


def placed(truth, seed, **options):
    order = options.pop("highest_order", 2)
    reference, here = lists(truth, seed, **options)
    shape = options.get("shape", SHAPE)
    start = align(reference, here)
    assert start is not None, f"seed {seed}"
    errors = tuple(position_error(s.flux, 20.0, 3.0, 1.0) for s in (reference, here))
    return start, refine(start, reference, here, shape, error_px=errors, highest_order=order)


@pytest.mark.parametrize(
    "truth",
    [
        moved_field(0, 3.3, -2.7),
        moved_field(179.7, 120.4, -20.2, scale=1.0004),
        moved_field(0.4, 12, 60, mirrored=True),
        moved_field(180.2, -5, 8, mirrored=True),
        moved_field(37, 5, 9),
    ],
    ids=["shift", "flip", "mirrored", "mirrored flip", "turned"],
)
@pytest.mark.parametrize("seed", range(3))
def test_measured_frames_agree_to_a_tenth_of_a_pixel(truth, seed):
    rng = np.random.default_rng(seed)
    stars = star_places(rng, 130)
    frames = [measured(frame_of(place, stars, rng=rng)) for place in (moved_field(), truth)]
    aligned = align_field(frames, SHAPE, reference=0)
    fit = aligned.frames[1].placement
    assert fit is not None
    assert fit.mirrored is truth.mirrored
    assert fit.rms_px <= 0.1
    assert error_px(fit, truth) < 0.05
    assert fit.rotation_deg == pytest.approx(truth.rotation_deg, abs=0.02)
    np.testing.assert_allclose(fit.displacement, truth.displacement, atol=0.05)


def test_cloud_and_few_stars_still_agree_to_a_tenth():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        stars = star_places(rng, 90)
        clear = measured(frame_of(moved_field(), stars, rng=rng))
        cloudy = measured(frame_of(moved_field(180.1, 14, -9), stars, rng=rng, through=0.12))
        assert 5 <= len(cloudy.stars) < 0.75 * len(clear.stars)
        fit = align_field([clear, cloudy], SHAPE).frames[1]
        assert fit.placement is not None, f"seed {seed}"
        assert error_px(fit.placement, moved_field(180.1, 14, -9)) < 0.1, f"seed {seed}"
        assert fit.flux_ratio == pytest.approx(0.12, rel=0.08)


def test_distortion_is_fitted_where_the_stars_show_it_and_only_there():
    bent = moved_field(179.8, 30, 12, bend=0.6)
    orders = [placed(moved_field(0.1, 4, 5), seed, highest_order=3)[1].order for seed in range(10)]
    assert orders == [1] * 10
    for seed in range(5):
        _, fit = placed(bent, seed, n=300, highest_order=3)
        assert fit.order == 3, f"seed {seed}"
        assert error_px(fit, bent) < 0.05
        _, plain = placed(bent, seed, n=300, highest_order=1)
        assert plain.order == 1
        assert error_px(plain, bent) > 2 * error_px(fit, bent)


def test_an_affine_shear_is_found_that_a_similarity_cannot_follow():
    straight = moved_field(0.2, 7, -3)
    a, b, c = straight.x_terms
    sheared = Placement(straight.centre, straight.reach, (a, b * 1.002, c + 0.3), straight.y_terms)
    for seed in range(5):
        start, fit = placed(sheared, seed)
        assert error_px(fit, sheared) < 0.05, f"seed {seed}"
        assert error_px(Placement.of(start, SHAPE), sheared) > 0.1


def test_few_stars_keep_a_similarity():
    for seed in range(10):
        _, fit = placed(moved_field(180, 3, 4), seed, n=9, lost=0.0, wrong=0)
        # A turn and one scale: the derivatives of a similarity.
        (xu, xv), (yu, yv) = fit.x_terms[1:3], fit.y_terms[1:3]
        assert xu == pytest.approx(yv, abs=1e-9)
        assert xv == pytest.approx(-yu, abs=1e-9)
        assert error_px(fit, moved_field(180, 3, 4)) < 0.5


def test_an_asteroid_and_blends_do_not_pull_the_fit():
    reference, here = lists(moved_field(0, 2, 1), 3)
    rng = np.random.default_rng(9)
    pulled = np.array(here.x_px)
    pulled[rng.choice(len(here), 15, replace=False)] += 0.8
    here = StarList(pulled, here.y_px, here.flux, here.fwhm_px)
    start = align(reference, here)
    errors = tuple(position_error(s.flux, 20.0, 3.0, 1.0) for s in (reference, here))
    fit = refine(start, reference, here, SHAPE, error_px=errors)
    assert error_px(fit, moved_field(0, 2, 1)) < 0.03


def test_the_stated_residual_is_that_of_the_places():
    pulls = []
    for seed in range(12):
        reference, here = lists(moved_field(0.3, 5, 5), seed, wrong=0)
        errors = tuple(position_error(s.flux, 20.0, 3.0, 1.0) for s in (reference, here))
        fit = refine(align(reference, here), reference, here, SHAPE, error_px=errors)
        # Weighted as it was fitted: two axes, both lists, bright stars first.
        expected = np.sqrt(2 * 2 / np.mean(1 / errors[1] ** 2))
        pulls.append(fit.rms_px / expected)
    # The biweight leaves the outermost stars little weight, which makes a Gaussian look 10 % narrower.
    assert 0.8 < np.mean(pulls) < 1.05


@pytest.mark.parametrize("truth", [moved_field(12, 3, 4, scale=1.01), moved_field(170, -8, 2, mirrored=True, bend=0.8)])
def test_moving_and_returning_is_the_identity(truth):
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0, 512, (2, 40))
    np.testing.assert_allclose(truth.returned(*truth.moved(x, y)), (x, y), atol=1e-6)
    again = Placement.from_dict(json.loads(json.dumps(truth.as_dict())))
    assert again == truth


def test_area_follows_scale_and_distortion():
    assert moved_field(33, scale=1.01).area(100.0, 50.0) == pytest.approx(1.01**2, rel=1e-9)
    bent = moved_field(bend=2.0)
    # d(r + b r³)/dr (1 + b r²) at the middle of an edge, in units of the reach.
    assert bent.area(511.0, 255.5) == pytest.approx((1 + 6 / 256) * (1 + 2 / 256), rel=2e-3)
    assert bent.area(255.5, 255.5) == pytest.approx(1.0, abs=1e-4)


def test_a_similarity_reads_the_same_in_both_forms():
    for mirrored in (False, True):
        one = Alignment(0.999 * np.exp(2.2j), 30 - 4j, mirrored)
        same = Placement.of(one, SHAPE)
        assert same.mirrored is mirrored
        assert same.rotation_deg == pytest.approx(one.rotation_deg)
        assert same.scale == pytest.approx(one.scale)
        np.testing.assert_allclose(same.moved([1.0, 400.0], [7.0, 3.0]), one.moved([1.0, 400.0], [7.0, 3.0]))


def test_position_errors_of_measured_stars_are_as_stated():
    off, stated = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x, y, flux = star_places(rng, 100, margin=25, apart=30)
        look = measured(frame_of(moved_field(), (x, y, flux), rng=rng))
        error = position_error(look.stars.flux, look.noise, look.fwhm_px, 1.0)
        for sx, sy, e in zip(look.stars.x_px, look.stars.y_px, error, strict=True):
            near = int(np.argmin(np.hypot(x - sx, y - sy)))
            if np.hypot(x[near] - sx, y[near] - sy) < 1.0:
                off += [x[near] - sx, y[near] - sy]
                stated += [e, e]
    assert len(off) > 200
    pull = np.array(off) / np.array(stated)
    assert 0.7 < 1.4826 * np.median(np.abs(pull)) < 1.2
    assert abs(np.median(off)) < 0.003  # no star leans to one side


def frame_stars(n, *, flux=1e4, noise=20.0, fwhm=2.5, ellipticity=0.05, may_serve=True, seed=1):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 512, (2, n))
    return FrameStars(StarList(x, y, np.full(n, flux), np.full(n, fwhm)), noise, fwhm, ellipticity, may_serve=may_serve)


def test_the_reference_is_deep_round_and_accepted():
    ordinary, cloudy, trailed, wide, rejected = (
        frame_stars(50),
        frame_stars(50, flux=3e3),
        frame_stars(50, flux=1.2e4, ellipticity=0.45),
        frame_stars(50, fwhm=4.0),
        frame_stars(50, flux=2e4, may_serve=False),
    )
    rank = reference_rank([cloudy, trailed, ordinary, wide, rejected])
    assert int(np.nanargmax(rank)) == 2
    assert np.isnan(rank[4])


def test_where_all_are_rejected_one_still_serves():
    rank = reference_rank([frame_stars(20, may_serve=False), frame_stars(20, flux=9e3, may_serve=False)])
    assert int(np.nanargmax(rank)) == 0


def test_frames_without_a_place_say_why():
    rng = np.random.default_rng(2)
    stars = star_places(rng, 90)
    here = measured(frame_of(moved_field(), stars, rng=rng))
    other = measured(frame_of(moved_field(), star_places(np.random.default_rng(77), 90), rng=rng))
    looks = [here, other, frame_stars(0), frame_stars(2), measured(frame_of(moved_field(0, 5, 5), stars, rng=rng))]
    found = align_field(looks, SHAPE, reference=0)
    assert [one.placement is not None for one in found.frames] == [True, False, False, False, True]
    assert "another field" in found.frames[1].reason
    assert "no star" in found.frames[2].reason
    assert "only 2 stars" in found.frames[3].reason


def test_no_frame_with_stars_is_no_error():
    found = align_field([frame_stars(0), frame_stars(1)], SHAPE)
    assert found.reference == -1
    assert all(one.placement is None and one.reason for one in found.frames)


def test_a_frame_that_drifted_off_the_reference_is_placed_through_its_neighbours():
    rng = np.random.default_rng(11)
    stars = star_places(rng, 500, margin=-500)
    frames = [measured(frame_of(moved_field(0, 130.0 * k, 0), stars, rng=rng)) for k in range(5)]
    found = align_field(frames, SHAPE, reference=0)
    last = found.frames[4].placement  # 520 px: not one star of the reference is left
    assert last is not None
    assert last.displacement[0] == pytest.approx(520.0, abs=0.3)


def test_light_is_told_against_the_reference_where_its_stars_have_drifted_away_under_cloud():
    rng = np.random.default_rng(12)
    x, y, flux = rng.uniform(0, 2000, 900), rng.uniform(0, 512, 900), 1000 * (rng.pareto(1.2, 900) + 1)
    through = [1.0, 1.0, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 1.0, 1.0, 1.0]
    frames = []
    for k, light in enumerate(through):
        here = x - 75.0 * min(k, 7)
        seen = np.flatnonzero((here > 5) & (here < 507))
        seen = seen[np.argsort(-flux[seen])][:60]
        places = (here[seen] + rng.normal(0, 0.03, 60), y[seen] + rng.normal(0, 0.03, 60))
        frames.append(FrameStars(StarList(*places, flux[seen] * light, np.full(60, 2.5)), 10.0, 2.5))
    found = align_field(frames, SHAPE, reference=0)
    assert [one.flux_ratio for one in found.frames] == pytest.approx(through, rel=0.02)


@pytest.mark.parametrize("bent", [0.0, 0.4])
def test_a_frame_is_seen_from_another_as_both_placements_together_say(bent):
    middle = complex(255.5, 255.5)
    flipped = Placement.of(Alignment(-1 + 0j, 2 * middle + 8 - 3j), SHAPE)
    own = Placement.of(Alignment(-1.001 + 0.002j, 2 * middle - 5 + 1j), SHAPE)
    if bent:
        terms = (bent, 0.0, -bent)
        own = Placement(own.centre, own.reach, own.x_terms + terms, own.y_terms + terms)
    seen = own.seen_from(flipped)
    x, y = np.random.default_rng(5).uniform(0, 511, (2, 200))
    wanted = own.moved(*flipped.returned(x, y))
    assert np.abs(np.subtract(seen.moved(x, y), wanted)).max() < 1e-6
    assert abs(seen.rotation_deg) < 0.2  # both lie beyond the flip: between them nothing is turned
    assert own.seen_from(own).displacement == pytest.approx((0.0, 0.0), abs=1e-5)
