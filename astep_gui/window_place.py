"""Where the window stands on the screen: put back to the pixel where the screen is the same, to fit where it is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRect
from PyQt6.QtGui import QGuiApplication

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

_FRAME_PX = (8, 40)
"""Room for a window manager's frame, whose size nobody tells before the window is shown."""


def place_of(window: QWidget) -> str:
    """Return where a window stands, and on which screen; empty where its state says it (maximised, say)."""
    screen = window.screen()
    if screen is None or window.isMaximized() or window.isFullScreen() or window.isMinimized():
        return ""
    return json.dumps({"client": _numbers(window.geometry()), "screen": _numbers(screen.availableGeometry())})


def put_back(window: QWidget, place: str) -> bool:
    """Put a window exactly where it stood, if its screen is there as it was then.

    Notes
    -----
    After ``QWidget.restoreGeometry``, which knows about maximised windows and screens that are gone, but guesses the
    height of the title bar from the style: under another window manager a window at the upper edge came back some
    pixels lower, and one as wide as the screen two pixels narrower.

    Returns
    -------
    bool
        Whether it was.
    """
    try:
        told = json.loads(place or "{}")
        client, screen = QRect(*told["client"]), QRect(*told["screen"])
    except (ValueError, KeyError, TypeError):  # nothing was kept, or by another version
        return False
    if window.isMaximized() or window.isFullScreen():
        return False
    if not any(screen == one.availableGeometry() for one in QGuiApplication.screens()):
        return False
    window.setGeometry(client)
    return True


def fit_first(window: QWidget) -> None:
    """Make a window that stands nowhere yet small enough for its screen, its frame included."""
    screen = window.screen()
    if screen is not None:
        room = screen.availableGeometry().size()
        window.resize(
            min(window.width(), max(window.minimumWidth(), room.width() - _FRAME_PX[0])),
            min(window.height(), max(window.minimumHeight(), room.height() - _FRAME_PX[1])),
        )


def _numbers(area: QRect) -> list[int]:
    return [area.x(), area.y(), area.width(), area.height()]
