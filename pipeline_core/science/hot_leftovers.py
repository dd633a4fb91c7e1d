"""Left-overs of hot pixels: told from cosmic-ray hits by the dark, which knows where the chip is warm.

A dark of another temperature, or none for a short exposure, leaves a part of each hot pixel's charge behind: as sharp
and as high as a hit, but in the same place in every frame. The worst are in the mask; those below its threshold may
still stand above the noise of a dark sky. What the dark current there can explain is no hit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.types import Rows

    Floats = npt.NDArray[np.float32]
    Flags = npt.NDArray[np.bool_]

MOST_LEFT = 1.5
"""Of a hot pixel's excess in the dark. All of it is left where no dark is subtracted; half more where light fills the
traps that kept a part of it back in the dark."""
NOISE_SIGMAS = 3.0  # by which noise lifts a left-over: of thousands of warm pixels some stand that high
_BAND_ROWS = 64  # a megabyte of a 4096² master at a time
STRONG_SIGMAS = 4.5  # pixels that make an event; what is lower grew from them


@dataclass(frozen=True, slots=True)
class Told:
    """One entry a pixel that was taken for a hit."""

    is_hit: Flags
    is_hot: Flags
    """A hot pixel's left-over. Pixels that are neither only stood beside one."""


def tell_leftovers(
    rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], above: Floats, sigma: Floats, excess: Floats
) -> Told:
    """Tell hits from what hot pixels left.

    Parameters
    ----------
    rows, columns : (n,) int
        Pixels that were taken for hits.
    above : (n,) float32, electrons
        What each stands above its good neighbours.
    sigma : (n,) float32, electrons
        Its noise.
    excess : (n,) float32, electrons
        Dark charge of the pixel above its neighbours', as much as the exposure collects. See :func:`excess_at`.

    Returns
    -------
    Told

    Notes
    -----
    Pixels that touch are judged together: a track that crosses a warm pixel stays a track, and what grew beside a hot
    pixel is given back. A faint hit right on a warm pixel is lost to it: as many as there are warm pixels on the chip.
    """
    explained = (excess > 0) & (above < MOST_LEFT * excess + NOISE_SIGMAS * sigma)
    everything = np.ones(len(rows), bool)
    if not explained.any():
        return Told(everything, ~everything)
    group = _groups(rows, columns)
    height = above / sigma
    highest = np.full(group.max() + 1, -np.inf, np.float32)
    np.maximum.at(highest, group, height)
    strong = (height > STRONG_SIGMAS) | (height == highest[group])
    real = np.zeros(len(highest), bool)
    real[group[strong & ~explained]] = True
    is_hit = real[group]
    return Told(is_hit, ~is_hit & strong)


def excess_at(
    dark: Rows, bias: Rows | None, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], scale: float
) -> Floats:
    """Return the dark charge of some pixels above the median of their eight neighbours.

    Parameters
    ----------
    dark : (ny, nx) float32, ADU
        With or without the bias.
    bias : (ny, nx) float32 or None, ADU
        Taken off ``dark``, so that its pattern does not count.
    rows, columns : (n,) int
    scale : float
        Exposure of the frame over that of the dark, times the gain.

    Returns
    -------
    (n,) float32
        In the unit that ``scale`` makes; 0 where the dark has no value.
    """
    around = _windows_at(dark, rows, columns)
    if bias is not None:
        around -= _windows_at(bias, rows, columns)
    neighbours = np.delete(around, 4, axis=1)
    excess = (around[:, 4] - np.median(neighbours, axis=1)) * np.float32(scale)
    return np.asarray(np.nan_to_num(excess, nan=0.0, posinf=0.0, neginf=0.0), np.float32)


def values_at(plane: Rows, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Floats:
    """Return the values of some pixels of an image of which rows can be had.

    Parameters
    ----------
    plane : (ny, nx) float32
    rows, columns : (n,) int

    Returns
    -------
    (n,) float32
    """
    return np.ascontiguousarray(_windows_at(plane, rows, columns)[:, 4])


def _windows_at(plane: Rows, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Floats:
    """Return (n, 9): each pixel in the middle of its eight neighbours, the border repeated; read in bands of rows."""
    ny, nx = plane.shape
    out = np.empty((len(rows), 9), np.float32)
    for y0 in range(0, ny, _BAND_ROWS):
        here = np.flatnonzero((rows >= y0) & (rows < y0 + _BAND_ROWS))
        if not here.size:
            continue
        first = max(0, y0 - 1)
        band = np.asarray(plane[first : y0 + _BAND_ROWS + 1], np.float32)
        for k in range(9):
            y = np.clip(rows[here] + k // 3 - 1, 0, ny - 1) - first
            out[here, k] = band[y, np.clip(columns[here] + k % 3 - 1, 0, nx - 1)]
    return out


def _groups(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return for each pixel the number of its group; pixels that touch by side or corner are one."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - only where a dark explains something
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415
    from scipy.spatial import KDTree  # noqa: PLC0415

    n = len(rows)
    pairs = KDTree(np.column_stack([rows, columns])).query_pairs(1.5, output_type="ndarray")
    touching = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, group = connected_components(touching, directed=False)
    return np.asarray(group, np.intp)
