"""Levels carried from one frame to another: the same contrast, counted from each frame's own sky."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline_core.science.display import SkyLevel

_AS_NOISY = 2.0
"""A frame up to so many times as noisy keeps the width: beyond, most of its sky would be black or white."""


def carried_levels(levels: tuple[float, float], of: SkyLevel, to: SkyLevel) -> tuple[float, float]:
    """Return black and white for a frame, as far from its sky as those of another frame are from that one's.

    Parameters
    ----------
    levels : (float, float)
        Black and white of the frame they were chosen for, in its unit.
    of, to : SkyLevel
        The sky of the frame they were chosen for, and of the frame that is to be shown, in the same unit.

    Returns
    -------
    (float, float)
        ``levels`` themselves where either sky is not known.

    Notes
    -----
    The width stays: a star dimmed by cloud looks dimmed, a brighter sky by moonlight is the same grey. Only in a frame
    more than twice as noisy (twilight, whose sky is a hundred times brighter) the width grows with the noise.
    """
    if not (math.isfinite(of.sky) and math.isfinite(to.sky)):
        return levels
    wider = max(1.0, to.sigma / (_AS_NOISY * of.sigma)) if of.sigma > 0.0 and math.isfinite(to.sigma) else 1.0
    black, white = levels
    return to.sky + wider * (black - of.sky), to.sky + wider * (white - of.sky)
