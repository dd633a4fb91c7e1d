"""Go to coordinates or a name: understood without a network, unless a person asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QCompleter, QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout

from astep_gui.theme import restyle

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from pipeline_core.errors import AstepError


class GotoDialog(QDialog):
    """Asks where to; stays open until a place is found, so that a typing error costs nothing."""

    asked = pyqtSignal(str, bool)
    """What was typed, and whether the network may be asked."""
    found = pyqtSignal(object)
    """The Target that was asked for."""

    def __init__(self, names: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Go to")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(8)
        label = QLabel("RA and Dec, or a name")
        self.text = QLineEdit()
        self.text.setPlaceholderText("14 29 43 −62 40 46 · 217.43 −62.68 · M 42 · NGC 1866 · Sirius")
        self.text.setClearButtonEnabled(True)
        label.setBuddy(self.text)
        completer = QCompleter(names, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.text.setCompleter(completer)
        self.network = QCheckBox("Ask the network (CDS Sesame) for names that are not known here")
        self.network.setToolTip(
            "Off: names are looked up in the night's headers, among NGC and Messier objects and bright stars, and "
            "nothing leaves this machine. On: the name, and nothing else, is sent to CDS Strasbourg."
        )
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setProperty("role", "dim")
        self.answer.setText("Degrees, or hours and degrees in any usual form, ICRS. Names are found on this machine.")
        self.go, close = QPushButton("Go"), QPushButton("Close")
        self.go.setProperty("primary", "true")
        self.go.setDefault(True)
        self.go.clicked.connect(self._ask)
        close.clicked.connect(self.close)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(close)
        row.addWidget(self.go)
        for widget in (label, self.text, self.network, self.answer):
            box.addWidget(widget)
        box.addLayout(row)
        self.text.setFocus()

    def refuse(self, error: AstepError) -> None:
        """Say why nothing was found."""
        self.say(f"{error.what}: {error.why}.\n{error.hint}", "bad")

    def say(self, words: str, tone: str = "dim") -> None:
        """Answer, good or bad."""
        self.answer.setText(words)
        self.answer.setProperty("role", tone)
        restyle(self.answer)
        # A label that wraps asks for one line; the dialog is to grow with what it says.
        self.answer.setMinimumHeight(self.answer.heightForWidth(max(self.answer.width(), 400)))
        self.adjustSize()

    def _ask(self) -> None:
        self.say("looking…")
        self.asked.emit(self.text.text(), self.network.isChecked())
