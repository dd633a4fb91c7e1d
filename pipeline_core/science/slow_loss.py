"""A slow loss of light: how steadily it grows, and how much of it is found again in haloes.

Five frames are looked at together, those around a frame or, at the ends of a series, the first or last five. Ice grows
evenly and scatters what it takes; cloud comes and goes from frame to frame and swallows it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float64]

FRAMES = 5
SLOW_MAG = 0.15
"""From frame to frame, slope and scatter together: a loss of light below this is not called one."""
FEWEST = 4
"""Two say nothing of a line's scatter, three little."""


def growth(loss_mag: Floats) -> tuple[Floats, Floats]:
    """Return by how much the loss grows from frame to frame, and how much it scatters about that line.

    Parameters
    ----------
    loss_mag : (n,) float, magnitudes
        In time order; NaN where not measured.

    Returns
    -------
    slope, scatter : (n,) float, magnitudes
        NaN where fewer than four of the five frames are measured.
    """
    slope, scatter = (np.full(loss_mag.size, np.nan) for _ in range(2))
    for k, around in enumerate(_windows(loss_mag.size)):
        known = around[np.isfinite(loss_mag[around])]
        if known.size < FEWEST:
            continue
        at, value = known - known.mean(), loss_mag[known] - loss_mag[known].mean()
        slope[k] = (at @ value) / (at @ at)
        scatter[k] = np.sqrt(np.square(value - slope[k] * at).sum() / (known.size - 2))
    return slope, scatter


def halo_shares(hours: Sequence[Floats], halo_growth: Sequence[Floats], missing: Sequence[Floats]) -> list[Floats]:
    """Return the part of the missing light that the haloes hold, of the frames around each together.

    Ice lies on the optics: whatever filter is in the beam, and wherever the telescope looks, the haloes are its own.

    Parameters
    ----------
    hours : sequence of (n,) float
        One array a group of frames, in time order; NaN where no time is known: such a frame is judged by the five of
        its own group.
    halo_growth : sequence of (n,) float
        Relative growth of the halo ratio against the group's clear reference; NaN where not measured.
    missing : sequence of (n,) float
        Light that is missing, in units of the light that is left; frames that lack none do not count.

    Returns
    -------
    list of (n,) float
        Least squares of ``halo_growth = share * missing``: the haloes of frames that lack most count most. All frames
        count that lie between the first and the last of the five; NaN where fewer than three tell.
    """
    every = [np.concatenate(arrays) if len(arrays) else np.zeros(0) for arrays in (hours, halo_growth, missing)]
    shares = []
    for own in zip(hours, halo_growth, missing, strict=True):
        share = np.full(own[0].size, np.nan)
        for k, around in enumerate(_windows(share.size)):
            when = own[0][around]
            if np.isfinite(when).all():
                beside = (every[0] >= when.min()) & (every[0] <= when.max())
                share[k] = _share(every[1][beside], every[2][beside])
            else:
                share[k] = _share(own[1][around], own[2][around])
        shares.append(share)
    return shares


def told_halo(own: float, beside: float, limit: float) -> str:
    """Say by how much haloes are stronger, as it was decided: "14 % stronger than in the clear reference".

    The figure comes first: in a narrow window the end is cut.

    Parameters
    ----------
    own, beside : float
        Relative growth in the frame, and in those beside it; NaN where not measured.
    limit : float
        Above it the frame's own haloes speak for themselves; below, it and its neighbours speak together.
    """
    than = "% stronger than in the clear reference"
    if not math.isfinite(own):
        return f"{100 * beside:.0f} {than}, in the frames beside it"
    if own > limit or not math.isfinite(beside):
        return f"{100 * own:.0f} {than}"
    return f"{50 * (own + beside):.0f} {than}, here and in the frames beside it"


def told_growth(slope_mag: float, scatter_mag: float) -> str:
    """Say how the loss came: ", which came slowly" where the frames beside it bear that out.

    Parameters
    ----------
    slope_mag, scatter_mag : float, magnitudes
        As :func:`growth` gives them; NaN where too few frames tell: nothing is said then.
    """
    if not math.isfinite(slope_mag):
        return ""
    if abs(slope_mag) + scatter_mag <= SLOW_MAG:
        return ", which came slowly"
    if abs(slope_mag) > scatter_mag:
        return f", which {'grows' if slope_mag > 0 else 'goes'} by {abs(slope_mag):.2f} mag a frame"
    return f", which changes by {scatter_mag:.2f} mag from frame to frame"


def _share(halo_growth: Floats, missing: Floats) -> float:
    tells = np.isfinite(halo_growth) & (missing > 0)
    if tells.sum() < FEWEST - 1:
        return math.nan
    return float((missing[tells] @ halo_growth[tells]) / (missing[tells] @ missing[tells]))


def _windows(n: int) -> list[npt.NDArray[np.intp]]:
    """Return for each of n frames the five that are looked at with it."""
    first = np.clip(np.arange(n) - FRAMES // 2, 0, max(n - FRAMES, 0))
    return [np.arange(start, min(start + FRAMES, n)) for start in first.tolist()]
