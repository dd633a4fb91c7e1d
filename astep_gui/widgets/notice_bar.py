"""A notice above the work: what happened, why, what to do; never a dialog in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from astep_gui.models.window_words import in_window
from astep_gui.theme import icon

if TYPE_CHECKING:
    from pipeline_core.errors import AstepError


class NoticeBar(QFrame):
    """Shows the newest error with its three parts, and how many came before it."""

    put_away = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._said: list[str] = []
        self.what, self.why, self.hint = QLabel(), QLabel(), QLabel()
        self.what.setProperty("role", "bad")
        self.why.setProperty("role", "dim")
        self._paths = ""
        self.copy_path = QPushButton(icon("copy"), "Copy the path")
        self.copy_path.clicked.connect(lambda: _to_clipboard(self._paths))
        copy = QPushButton(icon("copy"), "Copy")
        copy.setToolTip("Copy the words of this notice")
        copy.clicked.connect(self._copy)
        for button in (self.copy_path, copy):
            button.setProperty("small", "true")
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
        box.addWidget(self.copy_path, 0, Qt.AlignmentFlag.AlignTop)
        box.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
        box.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_error(self, error: AstepError, paths: str = "") -> None:
        """Show an error; one that is shown already is only counted.

        Parameters
        ----------
        error : AstepError
        paths : str
            Of the files or folders it is about, a line each, where a person may want to take them elsewhere.
        """
        self._paths = paths
        self.copy_path.setText("Copy the paths" if "\n" in paths else "Copy the path")
        self.copy_path.setVisible(bool(paths))
        self._said.append(str(error))
        again = f"  ({len(self._said)} notices)" if len(self._said) > 1 else ""
        self.what.setText(_breakable(f"! {in_window(error.what)}{again}"))
        self.why.setText(in_window(error.why))
        self.hint.setText(in_window(error.hint))
        self.why.setVisible(bool(error.why))
        self.hint.setVisible(bool(error.hint))
        self.show()

    def clear(self) -> None:
        """Put the notice away."""
        self._said = []
        self.hide()
        self.put_away.emit()

    def _copy(self) -> None:
        _to_clipboard("\n".join(self._said))


def _to_clipboard(words: str) -> None:
    if (board := QGuiApplication.clipboard()) is not None:
        board.setText(words)


def _breakable(words: str) -> str:
    """Let a long path be broken into lines where folders meet: one that is not would push the window wider."""
    return words.replace("/", "/\u200b")
