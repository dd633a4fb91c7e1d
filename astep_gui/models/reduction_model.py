"""The run of a night in the background: how far it is, how long it takes, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astep_gui.jobs import Job, Jobs
    from astep_gui.models.night_model import NightModel
    from pipeline_core.events import Event, RunContext
    from pipeline_core.reduce import Reduction, RunOptions


class ReductionModel(QObject):
    """One run at a time, of the open night."""

    changed = pyqtSignal()
    """Running or not, how far, what is stale."""
    said = pyqtSignal(list)
    finished = pyqtSignal(object)
    """A Reduction."""
    cancelled = pyqtSignal()
    problem = pyqtSignal(object)

    def __init__(self, night: NightModel, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._jobs = jobs
        self._job: Job | None = None
        self.done = 0
        self.total = 0
        self.eta_s: float | None = None
        self.is_stopping = False
        self.stage = ""

    @property
    def is_running(self) -> bool:
        """Whether a run is going on."""
        return self._job is not None

    @property
    def words(self) -> str:
        """What the button says: "Cancel · 34/200 · 2 min left"."""
        if not self.is_running:
            return "Reduce night"
        if self.is_stopping:
            return "Stopping…"
        parts = ["Cancel"]
        if self.total:
            parts.append(f"{self.done}/{self.total}")
        if self.eta_s is not None:
            parts.append(duration_words(self.eta_s))
        return " · ".join(parts)

    def start(self, options: RunOptions | None = None) -> None:
        """Reduce what is stale. Does nothing while a run goes on or no night is open."""
        place, recipe = self._night.place, self._night.recipe
        if self.is_running or place is None:
            return

        def work(context: RunContext) -> Reduction:
            from pipeline_core.reduce import RunOptions, reduce_night  # noqa: PLC0415 - not before it is asked for

            # Masters in a worker too: combining here would make the window stutter.
            wanted = options or RunOptions(masters_inside=False)
            return reduce_night(place, recipe, wanted, context)

        self.done = self.total = 0
        self.eta_s, self.is_stopping, self.stage = None, False, ""
        self._night.begin_run()
        job = self._job = self._jobs.job("reducing", work)
        job.heard.connect(self._hear)
        job.done.connect(self._finish)
        job.failed.connect(self._fail)
        job.cancelled.connect(self._stop)
        job.start()
        self.changed.emit()

    def cancel(self) -> None:
        """Stop at the next checkpoint; what is finished stays."""
        if self._job is not None:
            self._job.cancel()
            self.is_stopping = True
            self.changed.emit()

    def _hear(self, events: Iterable[Event]) -> None:
        heard = list(events)
        for event in heard:
            if event.data.get("run_total"):
                self.done, self.total = event.data["run_done"], event.data["run_total"]
                self.eta_s = event.data.get("eta_s")
            if event.kind in {"started", "progress"}:
                self.stage = event.job
            if event.level == "error" and event.path is not None:
                self._night.frame_failed(event.path, event.text)
        self.said.emit(heard)
        self.changed.emit()

    def _finish(self, result: Reduction) -> None:
        self._job = None
        self._night.end_run(result)
        self.changed.emit()
        self.finished.emit(result)

    def _fail(self, error: object) -> None:
        self._job = None
        self._night.end_run(None)
        self.changed.emit()
        self.problem.emit(error)

    def _stop(self) -> None:
        self._job = None
        self._night.end_run(None)
        self.changed.emit()
        self.cancelled.emit()


def duration_words(seconds: float) -> str:
    """Say how long the rest takes, as exactly as it is known."""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 90:
        return f"{round(seconds / 5) * 5:.0f} s left"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min left"
    return f"{seconds / 3600:.1f} h left"
