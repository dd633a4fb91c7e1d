"""All keys on one page, made from the table of actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout

from astep_gui.actions import ACTIONS, MENUS
from astep_gui.theme import mono_font

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget


class ShortcutsOverlay(QDialog):
    """Shown by ?; Esc puts it away."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keys")
        columns = QHBoxLayout()
        columns.setSpacing(36)
        for titles in (("Night", "Edit", "Help"), ("Frames", "Reduce"), ("View",)):
            column = QVBoxLayout()
            for title in (t for t in titles if t in MENUS):
                column.addLayout(_section(title))
                column.addSpacing(10)
            column.addStretch()
            columns.addLayout(column)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.setContentsMargins(22, 18, 22, 14)
        box.addLayout(columns)
        box.addWidget(buttons)


def _section(title: str) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(4)
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    grid.addWidget(heading, 0, 0, 1, 2)
    for row, spec in enumerate((s for s in ACTIONS if s.menu == title and s.keys), 1):
        keys = QLabel("  ".join(QKeySequence(k).toString(QKeySequence.SequenceFormat.NativeText) for k in spec.keys))
        keys.setFont(mono_font())
        keys.setAlignment(Qt.AlignmentFlag.AlignRight)
        words = QLabel(spec.text.rstrip("…"))
        words.setProperty("role", "dim")
        grid.addWidget(keys, row, 0)
        grid.addWidget(words, row, 1)
    grid.setColumnStretch(1, 1)
    return grid
