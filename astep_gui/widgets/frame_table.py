"""The frame table: the night's frames under their groups. Emits what a person asks for; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, QItemSelection, QItemSelectionModel, QModelIndex, QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.frame_columns import COLUMNS
from astep_gui.models.frame_table_model import STATE_ROLE, FrameTableModel
from astep_gui.theme import icon, mono_font, theme, ui_font
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PyQt6.QtCore import QAbstractItemModel
    from PyQt6.QtGui import QPainter

    from astep_gui.models.night_model import NightModel

ROW_PX = 24


class RowDelegate(QStyledItemDelegate):
    """Paints rows in the theme's colours: the state's mark and word in its tone, numbers in columns."""

    def initStyleOption(self, option: QStyleOptionViewItem | None, index: QModelIndex) -> None:  # noqa: N802
        """Choose font and colour."""
        super().initStyleOption(option, index)
        if option is None:
            return
        model = index.model()
        assert isinstance(model, FrameTableModel)
        if model.path_of(index) is None:
            option.font = ui_font(12, bold=True)
            return
        column, state, look = COLUMNS[index.column()], index.data(STATE_ROLE), theme()
        if column.is_number:
            option.font = mono_font()
        if option.state & QStyle.StateFlag.State_Selected or state is None:
            return
        role = option.palette.ColorRole.Text
        if column.key == "state":
            option.palette.setColor(role, look.colour(state.tone))
        elif state.word in {"rejected", "left out", "unusable"} or column.key in {"exposure", "temperature", "sky"}:
            option.palette.setColor(role, look.colour("dim"))

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a cell; through a rejected frame's name goes a line."""
        super().paint(painter, option, index)
        state = index.data(STATE_ROLE)
        if painter is None or state is None or state.word != "rejected" or COLUMNS[index.column()].key != "name":
            return
        painter.save()  # besides the mark and the word: a line through the name
        painter.setPen(theme().colour("bad"))
        width = option.fontMetrics.horizontalAdvance(str(index.data()))
        y = option.rect.center().y()
        painter.drawLine(option.rect.x() + 4, y, min(option.rect.x() + 4 + width, option.rect.right()), y)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """Give all rows one height."""
        return QSize(super().sizeHint(option, index).width(), ROW_PX)

    def createEditor(  # noqa: N802
        self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget | None:
        """Offer the kinds; anything else is typed."""
        if COLUMNS[index.column()].key != "kind":
            return super().createEditor(parent, option, index)
        box = QComboBox(parent)
        box.addItems([kind.value for kind in FrameKind if kind is not FrameKind.UNKNOWN])
        box.activated.connect(lambda _row: (self.commitData.emit(box), self.closeEditor.emit(box)))
        return box

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:  # noqa: N802
        """Begin with what stands there."""
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data()))
            editor.showPopup()
        else:
            super().setEditorData(editor, index)

    def setModelData(  # noqa: N802
        self, editor: QWidget | None, model: QAbstractItemModel | None, index: QModelIndex
    ) -> None:
        """Hand over what was chosen."""
        if isinstance(editor, QComboBox) and model is not None:
            model.setData(index, editor.currentText())
        else:
            super().setModelData(editor, model, index)


class FrameTree(QTreeView):
    """The rows themselves."""

    def __init__(self, model: FrameTableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(RowDelegate(self))
        self.setUniformRowHeights(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names of a night differ in their middle and end
        self.setAlternatingRowColors(True)
        self.setAllColumnsShowFocus(True)
        self.setIndentation(14)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Frames of the night")
        self.setFrameShape(QTreeView.Shape.NoFrame)

    def keyboardSearch(self, _search: str | None) -> None:  # noqa: N802
        """Letters are keys of the window (X rejects), not a search by name."""


class FrameTable(QWidget):
    """Search, options and rows."""

    selected = pyqtSignal(list, object)
    """Paths, and the one to look at (or None)."""
    edit_asked = pyqtSignal(list, str, str)
    """Paths, field, value."""
    menu_asked = pyqtSignal(object)
    """Where on the screen."""

    def __init__(self, night: NightModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._is_following = False
        self._folded: set[str] = set()
        self.model = FrameTableModel(night, self)
        self.tree = FrameTree(self.model)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search frames: name, kind, filter, state")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search frames")
        self.search.textChanged.connect(self.model.search)
        self.count = QLabel()
        self.count.setProperty("role", "dim")
        self.grouped = QToolButton()
        self.grouped.setIcon(icon("group"))
        self.grouped.setCheckable(True)
        self.grouped.setChecked(True)
        self.grouped.setToolTip("Group by kind, field, filter and exposure")
        self.grouped.toggled.connect(self._group)
        self.columns = QToolButton()
        self.columns.setText("Columns")
        self.columns.setToolTip("Choose the columns")
        self.columns.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.columns.setMenu(self._column_menu())
        self._lay_out()
        header = self.tree.header()
        assert header is not None
        header.setSectionsMovable(True)
        header.setStretchLastSection(False)
        for number, column in enumerate(COLUMNS):
            self.tree.setColumnWidth(number, column.width)
            self.tree.setColumnHidden(number, not column.is_default)
        self.tree.sortByColumn(self.model._sort, Qt.SortOrder.AscendingOrder)  # noqa: SLF001 - its own model
        self.tree.setSortingEnabled(True)
        self.tree.collapsed.connect(self._fold)
        self.tree.expanded.connect(self._unfold)
        self.model.rebuilt.connect(self._after_rebuild)
        self.model.edit_asked.connect(self._edited)
        self.tree.customContextMenuRequested.connect(
            lambda where: self.menu_asked.emit(self.tree.viewport().mapToGlobal(where))
        )
        chosen = self.tree.selectionModel()
        assert chosen is not None
        chosen.selectionChanged.connect(self._say_selection)
        chosen.currentChanged.connect(self._say_selection)
        night.selection_changed.connect(self.follow)
        night.frames_changed.connect(self._say_count)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(8, 6, 8, 4)
        head.addWidget(self.search, 1)
        head.addWidget(self.grouped)
        head.addWidget(self.columns)
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
        chosen = self.tree.selectionModel()
        rows = chosen.selectedRows() if chosen is not None else []
        wanted = {path for index in rows for path in self.model.paths_of(index)}
        return [path for path in self.model.ordered() if path in wanted] if len(wanted) > 1 else list(wanted)

    def _say_selection(self, *_: object) -> None:
        if self._is_following:
            return
        self.selected.emit(self.selected_paths(), self.model.path_of(self.tree.currentIndex()))

    def _edited(self, path: str, field: str, value: str) -> None:
        chosen = self.selected_paths()
        self.edit_asked.emit(chosen if path in chosen else [path], field, value)

    def edit(self, key: str) -> None:
        """Open the editor of the current row."""
        number = next(k for k, column in enumerate(COLUMNS) if column.key == key)
        self.tree.edit(self.tree.currentIndex().siblingAtColumn(number))

    def step(self, by: int) -> str | None:
        """Return the frame ``by`` rows further, None at the end."""
        order = self.model.ordered()
        if self._night.current not in order:
            return order[0] if order else None
        number = order.index(self._night.current) + by
        return order[number] if 0 <= number < len(order) else None

    # -- following the model ---------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show the night's selection; the list moves only if the current frame is out of sight."""
        chosen = self.tree.selectionModel()
        if chosen is None or (set(self.selected_paths()) == set(self._night.selection) and self._shows_current()):
            return
        self._is_following = True
        rows = QItemSelection()
        for path in self._night.selection:
            index = self.model.index_of(path)
            if index.isValid():
                rows.select(index, index)
        flags = QItemSelectionModel.SelectionFlag
        chosen.select(rows, flags.ClearAndSelect | flags.Rows)
        current = self.model.index_of(self._night.current or "")
        if current.isValid():
            chosen.setCurrentIndex(current, flags.NoUpdate)
            self.tree.scrollTo(current)
        self._is_following = False

    def _shows_current(self) -> bool:
        return self.model.path_of(self.tree.currentIndex()) == self._night.current

    def _after_rebuild(self) -> None:
        bar = self.tree.verticalScrollBar()
        place = bar.value() if bar is not None else 0
        self._is_following = True
        self.tree.setRootIsDecorated(self.model.is_grouped)
        for row, group in enumerate(self.model.groups if self.model.is_grouped else ()):
            self.tree.setFirstColumnSpanned(row, QModelIndex(), True)  # noqa: FBT003 - Qt's own
            self.tree.setExpanded(self.model.index(row, 0), group.title not in self._folded)
        self._is_following = False
        if bar is not None:
            bar.setValue(place)
        self.follow()
        self._say_count()

    def _say_count(self, *_: object) -> None:
        total, shown, rejected = len(self._night.frames), self.model.count, len(self._night.rejected)
        words = f"{total} frames" if shown == total else f"{shown} of {total} frames"
        self.count.setText(words + (f" · ✕ {rejected} rejected" if rejected else ""))

    def _fold(self, index: QModelIndex) -> None:
        if not self._is_following:
            self._folded.add(self.model.groups[index.row()].title)

    def _unfold(self, index: QModelIndex) -> None:
        if not self._is_following:
            self._folded.discard(self.model.groups[index.row()].title)

    # -- columns ---------------------------------------------------------------------------------------------

    def _group(self, is_grouped: bool) -> None:  # noqa: FBT001 - a slot
        self.model.set_grouped(is_grouped)

    def _column_menu(self) -> QMenu:
        menu = QMenu(self)
        for number, column in enumerate(COLUMNS[1:], 1):
            action = menu.addAction(f"{column.title} · {column.tip}" if column.tip else column.title)
            assert action is not None
            action.setCheckable(True)
            action.setData(number)
            action.toggled.connect(lambda shown, k=number: self.tree.setColumnHidden(k, not shown))
        menu.aboutToShow.connect(self._tick_columns)
        return menu

    def _tick_columns(self) -> None:
        menu = self.columns.menu()
        for action in menu.actions() if menu is not None else ():
            action.setChecked(not self.tree.isColumnHidden(action.data()))

    def save_columns(self) -> QByteArray:
        """Return widths, order and choice of the columns."""
        header = self.tree.header()
        return header.saveState() if header is not None else QByteArray()

    def restore_columns(self, state: QByteArray) -> None:
        """Take them over; a state of another version of the table is passed over."""
        header = self.tree.header()
        if header is not None and not state.isEmpty():
            header.restoreState(state)

    def show_only(self, paths: Iterable[str]) -> None:
        """Select frames, whatever is searched for."""
        wanted = list(paths)
        if any(not self.model.index_of(path).isValid() for path in wanted):
            self.search.clear()
        self.selected.emit(wanted, wanted[0] if wanted else None)
