"""The night's frames as rows, under their groups or flat, sorted and searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QModelIndex, Qt, QTimer, pyqtSignal

from astep_gui.models.dragged_rows import DraggedRows
from astep_gui.models.frame_columns import COLUMNS, column_number
from astep_gui.models.frame_filter import FrameFilter
from astep_gui.models.frame_groups import Group, group_keys, heading
from astep_gui.models.frame_state import NO_STATE, frame_tip
from astep_gui.models.master_rows import STATE_ROLE, master_cell
from astep_gui.models.moment_states import MomentStates
from astep_gui.models.thumbnails import Thumbnails
from astep_gui.models.tip_words import wrapped
from pipeline_core.name_words import counted
from pipeline_core.short_names import LONGEST_IN_LIST, names_in_list, numbers_of, short_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from PyQt6.QtCore import QObject

    from astep_gui.models.night_model import NightModel
    from pipeline_core.session import Place
    from pipeline_core.survey import MasterState
    from pipeline_core.types import Frame, Night

MASTERS_TITLE = "Masters"
FILTER_MS = 400
"""What is searched for is looked for again at most this often while values come in."""
MANY = 200
"""Frames from which on rows are not said to have changed one by one."""

PATH_ROLE = Qt.ItemDataRole.UserRole
HEADING_ROLE = Qt.ItemDataRole.UserRole + 9
"""What a group is, without how many of its frames are rejected: by these words alone its lines are broken."""
FIRST_ROLE = Qt.ItemDataRole.UserRole + 11
"""Whether a figure is of a first look at the raw frame, where those of other frames are final."""
REJECTED_ROLE = Qt.ItemDataRole.UserRole + 10
"""How many frames of a group are rejected."""
_ALIGN = {
    False: int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
    True: int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight),
}


_GROUP_ROLES = frozenset((Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, HEADING_ROLE, REJECTED_ROLE))
_MASTER_FLAGS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_GROUP_FLAGS = _MASTER_FLAGS | Qt.ItemFlag.ItemIsDropEnabled
_FLAGS = {
    (is_edited, is_grouped): _MASTER_FLAGS
    | Qt.ItemFlag.ItemNeverHasChildren
    | Qt.ItemFlag.ItemIsDragEnabled
    | (Qt.ItemFlag.ItemIsEditable if is_edited else Qt.ItemFlag(0))
    | (Qt.ItemFlag.ItemIsDropEnabled if is_grouped else Qt.ItemFlag(0))
    for is_edited in (False, True)
    for is_grouped in (False, True)
}
"""Made once: they are asked for with every cell that is painted."""


class FrameTableModel(DraggedRows):
    """Rows of the night model; what is edited goes out as a question, the answer comes back from the logbook."""

    edit_asked = pyqtSignal(str, str, str)
    """Path of the edited row, field, value."""
    about_to_rebuild = pyqtSignal()
    """Rows will be made anew, which nobody asked for."""
    rebuilt = pyqtSignal(bool)
    """Rows were made anew; whether a person asked for others, or another night was opened."""
    many_changed = pyqtSignal()
    """All that is in sight may say something else: told at once, where Qt would be told row by row."""

    def __init__(self, night: NightModel, parent: QObject | None = None) -> None:
        super().__init__(night, parent)
        self._sort = column_number("utc")
        self._order = Qt.SortOrder.AscendingOrder
        self.shows_thumbnails = False
        self.thumbnails = Thumbnails(self)
        self.thumbnails.arrived.connect(self._show_thumbnail)
        self.is_pointed_at: Callable[[], bool] = lambda: False
        """Tells whether the pointer is over the rows."""
        self._place: Place | None = None
        self._is_fresh = True
        """Whether the night was just opened, and what was measured before is still to come."""
        self._ranks: dict[str, Any] = {}
        """By what frames stand in order: values of when a person asked for it, so that later ones move no row."""
        self._keys: dict[str, tuple[Any, ...]] = {}
        self._keys_are_of: Sequence[Frame] = ()
        self._numbers: dict[str, str] = {}
        self._numbers_are_of: Night | None = None
        self._of_night: dict[str, str] = {}
        self._is_narrow = False
        self.width_of_name: Callable[[str], int] = len
        """Measures a name, as it is written in the list."""
        self._short: dict[str, str] = {}
        self.has_dates = False
        """The frames are of more than one date: beside the time stands the day of the month."""
        self.states = MomentStates(night.state_of)
        self._filter = FrameFilter(night, self.states)
        night.listed = self.ordered
        self._has_news = False
        """Whether something was said of the frames since it was looked which fit."""
        night.night_changed.connect(self._begin_night)
        night.frames_changed.connect(self._refresh)
        night.survey_changed.connect(self._follow_masters)
        self._filter_soon = QTimer(self)
        self._filter_soon.setSingleShot(True)
        self._filter_soon.setInterval(FILTER_MS)
        self._filter_soon.timeout.connect(self.filter_again)
        for signal in (night.frames_changed, night.quality_changed, night.survey_changed):
            signal.connect(self._states_changed)
        night.selection_changed.connect(self._let_go)
        night.looking.begun.connect(self._order_of_known)

    def _begin_night(self) -> None:
        self.thumbnails.clear()
        self._masters = self._surveyed()
        place = self._night.place
        is_another, self._place = place != self._place, place
        if is_another:
            self._is_fresh = True
            self._rebuild_strictly()
        else:
            self.rebuild()  # it grew: found rows stay as they do whenever else rows are made anew

    def _order_of_known(self, *_: object) -> None:
        """Stand as asked for by what was measured before, which is read once the night is open: part of opening it."""
        if self._is_fresh:
            self._is_fresh = False
            self._ranks.clear()
            with self.states.unchanged():
                if any(self._sorted(group.paths) != group.paths for group in self._groups if not group.is_masters):
                    self._rebuild(is_asked=True)

    def _surveyed(self) -> dict[str, MasterState]:
        survey = self._night.survey
        return {master.name: master for master in survey.masters} if survey is not None else {}

    def _follow_masters(self) -> None:
        """Show the masters as they stand; rows are made anew only when there are others."""
        before, self._masters = self._masters, self._surveyed()
        if list(before) != list(self._masters):
            self.rebuild()
        elif self._masters and self.is_grouped and self._groups and self._groups[-1].is_masters:
            parent = self._parent_of(len(self._groups) - 1)
            last = self.index(len(self._masters) - 1, len(COLUMNS) - 1, parent)
            self.dataChanged.emit(self.index(0, 0, parent), last)

    def show_thumbnails(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Show small pictures in the rows, or not."""
        self.shows_thumbnails = is_on
        self.layoutChanged.emit()

    def _show_thumbnail(self, path: str) -> None:
        index = self.index_of(path)
        if index.isValid() and self.shows_thumbnails:
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])

    # -- shape -----------------------------------------------------------------------------------------------

    def set_grouped(self, is_grouped: bool) -> None:  # noqa: FBT001 - a slot
        """Show frames under their groups, or as one list."""
        if is_grouped != self.is_grouped:
            self.is_grouped = is_grouped
            self.rebuild(is_asked=True)

    @property
    def search_words(self) -> str:
        """What is searched for."""
        return self._filter.words

    def search(self, words: str) -> None:
        """Keep frames in which every word is found: name, kind, filter, object, state."""
        if words != self.search_words:
            self._filter.search(words)
            self._rebuild_strictly()

    def show_states(self, words: frozenset[str]) -> None:
        """Show only frames in these states (words or marks); empty for all."""
        self._filter.shown_states = words
        self._rebuild_strictly()

    def _rebuild_strictly(self) -> None:
        self._filter.let_go()
        self._filter_soon.stop()
        with self.states.unchanged():
            self._rebuild(is_asked=True)

    def _states_changed(self, *_: object) -> None:
        """Look again soon which frames fit; not put off by what comes meanwhile, which may come for minutes."""
        self._has_news = True
        if self._filter.is_on and not self._filter_soon.isActive():
            self._filter_soon.start()

    def _let_go(self) -> None:
        if self._filter.held:
            self._states_changed()

    def filter_again(self) -> None:
        """Follow what is known of the frames now; rows are made anew only when others fit than are shown.

        A selected frame that fits no more, a suspect that was just rejected say, stays until another is selected:
        who goes on from it to the next one does not begin at the top again.
        """
        stays = self.is_pointed_at()  # rows that go would bring others under the pointer: once it has left
        if self._has_news or not stays:
            self._has_news = False
            with self.states.unchanged():
                if self._filter.hold(self._where, all_stay=stays) | self._filter.held != self._where.keys():
                    self._rebuild()
        if stays and self._filter.holds_others:
            self._filter_soon.start()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort inside each group."""
        if (column, order) == (self._sort, self._order):
            return  # the view asks twice, and rows that stand as they should need not be made anew
        self._sort, self._order = column, order
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)  # later, rows were laid out twice
        self.rebuild(is_asked=True)

    def rebuild(self, *, is_asked: bool = False) -> None:
        """Make the rows anew; a selected frame that fits no more stays."""
        with self.states.unchanged():
            if self._filter.is_on:
                self._filter.hold(self._where, all_stay=self.is_pointed_at())
                if self._filter.holds_others:
                    self._filter_soon.start()
            self._rebuild(is_asked=is_asked)

    def _rebuild(self, *, is_asked: bool = False) -> None:
        if is_asked:
            self._ranks.clear()
        else:
            self.about_to_rebuild.emit()
        self.beginResetModel()
        frames = [frame for frame in self._night.frames if self._filter.shows(frame)]
        keys = self._group_keys()
        groups: dict[tuple[Any, ...], Group] = {}
        for frame in frames:
            key = keys[frame.path] if self.is_grouped else ()
            if key not in groups:
                groups[key] = Group(heading(key), key=key)
            groups[key].paths.append(frame.path)
        self._groups = [groups[key] for key in sorted(groups)]
        for group in self._groups:
            group.paths = self._sorted(group.paths)
        if self._numbers_are_of is not self._night.raw:
            self._numbers = numbers_of(frame.path for frame in self._night.frames)
            self._numbers_are_of = self._night.raw
            self._of_night = short_names(list(self._numbers), self._numbers)
            self.has_dates = len({f.mid_utc.date() for f in self._night.frames if f.mid_utc is not None}) > 1
        self._name_rows()
        self._where = {path: (g, k) for g, group in enumerate(self._groups) for k, path in enumerate(group.paths)}
        if self._masters and self.is_grouped and not self._filter.is_on:
            self._groups.append(Group(MASTERS_TITLE, list(self._masters), is_masters=True))
        self.endResetModel()
        self.rebuilt.emit(is_asked)

    def _name_rows(self) -> None:
        """Call frames as all else does, by names of one length for all; longer ones as their group tells them apart."""
        groups = [group.paths for group in self._groups if not group.is_masters]
        longest, measure = LONGEST_IN_LIST, self.width_of_name if self._is_narrow else len
        if self._is_narrow:
            told = [name for paths in groups for name in short_names(paths, self._numbers).values()]
            longest = max(map(measure, told), default=0)
        named = [names_in_list(paths, self._numbers, self._of_night, longest, measure) for paths in groups]
        self._short = {path: name for names in named for path, name in names.items()}

    def set_narrow(self, is_narrow: bool) -> None:  # noqa: FBT001 - a switch
        """In a small window let no name make its column wider than it must be."""
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            self._name_rows()
            self.many_changed.emit()

    def _group_keys(self) -> dict[str, tuple[Any, ...]]:
        """Return the group of each frame, made out anew only where a frame is another than before."""
        if self._keys_are_of != self._night.frames:
            self._keys_are_of = self._night.frames
            self._keys = group_keys(self._night.frames)
        return self._keys

    def _sorted(self, paths: Sequence[str]) -> list[str]:
        for path in paths:
            if self._ranks.get(path) is None:  # what was not known yet had no place of its own to keep
                self._ranks[path] = self._value(path, self._sort)
        values = {path: self._ranks[path] for path in paths}
        known = sorted((value, path) for path, value in values.items() if value is not None)
        if self._order == Qt.SortOrder.DescendingOrder:
            known.reverse()
        unknown = sorted(path for path, value in values.items() if value is None)
        return [path for _value, path in known] + unknown  # what is not known stands last, either way

    def _refresh(self, paths: Sequence[str]) -> None:
        """Show frames anew; rows move only when a frame changed its group."""
        known = [path for path in paths if self._night.frame(path) is not None]
        if not known:
            return
        if self.is_grouped and any(path in self._where for path in known):
            before, keys = self._keys, self._group_keys()
            if keys is not before and any(keys[path] != before.get(path) for path in known):
                self.rebuild()
                return
        if len(known) > MANY:
            self.many_changed.emit()
            return
        for group in range(len(self._groups)) if self.is_grouped else ():
            head = self._parent_of(group)
            self.dataChanged.emit(head, head)  # its title counts the rejected
        for path in known:
            if (left := self.index_of(path)).isValid():
                self.dataChanged.emit(left, left.siblingAtColumn(len(COLUMNS) - 1))

    # -- what there is ---------------------------------------------------------------------------------------------

    def names(self) -> Iterable[str]:
        """Return what is written in the first column."""
        reference = self._night.reference
        return [*self._short.values(), *([self._named(reference)] if reference in self._short else [])]

    def _named(self, path: str) -> str:
        """Return a frame's short name; the reference says that it is one."""
        return self._short[path] + (" · ref" if path == self._night.reference else "")

    def filters(self) -> list[str]:
        """Return the filters of the night."""
        return sorted({frame.filter for frame in self._night.frames if frame.filter})

    # -- what is in them -------------------------------------------------------------------------------------

    def _value(self, path: str, column: int) -> Any:
        frame, asked = self._night.frame(path), COLUMNS[column]
        if frame is None:
            return None
        state = self.states.of(path) if asked.is_of_state else NO_STATE
        return asked.value(frame, self._night.rows.get(path), state)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: PLR0911 - one a role
        """Return what a cell says."""
        path = self.path_of(index)
        if path is None:
            master = self.master_of(index)
            return self._group_data(index, role) if master is None else master_cell(master, index.column(), role)
        frame, night = self._night.frame(path), self._night.night
        if frame is None or night is None:
            return None  # the night was closed, and the rows are about to go
        column = COLUMNS[index.column()]
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole}:
            return self._words(path, frame, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGN[column.is_number]
        if role == Qt.ItemDataRole.DecorationRole:
            shows = self.shows_thumbnails and column.key == "name"
            return self.thumbnails.get(path, night.file(frame), frame) if shows else None
        if role == Qt.ItemDataRole.ToolTipRole:
            is_reference, is_first = path == self._night.reference, self._stands_on_first_look(path)
            return frame_tip(frame, self.states.of(path), is_reference=is_reference, has_first_figures=is_first)
        if role == FIRST_ROLE:
            return column.is_measured and self._stands_on_first_look(path)
        if role == PATH_ROLE:
            return path
        return self.states.of(path) if role == STATE_ROLE else None

    def _words(self, path: str, frame: Frame, number: int) -> str:
        """Return what stands in a frame's cell."""
        column = COLUMNS[number]
        words = column.words(self._value(path, number))
        if column.key == "utc" and self.has_dates and frame.mid_utc is not None:
            return f"{frame.mid_utc:%d} {words}"
        if column.key == "name":
            return self._named(path) if path in self._short else words
        return self.states.of(path).brief if column.key == "state" else words

    def _stands_on_first_look(self, path: str) -> bool:
        """Whether a frame's figures are of the raw frame though the night is reduced: others' are final."""
        row, survey = self._night.rows.get(path), self._night.survey
        is_first = row is not None and row.measures.state == "quick"
        return is_first and survey is not None and survey.is_reduced

    def sample(self, number: int) -> str:
        """Return the widest words that a column usually says in this night."""
        column = COLUMNS[number]
        return f"30 {column.sample}" if column.key == "utc" and self.has_dates else column.sample

    def _group_data(self, index: QModelIndex, role: int) -> Any:
        if role not in _GROUP_ROLES or not index.isValid() or index.column():
            return None
        group = self._groups[index.row()]
        rejected = sum(path in self._night.rejected for path in group.paths)
        if role == REJECTED_ROLE:
            return rejected
        if group.is_masters:
            waiting = sum(master.state != "up to date" for master in self._masters.values())
            return f"{group.title} · {len(group.paths)}" + (f" · {waiting} to be made" if waiting else "")
        words = f"{heading(group.key)} · {counted(len(group.paths), 'frame')}"
        return words + (f" · ✕ {rejected} rejected" if rejected and role != HEADING_ROLE else "")

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
            return self.title(section)
        if role == Qt.ItemDataRole.ToolTipRole:
            told = wrapped("\n".join(filter(None, (column.tip or column.title, column.more))))
            return f"{told}\nA click sorts inside the groups; a right click chooses columns."
        return _ALIGN[column.is_number] if role == Qt.ItemDataRole.TextAlignmentRole else None

    def title(self, section: int) -> str:
        """Return a column's title; the one that is sorted by says which way.

        The arrow is a part of the words: the style's own would lie over the last letters of a short title.
        """
        if section != self._sort:
            return COLUMNS[section].title
        return f"{COLUMNS[section].title} {'▴' if self._order == Qt.SortOrder.AscendingOrder else '▾'}"

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Say which cells can be edited, dragged and dropped on."""
        number = index.internalId()
        if number and self._groups[number - 1].is_masters:
            return _MASTER_FLAGS
        if not number:
            return _GROUP_FLAGS if index.isValid() else _MASTER_FLAGS
        return _FLAGS[bool(COLUMNS[index.column()].field), self.is_grouped]
