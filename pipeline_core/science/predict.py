"""The next frame of a night: where the last solution says its stars are, how many agree, and the refit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science.catalogue_match import in_frame

if TYPE_CHECKING:
    from pipeline_core.science.catalogue_match import FrameStars, SkyStars
    from pipeline_core.science.tan_sip import TanSip

_CELL_PX = 4.0
_BRIGHTEST = 80


@dataclass(frozen=True, slots=True)
class Vote:
    """How many pairs of stars agree on one shift."""

    solution: TanSip
    votes: int
    of: int
    """Stars that could have voted."""
    chance: float
    """Votes that unrelated stars would cast."""
    flipped: bool = False

    @property
    def carries(self) -> bool:
        """Whether the shift is worth a fit; the fit is checked by itself."""
        return self.votes >= max(5, 0.15 * self.of) and self.votes > 4.0 * self.chance + 2.0


def predict(
    stars: FrameStars, sky: SkyStars, last: TanSip, shape: tuple[int, int], *, reach_px: float = 120.0
) -> Vote | None:
    """Look for the shift against the last solution, upright first and then turned by 180°.

    Parameters
    ----------
    stars : FrameStars
    sky : SkyStars
    last : TanSip
        Of the frame before.
    shape : (ny, nx)
    reach_px : float
        Largest shift looked for.

    Returns
    -------
    Vote or None
        The one that carries, None if none does: the telescope slewed, or clouds took the stars.
    """
    for solution, flipped in ((last, False), (last.turned(), True)):
        vote = _vote(stars, sky, solution, shape, reach_px, flipped=flipped)
        if vote is not None and vote.carries:
            return vote
    return None


def _vote(
    stars: FrameStars, sky: SkyStars, solution: TanSip, shape: tuple[int, int], reach: float, *, flipped: bool
) -> Vote | None:
    listed = in_frame(sky, solution, shape, reach)[: 2 * _BRIGHTEST]
    bright = slice(0, _BRIGHTEST)
    if len(listed) < 4 or len(stars) < 4:
        return None
    x, y = solution.to_pixel(sky.ra_deg[listed], sky.dec_deg[listed])
    dx = stars.x_px[bright, None] - x[None, :]
    dy = stars.y_px[bright, None] - y[None, :]
    near = (np.abs(dx) < reach) & (np.abs(dy) < reach)
    if not near.any():
        return None
    dx, dy = dx[near], dy[near]
    side = int(2 * reach / _CELL_PX) + 2
    column, row = ((dx + reach) / _CELL_PX).astype(int), ((dy + reach) / _CELL_PX).astype(int)
    counts = np.bincount(row * side + column, minlength=side * side).reshape(side, side)
    # A shift may fall on the border of cells: 2×2 of them are counted together.
    blocks = counts[:-1, :-1] + counts[1:, :-1] + counts[:-1, 1:] + counts[1:, 1:]
    row0, column0 = (int(k) for k in np.unravel_index(int(np.argmax(blocks)), blocks.shape))
    x0, y0 = (column0 + 1) * _CELL_PX - reach, (row0 + 1) * _CELL_PX - reach
    close = (np.abs(dx - x0) <= _CELL_PX) & (np.abs(dy - y0) <= _CELL_PX)
    shift = float(np.median(dx[close])), float(np.median(dy[close]))
    chance = float(near.sum()) * 4.0 * _CELL_PX**2 / (4.0 * reach**2)
    of = min(_BRIGHTEST, len(stars), len(listed))
    return Vote(solution.shifted(*shift), int(close.sum()), of, chance, flipped)
