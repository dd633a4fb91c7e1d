"""Where a row of the frame table stands in sight: it stays there when the rows are made anew, unasked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QModelIndex
from PyQt6.QtGui import QCursor

if TYPE_CHECKING:
    from astep_gui.models.frame_table_model import FrameTableModel
    from astep_gui.widgets.frame_rows import FrameTree


class KeptPlace:
    """Holds the row under the pointer, else the current one, else the first in sight, where a person sees it.

    Notes
    -----
    The list may be scrolled beyond its end for it, until a person scrolls: where all rows are in sight, one that comes
    in above the others could only push them down.
    """

    def __init__(self, tree: FrameTree, model: FrameTableModel) -> None:
        self._tree, self._model = tree, model
        self._path: str | None = None
        self._scrolled = 0
        self._above = 0
        """Rows in sight above the one that is held."""
        self._furthest = 0
        """The list can be scrolled down to this row at least."""
        model.about_to_rebuild.connect(self._remember)
        bar = tree.verticalScrollBar()
        assert bar is not None, "every view has one"
        self._bar = bar
        bar.rangeChanged.connect(self._keep_range)
        bar.actionTriggered.connect(self.let_go)

    def is_pointed_at(self) -> bool:
        """Whether the pointer is over the rows."""
        room = self._tree.viewport()
        return room is not None and room.underMouse() and room.rect().contains(room.mapFromGlobal(QCursor.pos()))

    def let_go(self, *_: object) -> None:
        """Let the list end where its rows do."""
        self._furthest = 0

    def put_back(self) -> None:
        """Scroll so that the row that was held stands where it stood; without one, as far as before."""
        index = self._model.index_of(self._path or "")
        parent = index.parent()
        if not index.isValid() or (parent.isValid() and not self._tree.isExpanded(parent)):
            self._bar.setValue(self._scrolled)
            return
        self._tree.executeDelayedItemsLayout()
        wanted = max(0, self._number(index) - self._above)
        if wanted > self._bar.maximum():
            self._furthest = wanted
            self._bar.setMaximum(wanted)
        self._bar.setValue(wanted)

    def _remember(self) -> None:
        self._path, self._scrolled = None, self._bar.value()
        for index in (self._pointed(), self._tree.currentIndex(), self._first()):
            if (path := self._model.path_of(index)) is not None and self._is_seen(index):
                self._path, self._above = path, self._number(index) - self._bar.value()
                return

    def _pointed(self) -> QModelIndex:
        room = self._tree.viewport()
        if room is None or not self.is_pointed_at():
            return QModelIndex()
        return self._tree.indexAt(room.mapFromGlobal(QCursor.pos()))

    def _first(self) -> QModelIndex:
        """Return the first frame in sight."""
        index = self._tree.indexAt(self._tree.rect().topLeft())
        while index.isValid() and self._model.path_of(index) is None:
            index = self._tree.indexBelow(index)
        return index

    def _is_seen(self, index: QModelIndex) -> bool:
        room, row = self._tree.viewport(), self._tree.visualRect(index)
        return room is not None and row.isValid() and room.rect().intersects(row)

    def _number(self, index: QModelIndex) -> int:
        """Return the number of a frame's row among all that are not folded away, from 0."""
        parent = index.parent()
        if not parent.isValid():
            return index.row()
        heads = (self._model.index(row, 0) for row in range(parent.row()))
        above = sum(1 + (self._model.rowCount(head) if self._tree.isExpanded(head) else 0) for head in heads)
        return above + 1 + index.row()

    def _keep_range(self, _least: int, most: int) -> None:
        if most < self._furthest:
            self._bar.setMaximum(self._furthest)
