"""The run's own diary: every message, warning and failure as a line of JSON in ``log.jsonl``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError
from pipeline_core.events import WAITS, Event, RunContext

if TYPE_CHECKING:
    from pathlib import Path

KEPT = frozenset({"started", "finished", "message", "failed", "cancelled"})
"""Progress, and what is waited for, is for the eye; the diary keeps what happened."""


RUN = "run"
"""The job under which a run tells how it began and how it ended."""
DIARY = "log.jsonl"


def was_broken_off(output: Path) -> bool:
    """Tell whether the last run into an output began and never ended: killed, or the machine went down.

    Parameters
    ----------
    output : Path
        Of a run that is not on now (:func:`pipeline_core.lock.holder`): one that is on has not ended either.
    """
    try:
        lines = (output / DIARY).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    for line in reversed(lines):
        try:
            told = json.loads(line)
        except ValueError:  # cut short by that very end
            continue
        if isinstance(told, dict) and told.get("job") == RUN and told.get("kind") in _ENDS | {"started"}:
            return bool(told["kind"] == "started")
    return False


_ENDS = frozenset({"finished", "failed", "cancelled"})


def into_file(context: RunContext, path: Path) -> Journal:
    """Return a context that also writes what happens to a file; cancelling either cancels both.

    Raises
    ------
    NightError
        If the file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise NightError(
            f"cannot write into {path.parent}",
            error.strerror or str(error),
            "name another output folder with -o",
        ) from error
    return Journal(context, path)


class Journal(RunContext):
    """Passes events on and writes the telling ones; a full disk must not stop a night because of its diary."""

    def __init__(self, context: RunContext, path: Path) -> None:
        super().__init__()
        self._context = context
        self._path = path
        self._stop = context._stop  # noqa: SLF001 - one flag, so that cancelling either stops both
        self._failed = False

    def emit(self, event: Event) -> None:
        """Write the event, then pass it on."""
        self.note(event)
        self._context.emit(event)

    def note(self, event: Event) -> None:
        """Write an event into the diary only: what a person is told elsewhere, or need not see."""
        if event.kind not in KEPT or WAITS in event.data or self._failed:
            return
        line = {
            "when": datetime.fromtimestamp(event.when, UTC).isoformat(timespec="milliseconds"),
            "kind": event.kind,
            "job": event.job,
            "level": event.level,
            "text": event.text,
        }
        if event.path is not None:
            line["path"] = event.path
        if event.total:
            line["count"] = f"{event.done}/{event.total}"
        if "trace" in event.data:  # where in the program a fault happened: for the report that the person sends
            line["trace"] = event.data["trace"]
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            self._failed = True
            self._context.say("log", f"the log cannot be written any more: {error.strerror}", level="warning")
