"""Where the stars of an image are, for marks over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.science.background import SkyMesh, is_structured, sky_mesh, sky_plane, without_sky
from pipeline_core.science.curtains import without_curtains
from pipeline_core.science.quality import plain
from pipeline_core.science.stars import are_stars, find_sources, typical_width

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline_core.science.components import Components
    from pipeline_core.types import Image, Mask

MOST = 5000
"""The brightest: more marks would hide the image."""


@dataclass(frozen=True)
class StarPlaces:
    """The stars of one image, brightest first."""

    places: npt.NDArray[np.float64]
    """(n, 2) x and y of their centres of light, 0-based px."""
    fwhm_px: float | None
    """A first guess of their width; None without any star."""


def star_places(
    image: npt.NDArray[Any], masked: Mask | None = None, saturated: Mask | None = None, *, most: int = MOST
) -> StarPlaces:
    """Find the stars of an image.

    Parameters
    ----------
    image : (ny, nx) any real type
        Sky included; values that are not finite do not count.
    masked : (ny, nx) bool, optional
        True where a pixel must not count.
    saturated : (ny, nx) bool, optional
        True where it is full.
    most : int
        Stars wanted.

    Returns
    -------
    StarPlaces
    """
    image = plain(image)
    mesh = sky_mesh(image, masked, saturated)
    bare = without_sky(image, mesh, masked, saturated)
    stars = _stars(bare, mesh, masked, saturated)
    if is_structured(mesh, sky_plane(mesh)):
        bare, mesh = without_curtains(image, mesh, bare, stars, masked, saturated)
        stars = _stars(bare, mesh, masked, saturated)
    order = np.argsort(-stars.flux)[:most]
    return StarPlaces(np.column_stack([stars.x[order], stars.y[order]]), typical_width(bare, stars))


def _stars(bare: Image, mesh: SkyMesh, masked: Mask | None, saturated: Mask | None) -> Components:
    known = mesh.sigma[np.isfinite(mesh.sigma)]
    noise = float(np.median(known)) if known.size else 0.0
    sources = find_sources(bare, mesh.sigma, masked, saturated)
    return sources.pick(are_stars(sources, noise, bare.shape))
