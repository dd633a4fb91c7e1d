"""A slow loss of light: how steadily it grows, and how much of it is found again in haloes.

Five frames are looked at together, those around a frame or, at the ends of a series, the first or last five. Ice grows
evenly and scatters what it takes; cloud comes and goes from frame to frame and swallows it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FRAMES = 5
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


def halo_share(halo_growth: Floats, missing: Floats) -> Floats:
    """Return the part of the missing light that the haloes hold, of five frames together.

    Parameters
    ----------
    halo_growth : (n,) float
        Relative growth of the halo ratio against the clear reference; NaN where not measured.
    missing : (n,) float
        Light that is missing, in units of the light that is left; frames that lack none do not count.

    Returns
    -------
    (n,) float
        Least squares of ``halo_growth = share * missing``: the haloes of frames that lack most count most. NaN where
        fewer than three frames tell.
    """
    share = np.full(missing.size, np.nan)
    tells = np.isfinite(halo_growth) & (missing > 0)
    for k, around in enumerate(_windows(missing.size)):
        known = around[tells[around]]
        if known.size >= FEWEST - 1:
            share[k] = (missing[known] @ halo_growth[known]) / (missing[known] @ missing[known])
    return share


def _windows(n: int) -> list[npt.NDArray[np.intp]]:
    """Return for each of n frames the five that are looked at with it."""
    first = np.clip(np.arange(n) - FRAMES // 2, 0, max(n - FRAMES, 0))
    return [np.arange(start, min(start + FRAMES, n)) for start in first.tolist()]
