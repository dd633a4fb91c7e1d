"""Quality of frames: what is measured on each calibration frame before masters, and on each science frame after."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.io.calibrated_file import read_calibrated
from pipeline_core.io.fits_file import read_image
from pipeline_core.io.masters_file import read_master
from pipeline_core.science.calibration_quality import screen_calibration
from pipeline_core.science.cosmic import stars_touched
from pipeline_core.science.dark_match import dark_residual
from pipeline_core.science.overscan import subtract_overscan
from pipeline_core.science.quality import measure_science, quick_science
from pipeline_core.stage import Made, Stage
from pipeline_core.types import ImageLayout, MaskBit, Section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def measure_raw_calibration(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Measure one bias, dark or flat, trimmed and overscan-corrected.

    ``settings``: ``kind``, ``layout``, ``overscan``, ``overscan_order``, ``trim``, ``gain_e_per_adu``,
    ``read_noise_e``, ``saturation_adu``. Input: ``raw``. Nothing is written.
    """
    del out, threads
    raw = read_image(inputs["raw"], ImageLayout(**settings["layout"]))
    saturation = settings["saturation_adu"]
    if settings["overscan"]:
        section = Section(*settings["overscan"])
        raw = raw.astype(np.float32)
        level = float(np.median(raw[section.slices]))
        subtract_overscan(raw, section, settings["overscan_order"])
        saturation = saturation - level if saturation is not None else None
    if settings["trim"]:
        raw = raw[Section(*settings["trim"]).slices]
    measures = screen_calibration(
        raw,
        settings["kind"],
        gain_e_per_adu=settings["gain_e_per_adu"] or 1.0,
        read_noise_e=settings["read_noise_e"],
        saturation_adu=saturation,
    )
    return {"measures": asdict(measures)}


def measure_quickly(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Measure one raw science frame on a part of its pixels, as soon as a night is opened."""
    del out, threads
    raw = read_image(inputs["raw"], ImageLayout(**settings["layout"]))
    if settings["trim"]:
        raw = raw[Section(*settings["trim"]).slices]
    measures, stars = quick_science(
        raw,
        gain_e_per_adu=settings["gain_e_per_adu"] or 1.0,
        read_noise_e=settings["read_noise_e"],
        saturation=settings["saturation_adu"],
        pixel_scale_arcsec=settings["pixel_scale_arcsec"],
    )
    return {"measures": asdict(measures), "stars": stars.as_lists()}


def measure_calibrated(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Measure one calibrated science frame.

    ``settings``: ``gain_e_per_adu``, ``read_noise_e``, ``saturation``, ``pixel_scale_arcsec``, ``max_stars``,
    ``cosmic_events`` is read from the file's header. Inputs: ``calibrated`` and, to see whether the dark fits, ``dark``
    and ``bias``.
    """
    del out, threads
    frame = read_calibrated(inputs["calibrated"])
    bad = (frame.mask & ~np.uint8(MaskBit.COSMIC)) != 0
    is_electron = frame.header.get("BUNIT") == "electron"
    measures, stars = measure_science(
        frame.image,
        unit="electron" if is_electron else "ADU",
        state="final",
        masked=bad,
        saturated=(frame.mask & MaskBit.SATURATED) != 0,
        gain_e_per_adu=1.0 if is_electron else settings["gain_e_per_adu"],
        read_noise_e=settings["read_noise_e"],
        saturation=settings["saturation"],
        pixel_scale_arcsec=settings["pixel_scale_arcsec"],
        cosmic_events=frame.header.get("NCOSMIC"),
        max_stars=settings["max_stars"],
        hot=(frame.mask & MaskBit.HOT) != 0,
    )
    made: Made = {"measures": asdict(measures), "stars": stars.as_lists()}
    if settings["cosmic"] and measures.fwhm_px is not None:
        hits = (frame.mask & MaskBit.COSMIC) != 0
        touched, checked = stars_touched(stars.x_px, stars.y_px, measures.fwhm_px, hits)
        made["measures"] |= {"stars_touched": touched, "stars_checked": checked}
    if "dark" in inputs and "bias" in inputs:
        dark, bias = read_master(inputs["dark"]), read_master(inputs["bias"])
        current = np.subtract(dark.image, bias.image, dtype=np.float32)
        if is_electron:
            current *= np.float32(settings["raw_gain_e_per_adu"])
        fraction, error = dark_residual(frame.image, current)
        if np.isfinite(fraction):  # not with too few hot pixels to tell
            made["dark_residual"] = [fraction, error]
    return made


MEASURE_CALIBRATION = Stage("quality of calibration frames", 2, measure_raw_calibration)
MEASURE_QUICK = Stage("quick look", 2, measure_quickly)
MEASURE_SCIENCE = Stage("quality", 2, measure_calibrated)
