"""Sun and Moon behind the points of the timeline: shades, a bar, and their names where no point stands."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF

from astep_gui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from PyQt6.QtGui import QPainter

    from astep_gui.models.time_axis import TimeAxis
    from astep_gui.models.timeline_model import Span

MOON_PX = 4
"""Height of the bar along the top where the Moon is up."""
_ALPHA = {"day": 255, "civil twilight": 210, "nautical twilight": 150, "astronomical twilight": 80, "night": 0}
_POINT_PX = 7.0
"""Half the size of a point's mark with the ring around the current one."""
_APART_PX = 10.0
"""Two names in one row are not read as one."""
_STEP_PX = 8.0
"""Names are tried at places this far apart."""
_ROWS_PX, _ROW_PX = (4.0, 18.0, 32.0), 14.0
"""Where rows of names may begin below the top, the first that has room is taken; and their height."""


def draw_light(painter: QPainter, area: QRectF, axis: TimeAxis, spans: Sequence[Span]) -> None:
    """Shade twilight and day, and draw the bar of the Moon."""
    painter.save()
    painter.setClipRect(area)
    sky, moon = theme().colour("twilight"), theme().colour("moon")
    for span in spans:
        x0 = area.left() + axis.part(span.low) * area.width()
        x1 = area.left() + axis.part(span.high) * area.width()
        sky.setAlpha(_ALPHA[span.light])
        painter.fillRect(QRectF(x0, area.top(), x1 - x0, area.height()), sky)
        if span.moon_is_up:
            painter.fillRect(QRectF(x0, area.top(), x1 - x0, MOON_PX), moon)
    painter.restore()


def name_light(
    painter: QPainter, area: QRectF, axis: TimeAxis, spans: Sequence[Span], points: npt.NDArray[np.float64]
) -> None:
    """Write what shades and bar mean: within each, at the first place where no point would stand under the words.

    Parameters
    ----------
    points : (n, 2) float64
        Where the points are drawn, px.
    """
    painter.save()
    painter.setClipRect(area)
    painter.setPen(theme().colour("dim"))
    metrics = painter.fontMetrics()
    taken: list[QRectF] = []
    for words, low, high in named_parts(spans):
        left = area.left() + max(axis.part(low), 0.0) * area.width()
        right = area.left() + min(axis.part(high), 1.0) * area.width()
        size = metrics.horizontalAdvance(words) + 4.0
        for row in _ROWS_PX:
            box = clear_place(left + 3, right - 3, QRectF(0, area.top() + row, size, _ROW_PX), points, taken)
            if box is not None and box.bottom() < area.bottom():
                taken.append(box)
                painter.drawText(QPointF(box.left() + 2, box.bottom() - 3), words)
                break
    painter.restore()


def named_parts(spans: Sequence[Span]) -> Iterator[tuple[str, float, float]]:
    """Yield name, begin and end of what is drawn: each stretch of one light, then each time the Moon is up."""
    lights = ["" if span.light == "night" else span.light for span in spans]
    moons = ["Moon up" if span.moon_is_up else "" for span in spans]
    for names in (lights, moons):
        for words, run in groupby(zip(names, spans, strict=True), key=lambda pair: pair[0]):
            stretch = [span for _, span in run]
            if words:
                yield words, stretch[0].low, stretch[-1].high


def clear_place(
    left: float, right: float, box: QRectF, points: npt.NDArray[np.float64], taken: Sequence[QRectF]
) -> QRectF | None:
    """Return where a box can stand between two limits without covering a point or another box; None if nowhere."""
    near = points[np.isfinite(points).all(axis=1)] if len(points) else points
    near = near[(near[:, 1] > box.top() - _POINT_PX) & (near[:, 1] < box.bottom() + _POINT_PX)] if len(near) else near
    x = left
    while x + box.width() <= right:
        tried = QRectF(x, box.top(), box.width(), box.height())
        covers = len(near) and bool(
            ((near[:, 0] > tried.left() - _POINT_PX) & (near[:, 0] < tried.right() + _POINT_PX)).any()
        )
        apart = tried.adjusted(-_APART_PX, 0, _APART_PX, 0)
        if not covers and not any(apart.intersects(other) for other in taken):
            return tried
        x += _STEP_PX
    return None
