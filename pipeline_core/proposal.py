"""A proposal to reject: the frames beyond a threshold, and what losing them would cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pipeline_core.night_series import Quantity, quantity, values_of
from pipeline_core.science.stack_depth import depth_change_mag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline_core.measures import QualityRow
    from pipeline_core.types import Frame


@dataclass(frozen=True, slots=True)
class Proposal:
    """Frames that would be rejected now, besides those that already are."""

    what: Quantity
    threshold: float
    side: Literal["high", "low"]
    """Where the frames to reject lie."""
    paths: tuple[str, ...]
    total: int
    """Frames that are not rejected yet."""
    depth_change_mag: float
    """Of a stack of all of them; negative is shallower; NaN where unknown, or where nobody stacks them all."""
    before: float
    """Median of the quantity over the frames now accepted."""
    after: float
    """And over those that would be left; NaN if none is."""
    kept: int = 0
    """Frames beyond the threshold that a person accepted: they stay."""

    @property
    def reason(self) -> str:
        """What the logbook will say of each frame."""
        sign = ">" if self.side == "high" else "<"
        return f"{self.what.label} {sign} {self.what.words(self.threshold)}"

    @property
    def words(self) -> str:
        """The cost in one line: "reject 37 of 785: stack 0.03 mag shallower, median FWHM 2.90 → 2.60 px".

        Frames beyond it that stay because a person accepted them end it: "…; 1 more you accepted".
        """
        if not self.kept:
            return self._cost_words()
        return f"{self._cost_words()}; {self.kept}{' more' if self.paths else ''} you accepted"

    def _cost_words(self) -> str:
        if not self.paths:
            return "rejects no frame"
        said = f"reject {len(self.paths)} of {self.total}"
        costs = []
        if np.isneginf(self.depth_change_mag) or len(self.paths) == self.total:
            return f"{said}: nothing would be left"
        if np.isfinite(self.depth_change_mag):
            costs.append(self._depth_words())
        if np.isfinite(self.before) and np.isfinite(self.after):
            was = format(self.before, self.what.form)
            costs.append(f"median {self.what.label} {was} → {self.what.words(self.after)}")
        return f"{said}: {', '.join(costs)}" if costs else said

    def _depth_words(self) -> str:
        """Say which way a stack changes: a sign of a magnitude is read either way."""
        change = round(self.depth_change_mag, 2)
        return f"stack {abs(change):.2f} mag {'deeper' if change > 0 else 'shallower'}" if change else "stack as deep"


def beyond(
    name: str,
    threshold: float,
    rows: Sequence[QualityRow],
    rejected: Collection[str],
    *,
    side: Literal["high", "low"] | None = None,
    frames: Mapping[str, Frame] | None = None,
    kept: Collection[str] = frozenset(),
    groups: Mapping[str, str] | None = None,
) -> Proposal:
    """Propose to reject the frames beyond a threshold.

    Parameters
    ----------
    name : str
        Of the quantity.
    threshold : float
    rows : sequence of QualityRow
    rejected : collection of str
        Paths rejected already: they neither count nor are named again.
    side : {"high", "low"}, optional
        Which side of it is rejected; the worse one of the quantity by default.
    frames : mapping of str to Frame, optional
        For what only headers tell.
    kept : collection of str
        Paths that a person accepted: none of them is named, whatever its value.
    groups : mapping of str to str, optional
        Path → group that is stacked together. Where accepted frames are of several, no stack's cost is known.
    """
    what = quantity(name)
    chosen = side or what.worse or "high"
    accepted = [row for row in rows if row.path not in rejected]
    values = values_of(what, accepted, frames)
    known = np.isfinite(values)
    out = known & ((values > threshold) if chosen == "high" else (values < threshold))
    stays = out & np.array([row.path in kept for row in accepted], bool)
    out &= ~stays
    left = known & ~out
    losses = values_of(quantity("depth_loss_mag"), accepted)
    stacks = {groups[row.path] for row in accepted if row.path in groups} if groups else set()
    return Proposal(
        what,
        threshold,
        chosen,
        tuple(row.path for row, hit in zip(accepted, out, strict=True) if hit),
        len(accepted),
        depth_change_mag(losses, ~out) if len(stacks) < 2 else float("nan"),
        float(np.median(values[known])) if known.any() else float("nan"),
        float(np.median(values[left])) if left.any() else float("nan"),
        int(stays.sum()),
    )
