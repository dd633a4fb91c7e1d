"""A button that cancels what it began: it looks like another one then, and a double click does not do both."""

from __future__ import annotations

import time

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QAbstractButton, QApplication

from astep_gui.theme import restyle

SLOW_HAND = 1.5
"""Times the system's interval for a double click: a slow second click is still of the same gesture."""
_KEYS = frozenset({Qt.Key.Key_Space, Qt.Key.Key_Select, Qt.Key.Key_Return, Qt.Key.Key_Enter})
_PRESSES = frozenset({QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick, QEvent.Type.KeyPress})


class Turning(QObject):
    """Sees the presses of a button before it does, and takes those away that were meant for what it said before.

    Notes
    -----
    Both times count: when the button turned, and when it was last pressed as the window system tells it. Where the
    window was busy with the beginning of a run, the second press has waited and is seen long after it was done.
    """

    def __init__(self, button: QAbstractButton) -> None:
        super().__init__(button)
        self._button = button
        self._cancels = False
        self._turned_s = -1e9
        self._pressed_ms = -(10**9)
        self._seen_s = -1e9
        """When it was last pressed to any effect: on the window system's clock, and on ours when it was seen."""
        button.installEventFilter(self)

    def turn(self, *, cancels: bool) -> None:
        """Let the button be one that cancels, or again the one that begins."""
        if cancels == self._cancels:
            return
        self._cancels, self._turned_s = cancels, time.monotonic()
        self._button.setDown(False)  # what was pressed was the other one
        self._button.setProperty("danger", "true" if cancels else "false")
        restyle(self._button)

    def eventFilter(self, _button: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take away a press that belongs to the gesture before."""
        if event is None or event.type() not in _PRESSES or not isinstance(event, QMouseEvent | QKeyEvent):
            return False
        if isinstance(event, QKeyEvent) and event.key() not in _KEYS:
            return False
        gesture_ms = SLOW_HAND * QApplication.doubleClickInterval()
        turned_ms = 1000.0 * (time.monotonic() - self._turned_s)
        after_ms = int(event.timestamp()) - self._pressed_ms
        has_turned_since = self._turned_s > self._seen_s
        if turned_ms < gesture_ms or (has_turned_since and 0 <= after_ms < gesture_ms):
            return True
        self._pressed_ms, self._seen_s = int(event.timestamp()), time.monotonic()
        return False
