"""Noise: told from cosmic-ray hits by how far a suspect stands above what lies around it.

The Laplacian adds up positive parts only, so that noise reaches 4.5 times its own sigma five times as often as a normal
distribution does, and the growth of hits asks for 1.35 sigma only: a quiet 4096² frame would have 280 hits of noise.
A suspect must therefore also stand out in plain numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.jit import kernel

if TYPE_CHECKING:
    from pipeline_core.types import Mask

PEAK_SIGMAS = 4.7  # noise: one pixel in 800,000; hits of 5 sigma and more are hardly touched
PIXEL_SIGMAS = 2.0  # below it a pixel beside a hit holds noise rather than charge


def stand_out(
    sigmas: npt.NDArray[np.float32],
    hits: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int32],
    columns: npt.NDArray[np.int32],
    sigclip: float,
) -> Mask:
    """Tell suspects that stand above their surroundings.

    Parameters
    ----------
    sigmas : (n,) float32
        How far each suspect is above the mean of its good neighbours, over the noise of those; NaN where there is none.
    hits : (ny, nx) uint8
        1 on hits of earlier passes, 0 elsewhere. Comes back as it was.
    rows, columns : (n,) int32
        The suspects.
    sigclip : float
        Threshold of the Laplacian; the peak of a hit must reach it too when it is above :data:`PEAK_SIGMAS`.

    Returns
    -------
    (n,) bool
        True on pixels over :data:`PIXEL_SIGMAS` of groups whose peak is high enough or that touch an earlier hit. What
        has no neighbour to be compared with is given the benefit.
    """
    height = np.nan_to_num(sigmas, nan=np.inf)
    limit = np.float32(PEAK_SIGMAS * sigclip / 4.5)
    return np.asarray(_in_high_groups(height, hits, rows, columns, limit) & (height > PIXEL_SIGMAS))


@kernel
def _in_high_groups(height: Any, hits: Any, rows: Any, columns: Any, limit: Any) -> Any:
    """Follow each group of touching suspects; its members are told when one is high or touches a hit."""
    ny, nx = hits.shape
    suspect, followed = np.uint8(2), np.uint8(4)
    for k in range(rows.size):
        hits[rows[k], columns[k]] = suspect
    high = np.zeros(rows.size, np.bool_)
    # Groups spread from their highest members: one look at each pixel is enough.
    stack = np.empty((rows.size + 1, 2), np.int32)
    for k in range(rows.size):
        y = rows[k]
        x = columns[k]
        if hits[y, x] != suspect or not (height[k] > limit or _touches(hits, y, x)):
            continue
        hits[y, x] = followed
        stack[0, 0] = y
        stack[0, 1] = x
        depth = 1
        while depth:
            depth -= 1
            y = stack[depth, 0]
            x = stack[depth, 1]
            for yy in range(max(0, y - 1), min(ny, y + 2)):
                for xx in range(max(0, x - 1), min(nx, x + 2)):
                    if hits[yy, xx] == suspect:
                        hits[yy, xx] = followed
                        stack[depth, 0] = yy
                        stack[depth, 1] = xx
                        depth += 1
    for k in range(rows.size):
        high[k] = hits[rows[k], columns[k]] == followed
        hits[rows[k], columns[k]] = 0
    return high


@kernel
def _touches(hits: Any, y: Any, x: Any) -> Any:
    """Tell whether one of the eight neighbours is an earlier hit."""
    for yy in range(max(0, y - 1), min(hits.shape[0], y + 2)):
        for xx in range(max(0, x - 1), min(hits.shape[1], x + 2)):
            if hits[yy, xx] == 1:
                return True
    return False
