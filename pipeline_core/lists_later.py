"""Decisions on their way to the disk: brought there in the background, for a window that must not wait for one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError, NightError, to_keep
from pipeline_core.io.atomic import explained
from pipeline_core.io.database import DATABASE, Database
from pipeline_core.io.decision_lists import ACCEPTED, REJECTED, write_lists
from pipeline_core.logbook import Logbook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SWEPT = 3
"""So often an unfinished list may be swept away (by a run that begins) before that is trouble."""


class ListsLater:
    """Writes the lists of an output a moment after a decision, and sees that the decision itself is on the disk.

    Parameters
    ----------
    failed : callable
        Takes the AstepError of lists that could not be written; called in the thread that writes.

    Notes
    -----
    Many decisions in a row come to one writing: of the newest state. The thread has a connection of its own, so whoever
    decides waits neither for the disk nor for a lock that is held while the disk is waited for.
    """

    def __init__(self, failed: Callable[[AstepError], None]) -> None:
        self._failed = failed
        self._changed = threading.Condition()
        self._waiting: dict[Path, None] = {}
        self._thread: threading.Thread | None = None
        """At work; ends when nothing waits."""

    def soon(self, output: Path) -> None:
        """Take note that something was decided about an output; returns at once."""
        with self._changed:
            self._waiting[output] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="astep lists", daemon=True)
                self._thread.start()

    def flush(self, seconds: float = 30.0) -> bool:
        """Wait until all is written; return whether it is. Not for a window that is seen: jobs ask for it."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, seconds)

    def _run(self) -> None:
        try:
            while (output := self._next()) is not None:
                try:
                    bring_to_disk(output)
                except Exception as error:  # noqa: BLE001 - told, not lost in a thread
                    self._failed(to_keep(_told(error, output)))
        finally:  # however it ended: the next decision begins another
            with self._changed:
                if self._thread is threading.current_thread():
                    self._end()

    def _next(self) -> Path | None:
        """Return an output whose lists wait; None, and be at work no more, where none do."""
        with self._changed:
            if not self._waiting:
                self._end()
                return None
            output = next(iter(self._waiting))
            del self._waiting[output]
            return output

    def _end(self) -> None:
        self._thread = None
        self._changed.notify_all()


def _told(error: Exception, output: Path) -> AstepError:
    if isinstance(error, AstepError):
        return error
    if isinstance(error, OSError):
        return explained(error, output)
    return NightError(
        f"cannot write {ACCEPTED} and {REJECTED} in {output}",
        f"{type(error).__name__}: {error}",
        "your decisions are kept in the logbook; please report this",
    )


def bring_to_disk(output: Path) -> None:
    """Bring the decisions of an output to the disk, then write its lists as they are in force.

    Notes
    -----
    No lock is held while the disk is waited for, so another process may decide and write its lists in between. Whoever
    writes therefore looks again afterwards, and writes anew where the state is another by then: the lists written last
    are those of the last state.
    """
    if not (output / DATABASE).is_file():
        return  # the output was thrown away meanwhile
    with Database(output) as database:
        database.settle()
        logbook = Logbook(database, output)
        written, swept = None, 0
        while (texts := logbook.lists()) != written:
            try:
                write_lists(output, texts)
            except AstepError as error:
                swept += 1
                if not isinstance(error.__cause__, FileNotFoundError) or swept > SWEPT:
                    raise
            else:
                written = texts
        database.settle()  # decided meanwhile
