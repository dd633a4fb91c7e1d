"""Keys that a widget uses itself while it has the focus, although an action of the window has them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtWidgets import QWidget


class OwnKeys(QObject):
    """Claims keys before the window's actions see them: X over a stamp speaks of that stamp's frame."""

    def __init__(self, widget: QWidget, keys: set[Qt.Key], applies: Callable[[], bool] = lambda: True) -> None:
        super().__init__(widget)
        self._keys = keys
        self._applies = applies
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Accept the offer that Qt makes before it looks for an action."""
        del watched
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and Qt.Key(event.key()) in self._keys
            and event.modifiers() == Qt.KeyboardModifier.NoModifier
            and self._applies()
        ):
            event.accept()
            return True
        return False
