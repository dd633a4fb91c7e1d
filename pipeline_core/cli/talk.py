"""How the command line speaks: words and tables for a person, one JSON document for a program, progress for both."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from pipeline_core.events import Event, RunContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline_core.errors import AstepError

SCHEMA = 1

_NAME_WIDTH, _WORD_WIDTH = 16, 9


class Talk:
    """Standard output carries the answer; progress and messages go to standard error."""

    def __init__(self, *, json_wanted: bool, quiet: bool) -> None:
        self.json_wanted = json_wanted
        self.quiet = quiet
        self._answered = False

    def answer(self, document: dict[str, Any]) -> None:
        """Print the one JSON document of this command, if JSON is wanted."""
        if self.json_wanted:
            # Made whole before it is printed: a value that JSON does not know must not leave half a document.
            text = json.dumps({"schema": SCHEMA, **document}, ensure_ascii=False, allow_nan=False)
            self._answered = True
            print(text)  # noqa: T201

    def say(self, text: str = "") -> None:
        """Print a line of the answer for a person."""
        if not self.json_wanted:
            print(text)  # noqa: T201

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
        """Print a table for a person, nothing without rows; markup in names and headers is not interpreted."""
        rows = list(rows)
        if self.json_wanted or not rows:
            return
        from rich.console import Console  # noqa: PLC0415 - 80 ms that --json and --quiet need not pay
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        made = Table(
            title=title or None,
            title_justify="left",
            box=None,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            header_style="bold",
        )
        # On a narrow terminal figures give way first: a short name stays on its line, and so does a word at the end.
        widest = [max((len(str(row[number])) for row in rows), default=0) for number in (0, -1)]
        least = {0: min(widest[0], _NAME_WIDTH), len(columns) - 1: min(widest[1], _WORD_WIDTH)}
        for number, column in enumerate(columns):
            made.add_column(column, overflow="fold", min_width=least.get(number))
        for row in rows:
            made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
        console = Console(width=None if sys.stdout.isatty() else 160)
        console.print(made)

    def error(self, error: AstepError) -> None:
        """Say what went wrong, why, and what to do."""
        if self.json_wanted and not self._answered:  # never a second document
            self.answer({"error": error.as_dict()})
            return
        print(f"astep: {error.what}", file=sys.stderr)  # noqa: T201
        if error.why:
            print(f"  because: {error.why}", file=sys.stderr)  # noqa: T201
        if error.hint:
            print(f"  you can: {error.hint}", file=sys.stderr)  # noqa: T201

    def cancelled(self) -> None:
        """Say that the person stopped it and nothing is lost."""
        if self.json_wanted and not self._answered:
            words = {"what": "cancelled", "why": "a stop was asked for", "hint": "run it again to continue"}
            self.answer({"error": words})
        else:
            print("cancelled; what was finished stays: run it again to continue", file=sys.stderr)  # noqa: T201

    def context(self) -> RunContext:
        """Return a context that shows progress as this terminal can."""
        if self.quiet:
            return RunContext()
        if sys.stderr.isatty():
            return RunContext(_TerminalProgress())
        return RunContext(_PlainProgress())


class _PlainProgress:
    """One line when a stage starts, one every ten seconds while it runs; warnings at once."""

    def __init__(self) -> None:
        self._last = 0.0
        self._waiting: str | None = None
        """Line of a job that is worth a word only if it takes long."""

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        if event.kind == "message":
            mark = {"info": "", "warning": "warning: ", "error": "failed: "}[event.level]
            self._print(f"{mark}{event.text}")
        elif event.kind == "started" and event.total:
            self._last = now
            self._waiting = f"{event.job}: {event.total}" if event.total > 1 else event.job
            if "eta_s" in event.data:  # a stage of the run; others, like reading headers, are over at once
                self._say_what_waits()
        elif event.kind == "progress" and self._waiting is not None and now - self._last > 1:
            self._say_what_waits()
        elif event.kind == "progress" and now - self._last > 10:
            self._last = now
            self._print(f"{event.job}: {event.done}/{event.total}{_eta(event)}")

    def _say_what_waits(self) -> None:
        if self._waiting is not None:
            self._print(self._waiting)
            self._waiting = None

    @staticmethod
    def _print(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201


class _TerminalProgress:
    """A bar for each stage, with count and time left."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

        self._progress = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TextColumn("{task.fields[eta]}"),
            console=Console(stderr=True),
        )
        self._bars: dict[str, Any] = {}

    def __call__(self, event: Event) -> None:
        if event.kind == "message":
            style = {"info": "", "warning": "yellow", "error": "red"}[event.level]
            mark = {"info": "", "warning": "warning: ", "error": "failed: "}[event.level]
            self._progress.console.print(f"{mark}{event.text}", style=style, markup=False, highlight=False)
            return
        if event.kind == "started" and event.job not in self._bars and event.total:
            if not self._bars:
                self._progress.start()
            self._bars[event.job] = self._progress.add_task(event.job, total=event.total, eta="")
        bar = self._bars.get(event.job)
        if bar is not None and event.kind in {"progress", "finished"}:
            self._progress.update(bar, completed=event.done, total=event.total, eta=_eta(event))
        if all(task.finished for task in self._progress.tasks):
            self._progress.stop()
            self._bars = {}
            for task in list(self._progress.task_ids):
                self._progress.remove_task(task)


def _eta(event: Event) -> str:
    seconds = event.data.get("eta_s")
    if seconds is None or event.done >= event.total:
        return ""
    if seconds < 90:
        return f" · {seconds:.0f} s left"
    return f" · {seconds / 60:.0f} min left"
