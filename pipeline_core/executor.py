"""Where tasks are done: worker processes, threads, dask or SLURM, all behind ``concurrent.futures``."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from abc import abstractmethod
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pipeline_core.errors import UsageError
from pipeline_core.events import RunContext

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_NICENESS = 10
"""Workers step back for the window and for whatever else the person does."""

_THREAD_LIMITS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS",
)  # fmt: skip


class WorkerPool(Executor):
    """An executor that knows its size, what a lost worker looks like, and how to be ended at once."""

    workers: int
    """How many tasks it does at the same time."""
    threads: int = 1
    """Threads that a task may use there."""
    is_local: bool = True
    """Whether its memory and cores are this machine's."""
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)
    """What a future raises when its worker died: the task may be tried again."""

    @abstractmethod
    def kill(self) -> None:
        """End all workers now, whatever they do. The pool is of no use afterwards."""


def make_executor(spec: str, workers: int, threads: int, ctx: RunContext | None = None) -> WorkerPool:
    """Make the executor that a person named.

    Parameters
    ----------
    spec : str
        "processes", "threads", "dask:ADDRESS" of a running scheduler, "slurm" or "slurm:QUEUE".
    workers : int
        Tasks done at the same time. A dask cluster does at most as many as it has threads.
    threads : int
        Threads each worker's kernels may use.
    ctx : RunContext, optional
        Hears of waiting for a batch queue, and may cancel that.

    Raises
    ------
    UsageError
        If there is no such executor, or dask is not installed or not reached.
    """
    kind, _, where = spec.partition(":")
    if kind == "processes" and not where:
        return ProcessWorkers(workers, threads)
    if kind == "threads" and not where:
        return ThreadWorkers(workers, threads)
    if kind == "dask" and where:
        from pipeline_core.cluster import dask_workers  # noqa: PLC0415 - an extra that need not be installed

        return dask_workers(where, workers)
    if kind == "slurm":
        from pipeline_core.cluster import slurm_workers  # noqa: PLC0415

        return slurm_workers(where or None, workers, threads, ctx or RunContext())
    raise UsageError(
        f"cannot run on {spec!r}",
        "there is no such executor",
        "use processes, threads, dask:ADDRESS or slurm",
    )


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class ThreadWorkers(WorkerPool):
    """Threads of this process: nothing to start, but a running task cannot be ended before it is done."""

    def __init__(self, workers: int, threads: int) -> None:
        self.workers = workers
        self.threads = threads
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do a call in a thread."""
        return self._threads.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """End the threads when they are done."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def kill(self) -> None:
        """Forget what waits; what runs ends by itself."""
        self.shutdown(wait=False, cancel_futures=True)


class ProcessWorkers(WorkerPool):
    """Worker processes, each alone in a pool of one.

    A pool of n breaks as a whole when one process dies, and nobody knows which task killed it. With n pools
    of one, a dead worker costs its own task only, and the next task in its slot gets a new process.

    Notes
    -----
    Processes are spawned, on every system: a forked child would inherit threads and locks of the window.
    They end themselves when this process is gone, however it ended.
    """

    def __init__(self, workers: int, threads: int) -> None:
        self.workers = workers
        self.threads = threads
        self._slots = ThreadPoolExecutor(workers, thread_name_prefix="slot")
        self._slot = threading.local()
        self._lock = threading.Lock()
        self._pools: dict[int, ProcessPoolExecutor] = {}
        self._killed = False
        self._context = _Spawning()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do a call in a worker process."""
        return self._slots.submit(self._do, partial(fn, *args, **kwargs))

    def _do(self, call: Callable[[], T]) -> T:
        pid: int = getattr(self._slot, "pid", 0)
        pool = self._pools.get(pid)
        if pool is None:
            pid, pool = self._start()
        try:
            return pool.submit(call).result()
        except BrokenExecutor:
            with self._lock:
                self._pools.pop(pid, None)
            pool.shutdown(wait=False)
            raise

    def _start(self) -> tuple[int, ProcessPoolExecutor]:
        pool = ProcessPoolExecutor(1, self._context, initializer=settle_in, initargs=(self.threads,))
        try:
            up = pool.submit(os.getpid)
            if self._killed:  # while the process was started
                self._context.kill()
            pid = up.result()
        except BrokenExecutor:  # ended before it was there
            pool.shutdown(wait=False)
            raise
        self._slot.pid = pid
        with self._lock:
            self._pools[pid] = pool
            if self._killed:  # ended while this worker was starting
                _end(pid)
        return pid, pool

    def pids(self) -> list[int]:
        """Return the processes that are there now."""
        with self._lock:
            return list(self._pools)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """End the workers when they are done."""
        self._slots.shutdown(wait, cancel_futures=cancel_futures)
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.shutdown(wait, cancel_futures=cancel_futures)

    def kill(self) -> None:
        """End all worker processes at once."""
        self._slots.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._killed = True
            for pid in self._pools:
                _end(pid)
        # On a busy machine a worker takes seconds to get up: nobody waits for one that has nothing to do any more.
        self._context.kill()


class _DeafProcess(SpawnProcess):
    """A process that does not hear Ctrl+C from its first moment on.

    It reaches the whole terminal; a worker that is still getting up would die of it with a traceback.
    """

    def start(self) -> None:
        """Start the process with the signal blocked, as it inherits it from the thread that starts it."""
        if not hasattr(signal, "pthread_sigmask"):
            super().start()
            return
        # Python's helper that removes what dead processes leave behind starts with the first process, and whoever
        # starts it hears the signal afterwards: it must be there before.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Spawning(SpawnContext):
    """Starts processes afresh, and can end those that are not up yet."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override] # noqa: N802 - its name
        """Return a process that is to be started."""
        self._begun = [process for process in self._begun if process.pid is None or process.is_alive()]
        process = _DeafProcess(*args, **kwargs)
        self._begun.append(process)
        return process

    def kill(self) -> None:
        """End whatever was started."""
        for process in list(self._begun):
            if process.pid is not None:
                process.kill()


def _end(pid: int) -> None:
    import psutil  # noqa: PLC0415

    try:
        psutil.Process(pid).kill()
    except psutil.NoSuchProcess:
        return  # it ended by itself


def settle_in(threads: int) -> None:
    """Prepare a fresh worker process: polite, bounded, deaf to Ctrl+C, gone when its parent is gone."""
    # Ctrl+C reaches the whole terminal; the driver decides what it means and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, name="parent watch", daemon=True).start()
    _step_back()
    bound_threads(threads)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:  # not a spawned worker: nobody to follow
        return
    parent.join()
    os._exit(1)


def _step_back() -> None:
    import psutil  # noqa: PLC0415

    try:
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else _NICENESS)
    except psutil.AccessDenied:
        return  # politeness is not worth a failure


def bound_threads(threads: int) -> None:
    """Let numerical libraries of this process use at most so many threads, those loaded later included."""
    for name in _THREAD_LIMITS:
        os.environ[name] = str(threads)
    # The environment is read when a library is loaded; the main module may have loaded some before.
    if "numpy" in sys.modules:
        import threadpoolctl  # noqa: PLC0415

        threadpoolctl.threadpool_limits(threads)
    if "numba" in sys.modules:
        import numba  # noqa: PLC0415

        numba.set_num_threads(min(threads, numba.get_num_threads()))
