"""The line over the image that says which product is shown in the place of the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from astep_gui.models.master_images import PARTS
from astep_gui.theme import icon
from astep_gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.sky_state import StackMade
    from pipeline_core.survey import MasterState


class ProductBar(QWidget):
    """Name, parts, what to know of it, and the way back."""

    part_chosen = pyqtSignal(str)
    closed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._about = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.name = QLabel()
        self.name.setProperty("role", "heading")
        self.parts: dict[str, QToolButton] = {}
        for part, words in PARTS.items():
            button = QToolButton()
            button.setText(words)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.clicked.connect(lambda _on, chosen=part: self.part_chosen.emit(chosen))
            self.parts[part] = button
        self.words = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.words.setProperty("role", "dim")
        back = QToolButton()
        back.setIcon(icon("image"))
        back.setText("Back to the frame")
        back.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        back.setToolTip("Esc")
        back.clicked.connect(self.closed)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 2, 8, 2)
        row.setSpacing(6)
        row.addWidget(self.name)
        for button in self.parts.values():
            row.addWidget(button)
        row.addWidget(self.words, 1)
        row.addWidget(back)
        self.hide()

    def show_master(self, master: MasterState, part: str) -> None:
        """Name a master; a mask has no other parts."""
        self.name.setText(f"Master {master.name}")
        for name, button in self.parts.items():
            button.setVisible(master.kind != "mask")
            button.setChecked(name == part)
        self._about = f"▲ to be renewed: {master.why}" if master.state == "changed" else ""
        self.say(())
        self.show()

    def show_calibrated(self, name: str, stale: str, short: str = "") -> None:
        """Name a calibrated file; in short where the whole name has no room."""
        self.name.setText("Calibrated")
        for button in self.parts.values():
            button.hide()
        self._about = f"▲ to be renewed: {stale}" if stale else ""
        self.say((name,))
        if short:
            self.words.say(self.words.full_text, " · ".join(filter(None, (self._about, short))))
        self.show()

    def show_stack(self, stack: StackMade) -> None:
        """Name a stack."""
        self.name.setText("Stack")
        for button in self.parts.values():
            button.hide()
        self._about = ""
        together = f"{stack.exposure_s:.0f} s together" if stack.exposure_s else ""
        self.say((stack.group, f"{stack.method} of {stack.frames} frames", together))
        self.show()

    def show_full(self, name: str, level_adu: float) -> None:
        """Name a raw frame of which the pixels from a level on are marked."""
        self.name.setText("Raw")
        for button in self.parts.values():
            button.hide()
        self._about = ""
        # What is marked comes first: the name, which stands over the image too, is what a narrow window cuts.
        self.say((f"marked from {level_adu:,.0f} ADU on", name))
        self.show()

    def say(self, facts: Sequence[str]) -> None:
        """Say what is known of it."""
        self.words.setText(" · ".join(fact for fact in (self._about, *facts) if fact))

    def say_missing(self, words: str) -> None:
        """Say why it cannot be shown."""
        self.words.setText(f"! {words}")
