"""One star in one frame: where it is, how much light, how wide, and a stamp of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline_core.science.profile import aperture_flux, ring_level
from pipeline_core.science.psf import fit_moffats

STAMP = 41
"""Pixels of a stamp's side: 8 FWHM of ordinary seeing each way."""
_FAINTEST = 5.0  # sigma of its flux: below, there is no star here
_FAINTEST_UNFITTED = 10.0  # the same where no profile fits: warm pixels together reach 9 on a raw frame of Jason
_SHARPEST_PX = 0.8  # of a star the pixel alone makes a wider image
_SHARPEST = 0.6  # of the frame's usual width: single faint stars are measured a third too sharp at most


def sharpest_star_px(usual_fwhm_px: float | None) -> float:
    """Return the FWHM below which light is a hot pixel or a cosmic-ray hit, by the usual width of a frame's stars."""
    return max(_SHARPEST_PX, _SHARPEST * usual_fwhm_px) if usual_fwhm_px is not None else _SHARPEST_PX


@dataclass(frozen=True, slots=True)
class StarHere:
    """What was found at a place. NaN where it could not be measured."""

    x_px: float
    y_px: float
    """0-based in the cut-out."""
    flux: float
    error: float
    """One sigma of the flux."""
    fwhm_px: float
    sky: float
    noise: float
    found: bool
    """Whether there is a star at all."""
    is_sharp: bool = False
    """Light that is narrower than a star can be: a hot pixel or a hit."""


def measure_star(
    cutout: npt.NDArray[np.float32], x: float, y: float, fwhm_px: float, gain: float, *, is_measured: bool = True
) -> StarHere:
    """Measure the star nearest to a place.

    Parameters
    ----------
    cutout : (ny, nx) float32
        Around the star; NaN where there is no data.
    x, y : float
        Where it is expected, 0-based in the cut-out, good to about one FWHM.
    fwhm_px : float
        Usual width of the stars in this frame.
    gain : float
        Electrons per unit of the cut-out.
    is_measured : bool
        Whether that width was measured; by one that is a mere guess nothing is told to be too sharp for a star.

    Notes
    -----
    The aperture's radius is 1.5 FWHM of the frame, so the same part of the light is summed on each frame whatever
    the seeing (Howell 1989, PASP 101, 616, finds the best signal to noise near there).
    """
    nothing = StarHere(x, y, math.nan, math.nan, math.nan, math.nan, math.nan, found=False)
    finite = cutout[np.isfinite(cutout)]
    if finite.size < 50:
        return nothing
    sky = float(np.median(finite))
    noise = 1.4826 * float(np.median(np.abs(finite - sky))) or 1.0
    image = np.nan_to_num(cutout - np.float32(sky), nan=0.0).astype(np.float32)
    cx, cy = _peak(image, x, y, 1.5 * fwhm_px)
    for _ in range(2):
        cx, cy = _centroid(image, cx, cy, fwhm_px)
    at_x, at_y = np.array([cx]), np.array([cy])
    level = float(ring_level(image, at_x, at_y, 3.0 * fwhm_px, 5.0 * fwhm_px)[0])
    if math.isfinite(level):
        image -= np.float32(level)
        sky += level
    radius = 1.5 * fwhm_px
    flux = float(aperture_flux(image, at_x, at_y, radius)[0])
    if not math.isfinite(flux):
        return nothing
    error = math.sqrt(math.pi * radius**2 * noise**2 + max(flux, 0.0) / gain)
    if flux < _FAINTEST * error:
        return StarHere(x, y, flux, error, math.nan, sky, noise, found=False)
    fit = fit_moffats(image, at_x, at_y, fwhm_px, noise=noise, gain=gain)
    width = float(fit.fwhm_px[0])
    if width < sharpest_star_px(fwhm_px if is_measured else None):
        return StarHere(cx, cy, flux, error, math.nan, sky, noise, found=False, is_sharp=True)
    # Light that no star's profile fits is a star where it is bright: saturated, drawn out.
    is_star = math.isfinite(width) or flux >= _FAINTEST_UNFITTED * error
    return StarHere(cx, cy, flux, error, width, sky, noise, found=is_star)


def stamp_codes(
    cutout: npt.NDArray[np.float32], x: float, y: float, sky: float, noise: float, size: int = STAMP
) -> npt.NDArray[np.uint8]:
    """Return a grey stamp centred on a place: (size, size), high y at the top; black where there is no data."""
    half = size // 2
    padded = np.pad(cutout, half + 1, constant_values=np.nan)
    cy, cx = round(y) + half + 1, round(x) + half + 1
    part = padded[max(cy - half, 0) : cy + half + 1, max(cx - half, 0) : cx + half + 1]
    whole = np.full((size, size), np.nan, np.float32)
    whole[: part.shape[0], : part.shape[1]] = part
    scale = noise if math.isfinite(noise) and noise > 0 else 1.0
    level = sky if math.isfinite(sky) else float(np.nanmedian(whole)) if np.isfinite(whole).any() else 0.0
    depth = np.nan_to_num((whole - level) / scale, nan=-1e9)
    # From 3 sigma under the sky to 150 above it, softened at 5.
    low, high = math.asinh(-3.0 / 5.0), math.asinh(150.0 / 5.0)
    codes = np.rint(255.0 * np.clip((np.arcsinh(depth / 5.0) - low) / (high - low), 0.0, 1.0))
    found: npt.NDArray[np.uint8] = codes.astype(np.uint8)[::-1]
    return found


def _peak(image: npt.NDArray[np.float32], x: float, y: float, reach: float) -> tuple[float, float]:
    ny, nx = image.shape
    x0, x1 = max(0, int(x - reach)), min(nx, int(x + reach) + 2)
    y0, y1 = max(0, int(y - reach)), min(ny, int(y + reach) + 2)
    part = image[y0:y1, x0:x1]
    if part.size < 9:
        return x, y
    # Smoothed by 3x3, so that a hot pixel or a hit does not pass for the star.
    padded = np.pad(part, 1, mode="edge")
    smooth = sum(padded[j : j + part.shape[0], i : i + part.shape[1]] for j in range(3) for i in range(3))
    row, column = np.unravel_index(int(np.argmax(smooth)), part.shape)
    return float(x0 + column), float(y0 + row)


def _centroid(image: npt.NDArray[np.float32], x: float, y: float, fwhm_px: float) -> tuple[float, float]:
    ny, nx = image.shape
    reach = max(2.0, fwhm_px)
    x0, x1 = max(0, round(x - reach)), min(nx, round(x + reach) + 1)
    y0, y1 = max(0, round(y - reach)), min(ny, round(y + reach) + 1)
    light = np.maximum(image[y0:y1, x0:x1], 0.0)
    total = float(light.sum())
    if total <= 0:
        return x, y
    return (
        float((light.sum(axis=0) * np.arange(x0, x1)).sum() / total),
        float((light.sum(axis=1) * np.arange(y0, y1)).sum() / total),
    )
