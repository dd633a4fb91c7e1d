"""Below the steps: what speaks against the shown frame, what the chosen step did, and what can be done about either.

The verdict and its answers stay whatever step or product of the frame is seen, and each button has one place: whoever
clicks through frames finds it where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QWIDGETSIZE_MAX, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from astep_gui.widgets.verdict_words import VerdictPage, VerdictWords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QResizeEvent
    from PyQt6.QtWidgets import QAbstractButton

LINES = 3
"""Of words, for verdict and step together: the image does not jump from frame to frame."""
_BESIDE_STEP = 2
"""Lines that a verdict may have of them where a step says something too."""
_MOST_COUNTED = 88
"""Buttons that count frames have room for two digits, or those beside them would move."""
_GAP_PX, _BUTTON_PX = 4, 24
_BETWEEN_PX = 2
"""Between the two lines of buttons: frames that touch look as if they were cut."""


class FrameWords(QWidget):
    """Words at the left, two lines of buttons at the right, each under the one above it.

    Parameters
    ----------
    answers : sequence of buttons
        To the verdict; "All" follows them.
    deeds : sequence of buttons
        About the step, in the line below; as many as the answers and "All".
    aside : sequence of buttons
        Which stand left of the deeds while they are needed.
    parent : QWidget
        Whatever is read whole lies below this.
    """

    def __init__(
        self,
        answers: Sequence[QAbstractButton],
        deeds: Sequence[QAbstractButton],
        aside: Sequence[QAbstractButton],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.verdict = VerdictWords(mode=Qt.TextElideMode.ElideRight, lines=LINES)
        self.note = VerdictWords(mode=Qt.TextElideMode.ElideRight, lines=LINES)
        self.all = QToolButton(self)
        self.all.setText("All ▾")
        self.all.setToolTip("Read all that is said of this frame")
        self.all.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.all.setCheckable(True)
        self.page = VerdictPage(parent)
        self.all.toggled.connect(lambda on: self.page.open(self._told) if on else self.page.hide())
        self.page.closed.connect(lambda: self.all.setChecked(False))
        self._upper, self._lower = (*answers, self.all), tuple(deeds)
        self._aside = tuple(aside)
        self._instead: tuple[QAbstractButton, QAbstractButton] | None = None
        """A button of those aside that stands in the place of a deed, and that deed."""
        self._told = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._lay_out()

    def _lay_out(self) -> None:
        self._said = QWidget(self)
        words = QVBoxLayout(self._said)
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(0)
        words.addWidget(self.verdict)
        words.addWidget(self.note)
        words.addStretch(1)
        lines = QVBoxLayout()
        lines.setSpacing(_BETWEEN_PX)
        for buttons in (self._upper, (*self._aside, *self._lower)):
            line = QHBoxLayout()
            line.setSpacing(_GAP_PX)
            line.addStretch(1)
            for button in buttons:
                button.setProperty("small", "true")
                line.addWidget(button)
            lines.addLayout(line)
            self._second = line
        lines.addStretch(1)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 0, 6, 0)
        self._row.setSpacing(8)
        self._row.addWidget(self._said, 1)
        self._row.addLayout(lines)

    def take_place(self, button: QAbstractButton, of: QAbstractButton | None) -> None:
        """Put a button of those aside into the place of a deed that is hidden for it; None puts it aside again."""
        wanted = (button, of) if of is not None else None
        if wanted == self._instead:
            return
        self._instead = wanted
        self._second.removeWidget(button)
        # Behind the stretch it is the first of those aside again.
        self._second.insertWidget(1 if of is None else self._second.indexOf(of) + 1, button)
        if of is None:
            button.setMinimumWidth(0)
            button.setMaximumWidth(QWIDGETSIZE_MAX)

    def say(self, verdict: str, note: str) -> None:
        """Say what speaks against the frame, "" where nothing does, and what the step did, "" where none is chosen."""
        if (verdict, note) != (self.verdict.full_text, self.note.full_text):
            self.page.hide()  # what was read is not what is said now
        self.verdict.setVisible(bool(verdict))
        self.note.setVisible(bool(note))
        self._fit(verdict, note)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Fit the words into the new width; what was read lay below the old one."""
        super().resizeEvent(event)
        self.page.hide()
        self._fit(self.verdict.full_text, self.note.full_text)

    def _fit(self, verdict: str, note: str) -> None:
        """Give the verdict as many lines as it needs, and the step those that are left: one at least."""
        room = self._room()
        high = max(_BUTTON_PX, *(button.minimumSizeHint().height() for button in self._upper))  # as the theme's edges
        for button in (*self._upper, *self._aside, *self._lower):
            button.setFixedHeight(high)
        height = max(self.note.height_of(LINES) - 2, 2 * high + _BETWEEN_PX)
        self._said.setFixedHeight(height)
        self.setFixedHeight(height)
        most = _BESIDE_STEP if note else LINES
        taken = 0
        if verdict:
            taken = next((n for n in range(1, most) if self.verdict.holds(verdict, room, n)), most)
            self.verdict.set_lines(taken)
        self.note.set_lines(max(1, LINES - taken))
        self.verdict.setText(verdict)
        self.note.setText(note)
        said = [one for one in (self.verdict, self.note) if one.full_text]
        self.all.setEnabled(not all(one.fitting(one.full_text, room)[1] for one in said))
        self._told = " · ".join(one.full_text for one in said)

    def _room(self) -> int:
        """Give each button its place; return the width that is left for words, pixels."""
        for above, below in zip(self._upper, self._lower, strict=True):
            width = max(_room_of(above), _room_of(below))
            above.setFixedWidth(width)
            below.setFixedWidth(width)
        if self._instead is not None:
            button, of = self._instead
            button.setFixedWidth(max(of.minimumWidth(), button.sizeHint().width()))
        upper, lower = (
            sum(
                max(one.sizeHint().width(), one.minimumWidth()) if one in self._aside else one.minimumWidth()
                for one in line
            )
            + _GAP_PX * (len(line) - 1)
            for line in (self._upper, [one for one in (*self._aside, *self._lower) if not one.isHidden()])
        )
        sides = self._row.contentsMargins()
        return self.width() - sides.left() - sides.right() - self._row.spacing() - max(upper, lower)


def _room_of(button: QAbstractButton) -> int:
    """Return the width that a button needs, with the count that it may come to have, pixels."""
    if button.property("counts") is not True:
        return button.sizeHint().width()
    words = button.text()
    button.setText(f"{words.partition(' ')[0]} {_MOST_COUNTED}")  # a style has a least width: letters do not tell
    width = button.sizeHint().width()
    button.setText(words)
    return max(width, button.sizeHint().width())
