"""A widget that lies over the upper edge of another one, as wide as it and as high as its own words need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QPoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtWidgets import QWidget

_MOVES = {QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide}


class LyingOver(QObject):
    """Keeps it in its place: what lies in a layout would push the others down when it comes.

    Parameters
    ----------
    widget : QWidget
        A child of `holder`, in no layout.
    holder : QWidget
    places : sequence of QWidget
        Inside of the holder; it lies over the first of them that is seen.
    """

    def __init__(self, widget: QWidget, holder: QWidget, places: Sequence[QWidget]) -> None:
        super().__init__(widget)
        self._widget, self._holder, self._places = widget, holder, tuple(places)
        for watched in (widget, *places):
            watched.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Follow what moves it, and its own words."""
        if event is not None and (
            event.type() in _MOVES or (watched is self._widget and event.type() == QEvent.Type.LayoutRequest)
        ):
            self.place()
        return super().eventFilter(watched, event)

    def place(self) -> None:
        """Give it its place."""
        under = next((place for place in self._places if place.isVisible()), None)
        if under is None or self._widget.isHidden():
            return
        corner, width = under.mapTo(self._holder, QPoint(0, 0)), under.width()
        height = self._widget.heightForWidth(width) if self._widget.hasHeightForWidth() else -1
        self._widget.setGeometry(corner.x(), corner.y(), width, max(height, self._widget.minimumSizeHint().height()))
        self._widget.raise_()
