"""The frame table: the night's frames under their groups. Emits what a person asks for; decides nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, QItemSelection, QItemSelectionModel, QModelIndex, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from astep_gui.models.frame_columns import COLUMNS, column_number
from astep_gui.models.frame_search import PLACEHOLDER, SYNTAX, not_understood
from astep_gui.models.frame_table_model import FrameTableModel
from astep_gui.theme import icon
from astep_gui.widgets.frame_glance import FrameGlance
from astep_gui.widgets.frame_rows import THUMBNAIL_PX, FrameTree
from astep_gui.widgets.kept_place import KeptPlace
from astep_gui.widgets.table_columns import TableColumns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PyQt6.QtGui import QResizeEvent

    from astep_gui.models.night_model import NightModel

SEARCH_MS = 120
"""The list follows when no other letter came for this long."""


class FrameTable(QWidget):
    """Search, options and rows."""

    selected = pyqtSignal(list, object)
    """Paths, and the one to look at (or None)."""
    edit_asked = pyqtSignal(list, str, str)
    """Paths, field, value."""
    menu_asked = pyqtSignal(object)
    """Where on the screen."""
    fields_asked = pyqtSignal(object)
    """Where on the screen: a row was double-clicked where nothing of it can be edited."""
    outgrown = pyqtSignal()
    """The columns may want more room than before."""
    master_asked = pyqtSignal(str)
    """Name of the master whose row was chosen."""

    def __init__(self, night: NightModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._is_following = False
        self._folded: set[str] = set()
        self._leads = True
        """Whether the current frame is kept in sight: until a person scrolls."""
        self._reference: str | None = None
        self.model = FrameTableModel(night, self)
        self.tree = FrameTree(self.model)
        self._kept = KeptPlace(self.tree, self.model)
        self.model.is_pointed_at = self._kept.is_pointed_at
        self.tree.rows.glance = FrameGlance(self.tree, self.model, night)
        self._make_head()
        self._lay_out()
        self.tree.sortByColumn(self.model._sort, Qt.SortOrder.AscendingOrder)  # noqa: SLF001 - its own model
        self.tree.setSortingEnabled(True)
        self.columns.lay_out()
        self.tree.collapsed.connect(self._fold)
        self.tree.expanded.connect(self._unfold)
        self.model.rebuilt.connect(self._after_rebuild)
        self.model.edit_asked.connect(self._edited)
        self.tree.customContextMenuRequested.connect(self._ask_menu)
        self.tree.doubleClicked.connect(self._ask_fields)
        chosen = self.tree.selectionModel()
        assert chosen is not None
        chosen.selectionChanged.connect(self._say_selection)
        chosen.currentChanged.connect(self._say_selection)
        bar = self.tree.verticalScrollBar()
        assert bar is not None, "every view has one"
        bar.actionTriggered.connect(lambda: self._lead(is_wanted=False))
        night.night_changed.connect(lambda: self._lead(is_wanted=True))
        night.selection_changed.connect(self.follow)
        night.frames_changed.connect(self._say_count)
        night.frames_changed.connect(self._fit_reference)
        night.frames_changed.connect(lambda _paths: self.tree.headings.fit())  # they count their frames
        for signal in (night.looking.progressed, night.looking.stopped):
            signal.connect(self._say_count)

    def _make_head(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText(PLACEHOLDER)
        self.search.setToolTip(SYNTAX)
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search frames")
        self._searched = QTimer(self)
        self._searched.setSingleShot(True)
        self._searched.setInterval(SEARCH_MS)
        self._searched.timeout.connect(self.search_now)
        self.search.textChanged.connect(lambda _text: self._searched.start())
        self.search.returnPressed.connect(self._first_found)
        self.count = QLabel()
        self.count.setProperty("role", "dim")
        self.grouped = self._switch("group", "Group by kind, field, filter and exposure (G)")
        self.grouped.setChecked(True)
        self.grouped.toggled.connect(self._group)
        self.pictures = self._switch(
            "image", "Small pictures of the frames (T); rest the pointer on one to see it large"
        )
        self.pictures.toggled.connect(self._show_pictures)
        self.columns = TableColumns(self.tree, self.model)

    @staticmethod
    def _switch(name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        button.setCheckable(True)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(8, 6, 8, 4)
        head.setSpacing(4)
        head.addWidget(self.search, 1)
        for button in (self.grouped, self.pictures, self.columns):
            head.addWidget(button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(head)
        box.addWidget(self.tree, 1)
        box.addWidget(self.count)
        self.count.setContentsMargins(10, 3, 8, 4)

    # -- what a person does ----------------------------------------------------------------------------------

    def selected_paths(self) -> list[str]:
        """Return the selected frames from top to bottom; a selected group stands for its frames."""
        chosen, model = self.tree.selectionModel(), self.model
        if chosen is None:
            return []
        ranges = [(r.parent(), r.top(), r.bottom()) for r in chosen.selection()]
        wanted = {path for parent, top, bottom in ranges for path in model.paths_in(parent, top, bottom)}
        return [path for path in model.ordered() if path in wanted] if len(wanted) > 1 else list(wanted)

    def _say_selection(self, *_: object) -> None:
        if self._is_following:
            return
        master = self.model.master_of(self.tree.currentIndex())
        if master is not None:
            self.master_asked.emit(master.name)
            return
        paths, index = self.selected_paths(), self.tree.currentIndex()
        if not self.model.is_group(index):
            self.selected.emit(paths, self.model.path_of(index))
        elif paths:  # else the heading of the masters, which means no frame: what is seen stays
            meant = set(paths)
            self.selected.emit(paths, next((path for path in self._paths_below(index) if path in meant), None))

    def _edited(self, path: str, field: str, value: str) -> None:
        chosen = self.selected_paths()
        self.edit_asked.emit(chosen if path in chosen else [path], field, value)

    def _ask_menu(self, where: object) -> None:
        viewport = self.tree.viewport()
        if viewport is not None and self.model.master_of(self.tree.currentIndex()) is None:
            self.menu_asked.emit(viewport.mapToGlobal(where))  # type: ignore[arg-type]

    def _ask_fields(self, index: QModelIndex) -> None:
        """Ask for kind and filter, whose own columns are mostly hidden: the groups' headings say them."""
        viewport = self.tree.viewport()
        if viewport is not None and self.model.path_of(index) is not None and not COLUMNS[index.column()].field:
            self.fields_asked.emit(viewport.mapToGlobal(self.tree.visualRect(index).bottomLeft()))

    def edit(self, key: str) -> None:
        """Open the editor of the current row, if its column is shown."""
        number = column_number(key)
        if not self.tree.isColumnHidden(number):
            self.tree.edit(self.tree.currentIndex().siblingAtColumn(number))

    def step(self, by: int) -> str | None:
        """Return the frame ``by`` rows further, None at the end."""
        order = self.model.ordered()
        if self._night.current not in order:
            return order[0] if order else None
        number = order.index(self._night.current) + by
        return order[number] if 0 <= number < len(order) else None

    def search_now(self) -> None:
        """Follow the search line without waiting for another letter."""
        self._searched.stop()
        self.model.search(self.search.text())

    def _first_found(self) -> None:
        """Go to the first frame that the search left."""
        self.search_now()
        found = self.model.ordered()
        if found:
            self.selected.emit([found[0]], found[0])
        self.tree.setFocus()

    # -- following the model ---------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show the night's selection; the list moves only if the current frame is out of sight.

        A folded group that is selected whole is shown by its heading, and stays folded.
        """
        chosen = self.tree.selectionModel()
        if chosen is None or (set(self.selected_paths()) == set(self._night.selection) and self._shows_current()):
            return
        self._is_following = True
        current = self.model.index_of(self._night.current or "")
        heading = current.parent()
        rows = QItemSelection()
        if self.tree.is_folded(heading) and set(self._paths_below(heading)) == set(self._night.selection):
            current = heading
            rows.select(heading, heading)
        else:
            for first, last in self.model.stretches(self._night.selection):
                rows.select(first, last)
        flags = QItemSelectionModel.SelectionFlag
        chosen.select(rows, flags.ClearAndSelect | flags.Rows)
        if current.isValid():
            chosen.setCurrentIndex(current, flags.NoUpdate)
            self.tree.scrollTo(current)
        self._is_following = False

    def _shows_current(self) -> bool:
        """Whether the list stands on the current frame, or on the heading of its group."""
        index = self.tree.currentIndex()
        if self.model.is_group(index):
            return self._night.current in self._paths_below(index)
        return self.model.path_of(index) == self._night.current

    def _paths_below(self, heading: QModelIndex) -> list[str]:
        return self.model.paths_in(QModelIndex(), heading.row(), heading.row())

    def _after_rebuild(self, is_asked: bool) -> None:  # noqa: FBT001 - a slot
        bar = self.tree.verticalScrollBar()
        place = bar.value() if bar is not None else 0
        self._is_following = True
        self.tree.setRootIsDecorated(self.model.is_grouped)
        self.tree.unfold_groups(self._folded)
        self._is_following = False
        self.columns.fit()
        if self.model.is_grouped:  # the flat list has all columns, and is scrolled sideways
            self.outgrown.emit()
        self.tree.headings.fit()
        self.follow()
        if not is_asked:
            self._kept.put_back()  # nobody asked for other rows: they stay where they are seen
        elif bar is not None:
            self._kept.let_go()
            bar.setValue(place)  # last: whoever scrolled away from the current frame stays where he is
        self._say_count()
        QTimer.singleShot(0, self._bring_current)  # once the rows have their places

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keep the current frame in sight when what stands above the table takes room from it."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self._bring_current)

    def _lead(self, *, is_wanted: bool) -> None:
        self._leads = is_wanted

    def _bring_current(self) -> None:
        """Bring the frame a night opens on into sight, whose row moves while the night is planned and judged."""
        current = self.tree.currentIndex()
        is_folded = current.parent().isValid() and not self.tree.isExpanded(current.parent())
        if self._leads and not is_folded and not self.tree.underMouse():
            self.tree.scrollTo(current)

    def _say_count(self, *_: object) -> None:
        total, shown, rejected = len(self._night.frames), self.model.count, len(self._night.rejected)
        if shown == total:
            words = f"{total} frames"
        elif fault := not_understood(self.model.search_words):
            words = f"{fault} · Esc shows all"
        else:
            words = f"{shown} of {total} frames · Esc shows all" if shown else "no frame fits · Esc shows all"
        looking = self._night.looking
        looks = looking.counted if self._night.is_judged_finally else looking.words
        words += f" · {looks}" if looks else ""
        self.count.setText(words + (f" · ✕ {rejected} rejected" if rejected else ""))

    def _fold(self, index: QModelIndex) -> None:
        if not self._is_following:
            self._folded.add(self.model.groups[index.row()].title)

    def _unfold(self, index: QModelIndex) -> None:
        if not self._is_following:
            self._folded.discard(self.model.groups[index.row()].title)

    def _show_pictures(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        self.tree.setIconSize(QSize(THUMBNAIL_PX - 4, THUMBNAIL_PX - 4))
        self.model.show_thumbnails(is_on)
        self.tree.follow_heights()
        self.columns.lay_out()
        # Once the rows have their new heights: before, it would be brought to where it stood.
        QTimer.singleShot(0, lambda: self.tree.scrollTo(self.tree.currentIndex()))

    # -- columns ---------------------------------------------------------------------------------------------

    def _group(self, is_grouped: bool) -> None:  # noqa: FBT001 - a slot
        self.model.set_grouped(is_grouped)
        self.columns.lay_out()

    def show_column(self, key: str, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Show a column, or not."""
        self.columns.show_column(key, is_shown)

    def set_compact(self, is_compact: bool) -> None:  # noqa: FBT001 - a switch
        """Do with less room, in a small window."""
        self.columns.set_compact(is_compact)

    def wanted_width(self) -> int:
        """Return the width at which no column is cut."""
        return self.columns.wanted_width()

    def _fit_reference(self, *_: object) -> None:
        """Give the names room for the word that stands behind the reference's."""
        if self._reference != self._night.reference:
            self._reference = self._night.reference
            self.columns.fit()
            self.outgrown.emit()

    def save_columns(self) -> QByteArray:
        """Return choice, order and widths of the columns, and whether groups and pictures are shown."""
        kept = self.columns.state() | {
            "is_grouped": self.model.is_grouped,
            "pictures": self.model.shows_thumbnails,
            "folded": sorted(self._folded),
        }
        return QByteArray(json.dumps(kept).encode())

    def restore_columns(self, state: QByteArray) -> None:
        """Take them over; a state of another version of the table is passed over."""
        try:
            kept = json.loads(state.data())
            is_grouped, pictures = kept["is_grouped"], kept["pictures"]
            self.columns.restore(kept)
        except (ValueError, KeyError, TypeError):
            return
        self._folded = set(kept.get("folded", ()))  # an older version did not keep it
        self.grouped.setChecked(bool(is_grouped))
        self.pictures.setChecked(bool(pictures))
        self.columns.lay_out()

    def show_only(self, paths: Iterable[str]) -> None:
        """Select frames, whatever is searched for, and look at the one that stands first in the list."""
        wanted = list(paths)
        if any(not self.model.index_of(path).isValid() for path in wanted):
            self.search.clear()
            self.search_now()
        place = {path: k for k, path in enumerate(self.model.ordered())}
        wanted.sort(key=lambda path: place.get(path, len(place)))
        self.selected.emit(wanted, wanted[0] if wanted else None)

    def close_pictures(self) -> None:
        """End the thread that makes small pictures."""
        self.model.thumbnails.close()
