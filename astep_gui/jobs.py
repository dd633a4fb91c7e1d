"""Work off the window's thread: what it says arrives in the window a few times a second, not a thousand."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from pipeline_core.errors import AstepError, to_keep
from pipeline_core.events import Cancelled, Event, RunContext

if TYPE_CHECKING:
    from collections.abc import Callable

    Work = Callable[[RunContext], Any]

RELAY_MS = 80
"""Events wait this long at most; twelve updates a second look alive and cost nothing."""


class Job(QObject):
    """One piece of work in a thread of its own, cancellable. Signals arrive in the thread that made it."""

    heard = pyqtSignal(list)
    """Events since the last time; of each stage's progress only the newest."""
    told = pyqtSignal(object)
    """A piece of the result before the end; the work emits it."""
    done = pyqtSignal(object)
    failed = pyqtSignal(object)
    """An AstepError."""
    cancelled = pyqtSignal()
    ended = pyqtSignal()
    """After any of the three."""

    _arrived = pyqtSignal(str, object)

    def __init__(self, name: str, work: Work, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.context = RunContext(self._keep)
        self._work = work
        self._lock = threading.Lock()
        self._waiting: list[Event] = []
        self._thread = threading.Thread(target=self._run, name=f"astep {name}", daemon=True)
        self._relay = QTimer(self)
        self._relay.setInterval(RELAY_MS)
        self._relay.timeout.connect(self._pass_on)
        self._arrived.connect(self._end)

    @property
    def is_running(self) -> bool:
        """Whether its thread is at work."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._relay.start()
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to stop at its next checkpoint."""
        self.context.cancel()

    def wait(self, seconds: float = 10.0) -> bool:
        """Wait for its thread; return whether it ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _keep(self, event: Event) -> None:
        """Store an event (in the job's thread, or a thread of its own)."""
        with self._lock:
            self._waiting.append(event)

    def _run(self) -> None:
        try:
            end, value = "done", self._work(self.context)
        except Cancelled:
            end, value = "cancelled", None
        except AstepError as error:
            end, value = "failed", to_keep(error)
        except Exception as error:  # noqa: BLE001 - it reaches the person as a crash report
            end, value = "crashed", error
        try:
            self._arrived.emit(end, value)
        except RuntimeError:
            return  # the window was closed meanwhile

    def _pass_on(self) -> None:
        with self._lock:
            events, self._waiting = self._waiting, []
        if events:
            self.heard.emit(coalesced(events))

    def _end(self, end: str, value: Any) -> None:
        self._thread.join()
        self._relay.stop()
        self._pass_on()
        if end == "done":
            self.done.emit(value)
        elif end == "cancelled":
            self.cancelled.emit()
        elif end == "failed":
            self.failed.emit(value)
        else:
            sys.excepthook(type(value), value, value.__traceback__)
            self.failed.emit(AstepError(f"{self.name} stopped", f"a fault in the program: {value}", "send the report"))
        self.ended.emit()


class Jobs(QObject):
    """All jobs of a window, so that closing it ends them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: list[Job] = []

    @property
    def are_running(self) -> bool:
        """Whether any is at work."""
        return any(job.is_running for job in self._running)

    def job(self, name: str, work: Work) -> Job:
        """Make a job; connect to it, then start it."""
        job = Job(name, work, self)
        self._running.append(job)
        job.ended.connect(lambda: self._forget(job))
        return job

    def close(self) -> None:
        """Cancel all, and wait for their threads."""
        for job in self._running:
            job.cancel()
        for job in self._running:
            if job.is_running:
                job.wait()

    def _forget(self, job: Job) -> None:
        if job in self._running:
            self._running.remove(job)
            job.deleteLater()


def coalesced(events: list[Event]) -> list[Event]:
    """Keep every message, and of each stage's progress only the newest, which names all that was done since."""
    newest = {event.job: k for k, event in enumerate(events) if event.kind == "progress"}
    labels: dict[str, list[str]] = {}
    for event in events:
        if event.kind == "progress" and event.data.get("label"):
            labels.setdefault(event.job, []).append(event.data["label"])
    kept = [event for k, event in enumerate(events) if event.kind != "progress" or newest[event.job] == k]
    return [
        replace(event, data=event.data | {"labels": labels[event.job]})
        if event.kind == "progress" and event.job in labels
        else event
        for event in kept
    ]
