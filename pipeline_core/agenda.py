"""What a run has to do: the tasks that are stale, what each waits for, and whom a failure takes along."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError
from pipeline_core.stage import Task, identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline_core.stage import Made


@dataclass(eq=False)
class Job:
    """One stale task on its way."""

    task: Task
    rank: int
    """Place in the order of the run: what comes first in the person's list, after what it needs."""
    waits_for: set[str] = field(default_factory=set)
    feeds: list[Job] = field(default_factory=list)
    attempts: int = 0
    settled: bool = False

    def __lt__(self, other: Job) -> bool:
        return self.rank < other.rank


class Agenda:
    """Tasks in the order of their dependencies; only stale ones, and what those need, are looked at.

    Parameters
    ----------
    tasks : sequence of Task
        What the person wants, most important first. Their inputs are found through them; a task that
        several need is done once. An input of a fresh task is not asked for: a deleted master whose frames
        are all fresh stays deleted, unless it is itself in the list.
    fresh : callable
        Returns the report of a task that need not be done again, else None.

    Raises
    ------
    NightError
        If two different tasks would write the same file.
    """

    def __init__(self, tasks: Sequence[Task], fresh: Callable[[Task], Made | None]) -> None:
        self.cached: list[Task] = []
        self.made: dict[str, Made] = {}
        self.jobs: dict[str, Job] = {}
        self._fresh = fresh
        self._keys: dict[str, str] = {}
        for task in tasks:
            self._visit(task)
        self._ready = [job for job in self.jobs.values() if not job.waits_for]
        heapq.heapify(self._ready)
        self.open = len(self.jobs)

    def _visit(self, task: Task) -> None:
        name = identity(task)
        if name in self._keys:
            if self._keys[name] != task.key:
                raise NightError(
                    f"two results would be called {name}",
                    "two frames or masters have the same name",
                    "rename one",
                )
            return
        self._keys[name] = task.key
        made = self._fresh(task)
        if made is not None:
            self.made[name] = made
            self.cached.append(task)
            return
        needs = [source for source in task.inputs.values() if isinstance(source, Task)]
        for source in needs:
            self._visit(source)
        job = Job(task, rank=len(self.jobs))
        self.jobs[name] = job
        for source in needs:
            feeder = self.jobs.get(identity(source))
            if feeder is not None and identity(source) not in job.waits_for:
                job.waits_for.add(identity(source))
                feeder.feeds.append(job)

    def peek(self) -> Job | None:
        """Return the first job that could begin now, without taking it."""
        return self._ready[0] if self._ready else None

    def take(self) -> Job:
        """Take the first job that can begin now."""
        return heapq.heappop(self._ready)

    def give_back(self, job: Job) -> None:
        """Put a job back that was taken: it will be tried again."""
        heapq.heappush(self._ready, job)

    def finish(self, job: Job, made: Made) -> None:
        """Note a job's report; those that waited for it alone become ready."""
        name = identity(job.task)
        self.made[name] = made
        self._settle(job)
        for waiting in job.feeds:
            waiting.waits_for.discard(name)
            if not waiting.waits_for and not waiting.settled:
                heapq.heappush(self._ready, waiting)

    def fail(self, job: Job) -> list[Job]:
        """Give a job up; return those that needed it, directly or not, and are given up with it."""
        self._settle(job)
        lost: list[Job] = []
        for waiting in job.feeds:
            if not waiting.settled:
                lost += [waiting, *self.fail(waiting)]
        return lost

    def _settle(self, job: Job) -> None:
        job.settled = True
        self.open -= 1
