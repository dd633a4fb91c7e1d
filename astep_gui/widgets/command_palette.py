"""The command palette: type a few letters, press Enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QAction, QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QDialog, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtWidgets import QWidget


class CommandPalette(QDialog):
    """All actions that can be done now."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(520, 380)
        self._actions = [action for action in actions if action.isEnabled() and action.objectName() != "palette"]
        self.line = QLineEdit()
        self.line.setPlaceholderText("What do you want to do?")
        self.line.setMinimumHeight(32)
        self.line.textChanged.connect(self._list)
        self.line.returnPressed.connect(self._run)
        self.line.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setColumnWidth(0, 360)
        self.list.itemActivated.connect(lambda _item: self._run())
        box = QVBoxLayout(self)
        box.addWidget(self.line)
        box.addWidget(self.list)
        self._list("")

    def _list(self, words: str) -> None:
        sought = words.lower().split()
        self.list.clear()
        found = [action for action in self._actions if _fit(action, sought) is not None]
        for action in sorted(found, key=lambda action: _fit(action, sought) or 0):
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item = QTreeWidgetItem([_words(action), keys])
            item.setData(0, Qt.ItemDataRole.UserRole, action.objectName())
            self.list.addTopLevelItem(item)
        self.list.setCurrentItem(self.list.topLevelItem(0))

    def _run(self) -> None:
        item = self.list.currentItem()
        name = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        self.accept()
        action = next((action for action in self._actions if action.objectName() == name), None)
        if action is not None:
            action.trigger()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Let the arrow keys move in the list while the cursor stays in the line."""
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
            if step:
                row = self.list.indexOfTopLevelItem(self.list.currentItem()) + step
                self.list.setCurrentItem(self.list.topLevelItem(max(0, min(row, self.list.topLevelItemCount() - 1))))
                return True
        return super().eventFilter(watched, event)


def _words(action: QAction) -> str:
    return action.text().replace("&", "")


def _fit(action: QAction, sought: Sequence[str]) -> int | None:
    """Say how well an action answers: 0 it begins so, 1 a word of it does, 2 its words hold it, 3 its tip; None not."""
    words = _words(action).lower()
    if not all(word in f"{words} {action.toolTip().lower()}" for word in sought):
        return None
    begins = words.startswith(" ".join(sought))
    each = all(any(part.startswith(word) for part in words.split()) for word in sought)
    return 0 if begins else 1 if each else 2 if all(word in words for word in sought) else 3
