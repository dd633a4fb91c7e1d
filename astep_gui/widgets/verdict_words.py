"""What is said of the shown frame: whole sentences where there is little room, and all of them one click away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QPoint, Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QLabel, QVBoxLayout

from astep_gui.models.tip_words import wrapped
from astep_gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from PyQt6.QtGui import QHideEvent, QMouseEvent
    from PyQt6.QtWidgets import QWidget

_BETWEEN = " · "
"""Stands between whole findings, each of which may have halves: those are no findings of their own."""
_ASIDE = re.compile(r" \([^()]*\)")
_CLAUSE = re.compile(r"; |, |: ")
"""Where a finding may end early, and what is left of it still says something."""
_BREAK = ",:; "
"""Is not left at the end of words that are cut."""


class VerdictWords(ElidedLabel):
    """A line or two that hold whole findings; those for which there is no room are counted."""

    def fitting(self, words: str, width: int) -> tuple[str, bool]:
        """Return what is shown of words at a width in pixels, and whether it is all of them.

        Notes
        -----
        Findings are left out from the end; of the first that has no room its beginning stays, up to the end of a
        clause without asides in brackets: "✕ rejected" alone is no reason, nor is "▲ cloud". Where not even the first
        has such an end, as few of its last words as need be are left out.
        """
        if self.lines_of(words, width) <= self.lines:
            return words, True
        ends = [*(found.start() for found in re.finditer(_BETWEEN, words)), len(words)]
        for said in range(len(ends) - 1, -1, -1):
            whole, at_end = words[: ends[said - 1]] if said else "", len(ends) - said
            begins = _beginnings(words[len(whole) : ends[said]])
            for begun in begins if whole else (one for one in begins if not words.startswith(f"{one}:")):
                rest = f"{at_end - 1} more" if at_end > 1 else "more"
                if self.lines_of(shown := f"{whole}{begun} · {rest}", width) <= self.lines:
                    return shown, False
            if whole and self.lines_of(shown := f"{whole} · {at_end} more", width) <= self.lines:
                return shown, False
        first = _ASIDE.sub("", words[: ends[0]])
        shown = f"{first} · more"
        while self.lines_of(shown, width) > self.lines and " " in first:
            first = first.rpartition(" ")[0]
            shown = f"{first.rstrip(_BREAK)} … · more"
        return shown, False

    def holds(self, words: str, width: int, lines: int) -> bool:
        """Whether all words have room in so many lines of a width in pixels."""
        before, self._lines = self._lines, lines
        is_whole = self.fitting(words, width)[1]
        self._lines = before
        return is_whole

    def _shorten(self) -> None:
        shown, is_whole = self.fitting(self.full_text, self.room)
        self._show_lines(shown)
        self.setToolTip("" if is_whole else wrapped(self.full_text))


def _beginnings(sentence: str) -> list[str]:
    """Return what a sentence may be shortened to, the longest first: without asides, then up to the end of a clause."""
    plain = _ASIDE.sub("", sentence)
    ends = sorted({found.start() for found in _CLAUSE.finditer(plain)}, reverse=True)
    return [plain, *(plain[:end] for end in ends)]


class VerdictPage(QFrame):
    """All that is said of a frame, over the image while it is read: a click, Esc or another frame ends it."""

    closed = pyqtSignal()

    def __init__(self, beside: QWidget) -> None:
        super().__init__(beside)
        self._beside = beside
        self.setObjectName("page")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 12, 10)
        box.addWidget(self.words)
        self.hide()

    def open(self, words: str) -> None:
        """Lie right below what it belongs to, a finding a line."""
        window, width = self._beside.window(), self._beside.width()
        assert window is not None, "every widget has one"
        self.setParent(window)
        window.installEventFilter(self)
        self.words.setText(words.replace(_BETWEEN, "\n"))
        self.setFixedSize(width, self.heightForWidth(width))
        self.move(self._beside.mapTo(window, QPoint(0, self._beside.height())))
        self.show()
        self.raise_()

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802 - Qt's name
        """Say that it is gone."""
        super().hideEvent(event)
        self.closed.emit()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Go away."""
        del event
        self.hide()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Go away when the window changes its size under it."""
        if event is not None and event.type() == QEvent.Type.Resize and self.isVisible():
            self.hide()
        return super().eventFilter(watched, event)
