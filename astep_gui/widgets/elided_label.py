"""A line of words that gives way: shortened in the middle where there is no room, whole in its tool tip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QLabel, QSizePolicy

from astep_gui.models.tip_words import wrapped

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent
    from PyQt6.QtWidgets import QWidget


class ElidedLabel(QLabel):
    """A label of one line that never asks for more room than it gets."""

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
    ) -> None:
        super().__init__(parent)
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

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a width of some letters."""
        return QSize(40, self.fontMetrics().height() + 2)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the width of the whole line."""
        return QSize(self.fontMetrics().horizontalAdvance(self._full) + 4, self.fontMetrics().height() + 2)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Shorten anew."""
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        shown = self.fontMetrics().elidedText(self._full, self._mode, self.width())
        super().setText(shown)
        self.setToolTip(wrapped(self._full) if shown != self._full else "")
