"""Plans the open night in the background: a night of a thousand frames takes longer than a window may stand still."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PyQt6.QtCore import pyqtBoundSignal

    from astep_gui.jobs import Job, Jobs
    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.measures import Flag
    from pipeline_core.plan_types import Choices, Plan
    from pipeline_core.types import Night

    Question = tuple[Night, Recipe, Choices, Mapping[str, tuple[Flag, ...]]]
    """With what is said against calibration frames: the bad ones are left out, as a run does."""


class Planning(QObject):
    """Answers the latest question only; what is asked while it is at work is answered next, once."""

    planned = pyqtSignal(object)
    """A Plan."""
    failed = pyqtSignal(object)
    """An AstepError: no plan can be made."""

    def __init__(self, jobs: Jobs, ask: Callable[[], Question | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._ask = ask
        """Says what is to be planned, when its turn has come; None where nothing is."""
        self._job: Job | None = None
        self._is_old = False
        self._pause_ms = 0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._begin)

    def ask_soon(self, after_ms: int = 0) -> None:
        """Plan when what goes on now is done, and nothing else was asked for so long: many decisions make one plan."""
        self._is_old = self._job is not None
        self._pause_ms = after_ms
        if not self._is_old:
            self._soon.start(after_ms)

    def forget(self) -> None:
        """Want no answer any more."""
        self._soon.stop()
        self._job, self._is_old = None, False

    def _begin(self) -> None:
        question = self._ask()
        if question is None:
            return

        def work(_context: RunContext) -> Plan:
            from pipeline_core.judge_calibration import hard_words  # noqa: PLC0415 - heavy
            from pipeline_core.plan import build_plan  # noqa: PLC0415 - imported by the scan

            night, recipe, choices, flags = question
            return build_plan(night, recipe, choices, hard_words(flags))

        job = self._job = self._jobs.job("plan", work)
        job.done.connect(lambda plan: self._tell(job, self.planned, plan))
        job.failed.connect(lambda error: self._tell(job, self.failed, error))
        job.start()

    def _tell(self, job: Job, signal: pyqtBoundSignal, answer: object) -> None:
        if job is not self._job:
            return  # of a night that was closed
        self._job = None
        if self._is_old:
            self._is_old = False
            self._soon.start(self._pause_ms)
        else:
            signal.emit(answer)
