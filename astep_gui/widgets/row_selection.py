"""Which rows of the frame table a range of keys or clicks means: frames, and groups only where they are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.models.frame_table_model import FrameTableModel

_HEADING = -1
"""The number of a heading among the rows of its group."""


class RowSelection(QItemSelectionModel):
    """Leaves headings out of a range that runs over them.

    A selected heading stands for all frames of its group; a range that ends on the first frame of a group would mean
    the others too. A heading at either end is meant, and so is a folded one: its frames are not seen.

    Parameters
    ----------
    model : FrameTableModel
    is_folded : callable
        Tells of a heading whether its group is folded.
    """

    def __init__(self, model: FrameTableModel, is_folded: Callable[[QModelIndex], bool]) -> None:
        super().__init__(model, model)
        self._frames, self._is_folded = model, is_folded

    def select(  # type: ignore[override] # Qt's two of this name
        self, rows: QItemSelection | QModelIndex, command: QItemSelectionModel.SelectionFlag
    ) -> None:
        """Select rows; of those from one to another the frames."""
        if isinstance(rows, QItemSelection) and command & QItemSelectionModel.SelectionFlag.Current:
            rows = self._without_passed(rows)
        super().select(rows, command)

    def _without_passed(self, rows: QItemSelection) -> QItemSelection:
        if not self._frames.is_grouped:
            return rows
        places = [_place(part.parent(), row) for part in rows for row in (part.top(), part.bottom())]
        kept = QItemSelection()
        for part in rows:
            if part.parent().isValid():
                kept.append(part)
                continue
            for row in range(part.top(), part.bottom() + 1):
                heading = self._frames.index(row, 0)
                if (row, _HEADING) in {min(places), max(places)} or self._is_folded(heading):
                    kept.select(heading, heading.siblingAtColumn(part.right()))
        return kept


def _place(parent: QModelIndex, row: int) -> tuple[int, int]:
    """Return where a row stands from top to bottom: its group, and its number in it, a heading before all others."""
    return (parent.row(), row) if parent.isValid() else (row, _HEADING)
