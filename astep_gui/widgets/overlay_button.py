"""What lies over the image: a menu of marks, and of masked pixels by kind with their colours and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PyQt6.QtWidgets import QMenu, QToolButton, QWidget

from astep_gui.theme import icon, theme
from astep_gui.widgets.frame_item import MASK_TOKENS
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    from astep_gui.models.frame_images import ShownImage

MARKS = {
    "cross_hair": "Cross-hair",
    "stars": "Stars",
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
        self._menu.addSection("Masked pixels")
        for bit, words in MaskBit.WORDS.items():
            action = QAction(words, self._menu)
            action.setCheckable(True)
            action.toggled.connect(lambda on, bit=bit: self.mask_toggled.emit(bit, on))
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

    def _count(self) -> None:
        """Say how many pixels of each kind there are; only when the menu opens, for it takes a moment."""
        mask = self._shown.mask if self._shown is not None else None
        counts = np.bincount(mask.ravel(), minlength=256) if mask is not None else None
        every = np.arange(256)
        for bit, action in self.masks.items():
            words = MaskBit.WORDS[bit].capitalize()
            if counts is None:
                action.setText(words)
                action.setToolTip("This image has no mask: calibrated frames have one")
            else:
                number = int(counts[(every & bit) > 0].sum())
                action.setText(f"{words}   {number:,}".replace(",", "\u2009"))
                action.setToolTip("")
            action.setEnabled(counts is not None)
            action.setIcon(_swatch(theme().colour(MASK_TOKENS[bit])))

    @staticmethod
    def _check(action: QAction, *, on: bool) -> None:
        action.blockSignals(True)  # noqa: FBT003 - Qt's own way
        action.setChecked(on)
        action.blockSignals(False)  # noqa: FBT003


def _swatch(colour: QColor) -> QIcon:
    picture = QPixmap(14, 14)
    picture.fill(colour)
    painter = QPainter(picture)
    painter.setPen(theme().colour("border"))
    painter.drawRect(0, 0, 13, 13)
    painter.end()
    return QIcon(picture)
