"""Quality of frames: what is measured on each calibration frame before masters, and on each science frame after."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.errors import AstepError
from pipeline_core.io.calibrated_file import read_calibrated
from pipeline_core.io.fits_file import RowReader, read_image
from pipeline_core.io.masters_file import stored_master
from pipeline_core.measures import StarList
from pipeline_core.science.calibration_quality import screen_calibration
from pipeline_core.science.dark_match import dark_residual
from pipeline_core.science.overscan import subtract_overscan
from pipeline_core.science.quality import measure_science, quick_science
from pipeline_core.science.stars_touched import stars_touched
from pipeline_core.stage import Made, Stage
from pipeline_core.types import ImageLayout, MaskBit, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline_core.io.fits_file import Pixels
    from pipeline_core.types import Image

    Rows = Callable[[int, int], Pixels]


STARS = "stars_"
"""How the inputs begin that tell where stars are."""
_ROWS = 32
"""Of the masters at a time: they stay in the processor's cache."""


def measure_raw_calibration(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Measure one bias, dark or flat, trimmed and overscan-corrected.

    ``settings``: ``kind``, ``layout``, ``overscan``, ``overscan_order``, ``trim``, ``gain_e_per_adu``,
    ``read_noise_e``, ``saturation_adu``, and of darks ``stars_…``: what :func:`find_stars` found in science frames.
    Input: ``raw``. Nothing is written. ``of`` in the report says as what which file was looked at.
    """
    del out, threads
    file = inputs["raw"].stat()
    layout = ImageLayout(**settings["layout"])
    saturation = settings["saturation_adu"]
    with ExitStack() as opened:
        if settings["overscan"] or layout.compressed:
            image = read_image(inputs["raw"], layout)
            if settings["overscan"]:
                image, level = _without_overscan(image, settings)
                saturation = saturation - level if saturation is not None else None
            ny, nx = image.shape
            rows = _rows_of(image)
        else:
            reader = opened.enter_context(RowReader(inputs["raw"], layout))
            ny, nx = reader.shape
            rows = _rows_read(reader)
            rows(ny - 1, ny)  # a file that is cut short says so here, whichever of its rows are looked at
        trim = Section(*settings["trim"]) if settings["trim"] else Section(0, ny, 0, nx)
        measures = screen_calibration(
            lambda y0, y1: rows(trim.y0 + y0, trim.y0 + y1)[:, trim.x0 : trim.x1],
            trim.shape,
            settings["kind"],
            gain_e_per_adu=settings["gain_e_per_adu"] or 1.0,
            read_noise_e=settings["read_noise_e"],
            saturation_adu=saturation,
            stars=[
                (StarList.from_lists(found["stars"]), found["fwhm_px"])
                for name, found in settings.items()
                if name.startswith(STARS) and found["fwhm_px"] is not None
            ],
        )
    return {"measures": asdict(measures), "of": looked_at(settings["kind"], file.st_size, file.st_mtime_ns)}


def looked_at(kind: str, size_bytes: int, mtime_ns: int) -> dict[str, Any]:
    """Return how a report names the file that was measured, and as what: another file of its name is another frame."""
    return {"kind": kind, "size_bytes": size_bytes, "mtime_ns": mtime_ns}


def _without_overscan(raw: Pixels, settings: Mapping[str, Any]) -> tuple[Image, float]:
    """Return the frame without its overscan level, and the median of that."""
    section = Section(*settings["overscan"])
    image = raw.astype(np.float32)
    level = float(np.median(image[section.slices]))
    subtract_overscan(image, section, settings["overscan_order"])
    return image, level


def _rows_of(image: Pixels) -> Rows:
    return lambda y0, y1: image[y0:y1]


def _rows_read(reader: RowReader) -> Rows:
    """Return what reads rows when they are asked for."""

    def rows(y0: int, y1: int) -> Pixels:
        band: Pixels = np.empty((y1 - y0, reader.shape[1]), reader.dtype)
        reader.read_rows(y0, y1, band)
        return band

    return rows


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


def find_stars(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """List the stars of one raw science frame, to be looked for in darks; none where it cannot be read."""
    try:
        found = measure_quickly(settings, inputs, out, threads)
    except AstepError:  # said of the frame itself when it is calibrated: the darks are measured all the same
        return {"stars": {}, "fwhm_px": None}
    return {"stars": found["stars"], "fwhm_px": found["measures"]["fwhm_px"]}


def measure_calibrated(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Measure one calibrated science frame.

    ``settings``: ``gain_e_per_adu``, ``read_noise_e``, ``saturation``, ``pixel_scale_arcsec``, ``max_stars``,
    ``cosmic_events`` is read from the file's header. Inputs: ``calibrated`` and, to see whether the dark fits, ``dark``
    and ``bias``.
    """
    del out, threads
    frame = read_calibrated(inputs["calibrated"], with_uncertainty=False)
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
    )
    del bad
    made: Made = {"measures": asdict(measures), "stars": stars.as_lists()}
    if settings["cosmic"] and measures.fwhm_px is not None:
        hits = (frame.mask & MaskBit.COSMIC) != 0
        touched, checked = stars_touched(stars.x_px, stars.y_px, measures.fwhm_px, hits)
        made["measures"] |= {"stars_touched": touched, "stars_checked": checked}
    if "dark" in inputs and "bias" in inputs:
        current = _dark_current(inputs["dark"], inputs["bias"])
        if is_electron:
            current *= np.float32(settings["raw_gain_e_per_adu"])
        fraction, error = dark_residual(frame.image, current)
        if np.isfinite(fraction):  # not with too few hot pixels to tell
            made["dark_residual"] = [fraction, error]
    return made


def _dark_current(dark: Path, bias: Path) -> Image:
    """Return a master dark without the bias it holds, ADU."""
    with stored_master(dark) as whole, stored_master(bias) as level:
        ny, nx = whole.image.shape
        current = np.empty((ny, nx), np.float32)
        for y0 in range(0, ny, _ROWS):
            rows = slice(y0, y0 + _ROWS)
            np.subtract(whole.image[rows], level.image[rows], out=current[rows])
    return current


MEASURE_CALIBRATION = Stage("quality of calibration frames", 5, measure_raw_calibration)
FIND_STARS = Stage("stars to look for in darks", 1, find_stars, is_aid=True)
MEASURE_QUICK = Stage("quick look", 4, measure_quickly)
MEASURE_SCIENCE = Stage("quality", 6, measure_calibrated)
