"""A label whose paths are broken into lines where folders meet, and whose words are copied as they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QClipboard, QGuiApplication, QKeySequence
from PyQt6.QtWidgets import QLabel, QMenu

if TYPE_CHECKING:
    from PyQt6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent

_BREAK = "\u200b"
"""Of no width; Qt breaks a line there."""


def breakable(words: str) -> str:
    """Let a long path be broken into lines where folders meet: one that is not would push the window wider."""
    return words.replace("/", f"/{_BREAK}")


class BreakingLabel(QLabel):
    """Shows :func:`breakable` words, selectable by the mouse.

    Notes
    -----
    Qt copies what it shows. A path with marks in it names no file where it is pasted, and nobody sees why.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)  # names of files are no markup
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def copy(self, mode: QClipboard.Mode = QClipboard.Mode.Clipboard) -> None:
        """Copy what is selected."""
        board = QGuiApplication.clipboard()
        if board is not None and self.hasSelectedText():
            board.setText(self.selectedText().replace(_BREAK, ""), mode)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Copy by the usual key."""
        if event is not None and event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            event.accept()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Give the middle button clean words too: Qt has told what is selected by now."""
        super().mouseReleaseEvent(event)
        board = QGuiApplication.clipboard()
        if board is not None and board.supportsSelection():
            self.copy(QClipboard.Mode.Selection)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:  # noqa: N802 - Qt's name
        """Offer the same by the right button."""
        if event is None:
            return
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(event.globalPos())

    def menu(self) -> QMenu:
        """Return what the right button offers."""
        menu = QMenu(self)
        copy, every = menu.addAction("Copy"), menu.addAction("Select all")
        assert copy is not None
        assert every is not None
        copy.setEnabled(self.hasSelectedText())
        copy.triggered.connect(lambda _on: self.copy())
        every.triggered.connect(lambda: self.setSelection(0, len(self.text())))
        return menu
