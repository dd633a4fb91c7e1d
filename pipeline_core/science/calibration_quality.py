"""Quality of calibration frames: level, noise, structure, hot pixels, and stars where none should be."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from pipeline_core.measures import CalibrationMeasures, StarList
from pipeline_core.science.background import sky_mesh, sky_plane, without_sky
from pipeline_core.science.dark_sources import count_above, count_sources, median_of_nine
from pipeline_core.science.quality import blocks_of, plain, seams_of
from pipeline_core.science.robust import median_and_sigma, pixel_noise
from pipeline_core.science.stray_stars import StrayLight, stray_starlight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline_core.types import Mask

SCREENED_ABOVE_PX = 2048 * 2048
"""Larger frames are looked at in nine blocks first: a night has dozens of them, and most are sound."""

_STRIP_ROWS = 64


def screen_calibration(
    rows: Callable[[int, int], npt.NDArray[Any]],
    shape: tuple[int, int],
    kind: Literal["bias", "dark", "flat", "flatdark"],
    *,
    gain_e_per_adu: float | None = None,
    read_noise_e: float | None = None,
    saturation_adu: float | None = None,
    stars: Sequence[tuple[StarList, float]] = (),
) -> CalibrationMeasures:
    """Measure a calibration frame: a large one on nine blocks, and whole only if they show a source.

    Parameters
    ----------
    rows : callable
        ``rows(y0, y1)`` gives (y1 - y0, nx) uint16 or float32, ADU: trimmed, overscan subtracted where there is one.
        Of a large frame only those of the blocks are asked for.
    shape : (ny, nx)
        Of the whole.
    kind, gain_e_per_adu, read_noise_e, saturation_adu, stars
        As in :func:`measure_calibration`.

    Returns
    -------
    CalibrationMeasures
        Counts of a screened frame are scaled to the whole of it.

    Notes
    -----
    The blocks are 11 % of a 4096² frame. Twenty stars spread over a dark leave none in them once in ten such darks;
    a shutter that opened leaves hundreds.
    """
    measure = partial(
        measure_calibration,
        kind=kind,
        gain_e_per_adu=gain_e_per_adu,
        read_noise_e=read_noise_e,
        saturation_adu=saturation_adu,
    )
    ny, nx = shape
    if ny * nx <= SCREENED_ABOVE_PX:
        return measure(rows(0, ny), stars=stars)
    blocks = blocks_of(ny, nx)
    part = _joined_blocks(rows, blocks)
    folded = [(_in_blocks(listed, blocks), fwhm_px) for listed, fwhm_px in stars]
    found = measure(part, masked=seams_of(part.shape, blocks), stars=folded)
    if found.sources:
        return measure(rows(0, ny), stars=stars)
    return replace(found, hot_pixels=round(found.hot_pixels * ny * nx / part.size))


def measure_calibration(
    image_adu: npt.NDArray[Any],
    kind: Literal["bias", "dark", "flat", "flatdark"],
    *,
    gain_e_per_adu: float | None = None,
    read_noise_e: float | None = None,
    saturation_adu: float | None = None,
    masked: Mask | None = None,
    stars: Sequence[tuple[StarList, float]] = (),
) -> CalibrationMeasures:
    """Measure one bias, dark or flat by itself.

    Parameters
    ----------
    image_adu : (ny, nx) uint16 or float32, ADU
        Trimmed, overscan subtracted where there is one.
    kind : {"bias", "dark", "flat", "flatdark"}
    gain_e_per_adu, read_noise_e : float or None
        A lower bound of the noise where whole numbers hide it.
    saturation_adu : float or None
    masked : (ny, nx) bool, optional
        True where a pixel must not count.
    stars : sequence of (StarList, float)
        Stars of science frames of the same chip and their FWHM, px: their light is looked for. Brightness in ADU.

    Returns
    -------
    CalibrationMeasures
        Structure is in ADU for bias and dark, in percent of the level for a flat. The gradient is in percent of the
        level, or of the noise where the level is below it.
    """
    image = plain(image_adu)
    valid = None if masked is None else ~masked
    level, _ = median_and_sigma(image, valid)
    notes: tuple[str, ...] = ()
    if not np.isfinite(level):
        return CalibrationMeasures(0.0, 0.0, 0.0, 0.0, 0, 0, 0.0, ("no pixel of this frame can be used",))
    floor = (read_noise_e or 0.0) / (gain_e_per_adu or 1.0)
    noise = pixel_noise(image, valid)
    noise = noise if np.isfinite(noise) else 0.0
    mesh = sky_mesh(image, masked)
    plane = sky_plane(mesh)
    bare = without_sky(image, mesh, masked)
    is_flat = kind == "flat"
    structure, gradient = 0.0, 0.0
    if plane is not None:
        structure = 100.0 * plane.rms / abs(level) if is_flat and level else plane.rms
        against = max(abs(level), noise)
        gradient = 100.0 * plane.peak_to_valley / against if against > 0 else 0.0
    full = 0.0
    if saturation_adu is not None:
        full = float(np.count_nonzero(image >= saturation_adu)) / image.size
    threshold = 8.0 * max(noise, 0.5 * floor)
    calm = median_of_nine(bare)
    # Against its own neighbourhood: a flat's dust and a ghost's light are no hot pixels.
    hot = int(count_above(bare, calm, threshold)) if threshold > 0 else 0
    sources = count_sources(bare, calm, masked)
    if sources:
        where = (
            "stars in the flat"
            if is_flat
            else f"stars in a {kind} (shutter open, or left over from the exposure before)"
        )
        notes = (f"{sources} star-like sources: {where}",)
    stray = [found for listed, fwhm_px in stars if (found := stray_starlight(bare, listed, fwhm_px)) is not None]
    most = max(stray, key=lambda found: found.sigma, default=StrayLight(0.0, 0.0, 0))
    return CalibrationMeasures(
        level, noise, structure, gradient, sources, hot, full, notes, most.fraction, most.sigma, most.stars
    )


def _joined_blocks(
    rows: Callable[[int, int], npt.NDArray[Any]], blocks: tuple[list[slice], list[slice]]
) -> npt.NDArray[np.float32]:
    """Return the blocks side by side in one image, read a few rows at a time: those stay in the processor's cache."""
    width, height = (sum(block.stop - block.start for block in line) for line in (blocks[1], blocks[0]))
    joined = np.empty((height, width), np.float32)
    y = 0
    for band in blocks[0]:
        for y0 in range(band.start, band.stop, _STRIP_ROWS):
            strip = rows(y0, min(y0 + _STRIP_ROWS, band.stop))
            x = 0
            for columns in blocks[1]:
                piece = strip[:, columns]
                joined[y : y + piece.shape[0], x : x + piece.shape[1]] = piece
                x += piece.shape[1]
            y += strip.shape[0]
    return joined


def _in_blocks(stars: StarList, blocks: tuple[list[slice], list[slice]]) -> StarList:
    """Return the stars that lie in the blocks, at their places in the blocks joined."""
    x, y = (_joined(place, line) for place, line in ((stars.x_px, blocks[1]), (stars.y_px, blocks[0])))
    inside = np.isfinite(x) & np.isfinite(y)
    return StarList(x[inside], y[inside], stars.flux[inside], stars.fwhm_px[inside])


def _joined(place: npt.NDArray[np.float64], line: list[slice]) -> npt.NDArray[np.float64]:
    joined = np.full(place.shape, np.nan)
    before = 0
    for block in line:
        here = (place >= block.start) & (place < block.stop)
        joined[here] = place[here] - block.start + before
        before += block.stop - block.start
    return joined
