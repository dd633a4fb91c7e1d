"""Stars for astrometry: the brightest of every part of the frame, saturated ones too, each with its own error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science.background import sky_mesh, without_sky
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.science.shape import adaptive_moments
from pipeline_core.science.stars import are_stars, find_sources, typical_width

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline_core.types import Image, Mask

    Floats = npt.NDArray[np.float64]

_CELLS = 8
_FLOOR_PX = 0.005  # pixels that are not quite even, and profiles that are not quite round
_SHARP_PX = 2.4  # first guess of the FWHM (true 1.9) below which the pixel grid itself shows
_SHARP_FLOOR_PX = 0.018
_TO_SIGMA = 2.3548  # FWHM of a Gaussian in sigma
_BROADER = 1.05  # a Moffat profile's wings cost this much precision against a Gaussian
_UNSETTLED_PX = 0.05  # at least, where the moments do not settle: sharp stars, blends
_SATURATED_PX = 0.5  # a star with a flat top, or that bleeds, is there to be recognised


def stars_for_solving(
    image: Image,
    *,
    masked: Mask | None = None,
    saturated: Mask | None = None,
    gain_e: float = 1.0,
    most: int = 600,
) -> FrameStars:
    """Find stars and measure where they are.

    Parameters
    ----------
    image : (ny, nx) float32
        Calibrated, sky still in.
    masked : (ny, nx) bool, optional
        Hot, bad and cosmic-ray pixels.
    saturated : (ny, nx) bool, optional
    gain_e : float
        Electrons in a unit of the image.
    most : int
        Stars returned.

    Returns
    -------
    FrameStars
        Brightest first. Places are those of matched Gaussians (see
        :func:`~pipeline_core.science.shape.adaptive_moments`), of saturated stars the centre of light.

    Notes
    -----
    The brightest of each of 8×8 cells come first: a cloud over one half must not leave all stars in the other. Error of
    a place: King (1983), PASP 95, 163, photon noise of star and sky.
    """
    mesh = sky_mesh(image, masked, saturated)
    noise = mesh.noise
    if not np.isfinite(noise) or noise <= 0.0:
        return _nothing()
    bare = without_sky(image, mesh, masked, saturated)
    sigma = np.where(mesh.sigma > 0.0, mesh.sigma, np.float32(noise)).astype(np.float32)
    sources = find_sources(bare, sigma, masked, saturated)
    stars = sources.pick(are_stars(sources, noise, bare.shape) & ((sources.masked < 0.15) | sources.saturated))
    width = typical_width(bare, stars)
    if width is None:
        return _nothing()
    chosen = _spread(stars.x, stars.y, stars.flux, bare.shape, most)
    stars = stars.pick(chosen)
    shapes = adaptive_moments(bare, stars.x, stars.y, width)
    moved = np.hypot(shapes.x_px - stars.x, shapes.y_px - stars.y)
    settled = np.isfinite(moved) & (moved < width) & ~stars.saturated
    x, y = np.where(settled, shapes.x_px, stars.x), np.where(settled, shapes.y_px, stars.y)
    error = _place_error(stars.flux, noise, width, gain_e)
    error = np.where(settled, error, np.hypot(error, _UNSETTLED_PX if width > _SHARP_PX else _SHARP_FLOOR_PX))
    error = np.where(stars.saturated, _SATURATED_PX, error)
    flux = stars.flux
    order = np.argsort(-flux)
    return FrameStars(x[order], y[order], flux[order], error[order], stars.saturated[order])


def _place_error(flux: Floats, noise: float, fwhm_px: float, gain_e: float) -> Floats:
    """Return one sigma of a star's place on one axis, px."""
    electrons, sky = flux * gain_e, noise * gain_e
    width = fwhm_px / _TO_SIGMA * _BROADER
    variance = width**2 / electrons * (1.0 + 8.0 * np.pi * width**2 * sky**2 / electrons)
    floor = _FLOOR_PX if fwhm_px > _SHARP_PX else _SHARP_FLOOR_PX
    return np.asarray(np.hypot(np.sqrt(variance), floor), np.float64)


def _spread(x: Floats, y: Floats, flux: Floats, shape: tuple[int, ...], most: int) -> npt.NDArray[np.intp]:
    order = np.argsort(-flux)
    if order.size <= most:
        return order
    ny, nx = shape
    cell = (y[order] * _CELLS / ny).astype(int) * _CELLS + (x[order] * _CELLS / nx).astype(int)
    rank = np.empty(order.size, int)
    for number in np.unique(cell):
        here = np.flatnonzero(cell == number)
        rank[here] = np.arange(here.size)
    return order[np.sort(np.argsort(rank, kind="stable")[:most])]


def _nothing() -> FrameStars:
    nothing = np.zeros(0)
    return FrameStars(nothing, nothing, nothing, nothing, np.zeros(0, bool))
