"""Keogram: the sky of a whole night in one picture, one averaged column a frame.

Auroral cameras have been read this way since Eather et al. (1976, Planet. Space Sci. 24, 131): cloud, twilight,
moonrise and aurora each draw a shape of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Column = npt.NDArray[np.float32]
"""(height,) sky level along the frame's y axis, low y first, in the frame's unit; NaN where nothing is known."""
Codes = npt.NDArray[np.uint8]
"""(height, width) display codes: 1 dark to 255 bright, 0 no data."""

Mode = Literal["sky", "structure"]
"""``sky``: how bright. ``structure``: what changed within the frame, its own level and the optics' pattern removed."""

HEIGHT = 128
"""Bands a frame is divided into."""
_ROWS = 4  # of each band, and
_PAIRED = 60  # frames whose levels are compared in pairs
_SMOOTH = 3  # bands to each side
_ACROSS = 512  # pixels of each row: 2,000 pixels tell the sky of a band to 3 % of its noise


def band_rows(ny: int, height: int = HEIGHT) -> list[tuple[int, int]]:
    """Return the rows that stand for each band of a frame, low y first, half-open; at most four a band."""
    edges = np.linspace(0, ny, min(height, ny) + 1).astype(int)
    middles = (edges[:-1] + edges[1:]) // 2
    return [
        (max(int(a), int(m) - _ROWS // 2), min(int(b), int(m) - _ROWS // 2 + _ROWS))
        for a, b, m in zip(edges[:-1], edges[1:], middles, strict=True)
    ]


def sky_column(bands: Sequence[npt.NDArray[Any]]) -> Column:
    """Average each band of a frame to its sky.

    Parameters
    ----------
    bands : sequence of (rows, nx) arrays
        The rows named by :func:`band_rows`, any unit; NaN where there is no data.

    Returns
    -------
    (n,) float32

    Notes
    -----
    The mean of the middle half of the pixels: stars and hot pixels fill far less than the upper quarter, and unlike a
    median of whole counts it has no steps.
    """
    out = np.full(len(bands), np.nan, np.float32)
    for k, band in enumerate(bands):
        values = band[:, :: max(1, band.shape[1] // _ACROSS)].ravel()
        values = values[np.isfinite(values)]
        if values.size:
            low, high = values.size // 4, max(values.size - values.size // 4, values.size // 4 + 1)
            out[k] = np.partition(values, (low, high - 1))[low:high].mean(dtype=np.float64)
    return out


def keogram_codes(
    columns: Sequence[Column | None], mode: Mode = "sky", *, groups: Sequence[str] | None = None
) -> Codes:
    """Make display codes of a night's columns.

    Parameters
    ----------
    columns : sequence of (height,) float32 or None
        One a frame; None where a frame could not be read. All of one unit.
    mode : Mode
    groups : sequence of str, optional
        Of each frame. Filters see different skies: each group is measured against its own darkest frames, or
        frames that alternate between filters would draw stripes.

    Returns
    -------
    (height, n) uint8
        High y first, as pictures are stored. Frames of fewer bands are stretched.

    Notes
    -----
    Twilight is a thousand times brighter than the dark sky, so the level is shown through asinh: linear for what the
    dark sky varies by, logarithmic above.
    """
    height = max((len(c) for c in columns if c is not None), default=1)
    sky = np.full((len(columns), height), np.nan, np.float64).T  # each frame's column lies in one piece of memory
    for k, column in enumerate(columns):
        if column is not None and len(column):
            whole = len(column) == height
            sky[:, k] = column if whole else column[np.arange(height) * len(column) // height]
    known = np.isfinite(sky)
    codes = np.zeros(sky.shape, np.uint8)
    if not known.any():
        return codes
    shown = np.full(sky.shape, np.nan)
    members = np.array(groups if groups is not None else [""] * len(columns))
    for group in np.unique(members):
        mine = (members == group) & known.any(axis=0)
        if mine.any():
            shown[:, mine] = _structure(sky[:, mine]) if mode == "structure" else _stretched(sky[:, mine])
    finite = shown[np.isfinite(shown)]
    low, high = np.percentile(finite, (0.5, 99.5)) if finite.size else (0.0, 1.0)
    span = high - low if high > low else 1.0
    scaled = 1.0 + 254.0 * np.clip((shown - low) / span, 0.0, 1.0)
    codes[known] = np.nan_to_num(scaled[known], nan=1.0).astype(np.uint8)
    return codes[::-1]


def frames_at(times: npt.NDArray[np.float64], low: float, high: float, width: int) -> npt.NDArray[np.intp]:
    """Return which frame each pixel of a time axis shows.

    Parameters
    ----------
    times : (n,) float
        Of the frames, any unit and order; NaN where unknown.
    low, high : float
        The ends of the axis.
    width : int
        Pixels along it.

    Returns
    -------
    (width,) int
        Index of the nearest frame; -1 in a gap: farther than 0.75 of the usual time between frames.
    """
    out = np.full(width, -1, np.intp)
    order = np.argsort(times, kind="stable")
    order = order[np.isfinite(times[order])]
    if not order.size or width < 1:
        return out
    sorted_times = times[order]
    steps = np.diff(sorted_times)
    steps = steps[steps > 0]
    pixel = (high - low) / width
    # At least one pixel wide: a single frame in a long night must still be seen.
    reach = max(0.75 * float(np.median(steps)) if steps.size else high - low, pixel)
    centres = low + (np.arange(width) + 0.5) * pixel
    right = np.clip(np.searchsorted(sorted_times, centres), 0, order.size - 1)
    left = np.clip(right - 1, 0, None)
    nearer_left = np.abs(sorted_times[left] - centres) <= np.abs(sorted_times[right] - centres)
    nearest = np.where(nearer_left, left, right)
    near = np.abs(sorted_times[nearest] - centres) <= reach
    out[near] = order[nearest[near]]
    return out


def in_time(codes: Codes, frames: npt.NDArray[np.intp]) -> Codes:
    """Lay a keogram out along a time axis: codes of :func:`keogram_codes`, frames of :func:`frames_at`."""
    laid = np.zeros((codes.shape[0], frames.size), np.uint8)
    there = frames >= 0
    laid[:, there] = codes[:, frames[there]]
    return laid


def _levels(sky: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the median of each frame, (n,): numpy's own for missing values takes five times as long."""
    levels: npt.NDArray[np.float64] = (np.median if np.isfinite(sky).all() else np.nanmedian)(sky, axis=0)
    return levels


def _stretched(sky: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    levels = _levels(sky)
    floor = np.percentile(levels, 5)
    quiet = levels[levels <= np.median(levels)]
    scale = max(3.0 * float(np.median(np.abs(quiet - floor))), 1e-3 * abs(float(floor)), 1e-6)
    out: npt.NDArray[np.float64] = np.arcsinh((sky - floor) / scale)
    return out


def _structure(sky: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Take away what every frame shows: vignetting grows with the level, the bias's pattern does not."""
    levels = _levels(sky)
    within = sky - levels
    within -= levels * _slopes(within, levels)[:, None]
    rows = np.isfinite(within).any(axis=1)
    out = np.full(sky.shape, np.nan)
    out[rows] = within[rows] - np.nanmedian(within[rows], axis=1)[:, None]
    # Bands are averaged with their neighbours: clouds are wider than what a few thousand pixels' noise draws.
    padded = np.pad(out, ((_SMOOTH, _SMOOTH), (0, 0)), mode="edge")
    smooth = np.mean([padded[k : k + len(out)] for k in range(2 * _SMOOTH + 1)], axis=0)
    return np.asarray(smooth / np.sqrt(np.maximum(levels, 1.0)), np.float64)


def _slopes(within: npt.NDArray[np.float64], levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how each band follows the frames' level: the median slope of pairs (Theil 1950, Sen 1968).

    Half the pairs must differ in level, or there is nothing to tell vignetting from a cloud in one of the frames.
    """
    few = np.unique(np.linspace(0, levels.size - 1, min(levels.size, _PAIRED)).astype(int))
    first, second = np.triu_indices(few.size, 1)
    step = levels[few[second]] - levels[few[first]]
    apart = np.abs(step) > 0.02 * np.abs(levels[few[first]])
    if 2 * np.count_nonzero(apart) < max(apart.size, 2):
        return np.zeros(within.shape[0])
    rise = within[:, few[second[apart]]] - within[:, few[first[apart]]]
    slopes = np.zeros(within.shape[0])
    known = np.isfinite(rise).any(axis=1)
    slopes[known] = np.nanmedian(rise[known] / step[apart], axis=1)
    return slopes
