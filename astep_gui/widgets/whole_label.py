"""A label of wrapped words that is always as high as all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QLabel

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent


class WholeLabel(QLabel):
    """Claims the height its words take at its width.

    Notes
    -----
    A form asks a wrapped label for its height at a width of its own choice, and cuts the lines that come to it when the
    place is narrower.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show other words."""
        super().setText(text)
        self._claim()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Claim what the new width takes."""
        super().resizeEvent(event)
        self._claim()

    def _claim(self) -> None:
        needed = max(0, self.heightForWidth(self.width()))
        if needed != self.minimumHeight():
            self.setMinimumHeight(needed)
