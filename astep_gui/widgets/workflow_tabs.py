"""The workflow: four tabs that bring to the front what one part of the work needs, and hide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QTabBar

from astep_gui.actions import WORKFLOW_WORDS

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

WORKFLOW = tuple(WORKFLOW_WORDS)
NEWS = "●"
"""Beside the name of a tab with something new."""
_TIPS = (
    "What is there, and what will be done with it: frames, needs, plan (Ctrl+1)",
    "How good the frames are: timeline, flags, star widths (Ctrl+2)",
    "The run, stage by stage (Ctrl+3)",
    "What came of it: masters, calibrated frames, report, export (Ctrl+4)",
)


class WorkflowTabs(QTabBar):
    """Says which part of the work a person turns to; a click on the tab that is chosen says it again."""

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setAccessibleName("Workflow")
        self.setUsesScrollButtons(False)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        for name, tip in zip(WORKFLOW, _TIPS, strict=True):
            self.setTabToolTip(self.addTab(name), tip)
        # The menu bar asks once how much room they want: it must do for the tab with the most news too.
        self.ensurePolished()
        news = self.fontMetrics().horizontalAdvance(f" {NEWS}")
        self.setFixedWidth(self.sizeHint().width() + news)
        self.tabBarClicked.connect(self._clicked)
        self.currentChanged.connect(self._follow)

    @property
    def name(self) -> str:
        """The tab that is chosen."""
        return WORKFLOW[self.currentIndex()]

    def choose(self, name: str) -> None:
        """Choose a tab, by key or because the work went on."""
        number = WORKFLOW.index(name) if name in WORKFLOW else 0
        if number == self.currentIndex():
            self.chosen.emit(WORKFLOW[number])
        else:
            self.setCurrentIndex(number)

    def _clicked(self, number: int) -> None:
        if number == self.currentIndex():  # another one follows by itself
            self._follow(number)

    def _follow(self, number: int) -> None:
        if number >= 0:
            self.chosen.emit(WORKFLOW[number])
            self.mark(WORKFLOW[number], is_news=False)

    def mark(self, name: str, *, is_news: bool) -> None:
        """Put a dot beside a tab where something is new that was not looked at."""
        number = WORKFLOW.index(name)
        self.setTabText(number, f"{name} {NEWS}" if is_news else name)
