"""The drawing of the timeline: points, light of the night, brush and threshold line; click, drag and wheel on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from astep_gui.models.timeline_model import TIME, TimelineModel
from astep_gui.theme import theme, theme_notice
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
from astep_gui.widgets.timeline_points import draw_halos, draw_marks, shown, signs_of, wild_of
from pipeline_core.night_series import quantity

if TYPE_CHECKING:
    from PyQt6.QtCore import QEvent
    from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QWheelEvent

LEAST_PX = 84
_REACH_PX = 10.0
_TOP, _BOTTOM = 8, 22
_RIM_PX = 11


class TimelinePlot(QWidget):
    """Draws a :class:`TimelineModel`; turns clicks, brushes and drags into what the model is asked for."""

    def __init__(self, model: TimelineModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self._brush: tuple[float, float] | None = None
        self._frozen: tuple[float, float] | None = None
        """What is held from a drag of the threshold on: were the axis to follow, the line would run away, and the
        next drag miss it."""
        self._is_dragging = False
        self._hover = -1
        self._places: npt.NDArray[np.float64] = np.zeros((0, 2))
        self._signs = self._wild = np.zeros(0, np.int8)
        """Where the points of that picture are, and their marks."""
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        OwnKeys(self, {Qt.Key.Key_Escape}, lambda: model.threshold is not None)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(LEAST_PX)
        self.setAccessibleName("Timeline of the night")
        self._still: QPixmap | None = None
        """All that stays as it is while other frames are looked at or selected: thousands of points are drawn once."""
        for signal in (model.changed, model.threshold_changed, model.axis.changed, theme_notice().changed):
            signal.connect(self._renew)
        model.changed.connect(self._let_go)
        model.threshold_changed.connect(self._follow_line)
        model.pointed.connect(self.update)

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
        if self._frozen is not None:
            return self._frozen
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
        if (picture := self._still) is None or picture.size() != self.size() * self.devicePixelRatioF():
            picture = self._still = self._picture()
        painter.drawPixmap(0, 0, picture)
        painter.setClipRect(area.adjusted(-6, -6, 6, 6))
        self._draw_meant(painter, area)
        if self._brush is not None:
            low, high = sorted(self._brush)
            fill = theme().colour("accent")
            fill.setAlpha(50)
            painter.fillRect(QRectF(low, area.top(), high - low, area.height()), fill)

    def _let_go(self) -> None:
        """Let the axis follow again: other values came."""
        if not self._is_dragging:
            self._frozen = None

    def _follow_line(self) -> None:
        """Let the axis follow again where the line is gone, or was put beyond what is held."""
        if self._frozen is None:
            return
        line, (low, high) = self.model.threshold, self._frozen
        if line is None or not low <= float(self._scaled(np.array([line]))[0]) <= high:
            self._let_go()

    def _renew(self) -> None:
        self._still = None
        self.update()

    def _picture(self) -> QPixmap:
        """Draw what stays."""
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        with painting(picture) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            font = self.font()
            font.setPixelSize(11)
            painter.setFont(font)
            self._draw_still(painter, self.area())
        return picture

    def _draw_still(self, painter: QPainter, area: QRectF) -> None:
        painter.fillRect(self.rect(), theme().colour("panel"))
        painter.fillRect(area, theme().colour("ground"))
        spans = self.model.spans() if self.model.against == TIME else []
        draw_light(painter, area, self.model.axis, spans)
        self._draw_axes(painter, area)
        name_light(painter, area, self.model.axis, spans, self.points())
        painter.setClipRect(area.adjusted(-6, -6, 6, 6))
        self._draw_threshold(painter, area)
        self._draw_points(painter, area)

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
            if len(values) < 2:  # one tick tells no scale
                values = nice_ticks(low, high, 2 * wanted)
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
        points = self.points()
        self._places = points
        self._signs = signs_of(self.model)
        self._wild = wild_of(self._scaled(self.model.values()), *self._held())
        here = shown(points, area.left(), area.right())
        draw_marks(painter, points[here], self._signs[here], self._wild[here])

    def _draw_meant(self, painter: QPainter, area: QRectF) -> None:
        """Draw what is meant over the picture that stays: the selected frames, the current one, the one pointed at."""
        model, points = self.model, self._places
        here = shown(points, area.left(), area.right())
        if model.selection:
            paths = [row.path for row in model.rows]
            chosen = np.array([k for k in here.tolist() if paths[k] in model.selection], np.intp)
            draw_halos(painter, points[chosen])
            draw_marks(painter, points[chosen], self._signs[chosen], self._wild[chosen])
        current = model.index_of(model.current)
        if current is not None and model.against == TIME and np.isfinite(x := float(points[current, 0])):
            painter.setPen(QPen(theme().colour("text"), 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setPen(QPen(theme().colour("text"), 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for k in {current, self._hover} & set(here.tolist()):
            painter.drawEllipse(QPointF(*points[k].tolist()), 7, 7)

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
            self._frozen, self._is_dragging = self._held(), True
        else:
            self._brush = (at.x(), at.x())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Drag the line, widen the brush, or say what is under the cursor."""
        if event is None:
            return
        at = event.position()
        if self._is_dragging:
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
        if self._is_dragging:
            self._is_dragging = False
            y, area = self.threshold_y(), self.area()
            if y is None or not area.top() + _RIM_PX <= y <= area.bottom() - _RIM_PX:
                self._let_go()  # at the rim it could not be dragged on
                self._renew()
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
