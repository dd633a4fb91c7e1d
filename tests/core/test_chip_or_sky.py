"""Stars keep their place in the sky, hot pixels on the chip, asteroids neither."""

from pathlib import Path

import numpy as np
import pytest
from align_helpers import moved_field

from pipeline_core.measures import StarList
from pipeline_core.science.chip_or_sky import Fixed, fixed_on
from pipeline_core.stages.align import align_pointing

SHAPE = (512, 512)


def night(seed, *, frames=10, drift=(3.0, 1.2), stars=120, hot=25, junk=15, seen=0.85, flip=None, scatter=0.15):
    """Detections of a drifting field: stars, hot pixels, one asteroid, noise; with what each of them is."""
    rng = np.random.default_rng(seed)
    sx, sy = rng.uniform(-60, 570, (2, stars))
    hx, hy = rng.integers(0, 512, (2, hot)).astype(float)
    detections, placements, truth = [], [], []
    for k in range(frames):
        turned = 180.0 if flip is not None and k >= flip else 0.1 * k / frames
        placed = moved_field(turned, drift[0] * k, drift[1] * k)
        x, y = placed.moved(sx, sy)
        # Faster than the drift, and in another direction.
        ax, ay = placed.moved(200.0 + 1.7 * k, 250.0 - 4.1 * k)
        kinds = np.concatenate([np.full(stars, Fixed.SKY), np.full(hot, Fixed.CHIP), [Fixed.NEITHER]])
        px = np.concatenate([x, hx, [ax]]) + rng.normal(0, scatter, kinds.size)
        py = np.concatenate([y, hy, [ay]]) + rng.normal(0, scatter, kinds.size)
        kept = (rng.random(kinds.size) < seen) & (px >= 0) & (py >= 0) & (px < 512) & (py < 512)
        jx, jy = rng.uniform(0, 512, (2, junk))
        detections.append((np.append(px[kept], jx), np.append(py[kept], jy)))
        truth.append(np.append(kinds[kept], np.full(junk, Fixed.NEITHER)))
        placements.append(placed)
    return detections, placements, truth


@pytest.mark.parametrize("flip", [None, 5], ids=["drift", "flip"])
@pytest.mark.parametrize("seed", range(4))
def test_stars_hot_pixels_and_asteroids_are_told_apart(seed, flip):
    detections, placements, truth = night(seed, flip=flip)
    found = fixed_on(detections, placements, SHAPE)
    label, true = (np.concatenate(part) for part in ([v.label for v in found], truth))
    known = label != Fixed.UNKNOWN
    assert known.mean() > 0.97
    for kind in (Fixed.SKY, Fixed.CHIP, Fixed.NEITHER):
        these = known & (true == kind)
        assert np.mean(label[these] == kind) > 0.97, kind.name
    # The one that matters: no hot pixel passes for something that moves among the stars.
    assert np.mean(label[known & (true == Fixed.CHIP)] == Fixed.NEITHER) < 0.02


def test_an_asteroid_at_minus_the_drift_rate_is_a_hot_pixel_to_all_that_can_be_seen():
    detections, placements, _ = night(1)
    found = fixed_on(detections, placements, SHAPE)
    on_chip = [v.on_chip[v.label == Fixed.CHIP] for v in found]
    assert min(count.min() for count in on_chip if count.size) >= 2


def test_without_drift_nothing_is_said():
    detections, placements, _ = night(2, drift=(0.05, 0.02))
    for verdict in fixed_on(detections, [moved_field()] * len(placements), SHAPE):
        assert (verdict.label == Fixed.UNKNOWN).all()
        assert (verdict.frames == 0).all()


def test_two_frames_are_too_few():
    detections, placements, _ = night(3, frames=2)
    assert all((v.label == Fixed.UNKNOWN).all() for v in fixed_on(detections, placements, SHAPE))


def test_frames_without_a_place_are_unknown_and_do_not_count():
    detections, placements, _ = night(4)
    placements[3] = None
    found = fixed_on(detections, placements, SHAPE)
    assert (found[3].label == Fixed.UNKNOWN).all()
    assert max(v.frames.max() for v in found) == len(placements) - 2


def test_a_crowd_of_detections_makes_no_stars_out_of_noise():
    rng = np.random.default_rng(5)
    detections = [tuple(rng.uniform(0, 512, (2, 1500))) for _ in range(8)]
    placements = [moved_field(0, 4.0 * k, 0) for k in range(8)]
    label = np.concatenate([v.label for v in fixed_on(detections, placements, SHAPE)])
    assert np.mean((label == Fixed.SKY) | (label == Fixed.CHIP)) < 0.002


def test_an_empty_frame_is_no_error():
    detections, placements, _ = night(6)
    detections[0] = (np.zeros(0), np.zeros(0))
    found = fixed_on(detections, placements, SHAPE)
    assert found[0].label.size == 0
    assert fixed_on([], [], SHAPE) == []


def test_in_a_long_night_a_few_others_spread_over_it_tell_as_much():
    detections, placements, truth = night(3, frames=40, drift=(1.5, 0.6))
    placements[7] = None
    for k, (verdict, true) in enumerate(zip(fixed_on(detections, placements, SHAPE, most=12), truth, strict=True)):
        assert verdict.frames.max(initial=0) <= 12
        known = verdict.label != Fixed.UNKNOWN
        assert known.any() == (k != 7)
        if k != 7:
            assert np.mean(verdict.label[known] == true[known]) > 0.9


def pointing(detections):
    """What the quality tasks of these frames would have reported: hot pixels are the brightest of all."""
    rng = np.random.default_rng(9)
    flux = np.sort(rng.uniform(3e3, 3e5, 2000))[::-1]
    measured = {}
    for k, (x, y) in enumerate(detections):
        stars = StarList(np.asarray(x), np.asarray(y), flux[: len(x)], flux[: len(x)])
        measured[f"{k:02d}.fits"] = {"stars": stars.as_lists(), "measures": {"noise": 12.0, "fwhm_px": 2.4}}
    paths = list(measured)
    return {
        "frames": paths, "shape": list(SHAPE), "rejected": [], "reference": None, "max_order": 1, "measured": measured,
    }  # fmt: skip


def counts(detections):
    (field,) = align_pointing(pointing(detections), {}, Path(), 1)["fields"]
    return [one["on_chip"] for one in field["frames"].values()]


def test_the_alignment_counts_what_keeps_to_the_chip_frame_by_frame():
    detections, _, truth = night(4, junk=0, scatter=0.05)
    assert counts(detections) == pytest.approx([int((true == Fixed.CHIP).sum()) for true in truth], abs=3)
    detections, _, _ = night(4, junk=0, scatter=0.05, hot=0)
    assert counts(detections) == [0] * 10


def test_the_alignment_counts_nothing_where_the_field_stands_still():
    detections, _, _ = night(5, junk=0, scatter=0.05, drift=(0.02, 0.01))
    assert counts(detections) == [None] * 10
