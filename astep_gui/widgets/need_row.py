"""A line of what needs a person: what is needed and the ways out, or how it was answered and the way back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import QApplication, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from astep_gui.models.frame_state import BAD_MARK, SUSPECT_MARK
from astep_gui.models.needs import Remedy
from astep_gui.models.tip_words import wrapped
from astep_gui.models.window_words import in_window
from astep_gui.theme import icon
from astep_gui.widgets.remedy_buttons import remedy_buttons

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PyQt6.QtGui import QMouseEvent

    from astep_gui.models.equal_needs import NeedLine
    from astep_gui.models.needs import Need

_MARKS = {"bad": "!", "warn": "▲", "dim": "·"}
_FRAME_MARKS = {"bad": BAD_MARK, "suspect": SUSPECT_MARK}
_PART_PX = 17
"""By so much one of several equal needs stands in."""
_UNDO_RESTS = 2
"""Intervals of a double click for which what takes an answer back is not clicked, after it came under the pointer."""


class NeedRow(QWidget):
    """One need, or several equal ones: mark, title, remedies; why in a tool tip.

    Parameters
    ----------
    line : NeedLine
    choose : callable
        Takes need and way out once a button is clicked.
    room : (bool, bool)
        Whether there is room for two ways out, and for three long ones beside the words.
    came_s : float
        When it took the place of another line, s of a clock; 0 where none stood there.
    done : str
        What was answered, or what a run did about it.
    taking_back : Remedy, optional
        Of a settled line: what takes the answer back.
    """

    fold_asked = pyqtSignal(str)
    """The kin of the equal needs of this line."""

    def __init__(
        self,
        line: NeedLine,
        choose: Callable[[Need, Remedy], object],
        room: tuple[bool, bool],
        came_s: float,
        done: str,
        taking_back: Remedy | None = None,
    ) -> None:
        super().__init__()
        self.came_s = came_s
        need = line.need
        mark = QLabel("✓" if line.is_done else _FRAME_MARKS.get(need.severity, _MARKS[need.tone]))
        mark.setProperty("role", "dim" if line.is_done else need.tone)
        mark.setFixedWidth(12)
        told = (in_window(need.title), need.holds, done)
        title = QLabel(" · ".join(filter(None, told)))
        title.setTextFormat(Qt.TextFormat.PlainText)  # names of files and filters are anybody's words
        title.setWordWrap(True)
        why = in_window(need.why)
        self.setToolTip(wrapped(f"{why}\n\nA click on the words shows the frames." if need.paths else why))
        self._need, self._choose = need, choose
        whole = QVBoxLayout(self)
        whole.setContentsMargins(_PART_PX if line.is_part else 0, 0, 0, 0)
        whole.setSpacing(2)
        row = QHBoxLayout()
        row.setSpacing(5)
        whole.addLayout(row)
        row.addWidget(mark)
        self.fold = QToolButton(self)
        self.fold.setHidden(not line.parts or line.is_done)
        if line.parts and not line.is_done:
            self.fold.setObjectName("fold")
            self.fold.setFixedSize(18, 18)
            self.fold.setIconSize(QSize(14, 14))
            self.fold.clicked.connect(lambda _on: self.fold_asked.emit(line.kin))
            row.addWidget(self.fold)
        row.addWidget(title, 1)
        if line.is_done:
            title.setProperty("role", "dim")
        if taking_back is not None:
            for button in remedy_buttons([taking_back], (), self._do):
                button.setEnabled(taking_back.deed == "undo")
                row.addWidget(button)
            return
        is_roomy, has_room_beside = room
        if need.holds and not has_room_beside:
            row = QHBoxLayout()
            row.setSpacing(5)
            row.addStretch(1)
            whole.addLayout(row)
        shown, rest = _divided(need, 2 if is_roomy or need.holds else 1)
        for button in remedy_buttons(shown, rest, self._do):
            row.addWidget(button)
        self.setEnabled(not line.is_done)

    def set_unfolded(self, is_unfolded: bool) -> None:  # noqa: FBT001 - a switch
        """Say whether the equal needs stand below, and offer the other."""
        words = "Show them in one line again" if is_unfolded else "Show each in a line of its own"
        self.fold.setIcon(icon("chevron_down" if is_unfolded else "chevron_right"))
        self.fold.setToolTip(words)
        self.fold.setAccessibleName(words)

    def _do(self, way: Remedy) -> None:
        """Do what was clicked; not by the second half of a double click that was meant for the line before."""
        # An answer that was clicked twice, slowly, is not meant to be taken back.
        rest = _UNDO_RESTS if way.deed == "undo" else 1
        if 1000.0 * (time.monotonic() - self.came_s) > rest * QApplication.doubleClickInterval():
            self._choose(self._need, way)

    def height_at(self, width: int) -> int:
        """Return the height of a line at a width: its words may take several."""
        layout = self.layout()
        assert layout is not None, "it was given one"
        return layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else self.sizeHint().height()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Show the frames it is about."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton and self._need.paths:
            self._do(Remedy("Show", "show"))
        super().mouseReleaseEvent(event)


def _divided(need: Need, ways: int) -> tuple[Sequence[Remedy], Sequence[Remedy]]:
    """Return the ways out that have a button, and those behind "more"; a click on the words shows the frames."""
    if len(need.remedies) <= ways + 1 and ways > 1:
        return need.remedies, ()
    others = [remedy for remedy in need.remedies if remedy.deed != "show" or not need.paths]
    rest = [remedy for remedy in need.remedies if remedy not in others]
    if len(others) <= ways + 1:
        return others, ()
    return others[:ways], [*others[ways:], *rest]
