"""Compile every kernel on tiny arrays, so that workers and first frames find them ready."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

SIDE = 96


def is_first_time() -> bool:
    """Whether nothing was compiled on this account yet, so that a person should be told why it takes a minute."""
    from pipeline_core.science import jit  # noqa: PLC0415, F401 - sets the folder

    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    return not folder.is_dir() or next(folder.rglob("*.nbi"), None) is None


def warm_up() -> None:
    """Call each hot function once with the types it sees in a run; later programs find the code in the user's cache."""
    from pipeline_core.science.calibrate import pixel_variance  # noqa: PLC0415 - heavy imports, on demand
    from pipeline_core.science.calibration_quality import measure_calibration  # noqa: PLC0415
    from pipeline_core.science.cosmic import clean_cosmic_rays  # noqa: PLC0415
    from pipeline_core.science.pixel_mask import saturated_bits  # noqa: PLC0415
    from pipeline_core.science.quality import measure_science  # noqa: PLC0415

    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE]
    image = rng.normal(400, 22, (SIDE, SIDE)).astype(np.float32)
    for sx, sy in ((20.3, 30.6), (60.1, 22.4), (40.7, 70.2), (75.5, 60.5)):  # a few stars of 2.4 px
        image += (4000 * np.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 2)).astype(np.float32)
    image[40, 40] += 5000
    saturated_bits(image.astype(np.uint16), 65535.0)
    saturated_bits(image, 65535.0)
    variance = pixel_variance(image.copy(), None, 9.0, 2.0, 0.1)
    nothing = np.zeros(image.shape, bool)
    for fwhm_px in (1.5, None):  # with and without the guard of sharp stars
        clean_cosmic_rays(image, variance, nothing, nothing, iterations=2, fwhm_px=fwhm_px)
    rings = np.full((160, 160), 400, np.float32)  # stars out of focus: sixteen of 5 px radius, and a hit on one
    y, x = np.mgrid[:40, :40]
    ring = 4000 * np.exp(-((np.hypot(x - 20.3, y - 19.8) - 5) ** 2))
    rings += np.tile(ring, (4, 4)).astype(np.float32)
    rings[20, 26] += 20000
    clean_cosmic_rays(rings, rings + np.float32(81), iterations=2)
    for kind in ("bias", "dark", "flat"):
        measure_calibration(image, kind, gain_e_per_adu=2.0, read_noise_e=9.0, saturation_adu=65535.0)
    measure_science(
        image,
        unit="electron",
        state="final",
        masked=nothing,
        saturated=nothing,
        gain_e_per_adu=1.0,
        read_noise_e=9.0,
        saturation=65535.0,
        pixel_scale_arcsec=None,
        cosmic_events=0,
        hot=nothing,
    )
