"""A notice above the work: what happened, why, what to do; never a dialog in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from astep_gui.models.window_words import in_window
from astep_gui.theme import icon

if TYPE_CHECKING:
    from collections.abc import Callable

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
        copy = self._copy_words = QPushButton(icon("copy"), "Copy")
        copy.setToolTip("Copy the words of this notice")
        copy.clicked.connect(self._copy)
        self.deed = QPushButton(icon("open"), "")
        self.deed.clicked.connect(self._do)
        self._deed: Callable[[], object] = lambda: None
        self.deed.hide()
        for button in (self.deed, self.copy_path, copy):
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
        box.addWidget(self.deed, 0, Qt.AlignmentFlag.AlignTop)
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
        self._begin(paths, "bad")
        self._said.append(str(error))
        again = f"  ({len(self._said)} notices)" if len(self._said) > 1 else ""
        self.what.setText(_breakable(f"! {in_window(error.what)}{again}"))
        self.why.setText(in_window(error.why))
        self.hint.setText(in_window(error.hint))
        self.why.setVisible(bool(error.why))
        self.hint.setVisible(bool(error.hint))
        self.show()

    def show_news(self, what: str, hint: str, paths: str = "") -> None:
        """Show what was done and cannot be shown otherwise: no error.

        Parameters
        ----------
        what, hint : str
        paths : str
            As of :meth:`show_error`.
        """
        self._begin(paths, "")
        self._said = [f"{what} · {hint}"]
        self.what.setText(_breakable(what))
        self.hint.setText(hint)
        self.why.hide()
        self.hint.show()
        self.show()

    def offer(self, words: str, deed: Callable[[], object]) -> None:
        """Put a button beside what is said now."""
        self.deed.setText(words)
        self._deed = deed
        self.deed.show()

    def _do(self) -> None:
        self._deed()

    def _begin(self, paths: str, role: str) -> None:
        self._paths = paths
        self.copy_path.setText("Copy the paths" if "\n" in paths else "Copy the path")
        self.copy_path.setVisible(bool(paths))
        self.deed.hide()
        self._copy_words.setVisible(bool(role))  # a report of a fault is sent to somebody; news have their path
        for widget, name, value in ((self.what, "role", role), (self, "news", "" if role else "true")):
            if widget.property(name) != value:
                widget.setProperty(name, value)
                if (style := widget.style()) is not None:
                    style.unpolish(widget)
                    style.polish(widget)

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
