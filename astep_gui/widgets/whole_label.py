"""A label of wrapped words that is always as high as all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent


class WholeLabel(QLabel):
    """Claims the height its words take at its width.

    Notes
    -----
    Some layouts ask a wrapped label for its height at a width of their own choice, and cut the lines that come to it
    when the place is narrower.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)  # filters, files and reasons are anybody's words

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show other words."""
        super().setText(text)
        self._claim()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Claim what the new width takes."""
        super().resizeEvent(event)
        self._claim()

    def _claim(self) -> None:
        self.setMinimumHeight(0)  # Qt never says less than the least that was claimed: of fewer lines neither
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))
