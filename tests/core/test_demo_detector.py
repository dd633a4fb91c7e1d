"""The demo night's camera: what it adds to light is what is written down."""

import numpy as np
import pytest

from pipeline_core.demo.detector import (
    FULL_SCALE_ADU,
    FULL_WELL_E,
    GAIN_E_PER_ADU,
    READ_NOISE_E,
    _bleed,
    cosmic_hits,
    expose,
    make_detector,
)

SIZE = 256


@pytest.fixture(scope="module")
def detector():
    return make_detector(SIZE, 5)


def take(detector, light, exposure_s, hits=None, seed=3):
    return expose(
        detector,
        light,
        exposure_s,
        hits,
        np.random.default_rng(seed),
        bias_adu=detector.bias_adu(),
        dark_e_per_s=detector.dark_e_per_s(),
    )


def test_the_same_seed_makes_the_same_chip_and_another_seed_another(detector):
    again, other = make_detector(SIZE, 5), make_detector(SIZE, 6)
    assert all(np.array_equal(detector.flats[name], again.flats[name]) for name in detector.flats)
    assert not np.array_equal(detector.flats["R"], other.flats["R"])


def test_flats_have_median_one_and_differ_between_filters(detector):
    for flat in detector.flats.values():
        assert np.median(flat) == pytest.approx(1, abs=1e-6)
    assert np.abs(detector.flats["R"] - detector.flats["V"]).max() > 0.03


def test_a_vignetting_of_60_percent_leaves_40_percent_in_the_corners():
    flat = make_detector(SIZE, 5, vignetting=0.6).flats["R"]
    middle = np.median(flat[118:138, 118:138])
    corner = np.median([flat[:10, :10], flat[-10:, :10], flat[:10, -10:], flat[-10:, -10:]])
    # The outermost 10 px lie at 0.92 of the squared distance: 1 - 0.6 * 0.92 = 0.45.
    assert corner / middle == pytest.approx(0.45, abs=0.04)


def test_dead_hot_and_unstable_pixels_are_different_ones(detector):
    together = np.concatenate([detector.dead, detector.hot, detector.unstable])
    assert len(np.unique(together)) == len(together)
    assert min(len(detector.dead), len(detector.hot), len(detector.unstable)) >= 3


def test_a_bias_has_the_read_noise_and_the_structure_of_the_columns(detector):
    counts = take(detector, None, 0.0).astype(float)
    rest = counts - detector.bias_adu()
    # Rounding adds 1/12 ADU²; 65,536 pixels know the scatter to 0.3 %.
    assert np.std(rest) == pytest.approx(np.hypot(READ_NOISE_E / GAIN_E_PER_ADU, 12**-0.5), rel=0.015)
    assert abs(np.mean(rest)) < 0.5


def test_light_comes_out_as_electrons_over_gain_with_poisson_noise(detector):
    light = np.full((SIZE, SIZE), 5000, np.float32)
    signal = (take(detector, light, 0.0).astype(float) - detector.bias_adu()) * GAIN_E_PER_ADU
    assert np.mean(signal) == pytest.approx(5000, abs=1.5)
    assert np.var(signal) == pytest.approx(5000 + READ_NOISE_E**2, rel=0.03)


def test_unstable_pixels_change_from_dark_to_dark(detector):
    darks = np.array(
        [take(detector, None, 90.0, seed=seed).ravel()[detector.unstable] for seed in range(12)], float
    )
    steps = detector.unstable_e_per_s * 90 / GAIN_E_PER_ADU
    assert (np.ptp(darks, axis=0) > 0.8 * steps).mean() > 0.8


def test_cosmic_rays_leave_what_the_truth_says():
    detector = make_detector(SIZE, 5)
    hits = cosmic_hits(SIZE, 90, 200, np.random.default_rng(1))
    deposited = np.zeros(SIZE * SIZE)
    np.add.at(deposited, hits.pixel, hits.electrons)
    with_hits, without = take(detector, None, 90, hits), take(detector, None, 90)
    rise = (with_hits.astype(float) - without).ravel() * GAIN_E_PER_ADU
    kept = deposited < 1e5
    assert np.abs(rise - deposited)[kept].max() <= 2 * GAIN_E_PER_ADU  # rounding of two frames
    assert np.count_nonzero(deposited) > 50


def test_rays_come_in_proportion_to_time_and_area():
    counts = [
        np.mean(
            [len(np.unique(cosmic_hits(size, s, 100, np.random.default_rng(k)).event)) for k in range(40)]
        )
        for size, s in ((512, 90), (256, 90), (512, 45))
    ]
    assert counts[0] == pytest.approx(25, rel=0.15)
    assert counts[1] == pytest.approx(counts[0] / 4, rel=0.3)
    assert counts[2] == pytest.approx(counts[0] / 2, rel=0.3)


def test_no_ray_at_all_is_no_error():
    hits = cosmic_hits(SIZE, 0.0, 100, np.random.default_rng(1))
    assert len(hits.pixel) == len(hits.electrons) == len(hits.event) == 0


def test_an_overfull_pixel_bleeds_up_and_down_its_column_and_loses_nothing():
    electrons = np.zeros((40, 40), np.float32)
    electrons[20, 11] = 5 * FULL_WELL_E
    _bleed(electrons)
    assert electrons.sum() == pytest.approx(5 * FULL_WELL_E, rel=1e-5)
    assert electrons.max() <= FULL_WELL_E * 1.0001
    assert set(np.flatnonzero(electrons.any(axis=0))) == {11}
    full = np.flatnonzero(electrons[:, 11])
    assert full[0] < 20 < full[-1]
    assert abs((full[0] + full[-1]) / 2 - 20) <= 1


def test_a_saturated_flat_reads_full_scale_everywhere(detector):
    counts = take(detector, np.full((SIZE, SIZE), 170_000, np.float32), 10.0)
    assert np.mean(counts == FULL_SCALE_ADU) > 0.99
