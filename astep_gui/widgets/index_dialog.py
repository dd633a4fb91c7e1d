"""Getting an index: what the frames need, what is here, the line that brings it, a file that is here already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout

from astep_gui.models.window_words import in_window
from astep_gui.theme import mono_font
from pipeline_core.solving.index_files import DEBIAN_PACKAGES, find_indexes, folders, what_is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtWidgets import QWidget


class IndexDialog(QDialog):
    """Says which index the field wants; installs nothing behind a person's back."""

    files_chosen = pyqtSignal(list)
    """Index files to be copied into the user's folder."""

    def __init__(self, field_arcmin: float | None, named: Sequence[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("An index for this field")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(560)
        indexes, _ = find_indexes(named)
        missing = what_is_missing(indexes, field_arcmin) if field_arcmin is not None else ""
        self.told = QLabel(_words(field_arcmin, missing, len(indexes)))
        self.told.setWordWrap(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(10)
        box.addWidget(self.told)
        scale = "08" if field_arcmin is None or field_arcmin >= 40.0 else "07"
        package, megabytes = DEBIAN_PACKAGES[scale]
        if field_arcmin is None or field_arcmin >= 30.0:
            label = QLabel(f"On Debian and Ubuntu this line brings it ({megabytes} MB):")
            self.line = QLineEdit(f"sudo apt-get install -y --no-install-recommends {package}")
            self.line.setReadOnly(True)
            self.line.setFont(mono_font())
            copy = QPushButton("Copy")
            copy.clicked.connect(self._copy)
            row = QHBoxLayout()
            row.addWidget(self.line, 1)
            row.addWidget(copy)
            box.addWidget(label)
            box.addLayout(row)
        where = QLabel("Searched: " + ", ".join(str(place) for place in folders(named)))
        where.setWordWrap(True)
        where.setProperty("role", "dim")
        box.addWidget(where)
        add, close = QPushButton("Add index files…"), QPushButton("Close")
        add.setToolTip("Index files that are on this machine already; they are copied into your own folder of indexes")
        add.clicked.connect(self._add)
        close.clicked.connect(self.close)
        last = QHBoxLayout()
        last.addWidget(add)
        last.addStretch(1)
        last.addWidget(close)
        box.addLayout(last)

    def _copy(self) -> None:
        board = QGuiApplication.clipboard()
        if board is not None:
            board.setText(self.line.text())

    def _add(self) -> None:
        from pathlib import Path  # noqa: PLC0415 - the only use

        names, _ = QFileDialog.getOpenFileNames(self, "Index files", str(Path.home()), "Index files (index-*.fits)")
        if names:
            self.files_chosen.emit([Path(name) for name in names])
            self.close()


def _words(field_arcmin: float | None, missing: str, here: int) -> str:
    if missing:
        words = in_window(missing.replace("(`astep index install 08`)", "").replace("(`astep index install 07`)", ""))
        words = words.replace("“Get an index…”", "“Add index files…”").strip()
        return words[:1].upper() + words[1:] + "."
    if field_arcmin is None:
        return (
            f"{here} index file{'s are' if here != 1 else ' is'} here. Which one is needed is not known, because the "
            "pixel scale is not in the header: give it with “Solve with hints…”."
        )
    return f"{here} index files are here, and they serve this field of {field_arcmin:.0f}′. Another will not help it."
