"""Baselines: what a frame is compared with, its neighbours and the night's clear frames.

A jump shows against the neighbours in time. A slow loss (frost, defocus, long cloud) drags its neighbours along and
only shows against the clear reference, the best fifth of the frames of the same pointing and filter.
NaN means "not measured" in every array here and never counts.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

# Scale of the median absolute deviation of a normal distribution.
_MAD_TO_SIGMA = 1.4826
_DOUBTED = 0.03
"""Weight of a doubtful frame's residual: squared, a thousand of them have the say of one good frame."""


def neighbour_median(values: Floats, half_width: int = 3) -> Floats:
    """Return for each frame the median of its neighbours in time, itself left out.

    Parameters
    ----------
    values : (n,) float
        In time order.
    half_width : int
        Neighbours on either side.

    Returns
    -------
    (n,) float
        NaN where fewer than two neighbours are measured.
    """
    n = values.size
    around = np.arange(-half_width, half_width + 1)
    around = around[around != 0]
    index = np.arange(n)[:, None] + around
    window = np.where((index >= 0) & (index < n), values[np.clip(index, 0, max(n - 1, 0))], np.nan)
    out = np.full(n, np.nan)
    enough = np.isfinite(window).sum(axis=1) >= 2
    if enough.any():
        out[enough] = np.nanmedian(window[enough], axis=1)
    return out


def frame_scatter(values: Floats, floor: float = 0.0) -> float:
    """Return how much a value scatters from frame to frame, slow changes and single bad frames aside.

    The smaller of two estimates: the median absolute second difference, which a steady slope leaves at zero, and the
    median absolute deviation, which one bad frame among five hardly moves (it enters three second differences). Never
    less than ``floor``, which is the measurement error: five frames may agree by luck.

    Returns
    -------
    float
        Standard deviation in the unit of ``values``; ``floor`` when fewer than five frames are measured.
    """
    good = values[np.isfinite(values)]
    if good.size < 5:
        return floor
    second = good[2:] - 2 * good[1:-1] + good[:-2]
    # The second difference of white noise has variance 1 + 4 + 1.
    by_steps = float(np.median(np.abs(second))) / math.sqrt(6)
    by_level = float(np.median(np.abs(good - np.median(good))))
    return max(floor, _MAD_TO_SIGMA * min(by_steps, by_level))


def clear_frames(depth: Floats, fraction: float = 0.2) -> Indices:
    """Pick the clear reference of a group: its deepest fifth.

    Parameters
    ----------
    depth : (n,) float, magnitudes
        Larger is deeper; NaN is never picked.
    fraction : float
        Part of the measured frames. At least three are picked where there are six or more, else the best one.

    Returns
    -------
    (k,) int
        Indices in time order.
    """
    measured = np.flatnonzero(np.isfinite(depth))
    if not measured.size:
        return measured
    few = 3 if measured.size >= 6 else 1
    count = max(few, round(fraction * measured.size))
    best = measured[np.argsort(-depth[measured], kind="stable")[:count]]
    return np.sort(best)


def without_bad(clear: Indices, depth: Floats, is_bad: npt.NDArray[np.bool_]) -> Indices:
    """Take bad frames out of the clear reference, if there are better ones.

    A trailed frame may be as deep as any: it is no measure of how wide, long or haloed stars should be.

    Parameters
    ----------
    clear : (k,) int
        As :func:`clear_frames` picked them.
    depth : (n,) float, magnitudes
    is_bad : (n,) bool

    Returns
    -------
    (m,) int
        Those that are left; where none is, the clear frames among all that are not bad. As they were where every
        measured frame is bad. None is taken in their place while one is left: the next in depth may be dimmed.
    """
    left = clear[~is_bad[clear]]
    if left.size:
        return left
    others = clear_frames(np.where(is_bad, np.nan, depth))
    return others if others.size else clear


def clear_value(values: Floats, clear: Indices) -> float:
    """Return the median over the clear frames; over all when none of them is measured; NaN when none is."""
    of_clear = values[clear]
    of_clear = of_clear[np.isfinite(of_clear)]
    if not of_clear.size:
        of_clear = values[np.isfinite(values)]
    return float(np.median(of_clear)) if of_clear.size else math.nan


def depth_mag(transparency: Floats, noise: Floats, fwhm_px: Floats) -> Floats:
    """Return the relative depth of background-limited frames in magnitudes; larger is deeper.

    A star of flux F is seen through the transparency T as T F, over a noise of ``noise * sqrt(n_eff)``, where
    ``n_eff = 4 pi sigma² = 2.266 FWHM²`` pixels is the noise-equivalent area of a Gaussian star (King 1983, PASP 95,
    163). The flux at a signal-to-noise ratio of 5 is therefore proportional to ``noise * FWHM / T`` and the limiting
    magnitude is ``2.5 log10(T) - 2.5 log10(noise) - 2.5 log10(FWHM) + constant``.

    Parameters
    ----------
    transparency : (n,) float
    noise : (n,) float
        Standard deviation of the sky in one pixel, any unit.
    fwhm_px : (n,) float
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = 2.5 * np.log10(transparency / (noise * fwhm_px))
    return np.where(np.isfinite(depth), depth, np.nan)


def explained(
    values: Floats,
    causes: Floats,
    *,
    rough: npt.NDArray[np.bool_] | None = None,
    doubtful: npt.NDArray[np.bool_] | None = None,
) -> tuple[Floats, Floats]:
    """Fit a series by its known causes: the sky by air mass, twilight and moonlight, its noise by its light.

    Parameters
    ----------
    values : (n,) float
        Positive; NaN where not measured.
    causes : (m, n) float
        Shape of each cause over the frames, not negative; a row of zeros is never used.
    rough : (m,) bool, optional
        Causes whose shape is only a rough guide (twilight, Moon).
    doubtful : (n,) bool, optional
        Frames that have light of other causes (cloud that is lit): they count only for what no other tells.

    Returns
    -------
    expected : (n,) float
        Sum of the causes with non-negative heights, fitted robustly; NaN where it cannot be told.
    uncertain : (n,) float
        The part of it that comes from rough causes.
    """
    from scipy.optimize import nnls  # noqa: PLC0415 - only here

    expected = np.full(values.size, np.nan)
    uncertain = np.full(values.size, np.nan)
    good = np.isfinite(values) & (values > 0) & np.isfinite(causes).all(axis=0)
    if good.sum() < 3:
        return expected, uncertain
    height = np.maximum(causes[:, good].max(axis=1), 1e-300)
    shapes = (causes[:, good] / height[:, None]).T
    measured = values[good]
    # Relative residuals: a twilight frame a hundred times brighter must not decide the night's level alone.
    weight = 1 / measured
    doubted = np.zeros(measured.size, bool) if doubtful is None or doubtful[good].all() else doubtful[good]
    weight = np.where(doubted, _DOUBTED, 1.0) * weight
    robust = np.ones(measured.size)
    heights = np.zeros(len(causes))
    for _ in range(12):
        heights, _ = nnls(shapes * (weight * robust)[:, None], measured * weight * robust)
        off = (measured - shapes @ heights) * weight
        # Half a percent: the fit follows no series better than that.
        told = off[~doubted]  # the others' residuals are small by their weight alone
        scale = max(_MAD_TO_SIGMA * float(np.median(np.abs(told - np.median(told)))), 0.005)
        # Cauchy weights (square-rooted: they multiply the residual): bright outliers lose their say.
        robust = 1 / np.sqrt(1 + np.square(off / (2 * scale)))
    expected[good] = shapes @ heights
    uncertain[good] = 0.0 if rough is None else shapes[:, rough] @ heights[rough]
    return expected, uncertain
