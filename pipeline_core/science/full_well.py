"""Wells that fill below the converter's limit: many bright places of a frame end at one level that is no limit's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOPS = (0.07, 0.003)
"""Of the way from the sky to the brightest place: full wells of one chip may differ by some percent, or all spill over
at one level, which few stars show."""
_RARE = 1e-5
"""So unlikely by chance are as many places at the top, in three frames; in one of them a tenth of that."""
_RAREST = 1e-6
_LEAST_FRAMES = 3
AT_LIMIT = 0.995
"""Of the converter's limit: a place from here on has reached it."""
_FEW = 3
"""So many places at the converter's limit, or above a pile, are no chance hits: wells hold that much."""
_MOST_PLACES = 200
_MOST_BRIGHT = 0.002
"""Of the pixels in the upper half: else it is a bright sky, or a flat, and not places on a dark one."""
_MARGIN = 0.998
"""A full pixel reads less by its noise."""
_STEADY = 0.01
"""By so much the level of full wells may differ from frame to frame: the zero level drifts."""


def bright_places(image: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the highest value of each bright place, and the lowest inside of those with a level top.

    Parameters
    ----------
    image : (ny, nx), ADU
        A raw science frame or dark, trimmed.

    Returns
    -------
    places : (n + 1,) float64, ADU
        The sky's level, then of each group of touching pixels above half the way to the brightest its highest,
        brightest first; only the sky where the frame is no dark sky with bright places; NaN where no pixel has a value.
    insides : (m,) float64, ADU
        Of each of these groups in which a pixel is no brighter than the four beside it, and these as bright as its
        highest but for a few percent: the lowest such pixel. A star that is not full has none, unless it is very wide.
    """
    some = image[::4, ::4]
    some = some[np.isfinite(some)]
    sky, highest = float(np.median(some)) if some.size else math.nan, float(np.fmax.reduce(image, axis=None))
    bright = image > sky + 0.5 * (highest - sky)
    # Counted first: the places of half a frame of 4096² would take 130 MB.
    if not 0 < np.count_nonzero(bright) <= _MOST_BRIGHT * image.size:
        return np.array([sky]), np.array([])
    y, x = np.nonzero(bright)
    values = image[y, x].astype(float)
    # A trail of charge belongs to its star: it touches it.
    groups = _touching(x, y)
    peaks = np.zeros(groups.max() + 1)
    np.maximum.at(peaks, groups, values)
    insides = np.full(len(peaks), np.inf)
    top = sky + (1 - _TOPS[0]) * (peaks[groups] - sky)
    inner = _is_inside(image, y, x, values, top)
    np.minimum.at(insides, groups[inner], values[inner])
    insides = insides[np.isfinite(insides)]
    return np.concatenate([[sky], np.sort(peaks)[::-1][:_MOST_PLACES]]), np.sort(insides)[:_MOST_PLACES]


def _is_inside(
    image: npt.NDArray[Any],
    y: npt.NDArray[np.intp],
    x: npt.NDArray[np.intp],
    values: npt.NDArray[np.float64],
    top: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Return which pixels at the top have four neighbours there that are no fainter; none at the frame's edge has."""
    ny, nx = image.shape
    inner: npt.NDArray[np.bool_] = (values >= top) & (y > 0) & (y < ny - 1) & (x > 0) & (x < nx - 1)
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        at = np.flatnonzero(inner)
        inner[at] = image[y[at] + dy, x[at] + dx] >= values[at]
    return inner


def fullest_place(image: npt.NDArray[Any], level_adu: float) -> tuple[float, float] | None:
    """Return the middle of the largest group of touching pixels from a level on.

    Parameters
    ----------
    image : (ny, nx), ADU
        Raw.
    level_adu : float

    Returns
    -------
    (x, y) or None
        0-based px; of equal groups the first. None where no pixel is so bright.
    """
    y, x = np.nonzero(image >= level_adu)
    if not len(y):
        return None
    groups = _touching(x, y)
    largest = groups == np.argmax(np.bincount(groups))
    return float(x[largest].mean()), float(y[largest].mean())


def _touching(x: npt.NDArray[np.intp], y: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return for each pixel the number of the group that it touches, corners included."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - heavy
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - heavy
    from scipy.spatial import cKDTree  # noqa: PLC0415 - heavy

    pairs = cKDTree(np.column_stack([x, y])).query_pairs(1.5, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(x), len(x)))
    groups: npt.NDArray[np.intp] = connected_components(links, directed=False)[1].astype(np.intp)
    return groups


def full_well(
    frames: Sequence[npt.NDArray[np.float64]], limit: float, insides: Sequence[npt.NDArray[np.float64]] = ()
) -> float | None:
    """Return the level from which pixels are full, where it lies below the limit that is known; None if none is seen.

    Parameters
    ----------
    frames : sequence of (n + 1,) float64, ADU
        As :func:`bright_places` returns them, of frames of one camera setting.
    limit : float, ADU
        Saturation as header, profile or the number of bits tell it.
    insides : sequence of (m,) float64, ADU
        Of the same frames, what :func:`bright_places` returns of the insides of level tops.

    Returns
    -------
    float or None, ADU
        Rounded down to three figures, and to whole ADU; nine tenths of the full pixels lie above it. None too where
        that is nothing: frames scaled to 1.

    Notes
    -----
    A pile-up at the top of the histogram is how full well is read off in photon transfer (Janesick 2001, Scientific
    Charge-Coupled Devices, section 2.2.3). Here it is counted in places, not pixels: one star has many. Under a law
    by which faint places are at least as common as bright ones, of n - 1 places beside the brightest k - 1 or more lie
    in the top part with a binomial chance.

    The highest pixel of a full star is no measure of the others: those at its edge may read some percent more than the
    level inside (an SBIG camera with anti-blooming gates: 62,000 to 63,500 ADU around 60,900 to 61,300). Where insides
    are seen the level is theirs.

    A frame counts by what it shows. One that is too short, or has too few bright stars, says nothing of full wells: it
    is not outvoted, and it outvotes nobody, so that a level does not come and go with such frames. What speaks against
    a pile is a pile that moves from frame to frame, as stars do with the sky, or a frame in which places are brighter.
    """
    clear = []
    for frame in frames:
        sky, peaks = float(frame[0]), frame[1:]
        at_limit = peaks >= AT_LIMIT * limit
        if np.count_nonzero(at_limit) >= _FEW:
            return None  # wells reach the limit
        # Of a frame that is nearly even, or scaled to 1, a place may be no more than its sky once both are rounded.
        if len(peaks := peaks[~at_limit & (peaks > sky)]):
            clear.append((sky, peaks))
    level = next((level for top in _TOPS if (level := _piled_up(clear, top)) is not None), None)
    if level is None:
        return None
    inner = np.concatenate([*insides, []])
    inner = inner[(inner > (1 - _TOPS[0]) * level) & (inner < AT_LIMIT * limit)]
    if len(inner):
        level = min(level, _MARGIN * float(np.quantile(inner, 0.1)))
    return _told(level) if level >= 1.0 else None


def _piled_up(frames: Sequence[tuple[float, npt.NDArray[np.float64]]], top: float) -> float | None:
    """Return the level at which places pile up in the topmost part of some frames, and that no other frame passes."""
    tails, piles = [], []
    for sky, peaks in frames:
        height = (peaks - sky) / (peaks[0] - sky)
        pile = height > 1 - top
        # Half of the range has all places: if all levels were alike common, this share of them lay at the top.
        tail = len(_TOPS) * _tail(int(pile.sum()) - 1, int((height > 0.5).sum()) - 1, 2 * top)
        if tail < _RARE:
            tails.append(tail)
            piles.append(peaks[pile])
    if len(tails) < _LEAST_FRAMES or min(tails) > _RAREST or _spread(piles) > max(top, _STEADY):
        return None
    highest = (1 + _STEADY) * max(pile[0] for pile in piles)
    if any(np.count_nonzero(peaks > highest) >= _FEW for _, peaks in frames):
        return None  # stars of these frames are alike by chance: others hold more
    return _MARGIN * float(np.quantile(np.concatenate(piles), 0.1))


def _told(level: float) -> float:
    """Round down to three figures, and to whole ADU."""
    step = max(1.0, 10.0 ** (math.floor(math.log10(level)) - 2))
    return step * math.floor(level / step)


def _tail(k: int, n: int, chance: float) -> float:
    """Return the chance that k or more of n places lie at the top."""
    return sum(math.comb(n, j) * chance**j * (1 - chance) ** (n - j) for j in range(max(k, 0), n + 1))


def _spread(piles: Sequence[npt.NDArray[np.float64]]) -> float:
    """Return by which part the frames' top levels differ: that of a chip is one, that of stars goes with the sky."""
    middles = np.array([np.median(pile) for pile in piles])
    return float((middles.max() - middles.min()) / middles.max())
