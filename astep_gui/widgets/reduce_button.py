"""The one main button: reduces the night, and while it does, says how far it is and cancels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QPushButton

from astep_gui.theme import icon

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from astep_gui.models.night_model import NightModel
    from astep_gui.models.reduction_model import ReductionModel


class ReduceButton(QPushButton):
    """Follows the run."""

    reduce_asked = pyqtSignal()
    cancel_asked = pyqtSignal()

    def __init__(self, night: NightModel, run: ReductionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._run = run
        self.setProperty("primary", "true")
        self.setMinimumHeight(30)
        # The longest words it says, so that the tool bar does not jump.
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance("Cancel · 8888/8888 · 88 min left") + 50)
        self.clicked.connect(lambda: self.cancel_asked.emit() if run.is_running else self.reduce_asked.emit())
        run.changed.connect(self.follow)
        night.night_changed.connect(self.follow)
        night.plan_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Say what a click does now."""
        is_running = self._run.is_running
        self.setText(self._run.words)
        self.setIcon(icon("cancel" if is_running else "run", "primary_text"))
        plan = self._night.plan
        can_run = plan is not None and bool(plan.science or plan.masters)
        self.setEnabled((is_running and not self._run.is_stopping) or (can_run and not is_running))
        if is_running:
            self.setToolTip(f"{self._run.stage}: a click stops the run; what is finished stays (Ctrl+.)")
        elif can_run and plan is not None:
            self.setToolTip(f"{len(plan.masters)} masters, {len(plan.science)} science frames (Ctrl+R)")
        else:
            self.setToolTip("open a night with usable frames first")
