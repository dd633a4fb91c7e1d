"""What can be asked about a place of the image, as a menu at the pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCursor, QGuiApplication
from PyQt6.QtWidgets import QMenu

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.widgets.image_view import ImageView


def menu_at(view: ImageView, x: float, y: float, click: Callable[[Qt.KeyboardModifier], None]) -> None:
    """Offer what can be asked about a place.

    Parameters
    ----------
    view : ImageView
    x, y : float
        0-based.
    click : callable
        Does what a click there does, with these keys held.
    """
    menu = QMenu(view)
    keys = Qt.KeyboardModifier
    place = f"{round(x) + 1} {round(y) + 1}"  # FITS counts from 1
    for words, deed in (
        ("Why this pixel?\tAlt-click", lambda: click(keys.AltModifier)),
        ("This star, in all frames of this filter\tShift-click", lambda: click(keys.ShiftModifier)),
        ("Centre here", lambda: view.centre_on(x, y)),
        (f"Copy {place.replace(' ', ', ')}", lambda: _copy(place)),
    ):
        action = menu.addAction(words)
        assert action is not None, "Qt makes one"
        action.triggered.connect(lambda _on, deed=deed: deed())
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(QCursor.pos())


def _copy(words: str) -> None:
    board = QGuiApplication.clipboard()
    if board is not None:
        board.setText(words)
