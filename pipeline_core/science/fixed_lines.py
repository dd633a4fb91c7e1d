"""Lines that stay on the chip: an edge of the flat, a scratch, a reflection; no satellite comes twice the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.science.streaks import Streak

_NEAR_PX = 6.0
"""Lines closer than this at both ends are one: the search averages up to five pixels of a small chip."""
_NEAR_PART = 0.008
"""... or than this part of the chip's shorter side, where it averages more."""


def recurring(streaks: Sequence[Sequence[Streak]], shape: tuple[int, int]) -> list[list[bool]]:
    """Tell which lines are seen at the same place of the chip in another frame.

    Parameters
    ----------
    streaks : sequence of sequences of (x0, y0, x1, y1)
        The lines of each frame, px of the chip.
    shape : (ny, nx)

    Returns
    -------
    list of list of bool
        In the same order; True for a line that recurs.
    """
    near = max(_NEAR_PX, _NEAR_PART * min(shape))
    return [
        [
            any(_is_same(line, other, near) for j, lines in enumerate(streaks) if j != k for other in lines)
            for line in own
        ]
        for k, own in enumerate(streaks)
    ]


def _is_same(one: Streak, two: Streak, near: float) -> bool:
    """Whether the shorter line lies on the longer one, with at least half of its length beside it."""
    short, long = np.reshape(one, (2, 2)), np.reshape(two, (2, 2))
    if np.hypot(*np.ptp(short, 0)) > np.hypot(*np.ptp(long, 0)):
        short, long = long, short
    along = long[1] - long[0]
    length = float(np.hypot(*along))
    if length == 0.0:
        return False
    along /= length
    off = (short - long[0]) @ np.array([-along[1], along[0]])
    if not np.abs(off).max() <= near:
        return False
    first, last = np.sort((short - long[0]) @ along)
    return bool(min(last, length) - max(first, 0.0) >= 0.5 * (last - first))
