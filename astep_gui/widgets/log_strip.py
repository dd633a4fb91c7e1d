"""The log: one line that unfolds, and what goes on in the background."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from astep_gui.theme import icon, mono_font, theme, theme_notice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PyQt6.QtGui import QResizeEvent

    from pipeline_core.events import Event

MAX_LINES = 5000
_TONES = {"info": "text", "warning": "warn", "error": "bad"}
_MARKS = {"info": "", "warning": "▲ ", "error": "! "}


class LogStrip(QWidget):
    """Newest line always in sight; all lines on demand."""

    unfolded = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._newest = ("", "", "text")
        self.line = QLabel()
        self.line.setTextFormat(Qt.TextFormat.RichText)
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.what = QLabel()
        self.what.setProperty("role", "dim")
        self.what.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        theme_notice().changed.connect(self._show_newest)
        self.bar = QProgressBar()
        self.bar.setFixedWidth(160)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.fold = QToolButton()
        self.fold.setCheckable(True)
        self.fold.setIcon(icon("chevron_up"))
        self.fold.setToolTip("Unfold the log (Ctrl+L)")
        self.fold.toggled.connect(self._fold)
        head = QHBoxLayout()
        head.setContentsMargins(10, 2, 8, 2)
        head.setSpacing(10)
        head.addWidget(self.line, 1)
        head.addWidget(self.what)
        head.addWidget(self.bar)
        head.addWidget(self.fold)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(MAX_LINES)
        self.text.setFont(mono_font())
        self.text.setFixedHeight(150)
        self.text.hide()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(head)
        box.addWidget(self.text)

    def hear(self, events: Iterable[Event]) -> None:
        """Take in events: messages become lines, progress moves the bar."""
        for event in events:
            if event.kind == "message" or (event.kind == "failed" and event.text):
                self.say(event.text, event.level, event.path, event.when)
            elif event.kind in {"started", "progress"} and event.total:
                self.what.setText(f"{event.job} · {event.done}/{event.total}")
                self.bar.setRange(0, event.total)
                self.bar.setValue(event.done)
                self.bar.setVisible(event.done < event.total)
            elif event.kind == "finished":
                self.quiet()

    def say(self, words: str, level: str = "info", path: str | None = None, when: float | None = None) -> None:
        """Add a line."""
        clock = datetime.fromtimestamp(when).astimezone() if when else datetime.now().astimezone()
        about = f"{path}: " if path and path not in words else ""
        line = f"{_MARKS[level]}{about}{words}"
        self.text.appendPlainText(f"{clock:%H:%M:%S}  {line}")
        self._newest = (f"{clock:%H:%M:%S}", line, _TONES[level])
        self._show_newest()

    def _show_newest(self) -> None:
        """Write the newest line in the theme's colours."""
        clock, line, tone = self._newest
        look = theme()
        metrics = self.line.fontMetrics()
        room = self.line.width() - metrics.horizontalAdvance(f"{clock}   ")
        shown = metrics.elidedText(line, Qt.TextElideMode.ElideRight, max(40, room))
        self.line.setText(
            f"<span style='color:{look.hex('dim')}'>{clock}</span>&nbsp;&nbsp;"
            f"<span style='color:{look.hex(tone)}'>{escape(shown)}</span>"
        )
        self.line.setToolTip(line)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Shorten the newest line anew."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self._show_newest)  # when the line has its new width

    def busy(self, words: str) -> None:
        """Say what goes on; empty when nothing does."""
        self.what.setText(words)
        if not words:
            self.quiet()

    def quiet(self) -> None:
        """Nothing goes on."""
        self.what.clear()
        self.bar.hide()

    def _fold(self, is_open: bool) -> None:  # noqa: FBT001 - a slot
        self.text.setVisible(is_open)
        self.fold.setIcon(icon("chevron_down" if is_open else "chevron_up"))
        self.unfolded.emit(is_open)
