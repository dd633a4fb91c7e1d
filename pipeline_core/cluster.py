"""Workers on other machines: a running dask cluster, or SLURM through dask-jobqueue. Both are extras."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pipeline_core.errors import UsageError
from pipeline_core.executor import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from pipeline_core.events import RunContext

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE_S = 15
"""A scheduler that does not answer by then is not there."""
_QUEUE_PATIENCE_S = 600
"""A batch queue may be busy; longer waits are for the person to decide."""
_LOOK_S = 0.2
"""How often the wait for the queue looks whether it was cancelled."""
_JOB_MEMORY = "4GiB"
"""For one 4096² frame with masters and scratch, where dask's configuration names nothing else."""
_JOB_WALLTIME = "04:00:00"


class DaskWorkers(WorkerPool):
    """A dask client as an executor. Its workers read and write files: they must see the same folders."""

    is_local = False

    def __init__(self, client: Any, workers: int, threads: int = 1, cluster: Any = None) -> None:
        from distributed import KilledWorker  # noqa: PLC0415
        from distributed.comm.core import CommClosedError  # noqa: PLC0415

        self.lost = (KilledWorker, CommClosedError, CancelledError)
        self.workers = workers
        self.threads = threads
        self._client = client
        self._cluster = cluster
        # pure=False: two equal calls are two calls, what is fresh is for the store to say
        self._executor = client.get_executor(pure=False)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do a call on the cluster."""
        future: Future[T] = self._executor.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """Leave the cluster; one that was started for this run is ended."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close(timeout=1)
        if self._cluster is not None:
            self._cluster.close(timeout=_PATIENCE_S)

    def kill(self) -> None:
        """Cancel what waits. Workers started for this run are ended; a shared cluster's finish their task."""
        self.shutdown(wait=False)


def dask_workers(address: str, workers: int) -> DaskWorkers:
    """Use a running dask scheduler, as ``tcp://host:8786``.

    Raises
    ------
    UsageError
        If dask is not installed, or the scheduler does not answer or has no workers.
    """
    client_class = _distributed().Client
    try:
        client = client_class(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot reach the dask scheduler at {address}", str(error).splitlines()[0],
            "check the address, as in dask:tcp://host:8786, and that the scheduler runs",
        ) from error  # fmt: skip
    threads = sum(client.nthreads().values())
    if threads == 0:
        client.close(timeout=1)
        raise UsageError(
            f"the dask scheduler at {address} has no workers", "none is connected", "start some first"
        )
    return DaskWorkers(client, min(workers, threads))


def slurm_workers(queue: str | None, workers: int, threads: int, ctx: RunContext) -> DaskWorkers:
    """Start workers as SLURM jobs, one process each; dask's own configuration (``jobqueue.slurm``) counts.

    Parameters
    ----------
    queue : str, optional
        Partition; the configuration's, or SLURM's default, if absent.
    workers, threads : int
        Jobs to submit; cores each of them asks for.
    ctx : RunContext
        Hears that the queue is waited for, and may cancel that.

    Raises
    ------
    UsageError
        If dask-jobqueue or ``sbatch`` is missing, or no job starts.
    """
    distributed = _distributed()
    try:
        import dask  # noqa: PLC0415
        from dask_jobqueue.slurm import SLURMCluster  # noqa: PLC0415
    except ImportError as error:
        raise _missing("dask-jobqueue") from error
    if shutil.which("sbatch") is None:
        raise UsageError(
            "cannot start SLURM jobs", "there is no sbatch here", "run on the cluster's login machine"
        )
    try:
        cluster: Any = SLURMCluster(
            cores=1,  # one task at a time in each job
            processes=1,
            job_cpu=threads,
            memory=dask.config.get("jobqueue.slurm.memory", None) or _JOB_MEMORY,
            walltime=dask.config.get("jobqueue.slurm.walltime", None) or _JOB_WALLTIME,
            job_script_prologue=[f"export OMP_NUM_THREADS={threads}", f"export NUMBA_NUM_THREADS={threads}"],
            scheduler_options={"dashboard_address": ":0"},  # any free port: two runs must not clash
            queue=queue or dask.config.get("jobqueue.slurm.queue", None),
        )
        cluster.scale(jobs=workers)
        client = distributed.Client(cluster, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(
            "cannot start SLURM jobs", str(error).splitlines()[0], "check that sbatch works on this machine"
        ) from error
    pool = DaskWorkers(client, workers, threads, cluster)
    try:
        _await_first_job(client, ctx)
    except BaseException:
        pool.kill()
        raise
    return pool


def _await_first_job(client: Any, ctx: RunContext) -> None:
    ctx.say("SLURM", "jobs are submitted; waiting for the first to start")
    deadline = time.monotonic() + _QUEUE_PATIENCE_S
    while not client.nthreads():
        ctx.check()
        if time.monotonic() > deadline:
            raise UsageError(
                "no SLURM job has started",
                f"waited {_QUEUE_PATIENCE_S // 60} minutes",
                "look at squeue, or name a queue: slurm:QUEUE",
            )
        time.sleep(_LOOK_S)


def _distributed() -> Any:
    try:
        import distributed  # noqa: PLC0415
    except ImportError as error:
        raise _missing("dask") from error
    return distributed


def _missing(name: str) -> UsageError:
    return UsageError(
        f"{name} is not installed", "it is an extra", 'install it: pip install "astep-harvest[dask]"'
    )
