"""The one main button: reduces the night, and while it does, says how far it is and cancels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QPushButton

from astep_gui.models.reduction_model import first_run_words, waiting_reasons
from astep_gui.theme import icon, restyle
from astep_gui.widgets.turning_button import Turning

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
        self._turning = Turning(self)
        self.setMinimumHeight(30)
        # The longest words it says, so that the tool bar does not jump.
        longest = ("Cancel · 8888/8888 · 88 min left", "Cancel · 888/888 · a few seconds left")
        self.setMinimumWidth(max(map(self.fontMetrics().horizontalAdvance, longest)) + 50)
        self.clicked.connect(lambda: self.cancel_asked.emit() if run.is_running else self.reduce_asked.emit())
        run.changed.connect(self.follow)
        night.night_changed.connect(self.follow)
        night.plan_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Say what a click does now."""
        is_running = self._run.is_running
        self.setText(self._run.words)
        survey = self._night.survey
        is_settled = not is_running and survey is not None and survey.is_reduced and survey.is_up_to_date
        self._turning.turn(cancels=is_running)
        name = "cancel" if is_running else "done" if is_settled else "run"
        self.setIcon(icon(name, "bad" if is_running else "text" if is_settled else "primary_text"))
        is_calm = is_settled or is_running
        if self.property("primary") != ("false" if is_calm else "true"):
            self.setProperty("primary", "false" if is_calm else "true")  # a calm button: nothing waits for it
            restyle(self)
        plan = self._night.plan
        can_run = plan is not None and bool(plan.science or plan.masters)
        is_free = not is_running and not self._run.is_blocked
        self.setEnabled((is_running and not self._run.is_stopping) or (can_run and is_free))
        if self._run.is_blocked and not is_running:
            self.setToolTip("the sky is being worked on, and one at a time writes into the results: see the panel Sky")
        elif is_running:
            self.setToolTip(f"{self._run.stage}: a click stops the run; what is finished stays (Ctrl+.)")
        elif can_run and plan is not None:
            self.setToolTip(self._what_would_be_done())
        else:
            self.setToolTip("open a night with usable frames first")

    def _what_would_be_done(self) -> str:
        plan, survey = self._night.plan, self._night.survey
        assert plan is not None, "asked for only when there is one"
        if survey is None or not survey.is_reduced:
            return f"Ctrl+R {first_run_words(plan, survey)}"
        if survey.is_up_to_date:
            return "nothing changed since the last run; a click checks it again (Ctrl+R)"
        return "\n".join(["only what changed is computed anew (Ctrl+R):", *waiting_reasons(survey)])
