"""A line of words that gives way: said in short or cut in the middle where there is no room, whole in its tool tip.

Two lines or more, where that many are allowed: the label is then always as high as all of them, so that nothing below
it jumps when the words change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QTextLayout, QTextOption
from PyQt6.QtWidgets import QLabel, QSizePolicy

from astep_gui.models.held_together import held_together
from astep_gui.models.tip_words import wrapped

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent
    from PyQt6.QtWidgets import QWidget


class ElidedLabel(QLabel):
    """A label of one line, or of some, that never asks for more room than it gets."""

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
        lines: int = 1,
    ) -> None:
        super().__init__(parent)
        self._lines = lines
        self._mode = mode
        self._full = ""
        self._shorter: tuple[str, ...] = ()
        self._more = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText(text)

    @property
    def full_text(self) -> str:
        """The words, shortened or not."""
        return self._full

    @property
    def lines(self) -> int:
        """How many lines the words may take."""
        return self._lines

    def set_lines(self, lines: int) -> None:
        """Let the words take so many lines."""
        if lines != self._lines:
            self._lines = lines
            self.updateGeometry()
            self._shorten()

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show other words."""
        self.say(text or "")

    def say(self, words: str, *shorter: str) -> None:
        """Show other words; where they have no room, the first of those that say it shorter and have it."""
        self._full, self._shorter = words, tuple(filter(None, shorter))
        self._shorten()

    def say_more(self, words: str) -> None:
        """Have words in the tip that are more than those on the label; "" where the label says all."""
        self._more = words
        self._shorten()

    def set_role(self, role: str) -> None:
        """Take the colour that the style sheet has for what is said: "dim", "warn"."""
        if self.property("role") != role:
            self.setProperty("role", role)
            if (style := self.style()) is not None:
                style.polish(self)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a width of some letters."""
        return QSize(40, self._height()).grownBy(self.contentsMargins())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the width of the whole line."""
        return QSize(self.width_of(self._full), self._height()).grownBy(self.contentsMargins())

    def width_of(self, words: str) -> int:
        """Return the width that words take on one line, pixels."""
        return self.fontMetrics().horizontalAdvance(words) + 4

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Shorten anew."""
        super().resizeEvent(event)
        self._shorten()

    def height_of(self, lines: int) -> int:
        """Return the height of so many lines, pixels."""
        metrics = self.fontMetrics()
        return metrics.height() + (lines - 1) * metrics.lineSpacing() + 2

    def lines_of(self, words: str, width: int) -> int:
        """Return how many lines words take at a width; one more than are allowed where these do not do."""
        head, rest = self._broken(words, width)
        is_whole = self.fontMetrics().horizontalAdvance(rest) <= width
        return len(head) + 1 + (not is_whole)

    def _height(self) -> int:
        return self.height_of(self._lines)

    @property
    def room(self) -> int:
        """Width that there is for words, pixels."""
        return self.contentsRect().width()

    def _shorten(self) -> None:
        is_whole = self._show_lines(self._full)
        tip = self._more or ("" if is_whole else self._full)
        self.setToolTip(wrapped(tip) if tip else "")
        if not is_whole:
            any(self._show_lines(words) for words in self._shorter)  # until one is seen whole

    def _show_lines(self, words: str) -> bool:
        """Put words onto the lines that are allowed; return whether all of them are seen."""
        head, rest = self._broken(words, self.room)
        last = self.fontMetrics().elidedText(rest, self._mode, self.room)
        super().setText("\n".join([*head, last]))
        return last == rest

    def _broken(self, words: str, width: int) -> tuple[list[str], str]:
        """Return the lines but the last that is allowed, and the words that are left for it."""
        if self._lines < 2:
            return [], words
        layout = QTextLayout(held_together(words), self.font())
        manner = QTextOption()
        manner.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)  # a path has no boundaries
        layout.setTextOption(manner)
        layout.beginLayout()
        head, at = [], 0
        while len(head) < self._lines - 1:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(width)
            if at + line.textLength() >= len(words):
                break
            head.append(words[at : at + line.textLength()].rstrip())
            at += line.textLength()
        layout.endLayout()
        return head, words[at:]
