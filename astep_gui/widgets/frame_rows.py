"""The rows of the frame table: how they are painted, edited and dragged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QFontMetrics, QIcon, QImage, QKeyEvent, QPixmap
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from astep_gui.models.frame_columns import COLUMNS
from astep_gui.models.frame_table_model import FIRST_ROLE, REJECTED_ROLE, FrameTableModel
from astep_gui.models.master_rows import STATE_ROLE
from astep_gui.theme import mono_font, theme, toned, ui_font
from astep_gui.widgets.heading_lines import HeadingLines
from astep_gui.widgets.row_selection import RowSelection
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from PyQt6.QtCore import QAbstractItemModel
    from PyQt6.QtGui import QHelpEvent, QPainter, QPaintEvent, QResizeEvent

    from astep_gui.models.frame_state import FrameState
    from astep_gui.widgets.frame_glance import FrameGlance
    from pipeline_core.survey import MasterState

ROW_PX = 24
THUMBNAIL_PX = 48
INDENT_PX = 14
HEAD_PX = 13
"""Above and below the words of the header, and its line."""
PASSING_PX = 4
"""The bar before the row of the frame that goes by in a blink."""
_AT_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


class RowDelegate(QStyledItemDelegate):
    """Paints rows in the theme's colours: the state's mark and word in its tone, numbers in columns."""

    is_striped = False
    """Whether the row that was painted last has the other ground: Qt tells that to cells only."""
    glance: FrameGlance | None = None
    """Shows a frame large when the pointer rests on its row."""

    def __init__(self, headings: HeadingLines, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._headings, self._numbers = headings, mono_font()
        self._first_numbers = mono_font()
        self._first_numbers.setItalic(True)
        self._heads_metrics, self._numbers_metrics = QFontMetrics(headings.font), QFontMetrics(self._numbers)

    def initStyleOption(self, option: QStyleOptionViewItem | None, index: QModelIndex) -> None:  # noqa: N802
        """Choose words, font and colour.

        Notes
        -----
        Not by Qt's own, which asks the model nine times a cell for what it never says; with forty rows in sight that
        was half of the time in which the table is painted.
        """
        if option is None:
            return
        model = index.model()
        assert isinstance(model, FrameTableModel)
        option.index = index
        words = model.data(index)
        if words is not None:
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDisplay
            option.text = words.replace("\n", " ")
        if model.is_group(index):
            option.font, option.fontMetrics = self._headings.font, self._heads_metrics
            option.features |= QStyleOptionViewItem.ViewItemFeature.WrapText
            option.text = self._headings.broken(index)
            return
        column, state = COLUMNS[index.column()], model.data(index, STATE_ROLE)
        if model.shows_thumbnails and column.key == "name" and model.path_of(index) is not None:
            option.decorationSize = QSize(THUMBNAIL_PX - 4, THUMBNAIL_PX - 4)
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration  # its room, before it is there too
            if isinstance(picture := model.data(index, Qt.ItemDataRole.DecorationRole), QImage):
                option.icon = QIcon(QPixmap.fromImage(toned(picture)))
        if column.key == "state":
            option.textElideMode = Qt.TextElideMode.ElideRight  # the cause of a rejection may be long: the tip has it
        if column.is_number:
            is_first = bool(model.data(index, FIRST_ROLE))
            option.font, option.fontMetrics = self._first_numbers if is_first else self._numbers, self._numbers_metrics
            option.displayAlignment = _AT_RIGHT
        if state is not None and not option.state & QStyle.StateFlag.State_Selected:
            tone = state.tone if column.key == "state" else self._tone(column.key, state, model.master_of(index))
            if tone != "text":
                option.palette.setColor(option.palette.ColorRole.Text, theme().colour(tone))

    def _tone(self, key: str, state: FrameState, master: MasterState | None) -> str:
        """Return in which colour a cell is written: what does not count, or matters less, is dim."""
        if master is not None:
            return "text" if state.tone == "good" else state.tone
        is_out = state.word in {"rejected", "left out", "unusable"}
        return "dim" if is_out or key in {"exposure", "temperature", "sky"} else "text"

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a cell; through a rejected frame's name goes a line."""
        super().paint(painter, option, index)
        self.is_striped = bool(option.features & QStyleOptionViewItem.ViewItemFeature.Alternate)
        if painter is not None and (rejected := index.data(REJECTED_ROLE)):
            self._paint_count(painter, option, index, rejected)
        if painter is None or COLUMNS[index.column()].key != "name":
            return
        state = index.data(STATE_ROLE)
        if state is None or state.word != "rejected":
            return
        model = index.model()
        has_picture = isinstance(model, FrameTableModel) and model.shows_thumbnails
        painter.save()  # besides the mark and the word: a line through the name
        painter.setPen(theme().colour("bad"))
        width = option.fontMetrics.horizontalAdvance(str(index.data()))
        left, y = option.rect.x() + 4 + (THUMBNAIL_PX if has_picture else 0), option.rect.center().y()
        painter.drawLine(left, y, min(left + width, option.rect.right()), y)
        painter.restore()

    def _paint_count(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex, rejected: int) -> None:
        """Say at the right of a group's heading how many of its frames are rejected, in room that is kept for it."""
        place = option.rect.adjusted(0, 0, -4, 0)
        painter.save()
        painter.setFont(self._headings.font)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.setPen(option.palette.highlightedText().color() if is_selected else theme().colour("bad"))
        painter.drawText(place, _AT_RIGHT, self._headings.count_words(index, rejected, place.width()))
        painter.restore()

    def sizeHint(self, _option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """Give all rows one height, those with a picture another. The width is the column's, not asked for here."""
        model = index.model()
        assert isinstance(model, FrameTableModel)
        if model.is_group(index):
            return QSize(0, ROW_PX + self._headings.more_px(index) if index.column() == 0 else 0)
        is_tall = model.shows_thumbnails and model.path_of(index) is not None
        return QSize(0, THUMBNAIL_PX if is_tall else ROW_PX)

    def helpEvent(  # noqa: N802
        self,
        event: QHelpEvent | None,
        view: QAbstractItemView | None,
        option: QStyleOptionViewItem,
        index: QModelIndex,
    ) -> bool:
        """Show the frame larger where the list has pictures; else the words of its row."""
        if event is not None and self.glance is not None and self.glance.show(index, event.globalPos()):
            return True
        return super().helpEvent(event, view, option, index)

    def createEditor(  # noqa: N802
        self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget | None:
        """Offer the kinds, or the filters of the night; another filter is typed."""
        column, model = COLUMNS[index.column()], index.model()
        if column.key not in {"kind", "filter"} or not isinstance(model, FrameTableModel):
            return super().createEditor(parent, option, index)
        box = QComboBox(parent)
        box.setMinimumWidth(96)
        if column.key == "kind":
            box.addItems([kind.value for kind in FrameKind if kind is not FrameKind.UNKNOWN])
        else:
            box.setEditable(True)
            box.addItems(model.filters())
        box.activated.connect(lambda _row: (self.commitData.emit(box), self.closeEditor.emit(box)))
        return box

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:  # noqa: N802
        """Begin with what stands there."""
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data()))
            if editor.isEditable() and (line := editor.lineEdit()) is not None:
                line.selectAll()
            else:
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
        self.width_of: Callable[[int], int] = super().sizeHintForColumn
        """Gives the width of a column, pixels."""
        self._frames = model
        self.setModel(model)
        self.setSelectionModel(RowSelection(model, self.is_folded))
        # Kept: one that nobody holds is wrapped anew at each question, which took a quarter of the painting of a row.
        self._chosen = self.selectionModel()
        model.many_changed.connect(self._paint_anew)
        self.headings = HeadingLines(self)
        head = self.header()
        assert head is not None, "every tree has one"
        head.sectionResized.connect(self.headings.fit)
        # Where a style sheet gives it less than the words need: see the test of the titles' height.
        head.setMinimumHeight(QFontMetrics(ui_font()).height() + HEAD_PX)
        self.rows = RowDelegate(self.headings, self)
        self.setItemDelegate(self.rows)
        self.setUniformRowHeights(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names of a night differ in their middle and end
        self.setAlternatingRowColors(True)
        self.setAllColumnsShowFocus(True)
        self.setIndentation(INDENT_PX)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDropIndicatorShown(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.CopyAction)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._passing: str | None = None
        self.setAccessibleName("Frames of the night")
        self.setFrameShape(QTreeView.Shape.NoFrame)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:  # noqa: N802 - Qt's name
        """Paint whole rows anew: Qt's own stops at the last column, and left pieces of a selection beyond it.

        Only beside what changed: whatever lies beside a piece that is to be painted Qt asks for, cell by cell.
        """
        super().selectionChanged(selected, deselected)
        room, header = self.viewport(), self.header()
        if room is None or header is None:
            return
        end = header.length() - header.offset()
        for part in (*selected, *deselected):
            first, last = (self._frames.index(row, 0, part.parent()) for row in (part.top(), part.bottom()))
            rows = self.visualRect(first) | self.visualRect(last)  # none in a folded group
            room.update(end, rows.top(), max(0, room.width() - end), rows.height())

    def event(self, event: QEvent | None) -> bool:
        """Take an event whole: see the main window's; rows are laid out after one.

        On a heading ← folds and → unfolds its group; elsewhere they are the window's, and go to another frame.
        """
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._turns(event):
            event.accept()
            return True
        return super().event(event)

    def _turns(self, event: QKeyEvent) -> bool:
        """Whether a key folds or unfolds the group on whose heading it is pressed."""
        heading = self.currentIndex()
        if not self._frames.is_group(heading) or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        return event.key() == (Qt.Key.Key_Right if self.is_folded(heading) else Qt.Key.Key_Left)

    def is_folded(self, heading: QModelIndex) -> bool:
        """Whether a group's frames are folded away under its heading."""
        return self._frames.is_group(heading) and not self.isExpanded(heading)

    def moveCursor(  # noqa: N802 - Qt's name
        self, deed: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Return the row that a key goes to: a frame, a master, or the heading of a folded group, which → unfolds.

        Headings of groups that are unfolded are passed over: one selected stands for all of its frames, which nobody
        means who goes from row to row.
        """
        actions, here = QAbstractItemView.CursorAction, self.currentIndex()
        if deed in {actions.MoveUp, actions.MoveDown} and here.isValid():
            if self.is_folded(here.parent()):
                here = here.parent()  # a frame that is not seen: its group stands for it
            return self._beside(here, down=deed == actions.MoveDown)
        found = super().moveCursor(deed, modifiers)
        if deed in {actions.MoveLeft, actions.MoveRight} or not self._is_passed(found):
            return found
        beyond = self._beside(found, down=deed != actions.MovePageUp)
        return beyond if beyond != found else self._beside(found, down=True)

    def _beside(self, index: QModelIndex, *, down: bool) -> QModelIndex:
        """Return the next row to stay on; the same one at the end, with the heading above it brought into sight."""
        found = index
        while True:
            found = self.indexBelow(found) if down else self.indexAbove(found)
            if not found.isValid():
                if not down:
                    self.scrollToTop()
                return index
            if not self._is_passed(found):
                return found

    def _is_passed(self, index: QModelIndex) -> bool:
        return self._frames.is_group(index) and not self.is_folded(index)

    def follow_heights(self) -> None:
        """Lay rows out as high as they are now."""
        self.setUniformRowHeights(self.headings.are_single and not self._frames.shows_thumbnails)
        self.scheduleDelayedItemsLayout()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Break headings at the new width."""
        super().resizeEvent(event)
        self.headings.fit()

    def _paint_anew(self) -> None:
        room = self.viewport()
        assert room is not None, "every tree has one"
        room.update()

    def unfold_groups(self, folded: Collection[str]) -> None:
        """Unfold new groups but those of these titles; headings and masters take the whole width.

        Notes
        -----
        In this order the rows are laid out once, and with half the questions to the model: as long as no row takes the
        whole width, Qt does not ask of each whether it does. That is 50 ms less for 5,000 frames.
        """
        groups = self._frames.groups if self._frames.is_grouped else ()
        for row, group in enumerate(groups):
            if group.title not in folded:
                self.expand(self._frames.index(row, 0))
        self.executeDelayedItemsLayout()
        for row, group in enumerate(groups):
            self.setFirstColumnSpanned(row, QModelIndex(), True)  # noqa: FBT003 - Qt's own
            for below in range(len(group.paths) if group.is_masters else 0):
                self.setFirstColumnSpanned(below, self._frames.index(row, 0), True)  # noqa: FBT003

    def selectAll(self) -> None:  # noqa: N802 - Qt's name
        """Select all frames in sight, group by group; Qt's own asks the model eight times a row."""
        chosen, frames = self.selectionModel(), self._frames
        if chosen is None:
            return
        flags = QItemSelectionModel.SelectionFlag
        rows = QItemSelection()
        for row, group in enumerate(frames.groups):
            head = frames.index(row, 0) if frames.is_grouped else QModelIndex()
            if frames.is_grouped:
                rows.select(head, head)
            if group.paths and (not frames.is_grouped or self.isExpanded(head)):
                rows.select(frames.index(0, 0, head), frames.index(len(group.paths) - 1, 0, head))
        chosen.select(rows, flags.ClearAndSelect | flags.Rows)

    def scrollTo(  # noqa: N802 - Qt's name
        self, index: QModelIndex, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Bring a row into sight, whole.

        Qt reckons with as many rows as the last page holds; beside pictures rows are high, groups and masters low, and
        a row below the edge counts as seen.
        """
        super().scrollTo(index, hint)
        room = self.viewport()
        if room is not None and self.visualRect(index).bottom() > room.height():
            super().scrollTo(index, QAbstractItemView.ScrollHint.PositionAtBottom)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Paint the rows as they are now."""
        with self._frames.states.unchanged():
            super().paintEvent(event)

    @property
    def passing(self) -> str | None:
        """The frame that goes by just now."""
        return self._passing

    def mark_passing(self, path: str | None) -> None:
        """Point at the frame that goes by in a blink; selection and current row stay as they are.

        Its row is kept in sight, but not where its group is folded, and never under the pointer.
        """
        was, self._passing = self._passing, path
        room = self.viewport()
        if was == path or room is None:
            return
        index = self._frames.index_of(path or "")
        is_folded = index.parent().isValid() and not self.isExpanded(index.parent())
        if index.isValid() and not is_folded and not self.underMouse():
            self.scrollTo(index)
        for one in (was, path):
            row = self.visualRect(self._frames.index_of(one)) if one is not None else QRect()
            if row.isValid():
                room.update(0, row.top(), room.width(), row.height())

    def drawRow(  # noqa: N802 - Qt's name
        self, painter: QPainter | None, options: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Draw a row; around that of the frame that goes by a thin frame with a bar at its beginning."""
        super().drawRow(painter, options, index)
        self._draw_rest(painter, options, index)
        room = self.viewport()
        if self._passing is None or painter is None or room is None or self._frames.path_of(index) != self._passing:
            return
        painter.save()
        painter.setPen(theme().colour("accent"))
        # By half a pixel inside: on a screen of two device pixels to one its line would lie on the rows beside it too.
        painter.drawRect(QRectF(0.5, options.rect.top() + 0.5, room.width() - 1, options.rect.height() - 1))
        painter.fillRect(0, options.rect.top(), PASSING_PX, options.rect.height(), theme().colour("accent"))
        painter.restore()

    def _draw_rest(self, painter: QPainter | None, options: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Carry stripe or selection on to the edge, beyond the last column."""
        room, header, chosen = self.viewport(), self.header(), self._chosen
        if painter is None or room is None or header is None or chosen is None:
            return
        end = header.length() - header.offset()
        rest = QRect(end, options.rect.top(), room.width() - end, options.rect.height())
        if rest.width() <= 0:
            return
        if chosen.isSelected(index):
            painter.fillRect(rest, options.palette.highlight())
        elif self.rows.is_striped:
            painter.fillRect(rest, theme().colour("stripe"))

    def sizeHintForColumn(self, column: int) -> int:  # noqa: N802
        """Return the width that a double click on a column's edge gives it."""
        return self.width_of(column)

    def keyboardSearch(self, _search: str | None) -> None:  # noqa: N802
        """Letters are keys of the window (X rejects), not a search by name."""
