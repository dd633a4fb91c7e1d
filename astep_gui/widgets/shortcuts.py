"""All keys on one page, made from the table of actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QKeySequence
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from astep_gui.actions import ACTIONS, BLINKING, ROOM
from astep_gui.theme import mono_font

if TYPE_CHECKING:
    from collections.abc import Sequence


TITLE_PX = 32
"""For the title that a window manager gives the page."""
IMAGE = "On the image"
ON_THE_IMAGE = (
    ("Wheel", "Zoom at the pointer"),
    ("Drag", "Move the image"),
    ("Click", "Measure the star"),
    ("Shift-click", "Follow the star all night"),
    ("Alt-click", "Why this pixel"),
    ("` held", "The step before"),
)
"""What the mouse does there, and the one key that no menu can hold."""
_COLUMNS = (("Night", "Edit", "Frames", ROOM), ("Reduce", "Sky", BLINKING), ("Image", IMAGE), ("View", "Help"))
"""About as long as each other: all stand on one page of a window of 1280 × 720."""


class ShortcutsOverlay(QDialog):
    """Shown by ?; Esc puts it away."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keys")
        page = QWidget()
        columns = QHBoxLayout(page)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(22)
        for titles in _COLUMNS:
            column = QVBoxLayout()
            column.setSpacing(0)
            for title in titles:
                keys = ON_THE_IMAGE if title == IMAGE else _keys_of(title)
                column.addLayout(_section(title.rpartition("/")[2], keys))
                column.addSpacing(8)
            column.addStretch()
            columns.addLayout(column)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 12, 16, 10)
        area = QScrollArea()  # on a screen smaller than the window is made for
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        box.addWidget(area)
        box.addWidget(buttons)
        screen = self.screen()
        wanted = page.sizeHint() + QSize(34, 24 + buttons.sizeHint().height() + box.spacing())
        self.resize(wanted.boundedTo(screen.availableSize() - QSize(0, TITLE_PX)) if screen is not None else wanted)


def _keys_of(menu: str) -> list[tuple[str, str]]:
    """Return the keys of a menu's actions, and what they do."""
    native = QKeySequence.SequenceFormat.NativeText
    return [
        ("  ".join(QKeySequence(key).toString(native) for key in spec.keys), spec.text.rstrip("…"))
        for spec in ACTIONS
        if spec.keys and menu == (spec.menu if spec.menu in {BLINKING, ROOM} else spec.menu.partition("/")[0])
    ]


def _section(title: str, lines: Sequence[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(1)
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    grid.addWidget(heading, 0, 0, 1, 2)
    for row, (key, deed) in enumerate(lines, 1):
        keys = QLabel(key)
        keys.setFont(mono_font())
        keys.setAlignment(Qt.AlignmentFlag.AlignRight)
        words = QLabel(deed)
        words.setProperty("role", "dim")
        grid.addWidget(keys, row, 0)
        grid.addWidget(words, row, 1)
    grid.setColumnStretch(1, 1)
    return grid
