"""Why this pixel: the equation, what each step left, the masters' values, the mask's reasons, its value all night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPen
from PyQt6.QtWidgets import QGridLayout, QLabel, QScrollArea, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from astep_gui.models.step_words import WORDS
from astep_gui.models.tip_words import wrapped
from astep_gui.theme import mono_font, theme
from astep_gui.widgets.painting import painting
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from PyQt6.QtGui import QMouseEvent, QPaintEvent

    from astep_gui.models.pixel_story_model import PixelStoryModel

_SYMBOLS = {"electron": "e⁻", "ADU": "ADU"}
_PEDESTAL = (
    "The camera program added a pedestal of {:.5g} ADU, says the header. It comes off every raw frame once, in the "
    "step “Trim”: off this one, and off each bias, dark and flat before they are combined. So no master holds it, "
    "and nothing takes it away twice."
)
_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse


class PixelStoryPanel(QScrollArea):
    """Shows a :class:`PixelStoryModel`."""

    def __init__(self, model: PixelStoryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.head = QLabel(self)
        self.head.setWordWrap(True)
        self.equation = QLabel(self)
        self.equation.setWordWrap(True)
        self.equation.setFont(mono_font())
        self.equation.setTextInteractionFlags(_SELECTABLE)
        self.reasons = QLabel(self)
        self.reasons.setWordWrap(True)
        self.table = QWidget(self)
        self._cells = QGridLayout(self.table)
        self._cells.setContentsMargins(0, 0, 0, 0)
        self._cells.setHorizontalSpacing(14)
        self._cells.setVerticalSpacing(3)
        self._cells.setColumnStretch(3, 1)
        self.idle = QLabel(self)
        self.idle.setWordWrap(True)
        for label in (self.head, self.equation, self.reasons):
            label.setTextFormat(Qt.TextFormat.PlainText)  # a file may be called anything
        self.curve = _Curve(model, self)
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(8)
        for widget in (self.head, self.equation, self.reasons, self.table, self.idle, self.curve):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.setWidget(inner)
        self.setAccessibleName("Why this pixel")
        model.changed.connect(self._follow)
        self._shown: str | None = None
        """Path of the frame in the image."""
        self._follow()

    def show_current(self, path: str | None) -> None:
        """Know which frame is in the image: the story of another one is dimmed, and said to be of another one."""
        self._shown = path
        self._follow()

    def _say_whose(self) -> None:
        """Say under the head that another frame is shown; dim what is not about it."""
        model = self.model
        is_other = model.path is not None and self._shown not in {None, model.path}
        if is_other and self._shown is not None:
            name = self._shown.rsplit("/", 1)[-1]
            self.head.setText(f"{self.head.text()}\n▲ not of {name}, which is shown: right-click a pixel of it")
        for label in self.findChildren(QLabel):
            role = "dim" if is_other and label is not self.head else ""
            if (label.property("role") or "") != role:
                label.setProperty("role", role)
                if (style := label.style()) is not None:
                    style.polish(label)

    def _follow(self) -> None:
        self._tell()
        self._say_whose()

    def _tell(self) -> None:
        model, story = self.model, self.model.story
        for widget in (self.equation, self.table):
            widget.setVisible(story is not None)
        self.reasons.setVisible(story is not None)
        self.idle.setVisible(story is not None and bool(self.idle.text()))
        self.curve.setVisible(bool(model.values))
        others = "frames of another pointing, filter or exposure are not among them"
        self.curve.setToolTip(wrapped(f"{self.curve.title}; {others}"))
        if model.path is None:
            self.head.setText(
                "Right-click a pixel (or Alt-click it): why it has its value, step by step, and what it was all night."
            )
            return
        name = model.path.rsplit("/", 1)[-1]
        self.head.setText(f"Pixel {model.x + 1}, {model.y + 1} of the raw frame {name}")
        if model.error is not None:
            self.head.setText(f"{self.head.text()}\n{model.error}")
            return
        if story is None:
            self.head.setText(f"{self.head.text()}\nComputing its story …")
            return
        self.equation.setText(story.equation)
        self.equation.setToolTip(wrapped(_PEDESTAL.format(story.pedestal_adu)) if story.pedestal_adu else "")
        is_masked = bool(story.reasons)
        self.reasons.setText("! Masked: " + ", ".join(story.reasons) if is_masked else "✓ Not masked")
        self._fill()
        self.curve.update()

    def _fill(self) -> None:
        story = self.model.story
        assert story is not None, "called with a story only"
        while (item := self._cells.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        idle = {name: note for name, (_, _, note) in story.values.items() if note}
        self.idle.setText("Nothing done: " + ", ".join(WORDS[name] for name in idle) if idle else "")
        self.idle.setToolTip("\n".join(f"{WORDS[name]}: {note}" for name, note in idle.items()))
        self.idle.setVisible(bool(idle))
        done = [(name, value, unit) for name, (value, unit, note) in story.values.items() if not note]
        for line, (name, value, unit) in enumerate(done):
            master = story.masters.get(name)
            aside = f"{master[0]}: {master[1]:.6g}" if master is not None else ""
            if name == "trim" and story.pedestal_adu:
                aside = f"pedestal: {story.pedestal_adu:.5g}"
            if name == "gain":
                aside = story.gain_from
            shown = f"{value:,.2f}" if np.isfinite(value) else "no data"
            for column, words in enumerate((WORDS[name], shown, _SYMBOLS.get(unit, unit), aside)):
                label = QLabel(words, self.table)
                if column == 1:
                    label.setFont(mono_font())
                    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    label.setTextInteractionFlags(_SELECTABLE)
                label.setWordWrap(column == 3)
                self._cells.addWidget(label, line, column)


class _Curve(QWidget):
    """The pixel's raw value in each frame of the group; a click asks for the frame."""

    def __init__(self, model: PixelStoryModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.model = model
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Be low and as wide as there is room."""
        return QSize(240, 102)

    def _area(self) -> QRectF:
        return QRectF(4, 38, max(1, self.width() - 8), 58)

    @property
    def title(self) -> str:
        """Whose values are drawn: not all of the night's."""
        frames = counted(len(self.model.values), "raw frame")
        return f"{frames} of its group: {self.model.group}" if self.model.group else f"{frames} of its group"

    def _x(self, index: int) -> float:
        return self._area().left() + self._area().width() * (index + 0.5) / max(1, len(self.model.values))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the values in time order, the frame that was asked about marked."""
        del event
        with painting(self) as painter:
            self._draw(painter)

    def _draw(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(11)
        painter.setFont(font)
        values = np.array([value for _, value in self.model.values], float)
        finite = values[np.isfinite(values)]
        area = self._area()
        painter.fillRect(area, theme().colour("ground"))
        if not finite.size:
            return
        low, high = float(finite.min()), float(finite.max())
        painter.setPen(theme().colour("dim"))
        words = f"{low:,.0f} to {high:,.0f} ADU, median {np.median(finite):,.0f}"
        width = self.width() - 8
        title = painter.fontMetrics().elidedText(self.title, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRectF(4, 0, width, 18), Qt.AlignmentFlag.AlignVCenter, title)
        painter.drawText(QRectF(4, 18, width, 18), Qt.AlignmentFlag.AlignVCenter, words)
        span = high - low or 1.0
        for k, (path, value) in enumerate(self.model.values):
            if not np.isfinite(value):
                continue
            at = QPointF(self._x(k), area.bottom() - 5 - (area.height() - 10) * (value - low) / span)
            is_this = path == self.model.path
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().colour("plot_1"))
            painter.drawEllipse(at, 2.2, 2.2)
            if is_this:
                painter.setPen(QPen(theme().colour("text"), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(at, 6, 6)

    def _index(self, event: QMouseEvent) -> int | None:
        area, count = self._area(), len(self.model.values)
        index = int((event.position().x() - area.left()) / area.width() * count) if count else -1
        return index if 0 <= index < count else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the frame."""
        if event is not None and (index := self._index(event)) is not None:
            self.model.frame_asked.emit(self.model.values[index][0])

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Name the frame and the value."""
        if event is not None and (index := self._index(event)) is not None:
            path, value = self.model.values[index]
            QToolTip.showText(event.globalPosition().toPoint(), f"{path.rsplit('/', 1)[-1]}\n{value:,.0f} ADU", self)
