"""How far matched stars lie from the catalogue: their histogram, and where on the frame they lie off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QWidget

from astep_gui.models.residuals import Residuals, nice_length
from astep_gui.theme import mono_font, theme, theme_notice
from astep_gui.widgets.painting import painting
from astep_gui.widgets.plot_area import nice_ticks

if TYPE_CHECKING:
    from PyQt6.QtGui import QPaintEvent

_SPAN_SIGMA = 4.0
_BINS = 25


class _ResidualPlot(QWidget):
    """A plot of residuals on the theme's ground; empty without any."""

    WISH: QSize
    """The size at which it is read easily."""
    LEAST_PX: int
    """Height below which it says nothing."""

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: Residuals | None = None
        self.setMinimumHeight(self.LEAST_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        theme_notice().changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size at which it is read easily."""
        return self.WISH

    def show_residuals(self, residuals: Residuals | None) -> None:
        """Draw these."""
        self._shown = residuals
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the ground, and on it what there is."""
        with painting(self) as painter:
            painter.fillRect(self.rect(), theme().colour("ground"))
            painter.setFont(mono_font(11))
            if self._shown is not None and len(self._shown.used):
                self._draw(painter, QFontMetricsF(painter.font()), self._shown)

    def _draw(self, painter: QPainter, metrics: QFontMetricsF, shown: Residuals) -> None:
        raise NotImplementedError


class ResidualHistogram(_ResidualPlot):
    """East and north residuals, arcsec, with the rms they are said to have."""

    WISH, LEAST_PX = QSize(280, 124), 92

    def __init__(self, parent: QWidget | None = None) -> None:
        tip = "Measured minus catalogue of the matched stars, east and north, arcsec"
        super().__init__("Histogram of the residuals", tip, parent)

    def _draw(self, painter: QPainter, metrics: QFontMetricsF, shown: Residuals) -> None:
        """Draw bars of both directions, and the rms as a band."""
        look = theme()
        span = max(_SPAN_SIGMA * shown.rms_arcsec, 1e-3)
        area = QRectF(10, 8 + metrics.height(), self.width() - 20, self.height() - 2 * metrics.height() - 16)
        edges = np.linspace(-span, span, _BINS + 1)
        east, _ = np.histogram(shown.east_arcsec[shown.used], edges)
        north, _ = np.histogram(shown.north_arcsec[shown.used], edges)
        top = max(int(east.max()), int(north.max()), 1)

        def x_of(value: float) -> float:
            return area.left() + (value + span) / (2 * span) * area.width()

        def y_of(count: float) -> float:
            return area.bottom() - count / top * area.height()

        painter.fillRect(QRectF(QPointF(x_of(-shown.rms_arcsec), area.top()),
                                QPointF(x_of(shown.rms_arcsec), area.bottom())), look.colour("grid", 0.75))  # fmt: skip
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for counts, token, style in ((east, "plot_1", Qt.PenStyle.SolidLine), (north, "plot_2", Qt.PenStyle.DashLine)):
            steps = QPolygonF()
            for k, count in enumerate(counts):
                steps.append(QPointF(x_of(edges[k]), y_of(count)))
                steps.append(QPointF(x_of(edges[k + 1]), y_of(count)))
            painter.setPen(QPen(look.colour(token), 1.6, style))
            painter.drawPolyline(steps)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        painter.setPen(QPen(look.colour("line"), 1))
        painter.drawLine(QLineF(area.bottomLeft(), area.bottomRight()))
        painter.setPen(look.colour("dim"))
        for value in _ticks(span):
            x = x_of(value)
            painter.drawLine(QLineF(x, area.bottom(), x, area.bottom() + 3))
            words = f"{value:g}″".replace("-", "−")
            half = metrics.horizontalAdvance(words) / 2
            painter.drawText(QPointF(min(max(x - half, 0), self.width() - 2 * half), area.bottom() + 13), words)
        x = area.left()
        for words, tone in (("— east", "plot_1"), ("-- north", "plot_2")):
            painter.setPen(look.colour(tone))
            painter.drawText(QPointF(x, metrics.ascent() + 3), words)
            x += metrics.horizontalAdvance(words) + 12
        painter.setPen(look.colour("dim"))
        words = f"band: rms {shown.rms_arcsec:.3f}″"
        painter.drawText(QPointF(area.right() - metrics.horizontalAdvance(words), metrics.ascent() + 3), words)


class ResidualMap(_ResidualPlot):
    """The frame, with an arrow for each matched star: where it was measured against where the catalogue puts it."""

    WISH, LEAST_PX = QSize(280, 240), 150

    def __init__(self, parent: QWidget | None = None) -> None:
        tip = "Arrows from the catalogue's place towards the measured one, magnified; dots: not used"
        super().__init__("Map of the residuals over the frame", tip, parent)

    def _draw(self, painter: QPainter, metrics: QFontMetricsF, shown: Residuals) -> None:
        """Draw the frame, the arrows and their scale."""
        look = theme()
        room = QRectF(10, 8, self.width() - 20, self.height() - metrics.height() - 20)
        ny, nx = shown.shape
        scale = min(room.width() / nx, room.height() / ny)
        frame = QRectF(room.center().x() - scale * nx / 2, room.top(), scale * nx, scale * ny)
        painter.setPen(QPen(look.colour("line"), 1))
        painter.drawRect(frame)
        # A typical arrow is a twelfth of the frame long: neighbours' arrows hardly cross.
        typical = max(shown.rms_arcsec * 1.4 / shown.scale_arcsec, 1e-6)
        magnified = 0.08 * min(frame.width(), frame.height()) / typical  # screen px a px of residual
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = frame.left() + (shown.x_px + 0.5) * scale
        y = frame.bottom() - (shown.y_px + 0.5) * scale
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.colour("dim", 0.8))
        for k in np.flatnonzero(~shown.used):
            painter.drawEllipse(QPointF(x[k], y[k]), 1.6, 1.6)
        painter.setClipRect(frame)
        painter.setPen(QPen(look.colour("plot_1"), 1.4))
        lines = [
            QLineF(x[k], y[k], x[k] + shown.dx_px[k] * magnified, y[k] - shown.dy_px[k] * magnified)
            for k in np.flatnonzero(shown.used)
        ]
        painter.drawLines(lines)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.colour("plot_1"))
        for line in lines:
            painter.drawEllipse(line.p1(), 1.8, 1.8)
        painter.setClipping(False)
        # As wide as the plot: under a low one the frame itself is too narrow for the words.
        row = QRectF(room.left(), frame.bottom(), room.width(), 0.0)
        self._draw_key(painter, row, metrics, magnified / shown.scale_arcsec, shown, magnified / scale)

    def _draw_key(
        self, painter: QPainter, row: QRectF, metrics: QFontMetricsF, per_arcsec: float, shown: Residuals, factor: float
    ) -> None:  # fmt: skip
        """Draw how long an arrow of a round length is, and how far it is magnified."""
        look = theme()
        length = nice_length(0.2 * row.width() / per_arcsec)
        y = row.bottom() + metrics.height() / 2 + 5
        painter.setPen(QPen(look.colour("plot_1"), 2))
        painter.drawLine(QLineF(row.left(), y, row.left() + length * per_arcsec, y))
        painter.setPen(look.colour("dim"))
        at = QPointF(row.left() + length * per_arcsec + 6, y + metrics.capHeight() / 2)
        words = f"{length:g}″ · ×{factor:,.0f}".replace(",", "\u2009")
        painter.drawText(at, words)
        end = at.x() + metrics.horizontalAdvance(words)
        left_out = int((~shown.used).sum())
        if left_out:
            words = f"{left_out} not used"
            begin = row.right() - metrics.horizontalAdvance(words)
            if begin > end + 8:  # the tip tells what the dots are
                painter.drawText(QPointF(begin, at.y()), words)


def _ticks(span: float) -> list[float]:
    """Return round numbers from -span to span: zero alone would tell nothing of the width."""
    for wanted in (4, 6, 8, 12):
        ticks = nice_ticks(-span, span, wanted)
        if len(ticks) >= 3:
            break
    return ticks
