"""Overscan: the electronic zero level that a chip records with columns (or rows) that saw no light."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.science.robust import MAD_TO_SIGMA

if TYPE_CHECKING:
    from pipeline_core.types import Image, Section

Levels = npt.NDArray[np.float32]

_STRAYS = 5.0
"""Standard deviations from which on a line is none of the zero level's: in 4096 lines chance makes none."""
_COUNTING_ADU = 1 / math.sqrt(12)
"""Scatter of a value that is counted in whole ADU: a quiet strip has two levels, and neither strays."""
_FEWEST_LINES = 20
"""Of fewer the scatter is not known well enough to say that one strays."""
_FEWEST_ACROSS = 8
_HARMLESS = 0.5
"""Of a pixel's scatter: a column that is off by less shifts the mean of eight by less than a fifteenth of it."""


def runs_along_columns(overscan: Section) -> bool:
    """Whether the overscan is a strip of columns, with one level for each row; else it is a strip of rows."""
    ny, nx = overscan.shape
    return ny >= nx


def overscan_levels(strip: npt.NDArray[np.floating] | npt.NDArray[np.integer], axis: int, order: int) -> Levels:
    """Fit the zero level along an overscan strip.

    Parameters
    ----------
    strip : (rows, columns), ADU
        The pixels of the overscan section.
    axis : int
        1: the mean over the columns gives a level per row; 0: a level per column.
    order : int
        Of the polynomial; 0 is one level for all.

    Returns
    -------
    (rows,) or (columns,) float32, ADU

    Raises
    ------
    DataError
        If the strip holds fewer lines than the polynomial has coefficients; lines with NaN do not count.

    Notes
    -----
    Equal to ``ccdproc.subtract_overscan(ccd, overscan=..., overscan_axis=axis, model=Polynomial1D(order))`` where no
    line strays: the mean over the strip, then a linear least-squares fit. Lines that stray do not count: the first few
    that many cameras read, while their electronics settle, would tilt the level of a whole frame. Nor do columns of
    the strip that are not at the level of the others: charge left over from the last lit pixel, or a last column that
    is read when the shift register is empty already (600 ADU too low: with 45 columns the mean is 14 ADU too low).
    """
    strip = _steady(strip if axis == 1 else strip.T)
    line: npt.NDArray[np.float64] = np.mean(strip, axis=1, dtype=np.float64)
    counts = np.isfinite(line)
    if strip.size == 0 or counts.sum() <= order:
        raise DataError(
            "cannot fit the overscan",
            why=f"it has {counts.sum()} lines, and a polynomial of order {order} needs {order + 1}",
            hint="name the right section in the recipe (overscan.section), or lower overscan.order",
        )
    # On -1...1 the powers stay of one size: the normal equations of 4096 lines are then well conditioned.
    place = np.linspace(-1.0, 1.0, line.size)
    is_counted = np.array_equal(strip, np.rint(strip))
    least = _COUNTING_ADU / math.sqrt(strip.shape[1]) if is_counted else 0.0
    while True:
        terms = np.polynomial.polynomial.polyfit(place[counts], line[counts], order)
        fitted = np.polynomial.polynomial.polyval(place, terms)
        off = line - fitted
        middle = np.median(off[counts])
        sigma = max(least, MAD_TO_SIGMA * np.median(np.abs(off[counts] - middle)))
        stays = counts & (np.abs(off - middle) <= _STRAYS * sigma)
        if line.size < _FEWEST_LINES or stays.sum() < max(order + 1, line.size / 2) or stays.sum() == counts.sum():
            return np.asarray(fitted, np.float32)
        counts = stays


def _steady(strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the strip (lines, columns) without the columns that are not at the level of the others."""
    if strip.shape[1] < _FEWEST_ACROSS or not strip.shape[0]:
        return strip
    off = strip - np.mean(strip, axis=1, dtype=np.float64, keepdims=True)
    off = off[np.isfinite(off).all(axis=1)]
    if not off.size:
        return strip
    column = off.mean(axis=0)
    column -= np.median(column)
    some = off[:: max(1, len(off) // 256)]
    scatter = max(_COUNTING_ADU, MAD_TO_SIGMA * float(np.median(np.abs(some - np.median(some, axis=0)))))
    usual = MAD_TO_SIGMA * float(np.median(np.abs(column)))
    stays = np.abs(column) <= max(_STRAYS * usual, (_HARMLESS + _STRAYS / math.sqrt(len(off))) * scatter)
    return strip if stays.all() or 2 * stays.sum() < stays.size else strip[:, stays]


def subtract_overscan(image: Image, overscan: Section, order: int) -> Image:
    """Subtract the fitted overscan level from every pixel, in place.

    Parameters
    ----------
    image : (ny, nx) float32, ADU
        The whole raw frame.
    overscan : Section
    order : int
        Of the polynomial along the strip.

    Returns
    -------
    (ny, nx) float32, ADU
        The same array. Rows outside the section's own get the level that its nearest end has.
    """
    image -= frame_levels(image, overscan, order)
    return image


def frame_levels(raw: npt.NDArray[Any], overscan: Section, order: int) -> Levels:
    """Fit the overscan of a frame and extend it to all its lines.

    Parameters
    ----------
    raw : (ny, nx) any real type, ADU
        The whole raw frame.
    overscan : Section
    order : int
        Of the polynomial along the strip.

    Returns
    -------
    (ny, 1) or (1, nx) float32, ADU
        What is to be subtracted from each row, or from each column.
    """
    by_row = runs_along_columns(overscan)
    levels = overscan_levels(raw[overscan.slices].astype(np.float32), 1 if by_row else 0, order)
    if by_row:
        return levels_everywhere(levels, overscan.y0, raw.shape[0])[:, None]
    return levels_everywhere(levels, overscan.x0, raw.shape[1])[None, :]


def levels_everywhere(levels: Levels, first: int, lines: int) -> Levels:
    """Extend levels that start at line ``first`` to ``lines`` lines with the values at their ends."""
    return levels[np.clip(np.arange(lines) - first, 0, levels.size - 1)]


def trimmed(image: Image, trim: Section | None) -> Image:
    """Return the lit pixels of a frame (a view), or all of it without a section."""
    return image if trim is None else image[trim.slices]
