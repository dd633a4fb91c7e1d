"""A strip with axes: the margins and ticks that timeline, keogram and sparklines share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPen

from astep_gui.theme import theme

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

LEFT, RIGHT = 62, 14
"""Margins, px: the same in every strip, so that a time stands at the same place in all of them."""
MARGIN = 1.0 / 12.0
"""Part of an axis beyond the values on each side: a tenth of their reach."""


def nice_ticks(low: float, high: float, wanted: int) -> list[float]:
    """Return round numbers between two values, about so many."""
    if not high > low:
        return []
    rough = (high - low) / max(wanted, 1)
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999))
    return [round(step * float(k), 10) + 0.0 for k in np.arange(np.ceil(low / step), np.floor(high / step) + 1)]


def span_of(values: npt.NDArray[np.float64], extra: float | None = None) -> tuple[float, float]:
    """Return an axis that holds all but wild values, which would press the rest flat; ``extra`` is always inside."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, q1, q3, high = (float(v) for v in np.percentile(finite, (0, 25, 75, 100)))
    reach = 8.0 * (q3 - q1) if q3 > q1 else np.inf
    low, high = max(low, q1 - reach), min(high, q3 + reach)
    if extra is not None:
        low, high = min(low, extra), max(high, extra)
    margin = 0.1 * (high - low) if high > low else 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def draw_value_axis(painter: QPainter, area: QRectF, ticks: list[tuple[float, str]]) -> None:
    """Draw grid lines at heights (px from the top of the widget) with their words in the left margin."""
    metrics = QFontMetricsF(painter.font())
    grid = QPen(theme().colour("grid"), 1)
    for y, words in ticks:
        painter.setPen(grid)
        painter.drawLine(round(area.left()), round(y), round(area.right()), round(y))
        painter.setPen(theme().colour("dim"))
        for number, line in enumerate(in_margin(words, metrics)):
            box = QRectF(0, y + (number - 0.5) * metrics.height(), LEFT - 8, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, line)


def in_margin(words: str, metrics: QFontMetricsF) -> list[str]:
    """Break the words of a tick into lines that the left margin holds: "20,000 ADU" has its unit below."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and metrics.horizontalAdvance(longer) > LEFT - 8:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def draw_place_axis(
    painter: QPainter, widget: QWidget, area: QRectF, ticks: list[tuple[float, str]], unit: str
) -> None:
    """Draw the lower axis: places (px from the left) with their words, the unit in the left margin."""
    metrics = QFontMetricsF(painter.font())
    top = area.bottom() + 3
    for x, words in ticks:
        painter.setPen(theme().colour("dim"))
        painter.drawLine(round(x), round(area.bottom()), round(x), round(area.bottom() + 4))
        half = metrics.horizontalAdvance(words) / 2 + 2
        left = min(max(x - half, LEFT - 6.0), widget.width() - 2 * half)  # clear of the unit, and inside
        painter.drawText(QRectF(left, top, 2 * half, metrics.height() + 2), Qt.AlignmentFlag.AlignCenter, words)
    painter.setPen(theme().colour("dim"))
    painter.drawText(
        QRectF(0, top, LEFT - 8, metrics.height() + 2),
        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
        unit,
    )
