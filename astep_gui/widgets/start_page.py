"""The page that stands where no night is open: recent nights, a demo night, how to begin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.tip_words import as_written
from astep_gui.theme import icon, ui_font
from astep_gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP = (
    ("Look", "Open the folder of a raw night. It is only read, never changed."),
    ("Judge", "Walk through the frames with ← and →. X rejects, U accepts, Ctrl+Z undoes."),
    ("Reduce", "Ctrl+R. Results lie beside the night, in <night>_reduced."),
)
_WIDTH_PX = 660


class StartPage(QWidget):
    """Asks which night to open."""

    open_asked = pyqtSignal()
    demo_asked = pyqtSignal()
    night_asked = pyqtSignal(Path)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Behind an open night it must not claim the width that it needs when it is seen.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        card = QFrame()
        card.setObjectName("card")
        card.setFixedWidth(_WIDTH_PX)
        column = QVBoxLayout(card)
        column.setContentsMargins(36, 30, 36, 28)
        column.setSpacing(8)
        title = QLabel("ASTEP Harvest")
        title.setFont(ui_font(28, bold=True))
        column.addWidget(title)
        what = QLabel("From a raw night to calibrated, quality-checked frames")
        what.setProperty("role", "dim")
        column.addWidget(what)
        column.addSpacing(14)
        column.addWidget(self._buttons())
        column.addSpacing(14)
        self._heading = QLabel("Recent nights")
        self._heading.setProperty("role", "heading")
        column.addWidget(self._heading)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(1)
        column.addLayout(self._recent)
        line = QFrame()
        line.setProperty("role", "separator")
        column.addSpacing(8)
        column.addWidget(line)
        column.addSpacing(8)
        column.addLayout(self._help())
        keys = QLabel("? shows all keys · Ctrl+K finds an action by its words")
        keys.setProperty("role", "dim")
        column.addSpacing(6)
        column.addWidget(keys)
        page = QVBoxLayout(self)
        page.addStretch(2)
        page.addWidget(card, 0, Qt.AlignmentFlag.AlignHCenter)
        page.addStretch(3)

    @staticmethod
    def _help() -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for row, (name, words) in enumerate(_HELP):
            label, said = QLabel(name), QLabel(words)
            label.setProperty("role", "heading")
            said.setTextFormat(Qt.TextFormat.PlainText)
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(said, row, 1)
        return grid

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
            button = RecentButton(night)
            button.clicked.connect(lambda _on, path=night: self.night_asked.emit(path))
            self._recent.addWidget(button)


class RecentButton(QToolButton):
    """A night that was opened before: its name, and more quietly where it lies."""

    def __init__(self, night: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(30)
        self.setToolTip(as_written(str(night)))
        self.setAccessibleName(f"Open {night}")
        name, place = QLabel(night.name), ElidedLabel(_short(night.parent))
        place.setProperty("role", "dim")
        sign = QLabel()
        sign.setPixmap(icon("recent", "dim").pixmap(16, 16))
        box = QHBoxLayout(self)
        box.setContentsMargins(8, 0, 8, 0)
        box.setSpacing(10)
        box.addWidget(sign)
        box.addWidget(name)
        box.addWidget(place, 1)
        for label in (sign, name, place):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


def _short(folder: Path) -> str:
    """Write a folder as people say it: the home folder as ~."""
    text = str(folder)
    home = str(Path.home())
    return text.replace(home, "~", 1) if text.startswith(home) else text
