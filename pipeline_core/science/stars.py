"""Stars of one frame: which of the things above the sky are stars, and which of them are fit to be measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.components import SMOOTHED_NOISE, Components, find_components

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

_EDGE_SIGMA = 1.5  # pixels belong to a star above this (4 sigma of the smoothed sky)
_PEAK_SIGMA = 6.0  # and its peak stands out by this, sigma of the smoothed sky
_SHARPEST = 0.30  # smoothed over raw peak: 0.25 for a single hot pixel, 0.40 for a star of FWHM 1.3 px
_CELLS = 8


def find_sources(
    image: Image, sigma: npt.NDArray[np.float32], masked: Mask | None = None, saturated: Mask | None = None
) -> Components:
    """Find everything that stands out of the sky of a frame.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed, finite.
    sigma : (my, mx) float32
        Noise of the sky on a mesh; tiles that are not finite take the median.
    masked, saturated : (ny, nx) bool, optional
        True where a pixel is bad, or full.

    Returns
    -------
    Components
    """
    known = np.isfinite(sigma)
    if not known.any():
        return find_components(image, np.full((1, 1), np.inf, np.float32))
    level = np.where(known, sigma, np.median(sigma[known])).astype(np.float32)
    # A tile full of one galaxy or of nothing must not set its own threshold.
    level = np.clip(level, 0.5 * np.median(level), 4.0 * np.median(level))
    return find_components(image, np.float32(_EDGE_SIGMA) * level, masked, saturated)


def are_stars(sources: Components, noise: float, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Tell stars from hot pixels, noise and trails: True for each source that may be one."""
    return (
        (sources.peak > _PEAK_SIGMA * SMOOTHED_NOISE * noise)
        & (sources.peak > _SHARPEST * sources.raw_peak)
        & (sources.length < 0.25 * min(shape) + 8.0)
    )


def typical_width(image: Image, stars: Components, most: int = 60) -> float | None:
    """Return a first guess of the FWHM, px: the area above half the peak of the brightest unsaturated stars.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed.
    stars : Components
    most : int
        Stars looked at.

    Returns
    -------
    float or None
        None without any star.
    """
    usable = np.flatnonzero(~stars.saturated)
    order = usable[np.argsort(-stars.flux[usable])][: 3 * most]
    widths = []
    for k in order:
        x0, x1, y0, y1 = stars.box[k]
        if min(x0, y0) < 2 or x1 > image.shape[1] - 3 or y1 > image.shape[0] - 3:
            continue
        stamp = image[y0 - 1 : y1 + 2, x0 - 1 : x1 + 2]
        # The second highest value: one hot pixel or hit on a wide star must not be its peak.
        top = np.partition(stamp.ravel(), -2)[-2] if stars.pixels[k] > 40 else stars.raw_peak[k]
        widths.append(2.0 * np.sqrt(np.count_nonzero(stamp > 0.5 * top) / np.pi))
        if len(widths) == most:
            break
    return max(float(np.median(widths)), 1.0) if widths else None


def clean_stars(
    stars: Components,
    neighbours: Components,
    fwhm_px: float,
    shape: tuple[int, int],
    *,
    masked: Mask | None = None,
    too_bright: float | None = None,
    most: int = 400,
) -> npt.NDArray[np.intp]:
    """Choose stars fit to be measured: full light, alone, away from borders, spread over the frame.

    Parameters
    ----------
    stars : Components
    neighbours : Components
        Everything found, stars included.
    fwhm_px : float
        Typical width.
    shape : (ny, nx)
    masked : (ny, nx) bool, optional
        A star with a bad pixel within 1 px of its centre of light is left out.
    too_bright : float, optional
        Peaks above this (sky removed) are near saturation.
    most : int
        Stars wanted.

    Returns
    -------
    (n,) int
        Indices into ``stars``, brightest first.

    Notes
    -----
    Alone means: no source of more than a tenth of its light within 4 FWHM; where a crowded field leaves fewer than 30,
    2 FWHM will do. Spread: the brightest of each of 8×8 cells come first, then the second brightest, and so on.
    """
    ny, nx = shape
    margin = max(6.0, 2.2 * fwhm_px)
    a, b = stars.axes
    fit = ~stars.saturated & (stars.masked < 0.15)
    fit &= (stars.x > margin) & (stars.y > margin) & (stars.x < nx - 1 - margin) & (stars.y < ny - 1 - margin)
    fit &= a * b < (4.0 * fwhm_px) ** 2
    if too_bright is not None:
        fit &= stars.raw_peak < too_bright
    chosen = np.flatnonzero(fit)
    chosen = chosen[np.argsort(-stars.flux[chosen])][: 6 * most]
    if masked is not None and chosen.size:
        cx, cy = np.rint(stars.x[chosen]).astype(int), np.rint(stars.y[chosen]).astype(int)
        hurt = np.zeros(chosen.size, bool)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                hurt |= masked[cy + dy, cx + dx]
        chosen = chosen[~hurt]
    alone = chosen[_nearest_rival(stars, neighbours, chosen, 4.0 * fwhm_px)]
    if alone.size < 30:
        alone = chosen[_nearest_rival(stars, neighbours, chosen, 2.0 * fwhm_px)]
    return _spread(alone, stars, shape, most)


def _nearest_rival(stars: Components, others: Components, chosen: npt.NDArray[np.intp], reach: float) -> Any:
    """Whether no other source with a tenth of the light lies within ``reach`` of each chosen star."""
    order = np.argsort(others.y)
    y, x, flux = others.y[order], others.x[order], others.flux[order]
    low = np.searchsorted(y, stars.y[chosen] - reach)
    high = np.searchsorted(y, stars.y[chosen] + reach)
    alone = np.ones(chosen.size, bool)
    for n, k in enumerate(chosen):
        near = slice(low[n], high[n])
        distance = np.hypot(x[near] - stars.x[k], y[near] - stars.y[k])
        # Its own entry lies at distance 0.
        alone[n] = not ((distance < reach) & (distance > 1e-6) & (flux[near] > 0.1 * stars.flux[k])).any()
    return alone


def _spread(chosen: npt.NDArray[np.intp], stars: Components, shape: tuple[int, int], most: int) -> npt.NDArray[np.intp]:
    ny, nx = shape
    by_flux = chosen[np.argsort(-stars.flux[chosen])]
    if by_flux.size <= most:
        return by_flux
    cell = (stars.y[by_flux] * _CELLS / ny).astype(int) * _CELLS + (stars.x[by_flux] * _CELLS / nx).astype(int)
    rank = np.empty(by_flux.size, int)
    for c in np.unique(cell):
        here = np.flatnonzero(cell == c)
        rank[here] = np.arange(here.size)
    first = np.sort(np.argsort(rank, kind="stable")[:most])
    return by_flux[first]
