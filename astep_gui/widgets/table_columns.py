"""The columns of the frame table: which are shown, how wide each is, and what a person chose of both."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QByteArray, Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import QApplication, QMenu, QToolButton

from astep_gui.models.frame_columns import COLUMNS, column_number, shown_at_first
from astep_gui.theme import mono_font, ui_font
from astep_gui.widgets.frame_rows import INDENT_PX, THUMBNAIL_PX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astep_gui.models.frame_table_model import FrameTableModel
    from astep_gui.widgets.frame_rows import FrameTree

CELL_PX = 13
"""Around the words of a cell."""
WIDEST_NAME_PX = 190
LESS_NEEDED = frozenset({"on_sky"})
"""Left out in a small window: the tip of a row says it, and the panel Sky."""
BESIDE_PICTURES = LESS_NEEDED | {"utc"}
"""Left out in a small window with pictures, which take the room of a column: the rows stand in order of time."""


class TableColumns(QToolButton):
    """The button "Columns" with its menu; lays out the header of a :class:`FrameTree`."""

    def __init__(self, tree: FrameTree, model: FrameTableModel) -> None:
        super().__init__()
        self._tree, self._model = tree, model
        self._shown = {grouped: set(shown_at_first(is_grouped=grouped)) for grouped in (True, False)}
        self._is_compact = self._is_fitting = False
        self._by_hand: set[int] = set()
        """Columns whose width a person chose."""
        self._name_px: dict[str, int] = {}
        """Of each name that was ever shown: with thousands of rows they are not measured anew for every search."""
        self.setText("Columns")
        self.setToolTip("Choose the columns")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._choices = self._choice_menu()
        self.setMenu(self._choices)
        tree.width_of = self.width_of
        model.width_of_name = self._width_of_name
        header = tree.header()
        assert header is not None
        self._header = header
        header.setSectionsMovable(True)
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(30)
        header.setStyleSheet("QHeaderView::up-arrow, QHeaderView::down-arrow { image: none; width: 0; height: 0; }")
        header.sectionResized.connect(self._resized)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(lambda where: self._choices.popup(header.mapToGlobal(where)))

    # -- which ------------------------------------------------------------------------------------------------

    @property
    def shown(self) -> set[str]:
        """The columns that are shown as the table is now: grouped and flat lists have their own."""
        return self._shown[self._model.is_grouped]

    def show_column(self, key: str, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Show a column, or not."""
        (self.shown.add if is_shown else self.shown.discard)(key)
        self.lay_out()

    def set_compact(self, is_compact: bool) -> None:  # noqa: FBT001 - a switch
        """Do with less room, in a small window."""
        if is_compact != self._is_compact:
            self._is_compact = is_compact
            self._model.set_narrow(is_compact)
            self.lay_out()

    def lay_out(self) -> None:
        """Show the columns that are wanted and have room."""
        shown = self.shown
        if (self._is_compact or self._model.shows_thumbnails) and shown == shown_at_first(is_grouped=True):
            # A person who chose columns gets them at any width.
            both = self._is_compact and self._model.shows_thumbnails
            shown = shown - (BESIDE_PICTURES if both else LESS_NEEDED)
        for number, column in enumerate(COLUMNS):
            self._tree.setColumnHidden(number, column.key not in shown)
        self.fit()

    def reset(self) -> None:
        """Show the columns of a new table, each as wide as its words, in their first order."""
        self._shown[self._model.is_grouped] = set(shown_at_first(is_grouped=self._model.is_grouped))
        self._by_hand.clear()
        for number in range(len(COLUMNS)):
            self._header.moveSection(self._header.visualIndex(number), number)
        self.lay_out()

    # -- how wide ----------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """Make each column as wide as its words; those that a person made wider or narrower stay."""
        self._is_fitting = True
        for number in range(len(COLUMNS)):
            if number not in self._by_hand and not self._tree.isColumnHidden(number):
                self._tree.setColumnWidth(number, self.width_of(number))
        self._is_fitting = False

    def width_of(self, number: int) -> int:
        """Return the width at which nothing of a column is cut, pixels."""
        column = COLUMNS[number]
        words = QFontMetrics(mono_font() if column.is_number else ui_font())
        title = QFontMetrics(ui_font()).horizontalAdvance(str(self._model.title(number))) + 13
        if column.key != "name":
            return max(words.horizontalAdvance(self._model.sample(number)) + CELL_PX, title)
        names = self._model.names()
        widest = max(map(self._width_of_name, names), default=0)
        inside = max(min(widest, WIDEST_NAME_PX), words.horizontalAdvance(column.sample))
        inside += 2 * INDENT_PX if self._model.is_grouped else 0
        return max(inside + CELL_PX + (THUMBNAIL_PX if self._model.shows_thumbnails else 0), title)

    def _width_of_name(self, name: str) -> int:
        if name not in self._name_px:
            self._name_px[name] = QFontMetrics(ui_font()).horizontalAdvance(name)
        return self._name_px[name]

    def wanted_width(self) -> int:
        """Return the width at which no column is cut."""
        shown = [k for k in range(len(COLUMNS)) if not self._tree.isColumnHidden(k)]
        return sum(self._tree.columnWidth(k) for k in shown) + 16  # the scroll bar

    def _resized(self, number: int, _old: int, _new: int) -> None:
        """Keep the width that a person gave a column with the mouse."""
        if not self._is_fitting and QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            self._by_hand.add(number)

    # -- the menu ----------------------------------------------------------------------------------------------

    def _choice_menu(self) -> QMenu:
        menu = QMenu(self)
        for number, column in enumerate(COLUMNS[1:], 1):
            action = menu.addAction(f"{column.title} · {column.tip}" if column.tip else column.title)
            assert action is not None
            action.setCheckable(True)
            action.setData(number)
            action.triggered.connect(lambda shown, key=column.key: self.show_column(key, shown))
        menu.addSeparator()
        usual = menu.addAction("Columns and widths as at first")
        assert usual is not None
        usual.triggered.connect(self.reset)
        menu.aboutToShow.connect(self._tick)
        return menu

    def _tick(self) -> None:
        for action in self._choices.actions():
            if action.isCheckable():
                action.setChecked(not self._tree.isColumnHidden(action.data()))

    # -- kept --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return choice, order and widths as plain values."""
        return {
            "grouped": sorted(self._shown[True]),
            "flat": sorted(self._shown[False]),
            "by_hand": [COLUMNS[number].key for number in sorted(self._by_hand)],
            "header": b64encode(self._header.saveState().data()).decode(),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` had; nothing is taken over where something of it is missing.

        Raises
        ------
        ValueError, KeyError, TypeError
            It is the state of another version of the table.
        """
        keys = {column.key for column in COLUMNS}
        shown = {True: set(kept["grouped"]) & keys | {"name"}, False: set(kept["flat"]) & keys | {"name"}}
        by_hand = {column_number(key) for key in kept["by_hand"] if key in keys}
        layout = b64decode(kept["header"])
        self._header.restoreState(QByteArray(layout))
        self._shown, self._by_hand = shown, by_hand
