"""Runs what is stale, in the order of dependencies, on any executor; one bad frame never stops a night."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from pipeline_core import memory
from pipeline_core.agenda import Agenda, Job
from pipeline_core.errors import AstepError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.executor import WorkerPool, make_executor, usable_cores
from pipeline_core.io.atomic import part_path
from pipeline_core.progress import Progress, frame_of
from pipeline_core.stage import Raw, Task, identity, stopping_by
from pipeline_core.work import Assignment, Outcome, RawFile, carry_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline_core.stage import Made
    from pipeline_core.store import Store

TRIES = 2
"""A task whose worker died is tried once more: the death may be another's fault (memory, a lost node)."""
_WIDE_STAGE = "wide stage"
_LAST_GRACE_S = 0.4
"""What a stage in a thread of this process may take to finish after a cancel."""
_LOOK_S = 0.1
"""How often a waiting run looks whether it was cancelled."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that was not done, and why, in words."""

    task: Task
    reason: str

    @property
    def label(self) -> str:
        """What a person calls the task."""
        return self.task.label


@dataclass
class RunReport:
    """What a run did."""

    done: list[Task] = field(default_factory=list)
    cached: list[Task] = field(default_factory=list)
    """Up to date already."""
    failed: list[Failure] = field(default_factory=list)
    skipped: list[Failure] = field(default_factory=list)
    """Not tried, because something they need failed (named in the reason)."""
    made: dict[str, dict[str, Made]] = field(default_factory=dict)
    """Stage name → label → what the task reported, done or cached."""
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    """Of the whole process tree, 10⁶ bytes."""


class RunCancelled(Cancelled):
    """A run that a person stopped; what was finished stays."""

    def __init__(self, report: RunReport) -> None:
        super().__init__()
        self.report = report


def run(
    tasks: Sequence[Task],
    store: Store,
    executor: str | WorkerPool = "processes",
    ctx: RunContext | None = None,
    *,
    workers: int | None = None,
    cores: int | None = None,
    memory_bytes: int | None = None,
    bytes_per_task: Callable[[Task], int] | None = None,
    force: bool = False,
    inline_wide: bool = False,
    warm_up: Callable[[], None] | None = None,
) -> RunReport:
    """Make everything in ``tasks`` that is not up to date, and what it needs.

    Parameters
    ----------
    tasks : sequence of Task
        Most important first. Inputs that are tasks are made first. A product comes to the stage's function
        as its file; the report of a task that only measures comes in ``settings`` under the input's name.
    store : Store
        Of the output; hold its :class:`~pipeline_core.lock.RunLock`.
    executor : str or WorkerPool
        See :func:`~pipeline_core.executor.make_executor`; a pool that is handed in is not shut down (but a
        cancel ends it).
    ctx : RunContext, optional
        Hears the progress; its ``cancel`` ends the workers within two seconds.
    workers, cores : int, optional
        Tasks at the same time, and cores in all; all usable cores if absent.
    memory_bytes : int, optional
        For the whole process tree; see :func:`~pipeline_core.memory.memory_budget`.
    bytes_per_task : callable, optional
        Memory a task takes beyond its process; see :func:`~pipeline_core.memory.task_bytes`.
    force : bool
        Make everything anew.
    inline_wide : bool
        Do wide stages in a thread of this process with all cores: no process to start first. A cancel
        leaves such a thread behind; it ends where its stage next calls :func:`~pipeline_core.stage.check_wanted`, at
        the latest with its task, and its file is thrown away.
    warm_up : callable, optional
        Called once before the first worker starts, if there is anything to do: compiles the kernels.

    Returns
    -------
    RunReport

    Raises
    ------
    RunCancelled
        If ``ctx`` was cancelled; carries the report so far.
    AstepError
        If nothing can be run at all. A task that fails raises nothing: it is in the report.
    """
    begun = time.perf_counter()
    ctx = ctx or RunContext()
    fresh = (lambda _task: None) if force else partial(store.fresh, reading=_once_said(ctx))
    try:
        agenda = Agenda(tasks, fresh)
    except Cancelled:
        raise RunCancelled(RunReport(seconds=time.perf_counter() - begun)) from None
    for job in agenda.jobs.values():
        if not force and store.altered(job.task):
            own = "; a master of your own goes into the night, not into the output" if job.task.stage.wide else ""
            ctx.say(
                job.task.stage.name,
                f"{job.task.product} was changed by someone since it was made: it is made again{own}",
                level="warning",
            )
    report = RunReport(cached=agenda.cached)
    with memory.MemoryWatch() as watch:
        try:
            store.sweep([*agenda.cached, *(job.task for job in agenda.jobs.values())])
            if agenda.open:
                if warm_up is not None:
                    warm_up()
                ctx.check()
                cores = cores or usable_cores()
                size = bytes_per_task or memory.task_bytes
                free_bytes = memory.memory_budget(memory_bytes) - watch.sample()
                pool = executor
                if isinstance(pool, str):
                    wanted = _workers(pool, agenda, workers, cores=cores, free_bytes=free_bytes, size=size)
                    pool = make_executor(pool, wanted, max(1, cores // wanted), ctx)
                shift = _Run(
                    agenda,
                    store,
                    pool,
                    ctx,
                    report,
                    cores=cores,
                    free_bytes=free_bytes,
                    size=size,
                    inline_wide=inline_wide,
                )
                shift.go()
                if pool is not executor:
                    pool.shutdown()
        except (Cancelled, KeyboardInterrupt):
            raise RunCancelled(_complete(report, agenda, watch, begun)) from None
        return _complete(report, agenda, watch, begun)


def _once_said(ctx: RunContext) -> Callable[[], None]:
    """Return what to do before a finished product is read through: say so once, and look for a stop each time."""
    said: list[bool] = []

    def reading() -> None:
        ctx.check()
        if not said:
            said.append(True)
            ctx.say("products", "some products have new file times (were they copied?): checking what is in them")

    return reading


def _workers(
    spec: str, agenda: Agenda, asked: int | None, *, cores: int, free_bytes: int, size: Callable[[Task], int]
) -> int:
    """Return how many workers to start: not more than jobs, nor than fit into this machine's memory."""
    if spec.startswith("dask"):
        return min(asked or len(agenda.jobs), len(agenda.jobs))
    wanted = min(asked or cores, len(agenda.jobs))
    if spec.startswith("slurm"):
        return wanted
    narrow = [size(job.task) for job in agenda.jobs.values() if not job.task.stage.wide]
    return memory.workers_within(free_bytes, max(narrow, default=0), wanted)


def _complete(report: RunReport, agenda: Agenda, watch: memory.MemoryWatch, begun: float) -> RunReport:
    for task in (*report.cached, *report.done):
        report.made.setdefault(task.stage.name, {})[task.label] = agenda.made[identity(task)]
    watch.sample()
    report.peak_memory_mb = round(watch.peak_bytes / 1e6, 1)
    report.seconds = time.perf_counter() - begun
    return report


class _Run:
    """One run under way: hands out jobs, takes what comes back."""

    def __init__(
        self,
        agenda: Agenda,
        store: Store,
        pool: WorkerPool,
        ctx: RunContext,
        report: RunReport,
        *,
        cores: int,
        free_bytes: int,
        size: Callable[[Task], int],
        inline_wide: bool,
    ) -> None:
        self.agenda = agenda
        self.store = store
        self.pool = pool
        self.ctx = ctx
        self.report = report
        self.cores = cores
        self.free_bytes = free_bytes - pool.workers * memory.WORKER_BYTES
        self.size = size
        self.inline_wide = inline_wide
        self.progress = Progress(
            ctx,
            [job.task for job in agenda.jobs.values()],
            agenda.cached,
            pool.workers,
            store.typical_seconds(),
        )
        self.running: dict[Job, Assignment] = {}
        self.arrived: SimpleQueue[tuple[Job, Assignment, Future[Outcome]]] = SimpleQueue()
        self.closed = False

    def go(self) -> None:
        """Run to the end, or until cancelled."""
        try:
            while self.agenda.open:
                self._hand_out()
                self._take_in()
        except BaseException as stop:
            self._abandon()
            if isinstance(stop, Cancelled | KeyboardInterrupt):
                self.progress.cancelled()
            raise

    # -- handing out -----------------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        while (job := self.agenda.peek()) is not None and self._fits(job):
            self.agenda.take()
            try:
                assignment = self._assignment(job.task)
            except AstepError as error:
                self._failed(job, str(error))
                continue
            self.progress.begun(job.task.stage)
            job.attempts += 1
            self.running[job] = assignment
            if job.task.stage.wide and self.inline_wide:
                future = _in_thread(assignment, self.ctx)
            else:
                future = self.pool.submit(carry_out, assignment)
            future.add_done_callback(partial(self._landed, job, assignment))

    def _fits(self, job: Job) -> bool:
        """Whether a job may begin beside those that run. A wide one has all cores to itself."""
        if not self.running:
            return True
        if job.task.stage.wide or any(other.task.stage.wide for other in self.running):
            return False
        if len(self.running) >= self.pool.workers:
            return False
        held = sum(self.size(other.task) for other in self.running)
        return not self.pool.is_local or held + self.size(job.task) <= self.free_bytes

    def _assignment(self, task: Task) -> Assignment:
        settings = dict(task.settings)
        inputs: dict[str, str] = {}
        raws: list[RawFile] = []
        for name, source in task.inputs.items():
            if isinstance(source, Raw):
                inputs[name] = str(source.path)
                raws.append(RawFile(str(source.path), source.name, source.size_bytes, source.mtime_ns))
            elif source.product is not None:
                inputs[name] = str(self.store.path(source))
            else:
                settings[name] = self.agenda.made[identity(source)]
        part = None if task.product is None else str(part_path(self.store.file(task.product)))
        has_all_cores = task.stage.wide and (self.pool.is_local or self.inline_wide)
        threads = self.cores if has_all_cores else self.pool.threads
        return Assignment(task.label, task.stage.make, settings, inputs, tuple(raws), part, threads)

    # -- taking in -------------------------------------------------------------------------------------------

    def _landed(self, job: Job, assignment: Assignment, future: Future[Outcome]) -> None:
        # Called in whatever thread ended the future.
        if self.closed:
            _throw_away(assignment)
        else:
            self.arrived.put((job, assignment, future))

    def _take_in(self) -> None:
        self.ctx.check()
        try:
            job, assignment, future = self.arrived.get(timeout=_LOOK_S)
        except Empty:
            return
        self.ctx.check()
        del self.running[job]
        self._hand_out()  # the worker goes on while this result is put away
        try:
            outcome = future.result()
        except (Exception, CancelledError) as error:  # noqa: BLE001 - whatever it was, the other frames go on
            _throw_away(assignment)
            if isinstance(error, (*self.pool.lost, CancelledError)):
                self._worker_lost(job, error)
            else:  # the call could not be sent, or its answer not read
                why = AstepError(f"cannot make {job.task.label}", str(error), "please report this fault")
                self._failed(job, str(why), trace=repr(error))
        else:
            self._settle(job, assignment, outcome)

    def _settle(self, job: Job, assignment: Assignment, outcome: Outcome) -> None:
        if outcome.made is None:
            if job.attempts < TRIES and self._was_moved(job.task, assignment):
                self.agenda.give_back(job)
            else:
                self._failed(job, outcome.reason, outcome.trace)
            return
        made = json.loads(outcome.made)
        part = None if assignment.part is None else Path(assignment.part)
        try:
            self.store.finish(job.task, part, outcome.size, made, outcome.seconds, outcome.crc32)
        except AstepError as error:
            _throw_away(assignment)
            self._failed(job, str(error))
            return
        self.report.done.append(job.task)
        self.progress.done(job.task, outcome.seconds)
        self.agenda.finish(job, made)

    def _was_moved(self, task: Task, assignment: Assignment) -> bool:
        """Whether a product it needed was moved meanwhile: a person rejected or accepted that frame."""
        products = {n: s for n, s in task.inputs.items() if isinstance(s, Task) and s.product is not None}
        return any(assignment.inputs[name] != str(self.store.path(source)) for name, source in products.items())

    def _worker_lost(self, job: Job, error: BaseException) -> None:
        task = job.task
        if job.attempts < TRIES:
            self.ctx.say(
                task.stage.name,
                f"the worker of {task.label} died; trying once more",
                level="warning",
                path=frame_of(task),
            )
            self.agenda.give_back(job)
            return
        words = AstepError(
            f"cannot make {task.label}",
            "its worker died twice, perhaps for want of memory",
            "use fewer workers, or more --memory",
        )
        self._failed(job, str(words), trace=repr(error))

    def _failed(self, job: Job, reason: str, trace: str = "") -> None:
        self.report.failed.append(Failure(job.task, reason))
        self.store.note_failure(job.task, reason)
        self.progress.failed(job.task, reason, trace)
        for lost in self.agenda.fail(job):
            stage, label = job.task.stage.name, job.task.label
            name = stage if stage.endswith(label) else f"{stage} {label}"  # not "its master bias bias"
            why = f"its {name} failed: {reason}"
            self.report.skipped.append(Failure(lost.task, why))
            self.progress.failed(lost.task, why)

    def _abandon(self) -> None:
        """End the workers and throw their unfinished files away."""
        self.closed = True
        self.pool.kill()
        for thread in threading.enumerate():
            if thread.name == _WIDE_STAGE:  # nobody can end it; most are done by then, and leave no file behind
                thread.join(_LAST_GRACE_S)
        for assignment in self.running.values():
            _throw_away(assignment)
        while not self.arrived.empty():
            _throw_away(self.arrived.get()[1])


def _throw_away(assignment: Assignment) -> None:
    if assignment.part is not None:
        Path(assignment.part).unlink(missing_ok=True)


def _in_thread(assignment: Assignment, ctx: RunContext) -> Future[Outcome]:
    # A plain daemon thread, not a pool: after a cancel the program must be able to end without it.
    future: Future[Outcome] = Future()

    def work() -> None:
        with stopping_by(ctx.check):
            future.set_result(carry_out(assignment))

    threading.Thread(target=work, name=_WIDE_STAGE, daemon=True).start()
    return future
