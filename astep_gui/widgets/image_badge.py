"""The badge of a rejected frame: a band of words at the top of the image, and a line around the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen

from astep_gui.theme import theme, ui_font
from astep_gui.widgets.image_marks import MARGIN

if TYPE_CHECKING:
    from collections.abc import Callable

_BESIDE, _PADDING = 46.0, 5.0
"""Pixels beside the words, the cross among them, and above them."""
_LEAST_PX = 160.0
"""In a frame that is shown smaller the words do not fit: they may stand beyond it."""


def lines_of(words: str, width_of: Callable[[str], float], room: float) -> list[str]:
    """Break the words of a badge into lines: between its parts ("REJECTED", the cause, "U to restore") first.

    Parameters
    ----------
    words : str
        Parts with " · " between them.
    width_of : callable
        Returns the width of words on one line, pixels.
    room : float
        Pixels that a line may take; a single word that is wider stands alone on its line.
    """
    lines: list[str] = []
    for part in words.split(" · "):
        if lines and width_of(f"{lines[-1]} · {part}") <= room:
            lines[-1] = f"{lines[-1]} · {part}"
            continue
        lines.append("")
        for word in part.split():
            if lines[-1] and width_of(f"{lines[-1]} {word}") > room:
                lines.append("")
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _within(frame: QRectF, across: tuple[float, float]) -> tuple[float, float]:
    """Keep the words inside the frame, whose verdict they are: what lies beside it is no part of it."""
    left, right = max(frame.left(), across[0]), min(frame.right(), across[1])
    return (left, right) if right - left >= _LEAST_PX else across


def draw_badge(painter: QPainter, area: QRectF, frame: QRectF, words: str, across: tuple[float, float]) -> None:
    """Say that a frame is rejected, in as many lines as the words take.

    Parameters
    ----------
    painter : QPainter
    area, frame : QRectF
        Of the image's place, and of the frame in it, px.
    words : str
    across : (float, float)
        From where to where the words may stand, px: another image may lie over the rest.
    """
    look = theme()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(look.colour("badge"), 4.0))
    painter.drawRect(frame.intersected(area).adjusted(2, 2, -2, -2))
    font = ui_font(13, bold=True)
    metrics = QFontMetricsF(font)
    across = _within(frame, across)
    lines = lines_of(words, metrics.horizontalAdvance, across[1] - across[0] - _BESIDE - 2 * MARGIN)
    width = max(map(metrics.horizontalAdvance, lines)) + _BESIDE
    height = metrics.height() + (len(lines) - 1) * metrics.lineSpacing() + 2 * _PADDING
    pill = QRectF((across[0] + across[1] - width) / 2, area.top() + MARGIN, width, height)
    path = QPainterPath()
    path.addRoundedRect(pill, 6.0, 6.0)
    painter.fillPath(path, look.colour("badge"))
    painter.setPen(QPen(look.colour("badge_text"), 1.0))
    painter.drawPath(path)
    cross = QPointF(pill.left() + 17, pill.top() + _PADDING + metrics.height() / 2)
    painter.setPen(QPen(look.colour("badge_text"), 2.0, cap=Qt.PenCapStyle.RoundCap))
    painter.drawLine(cross + QPointF(-4, -4), cross + QPointF(4, 4))
    painter.drawLine(cross + QPointF(-4, 4), cross + QPointF(4, -4))
    painter.setFont(font)
    flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
    painter.drawText(pill.adjusted(32, 0, -10, 0), flags, "\n".join(lines))
