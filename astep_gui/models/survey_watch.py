"""Looks up in the background what a run would make anew, when decisions have come to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

if TYPE_CHECKING:
    from astep_gui.jobs import Job, Jobs
    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.session import Place
    from pipeline_core.survey import Survey
    from pipeline_core.types import Night

REST_MS = 250
"""A survey begins when no other decision came for this long."""


class SurveyWatch(QObject):
    """Answers the latest question only."""

    found = pyqtSignal(object)
    """A Survey."""
    failed = pyqtSignal(object)
    """An AstepError."""

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        self._asked: tuple[Place, Night, Recipe] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._begin)

    def look(self, place: Place, raw: Night, recipe: Recipe) -> None:
        """Ask what a run would do; an earlier question is forgotten."""
        self._asked = (place, raw, recipe)
        self._job = None
        self._rest.start()

    def forget(self) -> None:
        """Want no answer any more."""
        self._rest.stop()
        self._job = self._asked = None

    def _begin(self) -> None:
        if self._asked is None:
            return
        asked = self._asked

        def work(_context: RunContext) -> Survey:
            from pipeline_core.survey import survey  # noqa: PLC0415 - imports the stages

            return survey(*asked)

        job = self._job = self._jobs.job("what is to be made", work)
        job.done.connect(lambda answer: self.found.emit(answer) if job is self._job else None)
        job.failed.connect(lambda error: self.failed.emit(error) if job is self._job else None)
        job.start()
