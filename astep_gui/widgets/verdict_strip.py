"""What is said of the shown frame, whole: as many lines as it takes, and both answers beside it.

The strip keeps room for the longest verdict of the night, so that the image below does not jump from frame to frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QWidget

from astep_gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PyQt6.QtGui import QResizeEvent

MOST_LINES = 9
"""Of a verdict; more would leave too little of the image, and the rest is in the tip."""
MOST_KEPT = 4
"""Lines for which room is kept while another frame has fewer; more would take too much of the image in a low window, so
that a frame of which yet more is said pushes it down while it is shown."""
FEW_LINES = 2
"""That many stand beside one row of buttons; for more the buttons make room, one row under the other."""
_MARGIN_PX, _BETWEEN_PX = 10, 4


class VerdictStrip(QWidget):
    """Words, "Reject" and "Keep", and a guest: a button that stands here while no step has a line of its own.

    Room is kept for the guest whether or not it is here.
    """

    reject_asked = pyqtSignal()
    keep_asked = pyqtSignal()

    def __init__(self, guest: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._guest, self._is_in = guest, False
        self.words = ElidedLabel(mode=Qt.TextElideMode.ElideRight, lines=MOST_LINES, grows=True)
        self.reject = self._small("Reject", "Follow the suggestion (X)")
        self.reject.clicked.connect(lambda _on: self.reject_asked.emit())
        self.keep = self._small("Keep", "Dismiss the suggestion: accept the frame (U)")
        self.keep.clicked.connect(lambda _on: self.keep_asked.emit())
        self._longest: tuple[str, ...] = ()
        row = QHBoxLayout(self)
        row.setContentsMargins(_MARGIN_PX, 0, 6, 1)
        row.setSpacing(_BETWEEN_PX)
        row.addWidget(self.words, 1, Qt.AlignmentFlag.AlignTop)
        self._side = QGridLayout()
        self._side.setContentsMargins(0, 0, 0, 0)
        self._side.setSpacing(3)
        row.addLayout(self._side)
        self._stack()

    def _small(self, words: str, tip: str) -> QPushButton:
        button = QPushButton(words, self)
        button.setProperty("small", "true")
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def set_longest(self, verdicts: Iterable[str]) -> None:
        """Keep room for these, the longest verdicts of the night."""
        verdicts = tuple(verdicts)
        if verdicts != self._longest:
            self._longest = verdicts
            self._stack()

    def take_in(self) -> None:
        """Let the guest stand beside the words, at the right end."""
        if not self._is_in:
            self._is_in = True
            self._stack()
            self._guest.show()

    def give_back(self) -> None:
        """Let the guest go: who takes it puts it elsewhere."""
        if self._is_in:
            self._side.removeWidget(self._guest)
            self._is_in = False
            self._stack()

    def kept_height(self) -> int:
        """Return the height for which room is kept, pixels; 0 where nothing is said of any frame."""
        if not self._longest:
            return 0
        lines = min(MOST_KEPT, max(self._lines(one_row=not self.is_stacked), 1))
        answers, guest = self.reject.sizeHint().height(), self._guest.sizeHint().height()
        side = answers + self._side.spacing() + guest if self.is_stacked else max(answers, guest)
        return max(self.words.height_of(lines), side) + 1

    @property
    def is_stacked(self) -> bool:
        """Whether the buttons stand in two rows, for the sake of words that take more than two lines."""
        return bool(self._longest) and self._lines(one_row=True) > FEW_LINES

    def _lines(self, *, one_row: bool) -> int:
        """Return the lines of the longest verdict beside the buttons in one row, or in two."""
        answers = self.reject.sizeHint().width() + self.keep.sizeHint().width() + self._side.spacing()
        guest = self._guest.sizeHint().width()
        side = answers + self._side.spacing() + guest if one_row else max(answers, guest)
        room = max(self.width() - side - _MARGIN_PX - 6 - _BETWEEN_PX, 60)
        return max((self.words.lines_of(words, room) for words in self._longest), default=1)

    def _stack(self) -> None:
        """Put the buttons in one row, or the guest below the answers."""
        buttons = (self.reject, self.keep, self._guest) if self._is_in else (self.reject, self.keep)
        for button in buttons:
            self._side.removeWidget(button)
        top = Qt.AlignmentFlag.AlignTop
        self._side.addWidget(self.reject, 0, 0, top)
        self._side.addWidget(self.keep, 0, 1, top)
        if self._is_in and self.is_stacked:
            self._side.addWidget(self._guest, 1, 0, 1, 2, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight)
        elif self._is_in:
            self._side.addWidget(self._guest, 0, 2, top)
        self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Stack the buttons where the words need their room."""
        super().resizeEvent(event)
        self._stack()
