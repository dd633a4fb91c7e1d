"""Single pixels that must still be seen where a frame is shown smaller than it is: marks, and what a step changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline_core.science.display import Codes, SkyLevel
    from pipeline_core.types import Bits

_T = TypeVar("_T", bound=np.generic)
CROWDED = 0.2
"""Part of a picture above which marks that were made larger would hide it: they then stay as they are."""


def reach_of_few(image: npt.NDArray[np.floating], level: SkyLevel) -> float | None:
    """Return how far a change of few pixels reaches: three in four of them differ by less from what did not change.

    Parameters
    ----------
    image : (ny, nx) float
        What a step changed; NaN where nothing is known.
    level : SkyLevel
        Its sigma is 0 where most pixels did not change.

    Returns
    -------
    float or None
        In the image's unit; None where more than a few pixels changed, or none.

    Notes
    -----
    Levels that reached to the brightest hit would show all others as grey as what did not change. All pixels are
    looked at: an even sample of a large frame misses nearly all of some hundred hits.
    """
    if level.sigma != 0.0 or not level.highest > level.lowest:
        return None
    changed = image[np.isfinite(image) & (image != level.sky)]
    return float(np.percentile(np.abs(changed - level.sky), 75.0)) if changed.size else None


def peak_pyramid(codes: Codes, rest: int, levels: int) -> tuple[Codes, ...]:
    """Return codes at full size, half, a quarter …: a coarse pixel is that of its pixels which differs most.

    Parameters
    ----------
    codes : (ny, nx) uint16
        0 where nothing is known.
    rest : int
        Code of the pixels that did not change.
    levels : int
        At most.

    Notes
    -----
    A mean of four pixels of which one changed shows a quarter of the change, one of 64 nothing of it.
    """
    pyramid = [codes]
    while len(pyramid) < levels and min(pyramid[-1].shape) > 1:
        fine = pyramid[-1]
        ny, nx = fine.shape[0] // 2 * 2, fine.shape[1] // 2 * 2
        rows = _farther(fine[0:ny:2, :nx], fine[1:ny:2, :nx], rest)
        pyramid.append(_farther(rows[:, 0::2], rows[:, 1::2], rest))
    return tuple(pyramid)


def widened_peaks(crop: Codes, rest: int, side: int) -> Codes:
    """Return codes in which each changed pixel fills a square.

    Parameters
    ----------
    crop : (ny, nx) uint16
        0 where nothing is known.
    rest : int
        Code of the pixels that did not change.
    side : int
        Of the square, px.

    Returns
    -------
    (ny, nx) uint16
        Where squares meet, what differs most; the codes as they are where squares would fill :data:`CROWDED` of it.
    """
    if np.count_nonzero((crop != rest) & (crop != 0)) * side**2 > CROWDED * crop.size:
        return crop
    wide = crop
    for axis in (0, 1):
        wide = _along(wide, axis, side, rest)
    return wide


def widened_bits(crop: Bits, bits: int, side: int) -> Bits:
    """Return mask bits in which each marked pixel fills a square, kind by kind.

    Parameters
    ----------
    crop : (ny, nx) uint8
    bits : int
        Sum of the kinds that are shown.
    side : int
        Of the square, px.

    Returns
    -------
    (ny, nx) uint8
        Kinds whose squares would fill :data:`CROWDED` of it are left as they are.
    """
    few = 0
    for bit in (1 << k for k in range(8) if bits >> k & 1):
        if np.count_nonzero(crop & bit) * side**2 <= CROWDED * crop.size:
            few |= bit
    wide = crop & np.uint8(few)
    for axis in (0, 1):
        grown = wide.copy()
        for by in _steps(side):
            into, out_of = _shifted(wide.shape[axis], by)
            _cut(grown, axis, into)[...] |= _cut(wide, axis, out_of)
        wide = grown
    return crop | wide


def _farther(one: Codes, other: Codes, rest: int) -> Codes:
    """Return of each pair of codes the one that differs more from the rest; one that is known, if only one is."""
    far_one, far_other = (np.where(c == 0, -1, np.abs(c.astype(np.int32) - rest)) for c in (one, other))
    return np.where(far_other > far_one, other, one)


def _along(codes: Codes, axis: int, side: int, rest: int) -> Codes:
    grown = codes.copy()
    for by in _steps(side):
        into, out_of = _shifted(codes.shape[axis], by)
        part = _cut(grown, axis, into)
        is_known = part != 0  # what is not known stays so
        part[...] = np.where(is_known, _farther(part, _cut(codes, axis, out_of), rest), part)
    return grown


def _steps(side: int) -> list[int]:
    """Return by how much a pixel is repeated to both sides, itself left out."""
    below = (side - 1) // 2
    return [by for by in range(-below, side - below) if by]


def _shifted(n: int, by: int) -> tuple[slice, slice]:
    """Return where to, and from where, along an axis of n pixels."""
    return slice(max(0, by), n + min(0, by)), slice(max(0, -by), n - max(0, by))


def _cut(array: npt.NDArray[_T], axis: int, part: slice) -> npt.NDArray[_T]:
    return array[part] if axis == 0 else array[:, part]
