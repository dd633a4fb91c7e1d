"""A fault of the program, as a report a person can copy; the night's decisions are on disk already."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout

from astep_gui.theme import mono_font
from astep_gui.widgets.about import versions

if TYPE_CHECKING:
    from types import TracebackType

    from PyQt6.QtWidgets import QWidget


class CrashReport(QDialog):
    """One dialog for all faults of a session: further ones are added to it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("A fault in the program")
        self.resize(720, 420)
        what = QLabel(
            "A part of the program failed. Your decisions are on disk, and the window goes on.\n"
            "Please copy this report and send it to the developers."
        )
        what.setWordWrap(True)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(mono_font())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = QPushButton("Copy report")
        buttons.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        for widget in (what, self.text, buttons):
            box.addWidget(widget)

    def add(self, report: str) -> None:
        """Show a fault."""
        if not self.text.toPlainText():
            self.text.setPlainText(versions() + "\n")
        self.text.appendPlainText(report)

    def _copy(self) -> None:
        board = QGuiApplication.clipboard()
        if board is not None:
            board.setText(self.text.toPlainText())


class CrashWatch(QObject):
    """Catches what no one else caught, in slots and in threads, and shows it once."""

    _fault = pyqtSignal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._dialog: CrashReport | None = None
        self._kept_in = ""
        self._previous = sys.excepthook
        self._fault.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin to catch."""
        sys.excepthook = self._caught

    def stop(self) -> None:
        """Leave faults to whoever had them before."""
        sys.excepthook = self._previous

    @property
    def dialog(self) -> CrashReport | None:
        """The report, once there was a fault."""
        return self._dialog

    def _caught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        report = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(report)
        # On disk before it is shown: a fault may be the last thing the program does.
        self._kept_in = kept_on_disk("go on in the window", error)
        self._fault.emit(report)

    def _show(self, report: str) -> None:
        if self._dialog is None:
            self._dialog = CrashReport(self._window)
            if self._kept_in:
                self._dialog.add(f"(kept in {self._kept_in} too)\n")
        self._dialog.add(report)
        self._dialog.show()


def kept_on_disk(doing: str, error: BaseException) -> str:
    """Write a fault into the user's cache folder; return the file's name, empty if it could not be written."""
    from pipeline_core.faults import fault_file, note_fault  # noqa: PLC0415 - only when something broke

    if not isinstance(error, Exception):
        return ""
    note_fault(doing, error)
    file = fault_file()
    return str(file) if file.is_file() else ""
