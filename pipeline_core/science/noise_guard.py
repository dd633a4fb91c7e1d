"""Noise: told from cosmic-ray hits by how far a suspect stands above what lies around it.

The Laplacian adds up positive parts only, so that noise reaches 4.5 times its own sigma five times as often as a normal
distribution does, and the growth of hits asks for 1.35 sigma only: a quiet 4096² frame would have 280 hits of noise.
A suspect must therefore also stand out in plain numbers. In the aperture of a star it must do so more clearly: there a
peak of noise that is taken away takes a part of a faint star's light with it, while elsewhere it costs nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science._star_kernels import MASKED
from pipeline_core.science.jit import kernel

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

PEAK_SIGMAS = 4.7  # noise: one pixel in 800,000; hits of 5 sigma and more are hardly touched
BESIDE_STAR_SIGMAS = 5.5  # noise: one pixel in 10 million; all the apertures of a frame hold fewer
STAR_SIGMAS = 3.5  # light of a box about as wide as a star: what may be one
PIXEL_SIGMAS = 2.0  # below it a pixel beside a hit holds noise rather than charge
PIXEL_BESIDE_STAR_SIGMAS = 3.2  # a hit outside an aperture shall not grow into it on noise


def stand_out(
    sigmas: npt.NDArray[np.float32],
    hits: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int32],
    columns: npt.NDArray[np.int32],
    sigclip: float,
    beside_star: Mask | None = None,
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
    beside_star : (n,) bool, optional
        True in the apertures of stars, where :data:`BESIDE_STAR_SIGMAS` are asked of a peak and
        :data:`PIXEL_BESIDE_STAR_SIGMAS` of each pixel.

    Returns
    -------
    (n,) bool
        True on pixels over :data:`PIXEL_SIGMAS` (more beside stars) of groups whose peak is high enough or that touch
        an earlier hit. What has no neighbour to be compared with is given the benefit.
    """
    height = np.nan_to_num(sigmas, nan=np.inf)
    limit = np.full(len(height), PEAK_SIGMAS * sigclip / 4.5, np.float32)
    if beside_star is not None:
        limit[beside_star] *= np.float32(BESIDE_STAR_SIGMAS / PEAK_SIGMAS)
    least = PIXEL_SIGMAS if beside_star is None else np.where(beside_star, PIXEL_BESIDE_STAR_SIGMAS, PIXEL_SIGMAS)
    return np.asarray(_in_high_groups(height, hits, rows, columns, limit) & (height > least))


def is_doubtful(sigmas: npt.NDArray[np.float32], sigclip: float) -> Mask:
    """Tell suspects of which it matters whether a star is near: the limits beside stars and elsewhere part them."""
    part = sigclip / 4.5
    as_pixel = (sigmas > PIXEL_SIGMAS) & (sigmas <= PIXEL_BESIDE_STAR_SIGMAS)
    as_peak = (sigmas > PEAK_SIGMAS * part) & (sigmas <= BESIDE_STAR_SIGMAS * part)
    return np.asarray(as_pixel | as_peak)


def stars_beside(
    image: Image,
    variance: Image,
    closed: npt.NDArray[np.uint8],
    hits: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int32],
    columns: npt.NDArray[np.int32],
    width_px: float,
) -> Mask:
    """Tell which pixels lie in the aperture of something that may be a star.

    Parameters
    ----------
    image, variance : (ny, nx) float32, electrons and electrons squared
    closed : (ny, nx) uint8
        Bit 1 on pixels without a value to trust.
    hits : (ny, nx) uint8
        Nonzero on hits and suspects: they are no star's light.
    rows, columns : (n,) int32
    width_px : float
        Of a star.

    Returns
    -------
    (n,) bool
        True where, within 1.5 widths and 2 px, a box half as wide again as a star holds :data:`STAR_SIGMAS` more light
        than the median of the surroundings.
    """
    half = max(1, round(0.6 * width_px))
    search = math.ceil(1.5 * width_px) + 2
    step = max(1, half // 2)  # a star between two boxes of this width fills both nearly as well
    return np.asarray(
        _lit_boxes(image, variance, closed, hits, rows, columns, (half, search, step), np.float32(STAR_SIGMAS))
    )


@kernel
def _lit_boxes(
    image: Any, variance: Any, closed: Any, hits: Any, rows: Any, columns: Any, box: Any, sigmas: Any
) -> Any:
    """Slide a box (half its side, how far, by which steps) over the surroundings of each pixel until one is lit."""
    ny, nx = image.shape
    half, search, step = box
    around = np.empty((2 * (half + search) + 1) ** 2, np.float32)
    out = np.zeros(rows.size, np.bool_)
    for k in range(rows.size):
        sky = _level_around(image, closed, hits, rows[k], columns[k], half + search, around)
        for cy in range(max(half, rows[k] - search), min(ny - half, rows[k] + search + 1), step):
            if out[k]:
                break
            for cx in range(max(half, columns[k] - search), min(nx - half, columns[k] + search + 1), step):
                if _is_lit(image, variance, closed, hits, cy, cx, half, sky, sigmas):
                    out[k] = True
                    break
    return out


@kernel
def _level_around(image: Any, closed: Any, hits: Any, row: Any, column: Any, reach: Any, around: Any) -> Any:
    """Take the median of the good pixels of a window; infinite without any, so that nothing is lit."""
    n = 0
    for y in range(max(0, row - reach), min(image.shape[0], row + reach + 1)):
        for x in range(max(0, column - reach), min(image.shape[1], column + reach + 1)):
            if not closed[y, x] & MASKED and hits[y, x] == 0:
                around[n] = image[y, x]
                n += 1
    return np.partition(around[:n], n // 2)[n // 2] if n else np.float32(np.inf)


@kernel
def _is_lit(
    image: Any, variance: Any, closed: Any, hits: Any, row: Any, column: Any, half: Any, sky: Any, sigmas: Any
) -> Any:
    """Tell whether the good pixels of a box hold more light than the sky by so many sigmas."""
    light = np.float32(0)
    noise2 = np.float32(0)
    for y in range(row - half, row + half + 1):
        for x in range(column - half, column + half + 1):
            if not closed[y, x] & MASKED and hits[y, x] == 0:
                light += image[y, x] - sky
                noise2 += variance[y, x]
    return light > 0 and light * light > sigmas * sigmas * noise2


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
        if hits[y, x] != suspect or not (height[k] > limit[k] or _touches(hits, y, x)):
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
