"""The foot of the dock "Sky": how far the night is on the sky, what can be done for it, how far that is, its stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.sky_words import night_words
from astep_gui.theme import icon
from astep_gui.widgets.elided_label import ElidedLabel
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent

    from astep_gui.models.night_model import NightModel
    from astep_gui.models.sky_model import SkyModel
    from astep_gui.models.sky_work import SkyWork
    from pipeline_core.sky_state import StackMade

_MARGIN = 10
_MOST_STACKS = 4
_BUTTONS = (
    ("solve_night", "Solve night", "Frames that are not solved yet; solved ones stay as they are, rejected ones wait"),
    ("align", "Align night", "Each pointing's frames on one reference, by their stars"),
    ("stack", "Stack", "The accepted frames of each group together"),
)


class SkyNight(QWidget):
    """Shows the night's part of the sky model; asks for deeds, does none."""

    asked = pyqtSignal(str)
    """solve_night, align, stack, cancel."""
    stack_asked = pyqtSignal(object)
    """A StackMade that is to be looked at."""

    def __init__(self, night: NightModel, sky: SkyModel, work: SkyWork, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._sky = sky
        self._work = work
        self._shown_stack: StackMade | None = None
        self.words = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.words.setProperty("role", "heading")
        self.stacks = QListWidget()
        self.stacks.setAccessibleName("Stacks")
        self.stacks.setToolTip("A click shows the stack in the place of the frame")
        self.stacks.itemClicked.connect(self._stack_chosen)
        self.stacks.itemActivated.connect(self._stack_chosen)
        box = QVBoxLayout(self)
        box.setContentsMargins(_MARGIN, 8, _MARGIN, _MARGIN)
        box.setSpacing(6)
        box.addWidget(self.words)
        # Above the buttons: what stands below them would push them up, and a click on them meet "Cancel".
        box.addWidget(self._build_progress())
        box.addLayout(self._build_buttons())
        box.addWidget(self.stacks)

    def _build_progress(self) -> QWidget:
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.progress_words = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.time_words = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.wait_words = QLabel()
        self.wait_words.setWordWrap(True)
        self.wait_words.setMinimumWidth(1)
        for label in (self.progress_words, self.time_words, self.wait_words):
            label.setProperty("role", "dim")
        self.cancel = QPushButton("Cancel")
        self.cancel.setIcon(icon("cancel"))
        self.cancel.setProperty("small", "true")
        self.cancel.setToolTip("What is finished stays")
        self.cancel.clicked.connect(lambda: self.asked.emit("cancel"))
        lines = QVBoxLayout()
        lines.setSpacing(1)
        lines.addWidget(self.progress_words)
        lines.addWidget(self.time_words)
        row = QHBoxLayout()
        row.addLayout(lines, 1)
        row.addWidget(self.cancel)
        self.progress_box = QWidget()
        box = QVBoxLayout(self.progress_box)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.progress)
        box.addLayout(row)
        box.addWidget(self.wait_words)
        return self.progress_box

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(5)
        self.buttons: dict[str, QPushButton] = {}
        for name, words, tip in _BUTTONS:
            button = QPushButton(words)
            button.setProperty("small", "true")
            button.setToolTip(tip)
            button.clicked.connect(lambda _on, name=name: self.asked.emit(name))
            row.addWidget(button)
            self.buttons[name] = button
        return row

    # -- following -------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show how far the night is."""
        frames = [self._night.frame(path) for path in self._night.rejected]
        rejected = {frame.path for frame in frames if frame is not None and frame.kind is FrameKind.SCIENCE}
        self.words.setText(night_words(self._sky.sky, rejected))
        self.follow_work()
        self._show_stacks()

    def follow_work(self) -> None:
        """Show how far the work is, how long it takes, and what it waits for."""
        work = self._work
        self.progress_box.setVisible(work.is_running)
        self.progress.setRange(0, work.total)
        self.progress.setValue(work.done)
        self.progress_words.setText(work.words)
        self.time_words.setText(work.time_words)
        self.wait_words.setText(work.wait_words)
        self.wait_words.setVisible(bool(work.wait_words))
        self.cancel.setEnabled(not work.is_stopping)
        can = bool(self._sky.sky.calibrated) and not work.is_held
        for button in self.buttons.values():
            button.setEnabled(can)

    def show_stack(self, stack: StackMade | None) -> None:
        """Mark the stack that is looked at when the list is shown next."""
        self._shown_stack = stack

    def _show_stacks(self) -> None:
        self.stacks.clear()
        stacks = self._sky.sky.stacks
        for stack in stacks:
            together = f" · {stack.exposure_s:.0f} s" if stack.exposure_s else ""
            item = QListWidgetItem(f"{stack.group} · {stack.frames} frames{together}")
            item.setData(Qt.ItemDataRole.UserRole, stack)
            item.setToolTip(f"{stack.method} of {stack.frames} frames: {stack.file}")
            self.stacks.addItem(item)
            item.setSelected(self._shown_stack is not None and stack.file == self._shown_stack.file)
        self.stacks.setVisible(bool(stacks))
        self._fit_stacks()

    def _fit_stacks(self) -> None:
        """Give the list the height of its lines, four at most."""
        stacks = self._sky.sky.stacks
        height = self.stacks.sizeHintForRow(0) * min(len(stacks), _MOST_STACKS) + 6 if stacks else 0
        bar = self.stacks.horizontalScrollBar()
        if bar is not None and self.stacks.sizeHintForColumn(0) > self.width() - 2 * _MARGIN:
            height += bar.sizeHint().height()  # else it would lie over the last line
        self.stacks.setFixedHeight(height)

    def _stack_chosen(self, item: QListWidgetItem) -> None:
        self.stack_asked.emit(item.data(Qt.ItemDataRole.UserRole))

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Give the list its height anew: in a narrow dock it has a scroll bar."""
        super().resizeEvent(event)
        self._fit_stacks()
