"""Stars touched: how many the cosmic-ray step changed in their core, and which are stars at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask


def stars_touched(
    star_x: npt.NDArray[np.float64],
    star_y: npt.NDArray[np.float64],
    fwhm_px: float,
    hits: Mask,
) -> tuple[int, int]:
    """Count the stars whose core has a replaced pixel.

    Parameters
    ----------
    star_x, star_y : (n,) float, px
        0-based positions; those outside the frame or without a number are not checked.
    fwhm_px : float
        The core is everything within half of it, and the pixel the star is on.
    hits : (ny, nx) bool
        Replaced pixels.

    Returns
    -------
    touched, checked : int
    """
    ny, nx = hits.shape
    radius = fwhm_px / 2
    reach = math.ceil(radius)
    touched = checked = 0
    for x, y in zip(np.asarray(star_x, float), np.asarray(star_y, float), strict=True):
        if not (-0.5 <= x < nx - 0.5 and -0.5 <= y < ny - 0.5):
            continue
        checked += 1
        column, row = math.floor(x + 0.5), math.floor(y + 0.5)
        y0, x0 = max(0, row - reach), max(0, column - reach)
        window = hits[y0 : row + reach + 1, x0 : column + reach + 1]
        if window.any():
            yy, xx = np.nonzero(window)
            yy, xx = yy + y0, xx + x0
            near = (yy - y) ** 2 + (xx - x) ** 2 <= radius**2
            touched += bool(np.any(near | ((yy == row) & (xx == column))))
    return touched, checked


LEFT_OF_A_STAR = 0.5
"""Of its light. A star that loses its brightest pixel to the step keeps nine tenths: the neighbours' mean replaces it;
of a particle's track a third may stay."""


def still_there(
    star_x: npt.NDArray[np.float64],
    star_y: npt.NDArray[np.float64],
    fwhm_px: float,
    before: Image,
    cleaned: Image,
) -> npt.NDArray[np.bool_]:
    """Tell stars from cosmic-ray tracks that were taken for stars: the latter are gone once hits are replaced.

    Parameters
    ----------
    star_x, star_y : (n,) float, px
        0-based positions, measured before the step.
    fwhm_px : float
        Light within it counts, above the median of the ring from two to four of it.
    before, cleaned : (ny, nx) float32, electrons or ADU
        The frame before and after the cosmic-ray step.

    Returns
    -------
    (n,) bool
    """
    ny, nx = before.shape
    reach = math.ceil(4 * fwhm_px)
    found = np.zeros(len(star_x), bool)
    for k, (x, y) in enumerate(zip(np.asarray(star_x, float), np.asarray(star_y, float), strict=True)):
        if not (-0.5 <= x < nx - 0.5 and -0.5 <= y < ny - 0.5):
            continue
        column, row = math.floor(x + 0.5), math.floor(y + 0.5)
        y0, x0 = max(0, row - reach), max(0, column - reach)
        here = slice(y0, row + reach + 1), slice(x0, column + reach + 1)
        yy, xx = np.indices(before[here].shape)
        distance = np.hypot(yy + y0 - y, xx + x0 - x)
        ring = (distance > 2 * fwhm_px) & (distance <= 4 * fwhm_px)
        sky = float(np.median(cleaned[here][ring])) if ring.any() else 0.0
        core = distance <= max(fwhm_px, 1.0)
        light, left = (float((plane[here][core] - sky).sum()) for plane in (before, cleaned))
        found[k] = left > LEFT_OF_A_STAR * light
    return found
