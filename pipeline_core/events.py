"""What a running job says of itself, and how it is told to stop: one stream for command line and window."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

T = TypeVar("T")

Level = Literal["info", "warning", "error"]


WAITS = "waits"
"""In the data of an event: its job is what is waited for, not one that is counted."""


class Cancelled(Exception):  # noqa: N818 - not an error: the person asked for it
    """Raised inside a job at the next checkpoint after a cancel."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a job."""

    kind: Literal["started", "progress", "message", "finished", "failed", "cancelled"]
    job: str
    """Stage or job name, as a person reads it: "master darks", "science frames"."""
    done: int = 0
    total: int = 0
    text: str = ""
    level: Level = "info"
    path: str | None = None
    """Night-relative path of the frame it is about, if it is about one."""
    data: dict[str, Any] = field(default_factory=dict)
    when: float = field(default_factory=time.time)


class _Flag:
    """Up or not. Not a ``threading.Event``: that has a lock, and a second Ctrl+C may come while the first holds it."""

    up = False


class RunContext:
    """Handed to every job: says, tracks progress, checks for cancel. Knows nothing of who listens."""

    def __init__(self, listener: Callable[[Event], None] | None = None) -> None:
        self._listener = listener
        self._stop = _Flag()

    def cancel(self) -> None:
        """Ask the job to stop at its next checkpoint."""
        self._stop.up = True

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.up

    def check(self) -> None:
        """Raise :class:`Cancelled` if a stop was asked for."""
        if self._stop.up:
            raise Cancelled

    def emit(self, event: Event) -> None:
        """Hand one event to the listener."""
        if self._listener is not None:
            self._listener(event)

    def say(self, job: str, text: str, *, level: Level = "info", path: str | None = None) -> None:
        """Tell the person something in words."""
        self.emit(Event("message", job, text=text, level=level, path=path))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say what is waited for meanwhile, where nothing can be counted: an answer from the network, a long search.

        Parameters
        ----------
        what : str
            As a person reads it after "waits for": "Gaia's archive: 3 catalogue tiles".
        """
        self.emit(Event("started", what, data={WAITS: True}))
        try:
            yield
        finally:
            self.emit(Event("finished", what, data={WAITS: True}))

    def track(self, job: str, items: Iterable[T], total: int | None = None) -> Iterator[T]:
        """Iterate with progress events and a cancel checkpoint before each item."""
        if total is None:
            total = len(items) if isinstance(items, Sized) else 0
        self.emit(Event("started", job, total=total))
        done = 0
        for item in items:
            self.check()
            yield item
            done += 1
            self.emit(Event("progress", job, done=done, total=total))
        self.emit(Event("finished", job, done=done, total=total))
