"""The drawing of the timeline: points, light of the night, brush and threshold line; click, drag and wheel on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from astep_gui.models.timeline_model import TIME, TimelineModel
from astep_gui.theme import theme
from astep_gui.widgets.night_light import draw_light, name_light
from astep_gui.widgets.own_keys import OwnKeys
from astep_gui.widgets.painting import painting
from astep_gui.widgets.plot_area import (
    LEFT,
    MARGIN,
    RIGHT,
    draw_place_axis,
    draw_value_axis,
    nice_ticks,
    span_of,
)
from pipeline_core.night_series import quantity

if TYPE_CHECKING:
    from PyQt6.QtCore import QEvent
    from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QWheelEvent

_REACH_PX = 10.0
_TOP, _BOTTOM = 8, 22
_RIM_PX = 11


class TimelinePlot(QWidget):
    """Draws a :class:`TimelineModel`; turns clicks, brushes and drags into what the model is asked for."""

    def __init__(self, model: TimelineModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self._brush: tuple[float, float] | None = None
        self._drags_threshold = False
        self._hover = -1
        self._points: npt.NDArray[np.float64] = np.zeros((0, 2))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        OwnKeys(self, {Qt.Key.Key_Escape}, lambda: model.threshold is not None)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(84)
        self.setAccessibleName("Timeline of the night")
        for signal in (model.changed, model.pointed, model.threshold_changed, model.axis.changed):
            signal.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Prefer a low, wide strip."""
        return QSize(800, 140)

    # -- geometry --------------------------------------------------------------------------------------------

    def area(self) -> QRectF:
        """Return where points are drawn."""
        return QRectF(LEFT, _TOP, max(1, self.width() - LEFT - RIGHT), max(1, self.height() - _TOP - _BOTTOM))

    def points(self) -> npt.NDArray[np.float64]:
        """Return the place of each row in pixels, (n, 2); NaN where it is not measured."""
        area, model = self.area(), self.model
        low, high = self._span()
        places = model.places()
        left, right = self._place_span()
        x = area.left() + (places - left) / (right - left) * area.width()
        y = area.bottom() - (self._scaled(model.values()) - low) / (high - low) * area.height()
        y = np.clip(y, area.top() + _RIM_PX, area.bottom() - _RIM_PX)  # wild values stand at the rim, with an arrow
        return np.column_stack([x, y]) if len(x) else np.zeros((0, 2))

    def _scaled(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if not self.model.what.spans_decades:
            return values
        return np.log10(np.where(values > 0, values, np.nan))

    def _span(self) -> tuple[float, float]:
        """Return the values at the lower and upper edge: what is held stays clear of the rims in a low strip."""
        low, high = self._held()
        height, reach = self.area().height(), high - low
        inside = max(height - 2 * _RIM_PX, 1.0)
        more = max(0.0, (_RIM_PX - MARGIN * height) * reach / inside)
        return low - more, high + more

    def _held(self) -> tuple[float, float]:
        """Return the values between which none is wild."""
        threshold = self.model.threshold
        extra = None
        if threshold is not None:
            extra = float(self._scaled(np.array([threshold]))[0])
        return span_of(self._scaled(self.model.values()), extra if extra is not None and np.isfinite(extra) else None)

    def _place_span(self) -> tuple[float, float]:
        if self.model.against == TIME:
            return self.model.axis.low, self.model.axis.high
        return span_of(self.model.places())

    def _value_at(self, y: float) -> float:
        area = self.area()
        low, high = self._span()
        value = low + (area.bottom() - y) / area.height() * (high - low)
        return float(10.0**value) if self.model.what.spans_decades else float(value)

    def threshold_y(self) -> float | None:
        """Return the height of the threshold line in pixels; None without one."""
        if self.model.threshold is None:
            return None
        low, high = self._span()
        scaled = float(self._scaled(np.array([self.model.threshold]))[0])
        area = self.area()
        return float(area.bottom() - (scaled - low) / (high - low) * area.height())

    def row_at(self, x: float, y: float) -> int | None:
        """Return the row drawn at a place in pixels, if one is near."""
        points = self.points()
        if not len(points):
            return None
        distance = np.hypot(points[:, 0] - x, points[:, 1] - y)
        if not np.isfinite(distance).any():
            return None
        nearest = int(np.nanargmin(distance))
        return nearest if distance[nearest] <= _REACH_PX else None

    # -- drawing ---------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the night."""
        del event
        with painting(self) as painter:
            self._draw(painter)

    def _draw(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(11)
        painter.setFont(font)
        area = self.area()
        painter.fillRect(self.rect(), theme().colour("panel"))
        painter.fillRect(area, theme().colour("ground"))
        if not self.model.rows:
            painter.setPen(theme().colour("dim"))
            words = self.model.awaited or "Frames appear here as soon as they are measured"
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
            return
        spans = self.model.spans() if self.model.against == TIME else []
        draw_light(painter, area, self.model.axis, spans)
        self._draw_axes(painter, area)
        name_light(painter, area, self.model.axis, spans, self.points())
        painter.setClipRect(area.adjusted(-6, -6, 6, 6))
        self._draw_threshold(painter, area)
        self._draw_points(painter, area)
        if self._brush is not None:
            low, high = sorted(self._brush)
            fill = theme().colour("accent")
            fill.setAlpha(50)
            painter.fillRect(QRectF(low, area.top(), high - low, area.height()), fill)

    def _draw_axes(self, painter: QPainter, area: QRectF) -> None:
        low, high = self._span()
        wanted = max(2, int(area.height() / 30))
        if self.model.what.spans_decades:
            powers = np.arange(np.floor(low), np.ceil(high) + 1)
            values = [float(p + f) for p in powers for f in np.log10((1, 2, 5)) if low <= p + f <= high]
            values = values if len(values) <= 2 * wanted else [v for v in values if abs(v - round(v)) < 1e-9]
            words = [f"{10**v:,.6g}" for v in values]
        else:
            values = nice_ticks(low, high, wanted)
            words = [f"{v:g}" for v in values]
        if words and self.model.unit():
            words[-1] = f"{words[-1]} {self.model.unit()}"  # the highest tick names the unit
        heights = [area.bottom() - (v - low) / (high - low) * area.height() for v in values]
        draw_value_axis(painter, area, list(zip(heights, words, strict=True)))
        left, right = self._place_span()
        if self.model.against == TIME:
            ticks, unit = (
                self.model.axis.ticks(max(2, int(area.width() / 90))),
                "UTC" if self.model.axis.is_time else "№",
            )
        else:
            ticks = [(v, f"{v:g}") for v in nice_ticks(left, right, max(2, int(area.width() / 90)))]
            unit = quantity(self.model.against).unit
        placed = [(area.left() + (v - left) / (right - left) * area.width(), w) for v, w in ticks]
        draw_place_axis(painter, self, area, placed, unit)

    def _draw_points(self, painter: QPainter, area: QRectF) -> None:
        model, points = self.model, self.points()
        good, suspect, bad = (theme().colour(token) for token in ("plot_1", "warn", "bad"))
        accent = theme().colour("text")
        proposal = model.proposal()
        doomed = set(proposal.paths) if proposal is not None else set()
        scaled = self._scaled(model.values())
        low, high = self._held()
        for k, (row, (x, y)) in enumerate(zip(model.rows, points, strict=True)):
            is_current = row.path == model.current
            if is_current and np.isfinite(x) and model.against == TIME:
                painter.setPen(QPen(theme().colour("text"), 1))
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            if not (np.isfinite(x) and np.isfinite(y)) or not area.left() - 4 <= x <= area.right() + 4:
                continue
            at = QPointF(float(x), float(y))
            if row.path in model.selection:
                halo = theme().colour("accent")
                halo.setAlpha(110)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(halo)
                painter.drawEllipse(at, 6.5, 6.5)
            if row.path in doomed:  # proposed only: a ring around what it is now, no ✕ yet
                painter.setPen(QPen(bad, 2.0))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(at, 5.0, 5.0)
            if row.path in model.rejected:
                painter.setPen(QPen(bad, 1.6))
                painter.drawLine(at + QPointF(-3.5, -3.5), at + QPointF(3.5, 3.5))
                painter.drawLine(at + QPointF(-3.5, 3.5), at + QPointF(3.5, -3.5))
            elif model.is_suspect(row):
                painter.setPen(QPen(suspect, 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawPolygon(QPolygonF([at + QPointF(0, -4.5), at + QPointF(4.2, 3), at + QPointF(-4.2, 3)]))
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(good)
                painter.drawEllipse(at, 2.6, 2.6)
            if not low <= scaled[k] <= high:
                up = -1 if scaled[k] > high else 1
                painter.setPen(QPen(theme().colour("text"), 1.4))
                tip = at + QPointF(0, 8 * up)
                painter.drawLine(at, tip)
            if is_current or k == self._hover:
                painter.setPen(QPen(accent, 1.6))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(at, 7, 7)

    def _draw_threshold(self, painter: QPainter, area: QRectF) -> None:
        y = self.threshold_y()
        if y is None:
            return
        colour = theme().colour("bad")
        fill = QColor(colour)
        fill.setAlpha(28)
        if self.model.side == "high":
            painter.fillRect(QRectF(area.left(), area.top(), area.width(), max(0.0, y - area.top())), fill)
        else:
            painter.fillRect(QRectF(area.left(), y, area.width(), max(0.0, area.bottom() - y)), fill)
        painter.setPen(QPen(colour, 1.6))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setBrush(colour)
        grip = [QPointF(area.right() + 5, y - 6), QPointF(area.right() - 5, y), QPointF(area.right() + 5, y + 6)]
        painter.drawPolygon(QPolygonF(grip))
        words = self.model.what.words(self.model.threshold or 0.0)
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(words) + 8
        box = QRectF(area.right() - width - 8, y - metrics.height() - 2, width, metrics.height())
        if box.top() < area.top():
            box.moveTop(y + 2)
        painter.fillRect(box, theme().colour("ground"))
        painter.setPen(colour)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    # -- mouse and keys --------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take the threshold line, or begin a click or a brush."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        y = self.threshold_y()
        at = event.position()
        if y is not None and abs(at.y() - y) <= 6 and self.row_at(at.x(), at.y()) is None:
            self._drags_threshold = True
        else:
            self._brush = (at.x(), at.x())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Drag the line, widen the brush, or say what is under the cursor."""
        if event is None:
            return
        at = event.position()
        if self._drags_threshold:
            area = self.area()
            self.model.set_threshold(self._value_at(min(max(at.y(), area.top()), area.bottom())))
        elif self._brush is not None:
            self._brush = (self._brush[0], at.x())
            self.update()
        else:
            self._point_at(event)

    def _point_at(self, event: QMouseEvent) -> None:
        at = event.position()
        found = self.row_at(at.x(), at.y())
        y = self.threshold_y()
        near_line = y is not None and abs(at.y() - y) <= 6 and found is None
        self.setCursor(Qt.CursorShape.SizeVerCursor if near_line else Qt.CursorShape.ArrowCursor)
        hover = -1 if found is None else found
        if hover != self._hover:
            self._hover = hover
            self.update()
            if found is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPosition().toPoint(), self.model.words(found), self)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Finish: a short press shows a frame, a long one selects."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if self._drags_threshold:
            self._drags_threshold = False
            return
        if self._brush is None:
            return
        start, end = sorted(self._brush)
        self._brush = None
        self.update()
        add = bool(event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier))
        if end - start > 4:
            self.model.ask_selection(self._place_at(start), self._place_at(end), add=add)
            return
        found = self.row_at(event.position().x(), event.position().y())
        if found is None and self.model.against == TIME:
            found = self.model.axis.nearest(self._place_at(event.position().x()))
        if found is not None:
            self.model.ask_frame(found)

    def _place_at(self, x: float) -> float:
        area = self.area()
        left, right = self._place_span()
        return left + (x - area.left()) / area.width() * (right - left)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Show the whole night again."""
        del event
        self.model.axis.show_whole()

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        """Zoom in time at the cursor; sideways, or with Shift, move along the night."""
        if event is None or self.model.against != TIME:
            return
        turn = event.angleDelta()
        axis = self.model.axis
        if abs(turn.x()) > abs(turn.y()) or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            axis.pan(-(turn.x() or turn.y()) / 120.0 * 0.1 * (axis.high - axis.low))
        else:
            axis.zoom(0.8 ** (turn.y() / 120.0), self._place_at(event.position().x()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Enter rejects what the line proposes, Esc takes it away, up and down move it."""
        if event is None:
            return
        key, model = event.key(), self.model
        if model.threshold is not None and key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            model.apply_threshold()
        elif model.threshold is not None and key == Qt.Key.Key_Escape:
            model.set_threshold(None)
        elif model.threshold is not None and key in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            y = self.threshold_y() or 0.0
            model.set_threshold(self._value_at(y + (-1 if key == Qt.Key.Key_Up else 1)))
        else:
            event.ignore()

    def leaveEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Forget what was under the cursor."""
        del event
        if self._hover >= 0:
            self._hover = -1
            self.update()
