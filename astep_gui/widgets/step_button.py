"""One step on the rail: its word, and under it the mark that says whether it did something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPen
from PyQt6.QtWidgets import QToolButton

from astep_gui.theme import theme
from astep_gui.widgets.painting import painting

if TYPE_CHECKING:
    from PyQt6.QtGui import QPaintEvent
    from PyQt6.QtWidgets import QWidget

STATES = {
    "done": "done",
    "idle": "nothing to do",
    "missing": "not available yet",
    "waiting": "not computed yet",
}
"""What a step may be, and how it is called."""
_MARK = 11.0  # px across
_BELOW = 17  # px under the word: the mark and its margins


class StepButton(QToolButton):
    """Marks: a tick in a full disc did something, a dash had nothing to do, a broken ring waits for a master."""

    def __init__(self, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = "waiting"
        self.is_first = self.is_last = False
        self.room = 7
        """Pixels on both sides of the word."""
        self.setText(words)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_state(self, state: str) -> None:
        """Take one of :data:`STATES`."""
        self.state = state
        self.setAccessibleName(f"{self.text()}: {STATES[state]}")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of the whole word with its mark."""
        metrics = QFontMetricsF(self.font())
        return QSize(
            round(metrics.horizontalAdvance(self.text()) + 2 * self.room + 0.5), round(metrics.height()) + _BELOW + 3
        )

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the same: the word is never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw word, mark and the rail between the marks."""
        del event
        with painting(self) as painter:
            self._draw(painter)

    def _draw(self, painter: QPainter) -> None:
        look = theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        if self.isChecked() or self.underMouse() or self.hasFocus():
            painter.setPen(
                QPen(look.colour("accent"), 1.2) if self.isChecked() or self.hasFocus() else Qt.PenStyle.NoPen
            )
            painter.setBrush(look.colour("hover"))
            painter.drawRoundedRect(ground, 5, 5)
        is_quiet = self.state in {"idle", "missing"}
        token = "disabled" if not self.isEnabled() else "accent" if self.isChecked() else "dim" if is_quiet else "text"
        painter.setPen(look.colour(token))
        painter.drawText(QRectF(0, 2, self.width(), self.height() - _BELOW), Qt.AlignmentFlag.AlignCenter, self.text())
        middle = QPointF(self.width() / 2, self.height() - _BELOW / 2 - 0.5)
        painter.setPen(QPen(look.colour("line"), 1.0))
        for has_more, end in ((not self.is_first, 0.0), (not self.is_last, float(self.width()))):
            if has_more:
                start = middle.x() + (_MARK / 2 + 2) * (1 if end > middle.x() else -1)
                painter.drawLine(QPointF(start, middle.y()), QPointF(end, middle.y()))
        self._draw_mark(painter, middle)

    def _draw_mark(self, painter: QPainter, at: QPointF) -> None:
        look, half = theme(), _MARK / 2
        round_cap = Qt.PenCapStyle.RoundCap
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.state == "done":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("good"))
            painter.drawEllipse(at, half, half)
            painter.setPen(QPen(look.colour("panel"), 1.6, cap=round_cap, join=Qt.PenJoinStyle.RoundJoin))
            tick = [QPointF(-2.6, 0.2), QPointF(-0.7, 2.1), QPointF(2.7, -2.0)]
            painter.drawPolyline([at + point for point in tick])
        elif self.state == "idle":
            painter.setPen(QPen(look.colour("dim"), 1.8, cap=round_cap))
            painter.drawLine(at - QPointF(3.2, 0), at + QPointF(3.2, 0))
        else:
            token = "dim" if self.state == "waiting" else "warn"
            style = Qt.PenStyle.SolidLine if self.state == "waiting" else Qt.PenStyle.DotLine
            painter.setPen(QPen(look.colour(token), 1.5, style))
            painter.drawEllipse(at, half - 1.0, half - 1.0)
