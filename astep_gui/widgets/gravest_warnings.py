"""The warnings of a run that concern most frames, in whole sentences, each with the click that shows its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from astep_gui.models.held_together import held_together
from astep_gui.models.results_words import sentence
from astep_gui.widgets.whole_label import WholeLabel
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.findings import Finding


class GravestWarnings(QWidget):
    """A line a warning; the list below has all of them."""

    frames_asked = pyqtSignal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: list[Finding] = []
        self._more = 0
        self.lines: list[tuple[WholeLabel, QPushButton]] = []
        self.more = QLabel(self)
        self.more.setProperty("role", "dim")
        self._rows = QGridLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setHorizontalSpacing(8)
        self._rows.setVerticalSpacing(6)
        self._rows.setColumnStretch(0, 1)
        self.hide()

    def show_findings(self, findings: Sequence[Finding], more: int = 0) -> None:
        """Show these, and say how many more the list below has.

        Parameters
        ----------
        findings : sequence of Finding
            The gravest first.
        more : int
        """
        if (list(findings), more) == (self._shown, self._more):
            return  # a click must not lose its button
        self._shown, self._more = list(findings), more
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None and widget is not self.more:
                widget.hide()  # it is deleted later, and would lie below the new ones until then
                widget.deleteLater()
        self.lines = []
        for row, finding in enumerate(findings):
            words, button = WholeLabel(), QPushButton("Show")
            words.setProperty("role", "warn")
            words.setText(f"▲ {held_together(sentence(finding.words))}")
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            button.setProperty("small", "true")
            button.setToolTip(f"Select the {counted(len(finding.paths), 'frame')} in the list, and look at the first")
            button.clicked.connect(lambda _on, paths=finding.paths: self.frames_asked.emit(list(paths)))
            self._rows.addWidget(words, row, 0)
            self._rows.addWidget(button, row, 1, Qt.AlignmentFlag.AlignTop)
            self.lines.append((words, button))
        self.more.setText(f"{more} more under “Warnings” below" if more else "")
        self.more.setVisible(more > 0)
        self._rows.addWidget(self.more, len(self.lines), 0, 1, 2)
        self.setVisible(bool(findings))
