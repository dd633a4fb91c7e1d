"""What lies over the image: a menu of marks, and of masked pixels by kind with their colours and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QPoint, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QColor, QIcon, QPainter, QPen, QPixmap
from PyQt6.QtWidgets import QMenu, QToolButton, QWidget

from astep_gui.theme import icon, theme
from astep_gui.widgets.frame_item import MASK_TOKENS
from pipeline_core.science.regions import pixels_by_kind
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    from astep_gui.models.frame_images import ShownImage

MARKS = {
    "cross_hair": "Cross-hair",
    "stars": "Stars",
    "overscan": "Overscan",
    "compass": "Compass",
    "scale_bar": "Scale bar",
    "overview": "Overview when zoomed in",
}
"""Marks over the image, and their words."""


class OverlayButton(QToolButton):
    """Opens the menu; says what a person turned on or off, and shows what is on."""

    mark_toggled = pyqtSignal(str, bool)
    mask_toggled = pyqtSignal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: ShownImage | None = None
        self.setText("Overlays")
        self.setIcon(icon("eye"))
        self.setToolTip("What is drawn over the image: marks, and masked pixels by kind")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self._count)
        self.marks: dict[str, QAction] = {}
        self.masks: dict[int, QAction] = {}
        for name, words in MARKS.items():
            action = QAction(words, self._menu)
            action.setCheckable(True)
            action.toggled.connect(lambda on, name=name: self.mark_toggled.emit(name, on))
            self._menu.addAction(action)
            self.marks[name] = action
        self._menu.addSeparator()
        heading = QAction("Masked pixels", self._menu)
        heading.setEnabled(False)
        self._menu.addAction(heading)
        for bit, words in MaskBit.WORDS.items():
            action = QAction(words, self._menu)
            action.setCheckable(True)
            action.toggled.connect(lambda on, bit=bit: self._toggle_mask(bit, on=on))
            self._menu.addAction(action)
            self.masks[bit] = action
        self.setMenu(self._menu)

    def show_image(self, shown: ShownImage | None) -> None:
        """Take note of the image whose masks are meant."""
        self._shown = shown

    def set_mark(self, name: str, on: bool) -> None:  # noqa: FBT001 - mirrors a slot
        """Show a mark as on or off."""
        self._check(self.marks[name], on=on)

    def set_mask_bits(self, bits: int) -> None:
        """Show these kinds of masked pixels as on."""
        for bit, action in self.masks.items():
            self._check(action, on=bool(bits & bit))
            self._mark_mask(bit)

    def _count(self) -> None:
        """Say how many pixels of each kind there are; only when the menu opens, for it takes a moment."""
        mask = self._shown.mask if self._shown is not None else None
        counts = pixels_by_kind(mask) if mask is not None else None
        for bit, action in self.masks.items():
            words = MaskBit.WORDS[bit].capitalize()
            if counts is None:
                action.setText(words)
                action.setToolTip("This image has no mask: calibrated frames have one")
            else:
                action.setText(f"{words}   {counts[bit]:,}".replace(",", "\u2009"))
                action.setToolTip("")
            action.setEnabled(counts is not None)
            self._mark_mask(bit)

    def _toggle_mask(self, bit: int, *, on: bool) -> None:
        self._mark_mask(bit)
        self.mask_toggled.emit(bit, on)

    def _mark_mask(self, bit: int) -> None:
        """Show a kind's colour, and by a tick in it whether it is on: an icon takes the place of the menu's own."""
        self.masks[bit].setIcon(_swatch(theme().colour(MASK_TOKENS[bit]), ticked=self.masks[bit].isChecked()))

    @staticmethod
    def _check(action: QAction, *, on: bool) -> None:
        action.blockSignals(True)  # noqa: FBT003 - Qt's own way
        action.setChecked(on)
        action.blockSignals(False)  # noqa: FBT003


def _swatch(colour: QColor, *, ticked: bool) -> QIcon:
    """Draw a square: full with a tick, or an outline only."""
    picture = QPixmap(16, 16)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 2.0))
    painter.setBrush(colour if ticked else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(2, 2, 12, 12, 2, 2)
    if ticked:
        painter.setPen(QPen(QColor(0, 0, 0), 2.0))
        painter.drawPolyline([QPoint(5, 8), QPoint(7, 11), QPoint(11, 5)])
    painter.end()
    return QIcon(picture)
