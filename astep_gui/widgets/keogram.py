"""The keogram strip: one averaged column a frame under the timeline, on the same time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QBrush, QImage, QPainter, QPen
from PyQt6.QtWidgets import QSizePolicy, QToolButton, QToolTip, QWidget

from astep_gui.theme import theme, theme_notice, tones
from astep_gui.widgets.painting import painting
from astep_gui.widgets.plot_area import LEFT, RIGHT

if TYPE_CHECKING:
    from PyQt6.QtGui import QMouseEvent, QPaintEvent, QResizeEvent

    from astep_gui.models.keogram_model import KeogramModel

_WORDS = {"sky": "Sky", "structure": "Structure"}
_TIPS = {
    "sky": "How bright the sky is along each frame. Click to see what changed within the frames",
    "structure": "What changed within each frame, its own level removed: cloud, aurora. Click to see the sky's level",
}


class KeogramStrip(QWidget):
    """Shows a :class:`KeogramModel`; a click asks for the frame."""

    def __init__(self, model: KeogramModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self._image: QImage | None = None
        self._pressed = False
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("Keogram of the night")
        self.mode = QToolButton(self)
        self.mode.setAutoRaise(True)
        self.mode.setStyleSheet("padding: 2px 0; font-size: 11px;")  # the margin is as narrow as the timeline's
        self.mode.setFixedWidth(LEFT - 4)
        self.mode.clicked.connect(self._turn)
        model.changed.connect(self._follow)
        model.pointed.connect(self.update)
        model.axis.changed.connect(self._follow)
        theme_notice().changed.connect(self._follow)
        self._follow()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Prefer a low, wide strip."""
        return QSize(800, 64)

    def area(self) -> QRectF:
        """Return where the picture is drawn."""
        return QRectF(LEFT, 2, max(1, self.width() - LEFT - RIGHT), max(1, self.height() - 6))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the picture and the frame that is shown."""
        del event
        with painting(self) as painter:
            self._draw(painter)

    def _draw(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), theme().colour("panel"))
        area = self.area()
        painter.fillRect(area, theme().colour("ground"))
        font = self.font()
        font.setPixelSize(11)
        painter.setFont(font)
        model = self.model
        if model.done == 0:
            painter.setPen(theme().colour("dim"))
            waiting = "The sky of each frame appears here as soon as it is measured"
            words = model.note or ("Reading the sky of each frame" if model.paths else waiting)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, words)
            return
        if self._image is None:
            width = round(area.width() * self.devicePixelRatioF())
            codes = np.ascontiguousarray(model.codes(max(1, width)))
            if codes.size:
                ny, nx = codes.shape
                self._image = QImage(codes.tobytes(), nx, ny, nx, QImage.Format.Format_Indexed8).copy()
                self._image.setColorTable([0, *tones()[1:]])
        if self._image is not None:
            # Hatched where there is no data: its ground alone is as white as the brightest sky in a light theme.
            painter.fillRect(area, QBrush(theme().colour("border"), Qt.BrushStyle.BDiagPattern))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, self._image)
        if model.current in model.paths and len(model.axis.places) == len(model.paths):
            x = area.left() + model.axis.part(float(model.axis.places[model.paths.index(model.current)])) * area.width()
            painter.setPen(QPen(theme().colour("ground"), 3))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(QPen(theme().colour("accent"), 1.4))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if model.done < len(model.paths):
            words = f"{model.done} of {len(model.paths)}"
            box = QRectF(area.right() - 84, area.bottom() - 17, 82, 15)
            painter.fillRect(box, theme().colour("panel"))
            painter.setPen(theme().colour("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Lay the picture out anew."""
        del event
        self._image = None
        self.mode.move(0, max(0, (self.height() - self.mode.height()) // 2))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Go to the frame; hold and drag to run through the night."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = True
            self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Run through the night, or say which time is under the cursor."""
        if event is None:
            return
        if self._pressed:
            self._go(event)
        elif self.model.paths and self.area().contains(event.position()):
            index = self.model.axis.nearest(self._place(event))
            if index is not None and index < len(self.model.paths):
                name = self.model.paths[index].rsplit("/", 1)[-1]
                words = f"{name}\n{self.model.axis.words(float(self.model.axis.places[index]))}"
                QToolTip.showText(event.globalPosition().toPoint(), words, self)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Stop running."""
        del event
        self._pressed = False

    def _place(self, event: QMouseEvent) -> float:
        area = self.area()
        return self.model.axis.place((event.position().x() - area.left()) / area.width())

    def _go(self, event: QMouseEvent) -> None:
        index = self.model.axis.nearest(self._place(event))
        if index is not None and index < len(self.model.paths) and self.model.paths[index] != self.model.current:
            self.model.ask_frame(self._place(event))

    def _turn(self) -> None:
        self.model.set_mode("structure" if self.model.mode == "sky" else "sky")
        self._name_mode()  # at once: the picture takes a moment

    def _name_mode(self) -> None:
        self.mode.setText(_WORDS[self.model.mode])
        self.mode.setToolTip(_TIPS[self.model.mode])

    def _follow(self) -> None:
        self._image = None
        self._name_mode()
        self.update()
