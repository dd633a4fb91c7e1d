"""The points of the timeline: one mark a frame, those of a kind drawn together, so that thousands are drawn at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QLineF, QPointF, Qt
from PyQt6.QtGui import QPen, QPolygonF

from astep_gui.theme import theme

if TYPE_CHECKING:
    from PyQt6.QtGui import QPainter

    from astep_gui.models.timeline_model import TimelineModel

Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int8]
Indices = npt.NDArray[np.intp]

GOOD, SUSPECT, BAD, REJECTED, UNTOLD = range(5)
"""What a mark says; the last is of a frame of which too little was measured to call it good, or bad."""
DOOMED = 8
"""Added to one of the others: the threshold line would reject it."""
_RING_PX = 5.0
_UNTOLD_PX = 2.4
_ARROW_PX = 8.0
_TRIANGLE = ((0.0, -4.5), (4.2, 3.0), (-4.2, 3.0))


def signs_of(model: TimelineModel) -> Signs:
    """Return what the mark of each row says, (n,)."""
    found = model.proposal()
    doomed = set(found.paths) if found is not None else set()
    signs = np.full(len(model.rows), GOOD, np.int8)
    for k, row in enumerate(model.rows):
        if row.path in model.rejected:
            signs[k] = REJECTED
        elif row.flags and model.is_suspect(row):
            signs[k] = BAD if any(flag.severity == "bad" for flag in row.flags) else SUSPECT
        elif model.is_not_judged(row):
            signs[k] = UNTOLD
        if row.path in doomed:
            signs[k] |= DOOMED
    return signs


def wild_of(values: Floats, low: float, high: float) -> Signs:
    """Return where an arrow is due, (n,): -1 up, 1 down, 0 for values between two that are held."""
    return np.where(values > high, -1, np.where(values < low, 1, 0)).astype(np.int8)


def draw_halos(painter: QPainter, points: Floats) -> None:
    """Lay a halo where selected frames stand; their marks come over it.

    Parameters
    ----------
    painter : QPainter
    points : (n, 2) float, px
    """
    halo = theme().colour("accent")
    halo.setAlpha(110)
    round_pen = QPen(halo, 13.0)
    round_pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(round_pen)
    painter.drawPoints(QPolygonF([QPointF(x, y) for x, y in points.tolist()]))


def draw_marks(painter: QPainter, points: Floats, signs: Signs, wild: Signs) -> None:
    """Draw marks: dots, then triangles, then crosses, so that what speaks against a frame is never covered.

    A hollow dot is a frame that is not judged. What is proposed only has a ring around its mark, and no cross yet.

    Parameters
    ----------
    painter : QPainter
    points : (n, 2) float, px
        All finite.
    signs : (n,) int8
    wild : (n,) int8
        See :func:`wild_of`.
    """
    kinds, bad = signs & ~DOOMED, theme().colour("bad")
    dot = QPen(theme().colour("plot_1"), 5.2)
    dot.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(dot)
    painter.drawPoints(QPolygonF([QPointF(x, y) for x, y in points[kinds == GOOD].tolist()]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme().colour("plot_1"), 1.3))
    for x, y in points[kinds == UNTOLD].tolist():
        painter.drawEllipse(QPointF(x, y), _UNTOLD_PX, _UNTOLD_PX)
    for kind, colour in ((SUSPECT, theme().colour("warn")), (BAD, bad)):  # as in the list: hollow, and filled
        painter.setPen(QPen(colour, 1.5))
        painter.setBrush(colour if kind == BAD else Qt.BrushStyle.NoBrush)
        for x, y in points[kinds == kind].tolist():
            painter.drawPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in _TRIANGLE]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(bad, 2.0))
    for x, y in points[(signs & DOOMED) != 0].tolist():
        painter.drawEllipse(QPointF(x, y), _RING_PX, _RING_PX)
    painter.setPen(QPen(bad, 1.6))
    painter.drawLines(
        [
            line
            for x, y in points[kinds == REJECTED].tolist()
            for line in (QLineF(x - 3.5, y - 3.5, x + 3.5, y + 3.5), QLineF(x - 3.5, y + 3.5, x + 3.5, y - 3.5))
        ]
    )
    painter.setPen(QPen(theme().colour("text"), 1.4))
    arrows = zip(points[wild != 0].tolist(), wild[wild != 0].tolist(), strict=True)
    painter.drawLines([QLineF(x, y, x, y + _ARROW_PX * way) for (x, y), way in arrows])


def shown(points: Floats, left: float, right: float) -> Indices:
    """Return which points are measured and lie on the part of the night that is shown."""
    x, y = points[:, 0], points[:, 1]
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(np.isfinite(x) & np.isfinite(y) & (x >= left - 4) & (x <= right + 4))
