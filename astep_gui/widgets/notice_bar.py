"""A notice over the work: what happened, why, what to do; never a dialog in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFrame, QGridLayout, QPushButton, QToolButton, QWidget

from astep_gui.models.tip_words import wrapped
from astep_gui.models.window_words import in_window
from astep_gui.theme import icon, restyle
from astep_gui.widgets.breaking_label import BreakingLabel, breakable

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtGui import QResizeEvent

    from pipeline_core.errors import AstepError


MOST_PART = 0.17
"""Of the window's height, that a notice takes at most."""


class NoticeBar(QFrame):
    """Shows the newest error with its three parts, and how many came before it."""

    put_away = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._said: list[str] = []
        self.what, self.why, self.hint = BreakingLabel(), BreakingLabel(), BreakingLabel()
        self.what.setProperty("role", "bad")
        self.why.setProperty("role", "dim")
        self._paths = ""
        self.copy_path = QPushButton(icon("copy"), "Copy the path")
        self.copy_path.clicked.connect(lambda: _to_clipboard(self._paths))
        copy = self._copy_words = QPushButton(icon("copy"), "Copy the words")
        copy.setToolTip("All that this notice says, to be sent to somebody")
        copy.clicked.connect(self._copy)
        self.deed = QPushButton(icon("open"), "")
        self.deed.clicked.connect(self._do)
        self._deed: Callable[[], object] = lambda: None
        self.deed.hide()
        for button in (self.deed, self.copy_path, copy):
            button.setProperty("small", "true")
        close = QToolButton()
        close.setIcon(icon("reject"))
        close.setToolTip("Put away (Esc)")
        close.clicked.connect(self.clear)
        for label in (self.what, self.why, self.hint):
            label.setWordWrap(True)
        # Words have the whole width, and buttons a row of their own: beside them they press the words into a column.
        box = QGridLayout(self)
        box.setContentsMargins(12, 5, 6, 5)
        box.setHorizontalSpacing(6)
        box.setVerticalSpacing(1)
        box.setColumnStretch(0, 1)
        box.addWidget(self.what, 0, 0, 1, 4)
        box.addWidget(close, 0, 4, 2, 1, Qt.AlignmentFlag.AlignTop)
        box.addWidget(self.why, 1, 0, 1, 4)
        box.addWidget(self.hint, 2, 0, 1, 5)
        for column, button in enumerate((self.deed, self.copy_path, copy), 1):
            box.addWidget(button, 3, column, 1, 2 if button is copy else 1, Qt.AlignmentFlag.AlignBottom)
        self._parts: dict[BreakingLabel, str] = {}
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
        self._parts = {
            self.what: breakable(f"! {in_window(error.what)}{again}"),
            self.why: breakable(in_window(error.why)),
            self.hint: breakable(in_window(error.hint)),
        }
        self.why.setVisible(bool(error.why))
        self._fit()
        self.show()
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Fit the words into the new width."""
        super().resizeEvent(event)
        if event is not None and event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        """Shorten parts in the middle where the whole would take the room of the image; all is in tips and log."""
        for label, words in self._parts.items():
            label.setText(words)
            label.setToolTip("")
        layout, window = self.layout(), self.window()
        if layout is None or window is None or not self.isVisible():
            return
        if layout.heightForWidth(self.width()) > MOST_PART * window.height():
            for label, words in self._parts.items():
                room = round(1.8 * max(label.width(), 100))  # not two whole lines: words break where they end
                short = label.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, room)
                label.setText(short)
                label.setToolTip("" if short == words else wrapped(words))

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
        self._parts = {self.what: breakable(what), self.why: "", self.hint: breakable(hint)}
        self.why.hide()
        self._fit()
        self.show()
        self._fit()

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
                restyle(widget)

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
