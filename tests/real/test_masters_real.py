"""Masters of the two real nights."""

import os
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from pipeline_core.io.fits_file import read_image, read_layout
from pipeline_core.io.masters_file import read_mask, read_master
from pipeline_core.stages.masters import make_bias, make_dark, make_flat, make_mask, measure_gain
from pipeline_core.types import MaskBit

DATA = Path(os.environ.get("ASTEP_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here: set ASTEP_REAL_DATA")


def group(files, **settings):
    found = [read_layout(path) for path in files]
    inputs = {f"frame_{index:03d}": path for index, path in enumerate(files)}
    return {
        "frames": [p.name for p in files], "layouts": [asdict(layout) for _, layout, _ in found],
        "shape": list(found[0][2]), **settings,
    }, inputs  # fmt: skip


def section(text):
    x0, x1, y0, y1 = map(int, re.findall(r"\d+", text))
    return [y0 - 1, y1, x0 - 1, x1]


def test_jason_hot_pixels_of_the_lights_are_masked_and_the_mask_is_small(tmp_path):
    from scipy.ndimage import median_filter

    night = DATA / "ssp_jason6063"
    settings, inputs = group(sorted(night.glob("dark/*")))
    report = make_dark(settings, inputs, tmp_path / "dark.fits", 2)
    assert 7 < report["noise_adu"] < 11
    make_mask(settings, {**inputs, "dark": tmp_path / "dark.fits"}, tmp_path / "mask.fits", 2)
    mask = read_mask(tmp_path / "mask.fits")
    lights = []
    for path in sorted(night.glob("light/*")):
        header, layout, _ = read_layout(path)
        if abs(header["EXPTIME"] - 90) < 1:
            lights.append(read_image(path, layout))
    median = np.median(np.array(lights, np.float32), axis=0)
    above = median - median_filter(median, 7)
    hot = above > 10 * 1.4826 * np.median(np.abs(above))
    assert hot.sum() > 5000
    assert (mask[hot] & (MaskBit.HOT | MaskBit.UNSTABLE) > 0).mean() >= 0.9
    assert np.count_nonzero(mask) / mask.size <= 0.02


def test_lowell_flats_agree_on_one_gain_and_make_an_even_flat(tmp_path):
    night = DATA / "lowell5945"
    biases = sorted(night.glob("bias/*"))
    flats = [p for p in sorted(night.glob("flat/*")) if read_layout(p)[0]["FILTNAME"] == "VR"]
    assert len(flats) == 7
    header = read_layout(flats[0])[0]
    known = {"overscan": section(header["BIASSEC"]), "trim": section(header["TRIMSEC"]), "saturation_adu": 65535.0}
    gains = []
    for few in (flats[:2], flats[2:4], flats[4:6]):
        settings, inputs = group([*few, *biases], n_flats=2, **known)
        gains.append(measure_gain(settings, inputs, 2).gain_e_per_adu)
    # Three pairs of different levels tell one gain: 3.67 e/ADU where the header says 4.95.
    assert np.ptp(gains) / np.mean(gains) < 0.01
    assert np.mean(gains) == pytest.approx(3.67, abs=0.05)
    make_bias(*group(biases, **known), tmp_path / "bias.fits", 2)
    settings, inputs = group(flats, gain_e_per_adu=3.67, read_noise_e=4.3, **known)
    report = make_flat(settings, {**inputs, "bias": tmp_path / "bias.fits"}, tmp_path / "flat.fits", 2)
    master = read_master(tmp_path / "flat.fits", with_counts=True)
    assert master.image.shape == (1370, 1365)
    assert max(report["tilts"]) < 1.0
    assert master.n_used.mean() > 6.8
    assert np.isfinite(master.image).all()
