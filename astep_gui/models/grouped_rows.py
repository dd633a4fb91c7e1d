"""Rows under their groups: which index is which frame, master or heading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QAbstractItemModel, QModelIndex

from astep_gui.models.frame_columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PyQt6.QtCore import QObject

    from astep_gui.models.frame_groups import Group
    from pipeline_core.survey import MasterState

_NO_INDEX = QModelIndex()


class GroupedRows(QAbstractItemModel):
    """Knows where each row is; what the cells say is another's business."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._groups: list[Group] = []
        self._where: dict[str, tuple[int, int]] = {}
        self._masters: dict[str, MasterState] = {}
        self.is_grouped = True
        self._width = len(COLUMNS)

    @property
    def groups(self) -> Sequence[Group]:
        """The groups in their order; one without a title when the table is flat."""
        return self._groups

    @property
    def count(self) -> int:
        """Frames that the search leaves."""
        return len(self._where)

    def _parent_of(self, group: int) -> QModelIndex:
        return self.createIndex(group, 0, 0) if self.is_grouped else _NO_INDEX

    def index_of(self, path: str) -> QModelIndex:
        """Return the row of a frame; an invalid index if the search hides it."""
        if path not in self._where:
            return QModelIndex()
        group, row = self._where[path]
        return self.createIndex(row, 0, group + 1)

    def stretches(self, paths: Iterable[str]) -> list[tuple[QModelIndex, QModelIndex]]:
        """Return the rows of frames as stretches, first and last: thousands of frames stand in few of them."""
        places = sorted(self._where[path] for path in paths if path in self._where)
        found: list[tuple[QModelIndex, QModelIndex]] = []
        begin = 0
        for k in range(1, len(places) + 1):
            group, row = places[k - 1]
            if k == len(places) or places[k] != (group, row + 1):
                first = places[begin][1]
                found.append((self.createIndex(first, 0, group + 1), self.createIndex(row, 0, group + 1)))
                begin = k
        return found

    def path_of(self, index: QModelIndex) -> str | None:
        """Return the frame of a row; None for a group."""
        number = index.internalId()
        if not index.isValid() or not number or self._groups[number - 1].is_masters:
            return None
        return self._groups[number - 1].paths[index.row()]

    def master_of(self, index: QModelIndex) -> MasterState | None:
        """Return the master of a row; None for frames and groups."""
        number = index.internalId()
        if not index.isValid() or not number or not self._groups[number - 1].is_masters:
            return None
        return self._masters.get(self._groups[number - 1].paths[index.row()])

    def is_group(self, index: QModelIndex) -> bool:
        """Whether a row is a group's heading."""
        return index.isValid() and self.is_grouped and not index.internalId()

    def paths_in(self, parent: QModelIndex, first: int, last: int) -> list[str]:
        """Return the frames of some rows under a parent; a group stands for all of its frames."""
        if self.is_grouped and not parent.isValid():
            groups = self._groups[first : last + 1]
            return [path for group in groups if not group.is_masters for path in group.paths]
        group = self._groups[parent.row() if self.is_grouped else 0]
        return [] if group.is_masters else group.paths[first : last + 1]

    def group_of(self, path: str) -> list[str]:
        """Return the frames of a frame's group, itself among them."""
        return list(self._groups[self._where[path][0]].paths) if path in self._where else [path]

    def ordered(self) -> list[str]:
        """Return the frames from top to bottom."""
        return [path for group in self._groups if not group.is_masters for path in group.paths]

    def index(self, row: int, column: int, parent: QModelIndex = _NO_INDEX) -> QModelIndex:
        """Return the index of a row under a group, or of a group."""
        # Not by hasIndex(), nor by rowCount(): this is asked once for each of thousands of rows.
        if row < 0 or not 0 <= column < self._width:
            return QModelIndex()
        if parent.isValid():
            group = parent.row()
            if not self.is_grouped or parent.internalId() or parent.column() or row >= len(self._groups[group].paths):
                return QModelIndex()
            return self.createIndex(row, column, group + 1)
        if row >= self.rowCount():
            return QModelIndex()
        return self.createIndex(row, column, 0 if self.is_grouped else 1)

    def parent(self, child: QModelIndex | None = None) -> Any:
        """Return the group of a row."""
        if child is None:
            return super().parent()
        number = child.internalId() if child.isValid() else 0
        return self.createIndex(number - 1, 0, 0) if number and self.is_grouped else QModelIndex()

    def rowCount(self, parent: QModelIndex = _NO_INDEX) -> int:  # noqa: N802 - Qt's name
        """Count groups, or the frames of one."""
        if not parent.isValid():
            return len(self._groups) if self.is_grouped else sum(len(group.paths) for group in self._groups)
        is_group = self.is_grouped and parent.internalId() == 0 and parent.column() == 0
        return len(self._groups[parent.row()].paths) if is_group else 0

    def columnCount(self, _parent: QModelIndex = _NO_INDEX) -> int:  # noqa: N802
        """Count all columns, hidden ones too."""
        return len(COLUMNS)
