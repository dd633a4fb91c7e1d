"""Which frame was meant: the last ones that went by, the likely one chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QPoint, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QIcon, QPixmap
from PyQt6.QtWidgets import QFrame, QLabel, QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from astep_gui.models.tip_words import as_written
from astep_gui.theme import theme
from astep_gui.widgets.frame_item import thumbnail

if TYPE_CHECKING:
    from PyQt6.QtGui import QCloseEvent, QKeyEvent

    from astep_gui.models.blink_frame import BlinkFrame
    from astep_gui.models.blink_levels import BlinkLevels
    from astep_gui.models.frame_images import ShownImage

_SIDE = 104


class _Strip(QListWidget):
    """A row of thumbnails; X or Enter confirms."""

    confirmed = pyqtSignal()
    dropped = pyqtSignal()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Confirm, drop, or move among the thumbnails."""
        if event is None:
            return
        if event.key() in {Qt.Key.Key_X, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.confirmed.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.dropped.emit()
        else:
            super().keyPressEvent(event)


class BlinkChoice(QFrame):
    """A small window over the image with the frames that were shown last."""

    chosen = pyqtSignal(object)
    """Key of the frame that is meant."""
    closed = pyqtSignal()
    """Answered or not."""

    def __init__(
        self,
        frames: list[tuple[BlinkFrame, ShownImage]],
        likely: int,
        levels: BlinkLevels,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.Box)
        question = QLabel("Which frame is bad?   ← →  choose   ·   X  reject   ·   Esc  none")
        question.setProperty("role", "heading")
        self.strip = _Strip()
        self.strip.setViewMode(QListView.ViewMode.IconMode)
        self.strip.setFlow(QListView.Flow.LeftToRight)
        self.strip.setWrapping(False)
        self.strip.setMovement(QListView.Movement.Static)
        self.strip.setUniformItemSizes(True)
        self.strip.setIconSize(QSize(_SIDE, _SIDE))
        self.strip.setGridSize(QSize(_SIDE + 16, _SIDE + 34))
        self.strip.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.strip.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.strip.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for frame, small in frames:
            picture = thumbnail(small, levels.levels, _SIDE, levels.of(small, frame))
            item = QListWidgetItem(QIcon(QPixmap.fromImage(picture)), frame.name or frame.title)
            item.setData(Qt.ItemDataRole.UserRole, frame.key)
            item.setToolTip(as_written(frame.title))
            self.strip.addItem(item)
        self.strip.setCurrentRow(likely)
        self.strip.setFixedSize((_SIDE + 16) * max(1, len(frames)) + 10, _SIDE + 38)
        self.strip.confirmed.connect(self._confirm)
        self.strip.dropped.connect(self.close)
        self.strip.itemDoubleClicked.connect(lambda _item: self._confirm())
        layout = QVBoxLayout(self)
        layout.addWidget(question)
        layout.addWidget(self.strip)
        self.setStyleSheet(f"BlinkChoice {{ background: {theme().hex('raised')}; }}")

    def show_over(self, anchor: QWidget) -> None:
        """Appear above a widget, as wide as it takes."""
        self.adjustSize()
        corner = anchor.mapToGlobal(QPoint((anchor.width() - self.width()) // 2, -self.height() - 8))
        self.move(corner)
        self.show()
        self.strip.setFocus()

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Tell it."""
        super().closeEvent(event)
        self.closed.emit()

    def _confirm(self) -> None:
        item = self.strip.currentItem()
        self.close()
        if item is not None:
            self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))
