"""The log: one line that unfolds, and what goes on in the background."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from astep_gui.models.window_words import in_window
from astep_gui.theme import icon, mono_font
from astep_gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline_core.events import Event

MAX_LINES = 5000
HEIGHT_PX = 150
_ROLES = {"info": "", "warning": "warn", "error": "bad"}
_MARKS = {"info": "", "warning": "▲ ", "error": "! "}


class LogStrip(QWidget):
    """Newest line always in sight; all lines on demand."""

    unfolded = pyqtSignal(bool)
    spoke = pyqtSignal()
    """There is something to be read in it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._busy = ""
        self._is_held = self._passes = False
        self.clock = QLabel()
        self.clock.setProperty("role", "dim")
        self.clock.setFont(mono_font())
        self.line = ElidedLabel(mode=Qt.TextElideMode.ElideRight, lines=2)
        self.what = QLabel()
        self.what.setProperty("role", "dim")
        self.what.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar()
        self.bar.setFixedWidth(160)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.fold = QToolButton()
        self.fold.setCheckable(True)
        self.fold.setIcon(icon("chevron_up"))
        self.fold.setText("Log")
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setProperty("small", "true")
        self.fold.setToolTip("Unfold the log (Ctrl+L)")
        self.fold.toggled.connect(self._fold)
        self.deed = QPushButton()
        """Does something with what the line tells of."""
        self.deed.setProperty("small", "true")
        self.deed.clicked.connect(self._do)
        self._deed: Callable[[], object] = lambda: None
        self.deed.hide()
        head = QHBoxLayout(self)
        head.setContentsMargins(10, 2, 8, 2)
        head.setSpacing(10)
        head.addWidget(self.clock)
        head.addWidget(self.line, 1)
        head.addWidget(self.deed)
        head.addWidget(self.what)
        head.addWidget(self.bar)
        head.addWidget(self.fold)
        self.text = QPlainTextEdit()
        """All lines; whoever has the strip puts them where there is room."""
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(MAX_LINES)
        self.text.setFont(mono_font())
        self.text.hide()

    def hear(self, events: Iterable[Event], *, counts: bool = True) -> None:
        """Take in events: messages become lines, progress moves the bar.

        Parameters
        ----------
        events : iterable of Event
        counts : bool
            Whether what is counted is shown; not where :meth:`show_stage` follows the whole of it.
        """
        for event in events:
            if event.kind == "message" or (event.kind == "failed" and event.text):
                if self._is_held and event.level == "info":
                    self.note(_about(event.text, event.path))  # nobody asked for it: what a person did stays in sight
                else:
                    self.say(event.text, event.level, event.path, event.when)
            elif not counts:
                continue
            elif event.kind in {"started", "progress"} and event.total:
                self.what.setText(f"{event.job} · {event.done}/{event.total}")
                self.bar.setRange(0, event.total)
                self.bar.setValue(event.done)
                self.bar.setVisible(event.done < event.total)
            elif event.kind == "finished":
                self.quiet()

    def show_stage(self, name: str, done: int, total: int) -> None:
        """Name the stage of a run, and draw how far the whole run is; the numbers stand on its button."""
        self.what.setText(name)
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setVisible(0 < done < total)

    def say(self, words: str, level: str = "info", path: str | None = None, when: float | None = None) -> None:
        """Add a line."""
        self._is_held = self._passes = False
        self.deed.hide()
        clock = datetime.fromtimestamp(when).astimezone() if when else datetime.now().astimezone()
        line = f"{_MARKS[level]}{in_window(_about(words, path))}"
        self.show()
        self.spoke.emit()
        self.text.appendPlainText(f"{clock:%H:%M:%S}  {line}")
        self.clock.setText(f"{clock:%H:%M:%S}")
        self.line.setText(line)
        self.line.set_role(_ROLES[level])

    def say_lasting(self, words: str) -> None:
        """Add a line that stays in sight until a person does something: what is merely heard goes into the log."""
        self.say(words)
        self._is_held = True

    def say_passing(self, words: str, level: str = "info", path: str | None = None) -> None:
        """Add a line that stands in the strip until a person does something else, then in the log only.

        A refusal, or what an errand has come to: beside what is done next, it would seem to be said of that.
        """
        self.say(words, level, path)
        self._passes = True

    def offer(self, words: str, tip: str, deed: Callable[[], object]) -> None:
        """Put a button beside the line that was said just now; the next line takes it away."""
        self.deed.setText(words)
        self.deed.setToolTip(tip)
        self._deed = deed
        self.deed.show()

    def _do(self) -> None:
        self._deed()

    def pass_on(self) -> None:
        """Hear that a person did something else."""
        if self._passes:
            self._passes = False
            self._empty()

    def note(self, words: str, level: str = "info") -> None:
        """Add a line to the log only: it is seen elsewhere already, and would stand in the strip when long past."""
        self.text.appendPlainText(f"{datetime.now().astimezone():%H:%M:%S}  {_MARKS[level]}{in_window(words)}")

    def settle(self) -> None:
        """Let an error that was put away stand in the log only, no more in the line."""
        if self.line.property("role") == _ROLES["error"]:
            self._empty()

    def _empty(self) -> None:
        self.deed.hide()
        self.clock.setText("")
        self.line.setText("")
        self.line.set_role("")

    def busy(self, words: str) -> None:
        """Say what goes on; empty when nothing does."""
        if words:
            self.show()
            self.spoke.emit()
        self._busy = words
        self.quiet()

    def quiet(self) -> None:
        """Nothing is counted any more; what else goes on is still said."""
        self.what.setText(self._busy)
        self.bar.hide()

    def _fold(self, is_open: bool) -> None:  # noqa: FBT001 - a slot
        # In a low window the image keeps the greater part.
        self.text.setFixedHeight(min(HEIGHT_PX, max(60, self.window().height() // 8)))
        self.text.setVisible(is_open)
        self.fold.setIcon(icon("chevron_down" if is_open else "chevron_up"))
        self.unfolded.emit(is_open)


def _about(words: str, path: str | None) -> str:
    return f"{path}: {words}" if path and path not in words else words
