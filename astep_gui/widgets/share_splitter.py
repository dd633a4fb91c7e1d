"""A splitter that shares its height by the window's size until a person moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QSplitter

if TYPE_CHECKING:
    from PyQt6.QtCore import QByteArray
    from PyQt6.QtGui import QResizeEvent
    from PyQt6.QtWidgets import QWidget


class ShareSplitter(QSplitter):
    """Two widgets above each other; the lower one has a part of the height, between a least and a most."""

    def __init__(self, upper: QWidget, lower: QWidget, part: float, least: int, most: int) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._part, self._least, self._most = part, least, most
        self._is_by_hand = False
        self.addWidget(upper)
        self.addWidget(lower)
        self.setChildrenCollapsible(False)
        self.setStretchFactor(0, 1)
        self.splitterMoved.connect(self._moved)

    def _moved(self) -> None:
        self._is_by_hand = True

    def restoreState(self, state: QByteArray | bytes | bytearray | memoryview) -> bool:  # noqa: N802 - Qt's name
        """Take up what a person had chosen."""
        self._is_by_hand = super().restoreState(state)
        return self._is_by_hand

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Share anew, unless a person has chosen."""
        super().resizeEvent(event)
        if not self._is_by_hand:
            low = min(max(round(self._part * self.height()), self._least), self._most)
            self.setSizes([max(1, self.height() - low), low])
