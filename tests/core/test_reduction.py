"""A frame calibrated in bands of rows is the frame calibrated whole, and that is what the textbook says."""

import gc
import weakref

import numpy as np
import pytest

from pipeline_core.errors import DataError
from pipeline_core.science import frame_cosmic, reduction
from pipeline_core.science.frame_cosmic import CosmicChoices
from pipeline_core.science.reduction import FrameFacts, Masters, reduce_frame
from pipeline_core.types import MaskBit, Section

NY, NX = 90, 150
TRIM, OVERSCAN = Section(2, 88, 0, 130), Section(0, 90, 130, 150)
FACTS = FrameFacts(2.0, 6.0, 60_000.0, pedestal_adu=100.0, overscan=OVERSCAN, trim=TRIM)


def night(seed=9):
    """Return a raw frame and its masters."""
    rng = np.random.default_rng(seed)

    def plane(level, sigma):
        return rng.normal(level, sigma, TRIM.shape).astype(np.float32)

    raw = rng.normal(2100, 30, (NY, NX)).round().astype(np.uint16)
    raw[:, 130:] = rng.normal(500, 3, (NY, 20)).round()
    raw[40, 50] = 65_535
    raw[20:23, 60] += 4000
    mask = np.zeros(TRIM.shape, np.uint8)
    mask[10, 10] = MaskBit.HOT
    flat = plane(1, 0.02)
    flat[30, 30], flat[31, 31] = 0.05, np.nan
    return raw, Masters(
        bias=plane(400, 2), dark=plane(430, 2), dark_scale=0.5, flat=flat, mask=mask, bias_uncertainty=plane(1, 0.1),
        dark_uncertainty=plane(2, 0.1), flat_uncertainty=plane(0.01, 0.001),
    )  # fmt: skip


def by_the_book(raw, masters):
    """Do it with whole arrays; without cosmic rays."""
    levels = raw[OVERSCAN.slices].mean(axis=1)
    place = np.arange(NY)
    image = raw - np.polyval(np.polyfit(place, levels, 1), place)[:, None]
    image = image[TRIM.slices] - 100.0
    light = image - masters.bias
    image = light - 0.5 * (masters.dark - masters.bias)
    good = masters.flat >= 0.1
    divisor = np.where(good, masters.flat, 1)
    variance = (np.maximum(2.0 * light, 0) + 6.0**2 + 2.0**2 / 12) / divisor**2
    return 2.0 * image / divisor, variance, good


def test_image_and_uncertainty_are_what_the_textbook_says():
    raw, masters = night()
    found = reduce_frame(raw, FACTS, masters, None, uncertainty=True)
    image, variance, good = by_the_book(raw, masters)
    np.testing.assert_allclose(found.image, image, rtol=1e-5, atol=2e-3)  # float32 of some thousand electrons
    zero = (
        2.0 * np.hypot(0.5 * masters.dark_uncertainty, 0.5 * masters.bias_uncertainty) / np.where(good, masters.flat, 1)
    )
    of_flat = np.where(good, image * masters.flat_uncertainty / np.where(good, masters.flat, 1), 0)
    np.testing.assert_allclose(found.uncertainty, np.sqrt(variance + zero**2 + of_flat**2), rtol=1e-4)
    assert found.mask[30, 30] & found.mask[31, 31] & MaskBit.BAD
    assert found.mask[10, 10] == MaskBit.HOT
    assert found.mask[38, 50] & MaskBit.SATURATED


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("cosmic", [None, CosmicChoices(), CosmicChoices(engine="astroscrappy")])
@pytest.mark.parametrize("without", [(), ("bias",), ("bias", "dark"), ("flat", "mask")])
def test_bands_and_threads_change_no_bit(monkeypatch, threads, cosmic, without):
    raw, masters = night()
    kept = {name: value for name, value in vars(masters).items() if name not in without}
    masters = Masters(**kept | ({"dark_scale": 1.0} if "bias" in without else {}))
    steps = {True: [], False: []}
    found = {}
    for whole in (True, False):
        monkeypatch.setattr(reduction, "BAND_PX", 1 << 30 if whole else 7 * TRIM.shape[1])
        found[whole] = reduce_frame(
            raw, FACTS, masters, cosmic, uncertainty=True, threads=1 if whole else threads, observe=steps[whole].append
        )
    for name in ("image", "mask", "uncertainty"):
        assert np.array_equal(getattr(found[True], name), getattr(found[False], name))
    assert found[True].made == found[False].made
    for one, other in zip(steps[True], steps[False], strict=True):
        assert (one.name, one.unit, one.note) == (other.name, other.unit, other.note)
        assert np.array_equal(one.image, other.image, equal_nan=True)


def test_a_pixel_without_a_value_is_found_in_whichever_band_it_lies(monkeypatch):
    raw, masters = night()
    raw = raw.astype(np.float32)
    raw[70, 100] = np.nan
    monkeypatch.setattr(reduction, "BAND_PX", 7 * TRIM.shape[1])
    found = reduce_frame(raw, FACTS, masters, CosmicChoices())
    assert np.isfinite(found.image).all()
    assert found.mask[68, 100] & MaskBit.NO_DATA
    assert np.count_nonzero(found.mask & MaskBit.NO_DATA) == 1


def test_the_raw_frame_is_let_go_before_cosmic_rays_are_looked_for(monkeypatch):
    raw, masters = night()
    gone = []
    kept = weakref.ref(raw)
    honest = frame_cosmic.replace_cosmic_rays

    def look(*planes, **choices):
        gc.collect()
        gone.append(kept() is None)
        return honest(*planes, **choices)

    monkeypatch.setattr(frame_cosmic, "replace_cosmic_rays", look)
    handed = [raw]
    del raw
    reduce_frame(handed.pop(), FACTS, masters, CosmicChoices())
    assert gone == [True]


def test_a_dark_cannot_be_scaled_without_a_bias():
    raw, masters = night()
    with pytest.raises(DataError, match="cannot be scaled"):
        reduce_frame(raw, FACTS, Masters(dark=masters.dark, dark_scale=0.5), None)
