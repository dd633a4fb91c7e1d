"""The page that stands where no night is open: recent nights, a demo night, how to begin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from astep_gui.theme import icon, ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP = (
    ("1", "Open the folder of a raw night. It is only read, never changed."),
    ("2", "Look through the frames: X rejects, U accepts, Ctrl+Z takes back."),
    ("3", "Reduce night (Ctrl+R). Results lie beside it, in <night>_reduced."),
)


class StartPage(QWidget):
    """Asks which night to open."""

    open_asked = pyqtSignal()
    demo_asked = pyqtSignal()
    night_asked = pyqtSignal(Path)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Behind an open night it must not claim the width that it needs when it is seen.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        column = QVBoxLayout()
        column.setSpacing(10)
        title = QLabel("ASTEP Harvest")
        title.setFont(ui_font(26, bold=True))
        column.addWidget(title)
        what = QLabel("From a raw night to calibrated, quality-checked frames")
        what.setProperty("role", "dim")
        column.addWidget(what)
        column.addSpacing(8)
        column.addWidget(self._buttons())
        column.addSpacing(6)
        self._heading = QLabel("Recent nights")
        self._heading.setProperty("role", "heading")
        column.addWidget(self._heading)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column.addLayout(self._recent)
        line = QFrame()
        line.setProperty("role", "separator")
        column.addSpacing(6)
        column.addWidget(line)
        for number, words in _HELP:
            label = QLabel(f"<b>{number}</b>&nbsp;&nbsp;{words.replace('<', '&lt;')}")
            label.setTextFormat(Qt.TextFormat.RichText)
            column.addWidget(label)
        middle = QWidget()
        middle.setLayout(column)
        middle.setFixedWidth(560)
        page = QVBoxLayout(self)
        page.addStretch(2)
        page.addWidget(middle, 0, Qt.AlignmentFlag.AlignHCenter)
        page.addStretch(3)

    def _buttons(self) -> QWidget:
        row = QWidget()
        box = QHBoxLayout(row)
        box.setContentsMargins(0, 0, 0, 0)
        self.open_button = QPushButton(icon("open", "primary_text"), "Open night…")
        self.open_button.setProperty("primary", "true")
        self.open_button.clicked.connect(self.open_asked)
        self.demo_button = QPushButton(icon("star"), "Make a demo night…")
        self.demo_button.setToolTip("A small night with known trouble, to practise on")
        self.demo_button.clicked.connect(self.demo_asked)
        for button in (self.open_button, self.demo_button):
            button.setMinimumHeight(34)
            box.addWidget(button)
        hint = QLabel("or drop a folder here")
        hint.setProperty("role", "dim")
        box.addWidget(hint)
        box.addStretch()
        return row

    def show_recent(self, nights: Sequence[Path]) -> None:
        """List the nights that were opened before."""
        while (item := self._recent.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self._heading.setVisible(bool(nights))
        for night in nights:
            button = QToolButton()
            button.setText(f"{night.name}    {_short(night.parent)}")
            button.setIcon(icon("recent", "dim"))
            button.setIconSize(QSize(16, 16))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setToolTip(str(night))
            button.clicked.connect(lambda _on, path=night: self.night_asked.emit(path))
            self._recent.addWidget(button)


def _short(folder: Path) -> str:
    """Write a folder as people say it: the home folder as ~, long ones by their end."""
    text = str(folder)
    home = str(Path.home())
    text = text.replace(home, "~", 1) if text.startswith(home) else text
    return text if len(text) <= 56 else f"…{text[-55:]}"
