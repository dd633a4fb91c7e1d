"""Compile every kernel on a tiny image, so that workers and first frames find them ready."""

from __future__ import annotations

import numpy as np


def warm_up() -> None:
    """Call each hot function once with the types it sees in a run; later programs find the code in the user's cache."""
    from pipeline_core.science.calibrate import pixel_variance  # noqa: PLC0415 - heavy imports, on demand
    from pipeline_core.science.cosmic import clean_cosmic_rays  # noqa: PLC0415
    from pipeline_core.science.pixel_mask import saturated_bits  # noqa: PLC0415
    from pipeline_core.science.quality import measure_science  # noqa: PLC0415

    rng = np.random.default_rng(1)
    image = rng.normal(400, 22, (96, 96)).astype(np.float32)
    image[40, 40] += 5000
    raw = image.astype(np.uint16)
    saturated_bits(raw, 65535.0)
    variance = pixel_variance(image.copy(), None, 9.0, 2.0, 0.1)
    nothing = np.zeros(image.shape, bool)
    clean_cosmic_rays(image, variance, nothing, sigclip=4.5, sigfrac=0.3, objlim=5.0, iterations=2)
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
        cosmic_events=None,
    )
