"""The command palette: type a few letters, press Enter. It finds actions, and the settings of the recipe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QDialog, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout

from astep_gui.models.other_words import OTHER_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PyQt6.QtWidgets import QWidget


NOTHING = "Nothing found: try “profile”, “stack”, or a word of a setting"
_SETTING = Qt.ItemDataRole.UserRole + 1


class CommandPalette(QDialog):
    """All actions that can be done now, and all settings once something is sought.

    Parameters
    ----------
    actions : sequence of QAction
    parent : QWidget, optional
    settings : mapping of (str, str) to str
        (section, field) of the recipe → what its documentation says.
    """

    setting_asked = pyqtSignal(str, str)
    """Section and field of a setting that is to be seen."""

    def __init__(
        self,
        actions: Sequence[QAction],
        parent: QWidget | None = None,
        settings: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(520, 380)
        self._settings = dict(settings or {})
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
        if sought:
            self._list_settings(sought)
        if not self.list.topLevelItemCount():
            none = QTreeWidgetItem([NOTHING])
            none.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addTopLevelItem(none)
            none.setFirstColumnSpanned(True)
        self.list.setCurrentItem(self.list.topLevelItem(0))

    def _list_settings(self, sought: Sequence[str]) -> None:
        """List the settings that hold all words: those whose names do before those of which it is only said."""
        named, told = [], []
        for (section, field), says in self._settings.items():
            name = f"{section} {field.replace('_', ' ')} {section}.{field}".lower()
            if all(word in name for word in sought):
                named.append((section, field))
            elif all(word in f"{name} {says.lower()}" for word in sought):
                told.append((section, field))
        for section, field in named + told:
            item = QTreeWidgetItem([f"Setting: {section} · {field.replace('_', ' ')}", ""])
            item.setData(0, _SETTING, (section, field))
            item.setToolTip(0, self._settings[section, field])
            self.list.addTopLevelItem(item)

    def _run(self) -> None:
        item = self.list.currentItem()
        if item is None or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return  # the words stay, to be mended
        name, setting = item.data(0, Qt.ItemDataRole.UserRole), item.data(0, _SETTING)
        self.accept()
        action = next((action for action in self._actions if action.objectName() == name), None)
        if setting is not None:
            self.setting_asked.emit(*setting)
        elif action is not None:
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
    """Return an action's words without the mark of its key; an ampersand of its own is written twice there."""
    return re.sub("&(.?)", r"\1", action.text())


def _fit(action: QAction, sought: Sequence[str]) -> int | None:
    """Say how well an action answers; None where it does not.

    0 it begins so, 1 a word of it does, 2 its words hold it, 3 the field calls it so, 4 its tip holds it.
    """
    words = _words(action).lower()
    others = OTHER_WORDS.get(action.objectName(), "")
    if not all(word in f"{words} {others} {action.toolTip().lower()}" for word in sought):
        return None
    begins = words.startswith(" ".join(sought))
    each = all(any(part.startswith(word) for part in words.split()) for word in sought)
    if begins or each:
        return 0 if begins else 1
    if all(word in words for word in sought):
        return 2
    is_called_so = all(any(part.startswith(word) for part in f"{words} {others}".split()) for word in sought)
    return 3 if is_called_so else 4
