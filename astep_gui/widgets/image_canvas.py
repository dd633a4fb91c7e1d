"""The surface on which a frame lies: zoom at the pointer, pan by dragging, drawing of lines, boxes and circles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal

from astep_gui.widgets.image_marks import DrawnShape

if TYPE_CHECKING:
    from PyQt6.QtCore import QEvent
    from PyQt6.QtGui import QPainter, QResizeEvent
    from PyQt6.QtWidgets import QWidget

CLOSEST = 48.0
"""Screen pixels a pixel of the frame at most."""
EMPTY = 0.25
"""Part of what is seen that a drag may leave empty beside the frame."""
_WHEEL = 1.0 / 480.0  # powers of two a wheel unit: one notch (120) is a quarter more


def _bounded(moved: float, seen: tuple[float, float], frame: tuple[float, float]) -> float:
    """Return how far a drag moves what is seen along one axis: what is whole in sight stays where it is.

    Parameters
    ----------
    moved : float
        As the pointer has it, px of the frame.
    seen, frame : (float, float)
        From where to where each reaches, px of the frame.
    """
    if seen[0] <= frame[0] and seen[1] >= frame[1]:
        return 0.0
    width = seen[1] - seen[0]
    lowest = min(seen[0], frame[0] - EMPTY * width, frame[1] - width)
    highest = max(seen[0], frame[1] - width + EMPTY * width, frame[0])
    return min(max(seen[0] + moved, lowest), highest) - seen[0]


class FrameBox(pg.ViewBox):
    """The part of the frame that is seen. Left drag pans, or draws when a tool is chosen; the wheel zooms."""

    moved_by_hand = pyqtSignal()
    clicked = pyqtSignal(float, float, object)
    """x, y in frame pixels (0-based, whole numbers at pixel centres) and keyboard modifiers."""
    double_clicked = pyqtSignal(float, float)
    menu_asked = pyqtSignal(float, float)
    """x, y of a click with the right button."""
    drawing = pyqtSignal(object, bool)
    """DrawnShape, and whether the drag has ended."""

    def __init__(self) -> None:
        super().__init__(lockAspect=True, enableMenu=False, defaultPadding=0.0)
        self.tool = ""
        """"" pans; line, box and circle draw."""
        self.frame = QRectF(0, 0, 1, 1)
        self.disableAutoRange()

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:  # noqa: ARG002, N802 - pyqtgraph's names
        """Zoom where the pointer is."""
        ev.accept()
        if self.frame.isEmpty():
            return
        factor = 2.0 ** (ev.delta() * _WHEEL)
        self.moved_by_hand.emit()  # first: who hears of the new part asks whether all of the frame is shown
        self.zoom_by(factor, self.mapToView(ev.pos()))

    def zoom_by(self, factor: float, at: QPointF) -> None:
        """Enlarge, keeping a place of the frame where it is on the screen."""
        seen = self.viewRect()
        now = self.width() / max(seen.width(), 1e-9)
        fit = min(self.width() / self.frame.width(), self.height() / self.frame.height())
        wanted = min(max(now * factor, 0.25 * fit), max(CLOSEST, fit))
        shrink = now / wanted
        left = at.x() - (at.x() - seen.left()) * shrink
        low = at.y() - (at.y() - seen.top()) * shrink
        self.see(QRectF(left, low, seen.width() * shrink, seen.height() * shrink))

    def see(self, rect: QRectF) -> None:
        """Show a part of the frame, at least some of which stays in sight."""
        centre = rect.center()
        x = min(max(centre.x(), self.frame.left()), self.frame.right())
        y = min(max(centre.y(), self.frame.top()), self.frame.bottom())
        rect.moveCenter(QPointF(x, y))
        self.setRange(rect, padding=0)

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:  # noqa: ARG002, N802 - pyqtgraph's names
        """Pan, or draw with the tool."""
        ev.accept()
        if ev.button() not in {Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton}:
            return
        if self.tool and ev.button() == Qt.MouseButton.LeftButton:
            start, end = self.mapToView(ev.buttonDownPos()), self.mapToView(ev.pos())
            # View coordinates count pixel edges; places in a frame count pixel centres.
            shape = DrawnShape(self.tool, start.x() - 0.5, start.y() - 0.5, end.x() - 0.5, end.y() - 0.5)
            self.drawing.emit(shape, bool(ev.isFinish()))
            return
        moved = self.mapToView(ev.lastPos()) - self.mapToView(ev.pos())
        seen = self.viewRect()
        dx = _bounded(moved.x(), (seen.left(), seen.right()), (self.frame.left(), self.frame.right()))
        dy = _bounded(moved.y(), (seen.top(), seen.bottom()), (self.frame.top(), self.frame.bottom()))
        if dx or dy:
            self.moved_by_hand.emit()
            self.see(seen.translated(dx, dy))

    def mouseClickEvent(self, ev: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Tell where."""
        at = self.mapToView(ev.pos())
        if ev.button() == Qt.MouseButton.RightButton:
            ev.accept()
            self.menu_asked.emit(at.x() - 0.5, at.y() - 0.5)
        if ev.button() != Qt.MouseButton.LeftButton:
            return
        ev.accept()
        if ev.double():
            self.double_clicked.emit(at.x() - 0.5, at.y() - 0.5)
        else:
            self.clicked.emit(at.x() - 0.5, at.y() - 0.5, ev.modifiers())


class ImageCanvas(pg.GraphicsView):
    """The drawing surface; marks are painted over the frame by whoever owns it."""

    pointer_moved = pyqtSignal(QPointF)
    pointer_left = pyqtSignal()
    resized = pyqtSignal(QRectF, float)
    """What was seen before (px of the frame), and how wide the surface was."""
    pressed = pyqtSignal(object)
    """The mouse event, before it is used; accept it to keep it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, useOpenGL=False, background=None)
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.box = FrameBox()
        self.setCentralItem(self.box)
        self.paint_marks: Any = None
        """Called with the painter, in screen coordinates."""

    def drawForeground(self, painter: QPainter | None, rect: QRectF) -> None:  # noqa: N802 - Qt's name
        """Paint the marks."""
        super().drawForeground(painter, rect)
        if painter is not None and self.paint_marks is not None:
            painter.save()
            painter.resetTransform()
            painter.setRenderHint(painter.RenderHint.Antialiasing)
            self.paint_marks(painter)
            painter.restore()

    def mousePressEvent(self, ev: Any) -> None:  # noqa: N802 - Qt's name
        """Offer the press to the marks first."""
        ev.ignore()
        self.pressed.emit(ev)
        if not ev.isAccepted():
            super().mousePressEvent(ev)

    def mouseMoveEvent(self, ev: Any) -> None:  # noqa: N802 - Qt's name
        """Tell where the pointer is."""
        super().mouseMoveEvent(ev)
        self.pointer_moved.emit(ev.position())

    def leaveEvent(self, ev: QEvent) -> None:  # noqa: N802 - Qt's name
        """Tell that it is gone."""
        super().leaveEvent(ev)
        self.pointer_left.emit()

    def resizeEvent(self, ev: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Tell of the new size."""
        if ev is None:  # pyqtgraph's own, before all is there
            super().resizeEvent(ev)
            return
        seen, width = QRectF(self.box.viewRect()), float(self.box.width())
        super().resizeEvent(ev)
        self.resized.emit(seen, width)
