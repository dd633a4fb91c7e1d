"""A notice above the work: what happened, why, what to do; never a dialog in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from astep_gui.theme import icon

if TYPE_CHECKING:
    from pipeline_core.errors import AstepError


class NoticeBar(QFrame):
    """Shows the newest error with its three parts, and how many came before it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._said: list[str] = []
        self.what, self.why, self.hint = QLabel(), QLabel(), QLabel()
        self.what.setProperty("role", "bad")
        self.why.setProperty("role", "dim")
        copy = QPushButton(icon("copy"), "Copy")
        copy.setProperty("small", "true")
        copy.clicked.connect(self._copy)
        close = QToolButton()
        close.setIcon(icon("remove"))
        close.setToolTip("Put away (Esc)")
        close.clicked.connect(self.clear)
        words = QVBoxLayout()
        words.setSpacing(1)
        for label in (self.what, self.why, self.hint):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            words.addWidget(label)
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 8, 8, 8)
        box.addLayout(words, 1)
        box.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
        box.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_error(self, error: AstepError) -> None:
        """Show an error; one that is shown already is only counted."""
        self._said.append(str(error))
        again = f"  ({len(self._said)} notices)" if len(self._said) > 1 else ""
        self.what.setText(f"! {error.what}{again}")
        self.why.setText(error.why)
        self.hint.setText(error.hint)
        self.why.setVisible(bool(error.why))
        self.hint.setVisible(bool(error.hint))
        self.show()

    def clear(self) -> None:
        """Put the notice away."""
        self._said = []
        self.hide()

    def _copy(self) -> None:
        board = QGuiApplication.clipboard()
        if board is not None:
            board.setText("\n".join(self._said))
