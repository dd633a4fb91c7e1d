"""Rows of a tree whose words are wrapped instead of cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QSize, Qt
from PyQt6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QTreeView

if TYPE_CHECKING:
    from PyQt6.QtCore import QModelIndex

_BESIDE_PX = 10
"""Left and right of the words, in the item's own frame."""
ROW_PX = 5
"""By which a row is higher than its words."""


class WrappedRows(QStyledItemDelegate):
    """Gives a row as many lines as its words need; put on a tree by :func:`wrap`."""

    def __init__(self, tree: QTreeView) -> None:
        super().__init__(tree)
        self._tree = tree
        viewport = tree.viewport()
        if viewport is not None:
            viewport.installEventFilter(self)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Return the height of the wrapped words; a tree asks without telling its width."""
        self.initStyleOption(option, index)
        depth, above = 1, index.parent()
        while above.isValid():
            depth, above = depth + 1, above.parent()
        viewport = self._tree.viewport()
        room = (viewport.width() if viewport is not None else 0) - depth * self._tree.indentation() - _BESIDE_PX
        box = option.fontMetrics.boundingRect(0, 0, max(60, room), 10_000, Qt.TextFlag.TextWordWrap, option.text)
        return QSize(60, box.height() + ROW_PX)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Wrap anew when the tree became wider or narrower."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._tree.scheduleDelayedItemsLayout()
        return super().eventFilter(watched, event)


def wrap(tree: QTreeView) -> None:
    """Let a tree of one column wrap its words instead of cutting them or scrolling sideways."""
    tree.setWordWrap(True)
    tree.setTextElideMode(Qt.TextElideMode.ElideNone)
    tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    tree.setItemDelegate(WrappedRows(tree))
    header = tree.header()
    if header is not None:
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
