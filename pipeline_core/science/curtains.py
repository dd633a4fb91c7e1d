"""Curtains of aurora: a sky that changes within a few stars' distance, and how to look through it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science.background import SkyMesh, sky_mesh, without_sky
from pipeline_core.science.profile import aperture_flux
from pipeline_core.science.star_guard import BETA
from pipeline_core.science.stars import typical_width

if TYPE_CHECKING:
    from pipeline_core.science.components import Components
    from pipeline_core.types import Image, Mask

_FEWEST = 12  # px: 144 pixels still fix the level of a tile to a tenth of sigma
_PARTS = 64  # tiles along the shorter side, where stars leave them room
_CORE_WIDTHS = 0.8  # of a star are hidden where its modelled light was taken away: the rest is right to a few percent
_WING_WIDTHS = 5.0
_PASSES = 3  # each takes away what the one before still took for sky: a quarter, a twentieth, a hundredth of a star
_WIDTHS = 3.0  # a tile is at least so many FWHM wide, else faint stars and the wings of others are taken for sky


def without_curtains(
    image: Image,
    mesh: SkyMesh,
    bare: Image,
    stars: Components,
    masked: Mask | None = None,
    saturated: Mask | None = None,
) -> tuple[Image, SkyMesh]:
    """Subtract a sky that varies within the tiles of the ordinary mesh.

    Parameters
    ----------
    image : (ny, nx) float32
        With its sky.
    mesh : SkyMesh
        Of the image, ordinary tiles.
    bare : (ny, nx) float32
        The image without the smooth sky of ``mesh``.
    stars : Components
        Found in ``bare``; they are kept out of the finer mesh, which would otherwise take them for sky.
    masked, saturated : (ny, nx) bool, optional
        True where a pixel must not count.

    Returns
    -------
    bare : (ny, nx) float32
        Without the finer sky.
    mesh : SkyMesh
        The given one with the noise that is left: a slope within a tile is no noise.

    Notes
    -----
    A tile that follows a curtain is hardly wider than a star, and the star's wings are its sky. So stars are modelled
    and taken away first, and the sky is measured again without them (as DAOPHOT does: Stetson 1987, PASP 99, 191).
    """
    width = typical_width(bare, stars) or 2.0
    side = round(max(_FEWEST, _WIDTHS * width, min(image.shape) / _PARTS))
    covered = _discs(stars, width, image.shape)
    cores = _discs(stars, width, image.shape, core_px=_CORE_WIDTHS * width)
    if masked is not None:
        covered |= masked
        cores |= masked
    fine = sky_mesh(image, covered, saturated, tile=side, smooth=False)
    flat = without_sky(image, fine, masked, saturated)
    for _ in range(_PASSES):
        alone = image - _starlight(flat, stars, width)
        fine = sky_mesh(alone, cores, saturated, tile=side, smooth=False)
        flat = without_sky(image, fine, masked, saturated)
    # Tiles of the ordinary size: the noise of one must come from many pixels.
    rest = sky_mesh(flat, covered, saturated)
    return flat, replace(mesh, sigma=rest.sigma)


def _starlight(flat: Image, stars: Components, width: float) -> Image:
    """Return the light of the unsaturated stars as round Moffats of one width, each as bright as its core shows it."""
    alpha = width / (2 * np.sqrt(2 ** (1 / BETA) - 1))
    radius = 0.75 * width
    enclosed = 1 - (1 + (radius / alpha) ** 2) ** (1 - BETA)
    flux = np.nan_to_num(aperture_flux(flat, stars.x, stars.y, radius)) / enclosed
    light = np.zeros(flat.shape, np.float32)
    reach = int(np.ceil(_WING_WIDTHS * width))
    for x, y, total in zip(stars.x, stars.y, np.where(stars.saturated, 0.0, flux), strict=True):
        if not total > 0.0:
            continue
        y0, x0 = max(round(y) - reach, 0), max(round(x) - reach, 0)
        box = (slice(y0, round(y) + reach + 1), slice(x0, round(x) + reach + 1))
        rows, columns = np.ogrid[y0 : min(box[0].stop, flat.shape[0]), x0 : min(box[1].stop, flat.shape[1])]
        r2 = ((columns - x) ** 2 + (rows - y) ** 2) / alpha**2
        light[box] += total * (BETA - 1) / (np.pi * alpha**2) * (1 + r2) ** -BETA
    return light


def _discs(stars: Components, width: float, shape: tuple[int, int], core_px: float | None = None) -> Mask:
    """Return True on every star, out to where its light sinks into the sky, or on cores of that radius."""
    out = np.zeros(shape, np.bool_)
    # A piece of a curtain is long; a star that is longer than 8 FWHM is saturated.
    reach = np.where(stars.saturated, 0.6 * stars.length, np.minimum(0.5 * stars.length, 4.0 * width)) + 1.0
    if core_px is not None:
        reach = np.where(stars.saturated, reach, core_px)
    for x, y, radius in zip(stars.x, stars.y, reach, strict=True):
        x0, y0 = max(int(x - radius), 0), max(int(y - radius), 0)
        box = (slice(y0, int(y + radius) + 2), slice(x0, int(x + radius) + 2))
        rows, columns = np.ogrid[box[0].start : min(box[0].stop, shape[0]), box[1].start : min(box[1].stop, shape[1])]
        out[box] |= (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return out
