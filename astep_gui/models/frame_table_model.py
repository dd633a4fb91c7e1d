"""The night's frames as rows, under their groups or flat, sorted and searched."""

from __future__ import annotations

import os.path
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QAbstractItemModel, QModelIndex, Qt, pyqtSignal

from astep_gui.models.frame_columns import COLUMNS, column_number, seconds_words
from pipeline_core.grouping import by_pointing
from pipeline_core.io.frame_kind import FITS_NAME
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PyQt6.QtCore import QObject

    from astep_gui.models.night_model import NightModel
    from pipeline_core.types import Frame

PATH_ROLE = Qt.ItemDataRole.UserRole
STATE_ROLE = Qt.ItemDataRole.UserRole + 1
_FIRST = (FrameKind.UNKNOWN, FrameKind.SCIENCE)
_KIND_ORDER = {kind: k for k, kind in enumerate((*_FIRST, *(kind for kind in FrameKind if kind not in _FIRST)))}
_NO_INDEX = QModelIndex()
_ALIGN = {
    False: int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
    True: int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight),
}


@dataclass
class Group:
    """Frames of one pointing, kind, filter and exposure."""

    title: str
    paths: list[str] = field(default_factory=list)


class FrameTableModel(QAbstractItemModel):
    """Rows of the night model; what is edited goes out as a question, the answer comes back from the logbook."""

    edit_asked = pyqtSignal(str, str, str)
    """Path of the edited row, field, value."""
    rebuilt = pyqtSignal()

    def __init__(self, night: NightModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._groups: list[Group] = []
        self._where: dict[str, tuple[int, int]] = {}
        self._sort = column_number("utc")
        self._order = Qt.SortOrder.AscendingOrder
        self.is_grouped = True
        self.search_words = ""
        self.shown_states: frozenset[str] = frozenset()
        """Only frames in these states (words); empty for all."""
        self._keys: dict[str, tuple[Any, ...]] = {}
        self._short: dict[str, str] = {}
        night.night_changed.connect(self.rebuild)
        night.frames_changed.connect(self._refresh)

    # -- shape -----------------------------------------------------------------------------------------------

    @property
    def groups(self) -> Sequence[Group]:
        """The groups in their order; one without a title when the table is flat."""
        return self._groups

    @property
    def count(self) -> int:
        """Frames that the search leaves."""
        return len(self._where)

    def set_grouped(self, is_grouped: bool) -> None:  # noqa: FBT001 - a slot
        """Show frames under their groups, or as one list."""
        if is_grouped != self.is_grouped:
            self.is_grouped = is_grouped
            self.rebuild()

    def search(self, words: str) -> None:
        """Keep frames in which every word is found: name, kind, filter, object, state."""
        if words != self.search_words:
            self.search_words = words
            self.rebuild()

    def show_states(self, words: frozenset[str]) -> None:
        """Show only frames in these states; empty for all."""
        self.shown_states = words
        self.rebuild()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort inside each group."""
        self._sort, self._order = column, order
        self.rebuild()

    def rebuild(self) -> None:
        """Make the rows anew."""
        self.beginResetModel()
        frames = [frame for frame in self._night.frames if self._is_wanted(frame)]
        self._keys = self._group_keys()
        groups: dict[tuple[Any, ...], Group] = {}
        for frame in frames:
            key = self._keys[frame.path] if self.is_grouped else ()
            groups.setdefault(key, Group(_title(key))).paths.append(frame.path)
        self._groups = [groups[key] for key in sorted(groups)]
        for group in self._groups:
            group.paths = self._sorted(group.paths)
        self._short = {path: name for group in self._groups for path, name in _short_names(group.paths).items()}
        self._where = {path: (g, k) for g, group in enumerate(self._groups) for k, path in enumerate(group.paths)}
        self.endResetModel()
        self.rebuilt.emit()

    def _group_keys(self) -> dict[str, tuple[Any, ...]]:
        lit = [f for f in self._night.frames if f.kind is FrameKind.SCIENCE]
        fields = {frame.path: name for name, members in by_pointing(lit).items() for frame in members}
        return {
            f.path: (
                _KIND_ORDER[f.kind],
                fields.get(f.path, ""),
                f.kind.value,
                f.filter or "",
                f.exposure_s if f.exposure_s is not None and f.kind is not FrameKind.BIAS else -1.0,
            )
            for f in self._night.frames
        }

    def _is_wanted(self, frame: Frame) -> bool:
        if not self.search_words and not self.shown_states:
            return True
        state = self._night.state_of(frame.path)
        if self.shown_states and state.word not in self.shown_states:
            return False
        text = f"{frame.path} {frame.kind.value} {frame.filter or ''} {frame.object or ''} {state.word} {state.why}"
        return all(word in text.lower() for word in self.search_words.lower().split())

    def _sorted(self, paths: Iterable[str]) -> list[str]:
        def key(path: str) -> tuple[bool, Any, str]:
            value = self._value(path, self._sort)
            return (value is None, value if value is not None else 0, path)

        known = [item for item in map(key, paths) if not item[0]]
        unknown = sorted(path for missing, _value, path in map(key, paths) if missing)
        known.sort(key=lambda item: item[1:], reverse=self._order == Qt.SortOrder.DescendingOrder)
        return [item[2] for item in known] + unknown  # what is not known stands last, either way

    def _refresh(self, paths: Sequence[str]) -> None:
        """Show frames anew; rows move only when a frame changed its group."""
        known = [path for path in paths if self._night.frame(path) is not None]
        if not known:
            return
        if self.is_grouped and any(path in self._where for path in known):
            keys = self._group_keys() if any(self._is_regrouped(path) for path in known) else self._keys
            if any(keys[path] != self._keys.get(path) for path in known):
                self.rebuild()
                return
        if len(known) > 200:
            for group in range(len(self._groups)):
                parent = self._parent_of(group)
                last = len(self._groups[group].paths) - 1
                self.dataChanged.emit(self.index(0, 0, parent), self.index(last, len(COLUMNS) - 1, parent))
            return
        for path in known:
            if (left := self.index_of(path)).isValid():
                self.dataChanged.emit(left, left.siblingAtColumn(len(COLUMNS) - 1))

    def _is_regrouped(self, path: str) -> bool:
        frame, key = self._night.frame(path), self._keys.get(path)
        return frame is None or key is None or (frame.kind.value, frame.filter or "") != (key[2], key[3])

    # -- where things are ------------------------------------------------------------------------------------

    def _parent_of(self, group: int) -> QModelIndex:
        return self.createIndex(group, 0, 0) if self.is_grouped else _NO_INDEX

    def index_of(self, path: str) -> QModelIndex:
        """Return the row of a frame; an invalid index if the search hides it."""
        if path not in self._where:
            return QModelIndex()
        group, row = self._where[path]
        return self.createIndex(row, 0, group + 1)

    def path_of(self, index: QModelIndex) -> str | None:
        """Return the frame of a row; None for a group."""
        number = index.internalId()
        return self._groups[number - 1].paths[index.row()] if index.isValid() and number else None

    def paths_of(self, index: QModelIndex) -> list[str]:
        """Return the frame of a row, or all of a group."""
        path = self.path_of(index)
        if path is not None:
            return [path]
        return list(self._groups[index.row()].paths) if index.isValid() else []

    def group_of(self, path: str) -> list[str]:
        """Return the frames of a frame's group, itself among them."""
        return list(self._groups[self._where[path][0]].paths) if path in self._where else [path]

    def ordered(self) -> list[str]:
        """Return the frames from top to bottom."""
        return [path for group in self._groups for path in group.paths]

    def index(self, row: int, column: int, parent: QModelIndex = _NO_INDEX) -> QModelIndex:
        """Return the index of a row under a group, or of a group."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        if parent.isValid():
            return self.createIndex(row, column, parent.row() + 1)
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

    # -- what is in them -------------------------------------------------------------------------------------

    def _value(self, path: str, column: int) -> Any:
        frame = self._night.frame(path)
        state = self._night.state_of(path)
        return None if frame is None else COLUMNS[column].value(frame, self._night.rows.get(path), state)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: PLR0911 - one a role
        """Return what a cell says."""
        path = self.path_of(index)
        if path is None:
            return self._group_data(index, role)
        if self._night.frame(path) is None:
            return None  # the night was closed, and the rows are about to go
        column = COLUMNS[index.column()]
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole}:
            words = column.words(self._value(path, index.column()))
            if column.key == "name":
                return self._short.get(path, words) + (" · reference" if path == self._night.reference else "")
            return f"{self._night.state_of(path).mark} {words}" if column.key == "state" else words
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGN[column.is_number]
        if role == Qt.ItemDataRole.ToolTipRole:
            state = self._night.state_of(path)
            return f"{path}\n{state.mark} {state.word}" + (f": {state.why}" if state.why else "")
        if role == PATH_ROLE:
            return path
        return self._night.state_of(path) if role == STATE_ROLE else None

    def _group_data(self, index: QModelIndex, role: int) -> Any:
        if not index.isValid() or index.column() or role != Qt.ItemDataRole.DisplayRole:
            return None
        group = self._groups[index.row()]
        rejected = sum(path in self._night.rejected for path in group.paths)
        count = f"{len(group.paths)} frame{'' if len(group.paths) == 1 else 's'}"
        return f"{group.title} · {count}" + (f" · ✕ {rejected} rejected" if rejected else "")

    def setData(self, index: QModelIndex, value: Any, _role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Ask for an edit."""
        path, column = self.path_of(index), COLUMNS[index.column()]
        if path is None or not column.field or str(value) == self.data(index, Qt.ItemDataRole.EditRole):
            return False
        self.edit_asked.emit(path, column.field, str(value))
        return False  # the row changes when the logbook says so

    def headerData(self, section: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Return a column's title and meaning."""
        if way != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip or column.title
        return _ALIGN[column.is_number] if role == Qt.ItemDataRole.TextAlignmentRole else None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Say which cells can be edited."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if self.path_of(index) is not None and COLUMNS[index.column()].field:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags


def _title(key: tuple[Any, ...]) -> str:
    """Name a group as an observer would: "Science · NGC 1866 · R · 90 s"."""
    if not key:
        return ""
    _order, pointing, kind, name, exposure_s = key
    parts = [kind.capitalize(), pointing, name, seconds_words(exposure_s) if exposure_s >= 0 else ""]
    return " · ".join(part for part in parts if part)


def _short_names(paths: Sequence[str]) -> dict[str, str]:
    """Leave out what all names of a group share, and the suffix: what tells them apart must be seen."""
    stems = {path: FITS_NAME.sub("", path.rsplit("/", 1)[-1]) or path for path in paths}
    first = common_part(list(stems.values()))
    last = common_part([stem[::-1] for stem in stems.values()])
    short = {}
    for path, stem in stems.items():
        middle = stem[len(first) : len(stem) - len(last)]
        short[path] = f"{'…' if first else ''}{middle}{'…' if last else ''}" if middle else stem
    return short


def common_part(names: Sequence[str]) -> str:
    """Return what all names begin with, up to a separator; empty where leaving it out would save too little."""
    if len(names) < 2:
        return ""
    shared = os.path.commonprefix(list(names))  # noqa: RUF071 - by letters is what is wanted
    cut = max(shared.rfind(separator) for separator in "_-. ")
    return shared[: cut + 1] if cut >= 5 else ""
