"""How far a run is, stage by stage, and how long the rest will take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_core.events import Event
from pipeline_core.stage import Raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_core.events import Level, RunContext
    from pipeline_core.stage import Stage, Task


@dataclass
class _Tally:
    total: int = 0
    settled: int = 0
    timed: int = 0
    seconds: float = 0.0
    lanes: int = 1
    first: int = 0
    """Tasks that tell nothing of the others: the first of each worker waits for its imports and kernels."""
    guess_s: float | None = None
    counts: bool = True

    @property
    def left_s(self) -> float | None:
        """Seconds the rest takes; None before anything like it was ever timed: better than a wild guess."""
        left = self.total - self.settled
        each = self.seconds / self.timed if self.timed else self.guess_s
        return 0.0 if not left else None if each is None else left * each / min(self.lanes, left)


class Progress:
    """Tells a run's events, each with the time left.

    Parameters
    ----------
    ctx : RunContext
        Who listens.
    stale, cached : iterable of Task
        What the run will do, and what it need not do.
    workers : int
        Tasks done at the same time; wide stages go one by one.
    typical_s : mapping
        Stage → seconds of one task in earlier runs, the guess until this run has its own.

    Notes
    -----
    Events carry ``data = {"eta_s", "cached", "run_done", "run_total"}``, and "label" of the task they
    are about; ``eta_s`` is for the whole run and
    leaves out stages of which nothing is known yet; None when nothing is known at all.
    """

    def __init__(
        self,
        ctx: RunContext,
        stale: Iterable[Task],
        cached: Iterable[Task],
        workers: int,
        typical_s: Mapping[str, float],
    ) -> None:
        self._ctx = ctx
        self._tallies: dict[str, _Tally] = {}
        self._cached: dict[str, int] = {}
        for task in stale:
            stage = task.stage
            tally = self._tallies.setdefault(
                stage.name,
                _Tally(
                    lanes=1 if stage.wide else workers,
                    first=0 if stage.wide else workers,
                    guess_s=typical_s.get(stage.name),
                    counts=not stage.is_aid,
                ),
            )
            tally.total += 1
        for task in cached:
            self._cached[task.stage.name] = self._cached.get(task.stage.name, 0) + 1
        self._begun: set[str] = set()

    @property
    def eta_s(self) -> float | None:
        """Seconds until the run ends, as far as known."""
        rest = [tally.left_s for tally in self._tallies.values() if tally.settled < tally.total]
        known = [left for left in rest if left is not None]
        return sum(known) if known or not rest else None

    def begun(self, stage: Stage) -> None:
        """Say that the first task of a stage begins."""
        if stage.name not in self._begun and not stage.is_aid:
            self._begun.add(stage.name)
            self._emit("started", stage.name)

    def done(self, task: Task, seconds: float) -> None:
        """Say that a task is done."""
        tally = self._tallies[task.stage.name]
        if tally.first:
            tally.first -= 1
        else:
            tally.timed += 1
            tally.seconds += seconds
        self._settled(task)

    def failed(self, task: Task, reason: str, trace: str = "") -> None:
        """Say that a task failed or was given up, and why."""
        if task.stage.is_aid:
            self._ctx.say(task.stage.name, reason, level="warning", path=frame_of(task))
        else:
            self.begun(task.stage)
            self._emit("failed", task.stage.name, text=reason, level="error", task=task, trace=trace)
        self._settled(task)

    def cancelled(self) -> None:
        """Say that the person stopped the run."""
        for name, tally in self._tallies.items():
            if name in self._begun and tally.settled < tally.total:
                self._emit("cancelled", name)

    def _settled(self, task: Task) -> None:
        tally = self._tallies[task.stage.name]
        tally.settled += 1
        if not tally.counts:
            return
        self._emit("progress", task.stage.name, task=task)
        if tally.settled == tally.total:
            self._emit("finished", task.stage.name)

    def _emit(
        self,
        kind: Any,
        stage: str,
        *,
        task: Task | None = None,
        trace: str = "",
        text: str = "",
        level: Level = "info",
    ) -> None:
        tally = self._tallies[stage]
        eta_s = self.eta_s
        data: dict[str, Any] = {
            "eta_s": None if eta_s is None else round(eta_s, 1),
            "cached": self._cached.get(stage, 0),
            "run_done": sum(t.settled for t in self._tallies.values() if t.counts),
            "run_total": sum(t.total for t in self._tallies.values() if t.counts),
        }
        if task is not None:
            data["label"] = task.label
        if trace:
            data["trace"] = trace
        path = None if task is None else frame_of(task)
        self._ctx.emit(Event(kind, stage, tally.settled, tally.total, text, level, path, data))


def frame_of(task: Task) -> str | None:
    """Return the night-relative path of the frame a task is about; None for masters and the like."""
    for source in task.inputs.values():
        if isinstance(source, Raw):
            if source.name == task.label:
                return source.name
        elif source.label == task.label and frame_of(source) is not None:
            return task.label
    return None
