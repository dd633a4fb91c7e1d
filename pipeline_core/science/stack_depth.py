"""What rejecting frames costs: how deep all frames together would reach, with and without them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def depth_change_mag(depth_loss_mag: npt.NDArray[np.float64], kept: npt.NDArray[np.bool_]) -> float:
    """Return by how much a stack's limit changes when only some frames are kept.

    Parameters
    ----------
    depth_loss_mag : (n,) float
        How much shallower each frame is than a clear one; NaN where it is not known (such frames do not count).
    kept : (n,) bool

    Returns
    -------
    float
        Magnitudes; negative: the stack reaches less deep. NaN if no depth is known, minus infinity if nothing is kept.

    Notes
    -----
    For frames weighted by the inverse of their variance, the faintest flux of a stack is (sum of f⁻²)^(-1/2) with the
    faintest flux f of each frame, f ∝ 10^(0.4 depth loss). So a frame 1 mag shallower counts as 0.16 of a clear one,
    and leaving it out costs little.
    """
    known = np.isfinite(depth_loss_mag)
    if not known.any():
        return float("nan")
    worth = np.where(known, 10.0 ** (-0.8 * np.nan_to_num(depth_loss_mag)), 0.0)
    left = float(worth[kept].sum())
    return 1.25 * float(np.log10(left / worth.sum())) if left > 0 else float("-inf")
