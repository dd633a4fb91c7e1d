"""Light of a star by distance from its centre: widths of stars that are no peaks, apertures, haloes."""

# Compiled loops take their arguments by position and are one loop each.
# ruff: noqa: C901, PLR0912
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.jit import kernel
from pipeline_core.science.robust import weighted_median

if TYPE_CHECKING:
    from pipeline_core.types import Image

FloatArray = npt.NDArray[np.float64]


def profile_widths(
    image: Image, x_px: npt.NDArray[Any], y_px: npt.NDArray[Any], radius_px: float
) -> tuple[FloatArray, FloatArray]:
    """Measure widths from the azimuthal mean, whatever the profile: discs and rings of defocus too.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed.
    x_px, y_px : (n,)
        Centres of light.
    radius_px : float
        The profile ends here; its last fifth is taken as the local sky.

    Returns
    -------
    fwhm_px : (n,) float64
        Twice the outermost radius at which the profile is half of its highest value; NaN where it never falls.
    dip : (n,) float64
        Light in the inner quarter of that radius over the highest value: about 1 for a peak, towards 0 for a ring.
    """
    fwhm = np.full(len(x_px), np.nan)
    dip = np.full(len(x_px), np.nan)
    _profiles(image, np.asarray(x_px, np.float64), np.asarray(y_px, np.float64), float(radius_px), fwhm, dip)
    return fwhm, dip


def aperture_flux(image: Image, x_px: npt.NDArray[Any], y_px: npt.NDArray[Any], radius_px: float) -> FloatArray:
    """Sum the light in circles.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed.
    x_px, y_px : (n,)
        Centres, 0-based.
    radius_px : float
        Pixels on the rim count by how far their centre is inside (a straight-edge approximation, exact to 0.3 %
        of the area from 2 px radius on).

    Returns
    -------
    (n,) float64
        Image unit; NaN where the circle leaves the frame.
    """
    out = np.full(len(x_px), np.nan)
    _apertures(image, np.asarray(x_px, np.float64), np.asarray(y_px, np.float64), float(radius_px), out)
    return out


def ring_level(
    image: Image, x_px: npt.NDArray[Any], y_px: npt.NDArray[Any], inner_px: float, outer_px: float
) -> FloatArray:
    """Return the median light in the ring around each place, image unit; NaN where it leaves the frame."""
    out = np.full(len(x_px), np.nan)
    _rings(image, np.asarray(x_px, np.float64), np.asarray(y_px, np.float64), float(inner_px), float(outer_px), out)
    return out


def light_in_circles(
    image: Image,
    x_px: npt.NDArray[Any],
    y_px: npt.NDArray[Any],
    near_px: float,
    wide_px: float,
    ring_px: tuple[float, float],
    noise: float,
) -> tuple[FloatArray, FloatArray, float]:
    """Return the light in a small and in a wide circle around each place, without the sky of a ring around both.

    Parameters
    ----------
    image : (ny, nx) float32
    x_px, y_px : (n,)
    near_px, wide_px : float
        Radii.
    ring_px : (float, float)
        Inner and outer radius.
    noise : float
        Standard deviation of the sky, image unit.

    Returns
    -------
    near, wide : (n,) float64
        Image unit; NaN where circle or ring leave the frame.
    error : float
        Of the wide one, 1 sigma, by the sky's noise in circle and ring.
    """
    inner, outer = ring_px
    sky = ring_level(image, x_px, y_px, inner, outer)
    near = aperture_flux(image, x_px, y_px, near_px) - sky * np.pi * near_px**2
    wide = aperture_flux(image, x_px, y_px, wide_px) - sky * np.pi * wide_px**2
    area, ring_area = np.pi * wide_px**2, np.pi * (outer**2 - inner**2)
    error = noise * float(np.sqrt(area + 1.57 * area**2 / ring_area))  # 1.57: a median is that much noisier than a mean
    return near, wide, error


def halo_ratio(
    image: Image, x_px: npt.NDArray[Any], y_px: npt.NDArray[Any], fwhm_px: float, noise: float
) -> float | None:
    """Return the flux in circles 8 FWHM across over that in 3 FWHM, of the stars together: frost, ice crystals.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed.
    x_px, y_px : (n,)
        Isolated stars.
    fwhm_px : float
        Of the frame.
    noise : float
        Standard deviation of the sky, image unit.

    Returns
    -------
    float or None
        About 1.03 for clean optics; None if fewer than three stars carry the measure, or all of them to no better
        than 12 %.

    Notes
    -----
    The sky comes from a ring 9 to 12 FWHM across around each star. The median is weighted by what each star knows:
    few bright stars must not be outvoted by noise, and many fainter ones together tell more than they do alone. It is
    a median because a neighbour in the wide circle spoils single stars.
    """
    if len(x_px) == 0:
        return None
    ring = 4.5 * fwhm_px, 6.0 * fwhm_px
    near, wide, error = light_in_circles(image, x_px, y_px, 1.5 * fwhm_px, 4.0 * fwhm_px, ring, noise)
    good = np.isfinite(wide) & np.isfinite(near) & (near > 8.0 * error)
    if good.sum() < 3:
        return None
    # 3 %: what neighbours and the flat do to any star, however bright.
    weight = 1.0 / ((error / near[good]) ** 2 + 0.03**2)
    if 1.25 / np.sqrt(weight.sum()) > 0.12:
        return None
    return weighted_median(wide[good] / near[good], weight)


@kernel
def _profiles(image: Any, xs: Any, ys: Any, radius: float, fwhm: Any, dip: Any) -> None:
    ny, nx = image.shape
    bins = int(np.ceil(radius)) + 1
    total = np.empty(bins)
    number = np.empty(bins)
    for s in range(xs.size):
        reach = bins + 1
        x0, x1 = int(xs[s]) - reach, int(xs[s]) + reach + 1
        y0, y1 = int(ys[s]) - reach, int(ys[s]) + reach + 1
        if x0 < 0 or y0 < 0 or x1 > nx or y1 > ny:
            continue
        total[:] = 0.0
        number[:] = 0.0
        sky = 0.0
        around = 0
        for y in range(y0, y1):
            for x in range(x0, x1):
                r = np.hypot(x - xs[s], y - ys[s])
                if r >= radius:
                    continue
                value = float(image[y, x])
                # Each pixel is shared between the two nearest radii: bins of whole px would be jagged near 0.
                k = int(r)
                part = r - k
                total[k] += (1.0 - part) * value
                number[k] += 1.0 - part
                if k + 1 < bins:
                    total[k + 1] += part * value
                    number[k + 1] += part
                if r > 0.8 * radius:
                    sky += value
                    around += 1
        level = sky / max(around, 1)
        top = 0.0
        highest = 0
        for k in range(bins):
            total[k] = total[k] / number[k] - level if number[k] > 0.0 else 0.0
            if total[k] > top:
                top = total[k]
                highest = k
        if not top > 0.0:
            continue
        for k in range(bins - 2, highest - 1, -1):
            if total[k] >= 0.5 * top > total[k + 1]:
                half = k + (total[k] - 0.5 * top) / (total[k] - total[k + 1])
                fwhm[s] = 2.0 * half
                core = 0.0
                n = 0
                for i in range(int(0.25 * half) + 1):
                    core += total[i]
                    n += 1
                dip[s] = core / n / top
                break


@kernel
def _apertures(image: Any, xs: Any, ys: Any, radius: float, out: Any) -> None:
    ny, nx = image.shape
    for s in range(xs.size):
        x0, x1 = int(np.floor(xs[s] - radius)), int(np.ceil(xs[s] + radius)) + 1
        y0, y1 = int(np.floor(ys[s] - radius)), int(np.ceil(ys[s] + radius)) + 1
        if x0 < 0 or y0 < 0 or x1 > nx or y1 > ny:
            continue
        total = 0.0
        for y in range(y0, y1):
            for x in range(x0, x1):
                inside = radius - np.hypot(x - xs[s], y - ys[s]) + 0.5
                if inside > 0.0:
                    total += min(inside, 1.0) * image[y, x]
        out[s] = total


@kernel
def _rings(image: Any, xs: Any, ys: Any, inner: float, outer: float, out: Any) -> None:
    ny, nx = image.shape
    reach = int(np.ceil(outer))
    values = np.empty((2 * reach + 1) ** 2, np.float32)
    for s in range(xs.size):
        cx, cy = int(xs[s] + 0.5), int(ys[s] + 0.5)
        if cx < reach or cy < reach or cx >= nx - reach or cy >= ny - reach:
            continue
        n = 0
        for y in range(cy - reach, cy + reach + 1):
            for x in range(cx - reach, cx + reach + 1):
                r = np.hypot(x - xs[s], y - ys[s])
                if inner <= r < outer:
                    values[n] = image[y, x]
                    n += 1
        if n > 0:
            out[s] = np.median(values[:n])
