"""Curtains of aurora: a sky that changes within a few stars' distance, and how to look through it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science.background import SkyMesh, sky_mesh, without_sky
from pipeline_core.science.stars import typical_width

if TYPE_CHECKING:
    from pipeline_core.science.components import Components
    from pipeline_core.types import Image, Mask

_FEWEST = 12  # px: 144 pixels still fix the level of a tile to a tenth of sigma
_PARTS = 64  # tiles along the shorter side, where stars leave them room
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
    """
    width = typical_width(bare, stars) or 2.0
    side = round(max(_FEWEST, _WIDTHS * width, min(image.shape) / _PARTS))
    covered = _discs(stars, width, image.shape)
    if masked is not None:
        covered |= masked
    fine = sky_mesh(image, covered, saturated, tile=side, smooth=False)
    flat = without_sky(image, fine, masked, saturated)
    # Tiles of the ordinary size: the noise of one must come from many pixels.
    rest = sky_mesh(flat, covered, saturated)
    return flat, replace(mesh, sigma=rest.sigma)


def _discs(stars: Components, width: float, shape: tuple[int, int]) -> Mask:
    """Return True on every star, out to where its light sinks into the sky."""
    out = np.zeros(shape, np.bool_)
    # A piece of a curtain is long; a star that is longer than 8 FWHM is saturated.
    reach = np.where(stars.saturated, 0.6 * stars.length, np.minimum(0.5 * stars.length, 4.0 * width)) + 1.0
    for x, y, radius in zip(stars.x, stars.y, reach, strict=True):
        x0, y0 = max(int(x - radius), 0), max(int(y - radius), 0)
        box = (slice(y0, int(y + radius) + 2), slice(x0, int(x + radius) + 2))
        rows, columns = np.ogrid[box[0].start : min(box[0].stop, shape[0]), box[1].start : min(box[1].stop, shape[1])]
        out[box] |= (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return out
