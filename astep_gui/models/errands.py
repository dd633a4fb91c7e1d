"""What is written beside the run (a report, an export, a demo night): each once, counted, stopped at a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from astep_gui.jobs import Job, Jobs, Work
    from pipeline_core.events import Event


@dataclass
class _Errand:
    """One that is being run."""

    title: str
    job: Job
    done: int = 0
    total: int = 0
    is_stopping: bool = False


class Errands(QObject):
    """Runs each errand at most once at a time; knows no widgets."""

    changed = pyqtSignal()
    """Begun, further, ended."""
    said = pyqtSignal(list)
    problem = pyqtSignal(object)
    """An AstepError."""
    stopped = pyqtSignal(str)
    """The title of an errand that a person stopped."""

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._running: dict[str, _Errand] = {}

    def is_running(self, name: str) -> bool:
        """Whether this errand is being run."""
        return name in self._running

    @property
    def is_any(self) -> bool:
        """Whether any can be stopped."""
        return any(not errand.is_stopping for errand in self._running.values())

    @property
    def titles(self) -> list[str]:
        """What is being written, as a person reads it; what was told to stop is not among it."""
        return [errand.title for errand in self._running.values() if not errand.is_stopping]

    def words(self, name: str, otherwise: str) -> str:
        """Return what its button says: "Cancel · 12/48" while it runs, its own words otherwise."""
        errand = self._running.get(name)
        if errand is None:
            return otherwise
        if errand.is_stopping:
            return "Stopping…"
        return f"Cancel · {errand.done}/{errand.total}" if errand.total else "Cancel"

    def is_stopping(self, name: str) -> bool:
        """Whether it was told to stop, and has not yet."""
        errand = self._running.get(name)
        return errand is not None and errand.is_stopping

    def start(self, name: str, title: str, work: Work, done: Callable[[Any], object]) -> bool:
        """Run an errand, unless it is being run already.

        Parameters
        ----------
        name : str
            By which it is known here.
        title : str
            As a person reads it: "the report of the night".
        work : callable
            Takes the run's context.
        done : callable
            Hears what the work returned, in the window's thread.

        Returns
        -------
        bool
            Whether it was begun.
        """
        if name in self._running:
            return False
        job = self._jobs.job(title, work)
        self._running[name] = _Errand(title, job)
        job.heard.connect(lambda events: self._hear(name, events))
        job.done.connect(lambda answer: self._end(name, done, answer))
        job.failed.connect(lambda error: self._end(name, self.problem.emit, error))
        job.cancelled.connect(lambda: self._end(name, self.stopped.emit, title))
        job.start()
        self.changed.emit()
        return True

    def cancel(self, name: str) -> None:
        """Stop an errand at its next checkpoint; does nothing where it is not run."""
        errand = self._running.get(name)
        if errand is not None and not errand.is_stopping:
            errand.is_stopping = True
            errand.job.cancel()
            self.changed.emit()

    def cancel_all(self) -> None:
        """Stop whatever is run."""
        for name in list(self._running):
            self.cancel(name)

    def _hear(self, name: str, events: Iterable[Event]) -> None:
        heard = list(events)
        errand = self._running.get(name)
        for event in heard:
            if errand is not None and event.kind in {"started", "progress"} and event.total:
                errand.done, errand.total = event.done, event.total
        self.said.emit(heard)
        self.changed.emit()

    def _end(self, name: str, tell: Callable[[Any], object], what: object) -> None:
        del self._running[name]
        self.changed.emit()
        tell(what)
