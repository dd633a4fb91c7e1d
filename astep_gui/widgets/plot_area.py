"""A strip with axes: the margins, ticks and colours that timeline, keogram and sparklines share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPalette, QPen
from PyQt6.QtWidgets import QWidget

LEFT, RIGHT = 62, 14
"""Margins, px: the same in every strip, so that a time stands at the same place in all of them."""


def ink(widget: QWidget, role: str) -> QColor:
    """Return a colour of the widget's palette by its part in a plot.

    Parameters
    ----------
    widget : QWidget
    role : {"text", "dim", "line", "ground", "panel", "accent"}
    """
    roles = {
        "text": QPalette.ColorRole.Text,
        "dim": QPalette.ColorRole.PlaceholderText,
        "line": QPalette.ColorRole.Mid,
        "ground": QPalette.ColorRole.Base,
        "panel": QPalette.ColorRole.Window,
        "accent": QPalette.ColorRole.Link,
    }
    return widget.palette().color(roles[role])


def is_dark(widget: QWidget) -> bool:
    """Whether plots are drawn light on dark."""
    return ink(widget, "ground").lightness() < 128


def state_ink(widget: QWidget, state: str) -> QColor:
    """Return the colour of a state; a mark and a word always stand beside it.

    Parameters
    ----------
    widget : QWidget
    state : {"bad", "suspect", "good"}
    """
    # Okabe & Ito (2008), lighter or darker so that each stands 3:1 from its ground: told apart with any colour vision.
    dark = {"bad": "#f0876c", "suspect": "#e6ad3c", "good": "#5fb3d9"}
    light = {"bad": "#b3341c", "suspect": "#8a5a00", "good": "#0b62a0"}
    return QColor((dark if is_dark(widget) else light)[state])


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


def draw_value_axis(painter: QPainter, widget: QWidget, area: QRectF, ticks: list[tuple[float, str]]) -> None:
    """Draw grid lines at heights (px from the top of the widget) with their words in the left margin."""
    metrics = QFontMetricsF(painter.font())
    grid = QPen(ink(widget, "line"), 1, Qt.PenStyle.DotLine)
    for y, words in ticks:
        painter.setPen(grid)
        painter.drawLine(round(area.left()), round(y), round(area.right()), round(y))
        painter.setPen(ink(widget, "dim"))
        box = QRectF(0, y - metrics.height() / 2, LEFT - 8, metrics.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)


def draw_place_axis(
    painter: QPainter, widget: QWidget, area: QRectF, ticks: list[tuple[float, str]], unit: str
) -> None:
    """Draw the lower axis: places (px from the left) with their words, the unit in the left margin."""
    metrics = QFontMetricsF(painter.font())
    top = area.bottom() + 3
    for x, words in ticks:
        painter.setPen(ink(widget, "dim"))
        painter.drawLine(round(x), round(area.bottom()), round(x), round(area.bottom() + 4))
        half = metrics.horizontalAdvance(words) / 2 + 2
        left = min(max(x - half, 0.0), widget.width() - 2 * half)
        painter.drawText(QRectF(left, top, 2 * half, metrics.height() + 2), Qt.AlignmentFlag.AlignCenter, words)
    painter.setPen(ink(widget, "dim"))
    painter.drawText(
        QRectF(0, top, LEFT - 8, metrics.height() + 2),
        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
        unit,
    )
