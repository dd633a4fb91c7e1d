"""A line of words that gives way: shortened in the middle where there is no room, whole in its tool tip.

Two lines or more, where that many are allowed: the label is then always as high as all of them, so that nothing below
it jumps when the words change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QTextLayout
from PyQt6.QtWidgets import QLabel, QSizePolicy

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
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText(text)

    @property
    def full_text(self) -> str:
        """The words, shortened or not."""
        return self._full

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show other words."""
        self._full = text or ""
        self._shorten()

    def set_role(self, role: str) -> None:
        """Take the colour that the style sheet has for what is said: "dim", "warn"."""
        if self.property("role") != role:
            self.setProperty("role", role)
            if (style := self.style()) is not None:
                style.polish(self)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a width of some letters."""
        return QSize(40, self._height())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the width of the whole line."""
        return QSize(self.fontMetrics().horizontalAdvance(self._full) + 4, self._height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Shorten anew."""
        super().resizeEvent(event)
        self._shorten()

    def _height(self) -> int:
        metrics = self.fontMetrics()
        return metrics.height() + (self._lines - 1) * metrics.lineSpacing() + 2

    def _shorten(self) -> None:
        head, rest = self._whole_lines()
        last = self.fontMetrics().elidedText(rest, self._mode, self.width())
        super().setText("\n".join([*head, last]))
        self.setToolTip(wrapped(self._full) if last != rest else "")

    def _whole_lines(self) -> tuple[list[str], str]:
        """Return the lines but the last that is allowed, and the words that are left for it."""
        if self._lines < 2:
            return [], self._full
        layout = QTextLayout(self._full, self.font())
        layout.beginLayout()
        head, at = [], 0
        while len(head) < self._lines - 1:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(self.width())
            if at + line.textLength() >= len(self._full):
                break
            head.append(self._full[at : at + line.textLength()].rstrip())
            at += line.textLength()
        layout.endLayout()
        return head, self._full[at:]
