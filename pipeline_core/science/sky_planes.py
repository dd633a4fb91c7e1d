"""The sky of frames that are to be stacked, made alike: what one has beyond another is a plane, and is taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from pipeline_core.science.robust import MAD_TO_SIGMA

if TYPE_CHECKING:
    from pipeline_core.science.placement import Placement
    from pipeline_core.types import Image

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Shape = Literal["offset", "plane"]

MESH = 64
"""px: blocks in which the sky is looked at. Stars fill less than half of one; a plane needs no finer."""
READ_ROWS = 16
"""Of each block's rows: a quarter of the file, and the median of 1024 px is good to a 25th of their noise."""
_FEWEST = 3  # blocks of an offset
_LEAST = 12  # blocks of a plane: four a parameter
_LEAST_SPAN = 0.5  # of the field, along both axes: from less a slope is no more than a guess beyond
_CUT = 3.0  # sigma: blocks in a bright star or a nebula's edge, which seeing and resampling change
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class SkyPlane:
    """What a frame's sky has beyond the best one's, over the reference's pixels."""

    level: float = 0.0
    """In the middle, the image's unit."""
    slope_x: float = 0.0
    slope_y: float = 0.0
    """From the middle to the edge of the field's longer side, along x and y."""

    def over(self, y0: int, shape: tuple[int, int], placement: Placement) -> Image:
        """Return the plane on rows ``y0`` onwards of the reference, (rows, nx) float32."""
        u = (np.arange(shape[1]) - placement.centre[0]) / placement.reach
        v = (np.arange(y0, y0 + shape[0]) - placement.centre[1]) / placement.reach
        return (self.level + self.slope_y * v[:, None] + self.slope_x * u[None, :]).astype(np.float32)


def block_levels(rows: Image, holes: Bools) -> Floats:
    """Return the median of each block of :data:`MESH` columns of some rows, NaN where half of it or more is missing.

    Parameters
    ----------
    rows : (n, nx) float32
    holes : (n, nx) bool
        True where a pixel is no sky.

    Returns
    -------
    (nx // MESH,) float64
    """
    n, nx = rows.shape
    blocks = nx // MESH
    values = np.where(holes | ~np.isfinite(rows), np.nan, rows)[:, : blocks * MESH].reshape(n, blocks, MESH)
    # What is not known goes to the end: four times as fast as a median that looks for it.
    in_order = np.sort(values.transpose(1, 0, 2).reshape(blocks, n * MESH), axis=1)
    known = np.isfinite(in_order).sum(axis=1)
    block = np.arange(blocks)
    middle = (in_order[block, (known - 1) // 2].astype(np.float64) + in_order[block, known // 2 % (n * MESH)]) / 2.0
    return np.asarray(np.where(known > 0.5 * n * MESH, middle, np.nan), np.float64)


def block_centres(shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return x and y (px) of the blocks of a frame of (ny, nx) pixels, as their levels stand for: (my, mx) each."""
    x = np.arange(shape[1] // MESH) * MESH + (MESH - 1) / 2.0
    y = np.arange(shape[0] // MESH) * MESH + (MESH - 1) / 2.0
    grid_x, grid_y = np.meshgrid(x, y)
    return grid_x, grid_y


def sky_plane(levels: Floats, placement: Placement, best: Floats, best_placement: Placement, shape: Shape) -> SkyPlane:
    """Return what a frame's sky has beyond the best one's at the same places of the sky.

    Parameters
    ----------
    levels, best : (my, mx) float64
        Of both frames' blocks, scaled to one level of light; NaN where not known.
    placement, best_placement : Placement
        Where the reference's pixels lie in each.
    shape : {"offset", "plane"}
        A plane becomes an offset where the frames share too little of the field.

    Returns
    -------
    SkyPlane
        Zero where they share nothing.

    Notes
    -----
    Block beside block, so that nebulae and the light of unresolved stars, which are in both, do not count: only what
    moves against the stars (Moon, twilight, aurora, scattered light) is levelled. A least-squares plane that lets go
    of blocks more than three sigma away.
    """
    ny, nx = best.shape
    x, y = block_centres((levels.shape[0] * MESH, levels.shape[1] * MESH))
    field_x, field_y = placement.returned(x.ravel(), y.ravel())
    there_x, there_y = best_placement.moved(field_x, field_y)
    if min(nx, ny) < 2:
        return SkyPlane()
    theirs = _between(best, (there_x + 0.5) / MESH - 0.5, (there_y + 0.5) / MESH - 0.5)
    beyond = levels.ravel() - theirs
    known = np.isfinite(beyond)
    if known.sum() < _FEWEST:
        return SkyPlane()
    u = (field_x[known] - placement.centre[0]) / placement.reach
    v = (field_y[known] - placement.centre[1]) / placement.reach
    half = [max(middle, 1.0) / placement.reach for middle in placement.centre]
    wide = min(np.ptp(u) / half[0], np.ptp(v) / half[1]) > 2.0 * _LEAST_SPAN
    design = np.stack([np.ones_like(u), u, v], axis=1)
    if shape == "offset" or known.sum() < _LEAST or not wide:
        design = design[:, :1]
    terms = _robust(design, beyond[known])
    return SkyPlane(*(float(term) for term in terms))


def _robust(design: Floats, value: Floats) -> Floats:
    used = np.ones(len(value), bool)
    terms = np.zeros(design.shape[1])
    terms[0] = np.median(value)
    for _ in range(_ROUNDS):
        off = value - design @ terms
        middle = np.median(off[used])
        scatter = MAD_TO_SIGMA * np.median(np.abs(off[used] - middle))
        now = np.abs(off - middle) <= _CUT * max(scatter, 1e-12)
        if now.sum() < design.shape[1] + 1:
            break
        used = now
        terms = np.linalg.lstsq(design[used], value[used], rcond=None)[0]
    return terms


def _between(levels: Floats, x: Floats, y: Floats) -> Floats:
    """Interpolate linearly; NaN beyond the outermost blocks, and beside those that are not known."""
    ny, nx = levels.shape
    left, low = np.clip(np.floor(x), 0, nx - 2).astype(int), np.clip(np.floor(y), 0, ny - 2).astype(int)
    dx, dy = x - left, y - low
    value = (1 - dy) * ((1 - dx) * levels[low, left] + dx * levels[low, left + 1])
    value += dy * ((1 - dx) * levels[low + 1, left] + dx * levels[low + 1, left + 1])
    inside = (dx >= 0) & (dx <= 1) & (dy >= 0) & (dy <= 1)
    return np.asarray(np.where(inside, value, np.nan), np.float64)
