"""Where tasks are done."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import psutil
import pytest
from runner_helpers import ToyNight

import pipeline_core
from pipeline_core.errors import UsageError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.executor import ProcessWorkers, ThreadWorkers, make_executor, usable_cores
from pipeline_core.runner import run
from pipeline_core.store import Store

PATHS = os.pathsep.join([str(Path(pipeline_core.__file__).parents[1]), str(Path(__file__).parent)])


def limits():
    import numpy as np
    import threadpoolctl

    np.ones((2, 2)) @ np.ones((2, 2))
    return [library["num_threads"] for library in threadpoolctl.threadpool_info()], os.environ["NUMBA_NUM_THREADS"]


def niceness():
    return psutil.Process().nice()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def pool():
    made = ProcessWorkers(2, 1)
    yield made
    made.shutdown()


def test_the_kernels_of_a_worker_are_bounded(pool):
    blas, numba = pool.submit(limits).result()
    assert set(blas) <= {1}
    assert numba == "1"


def test_workers_step_back_for_the_rest_of_the_machine(pool):
    assert pool.submit(niceness).result() >= 10


def test_a_dead_worker_costs_its_own_task_only_and_is_replaced(pool):
    deaths = [pool.submit(die), pool.submit(time.sleep, 0.3), pool.submit(os.getpid)]
    with pytest.raises(BrokenExecutor):
        deaths[0].result()
    assert deaths[1].result() is None
    assert deaths[2].result() in pool.pids()


def test_killing_the_pool_ends_busy_workers_at_once():
    pool = ProcessWorkers(2, 1)
    pool.submit(os.getpid).result()
    busy = [pool.submit(time.sleep, 60) for _ in range(4)]
    time.sleep(0.1)
    workers = [psutil.Process(pid) for pid in pool.pids()]
    begun = time.perf_counter()
    pool.kill()
    psutil.wait_procs(workers, timeout=2)
    assert time.perf_counter() - begun < 1
    assert not any(worker.is_running() and worker.status() != "zombie" for worker in workers)
    for future in busy:
        with pytest.raises(BaseException):  # noqa: B017 - cancelled or broken, never a result
            future.result(timeout=3)


def blocked_signals():
    return signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal masks")
def test_a_worker_is_born_deaf_to_ctrl_c_and_its_parent_is_not(pool, monkeypatch):
    monkeypatch.setattr("pipeline_core.executor.settle_in", int)
    assert signal.SIGINT in pool.submit(blocked_signals).result()
    assert signal.SIGINT not in blocked_signals()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal masks")
def test_the_first_worker_of_a_program_is_born_deaf_too():
    """Python's helper for what processes leave behind is started with it, and would let the signal through."""
    code = textwrap.dedent(
        """
        import signal
        from pipeline_core.executor import ProcessWorkers
        if __name__ == "__main__":
            with ProcessWorkers(1, 1) as pool:
                print(signal.SIGINT in pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result())
        """
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": PATHS}
    )
    assert told.stdout.split() == ["True"]


def rise_late(threads):
    """Get up as a worker on a busy machine, does: late."""
    time.sleep(30 * threads)


@pytest.mark.parametrize("after_s", [0, 0.001, 0.02, 0.1])
def test_killing_the_pool_does_not_wait_for_workers_that_are_still_starting(monkeypatch, after_s):
    monkeypatch.setattr("pipeline_core.executor.settle_in", rise_late)
    pool = ProcessWorkers(2, 1)
    futures = [pool.submit(os.getpid) for _ in range(4)]
    time.sleep(after_s)
    begun = time.perf_counter()
    pool.kill()
    pool.shutdown()
    assert time.perf_counter() - begun < 2
    for future in futures:
        with pytest.raises(BaseException):  # noqa: B017 - cancelled or broken, never a result
            future.result(timeout=0)


def test_workers_end_when_their_parent_is_killed():
    code = textwrap.dedent(
        """
        import time
        from pipeline_core.executor import ProcessWorkers
        if __name__ == "__main__":
            pool = ProcessWorkers(1, 1)
            pool.submit(time.sleep, 0).result()
            pool.submit(time.sleep, 60)
            print(pool.pids()[0], flush=True)
            time.sleep(60)
        """
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": PATHS},
    )
    worker = psutil.Process(int(driver.stdout.readline()))
    driver.kill()
    driver.wait()
    driver.stdout.close()
    _, alive = psutil.wait_procs([worker], timeout=3)
    assert alive == []


def test_an_executor_nobody_knows_is_refused_with_the_known_ones():
    for spec in ("cloud", "dask", "processes:2", ""):
        with pytest.raises(UsageError, match="there is no such executor"):
            make_executor(spec, 2, 1)


def test_threads_are_an_executor_too():
    pool = make_executor("threads", 2, 1)
    assert isinstance(pool, ThreadWorkers)
    assert pool.submit(os.getpid).result() == os.getpid()
    pool.shutdown()
    assert usable_cores() >= 1


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for spec in ("dask:tcp://127.0.0.1:1", "slurm"):
        with pytest.raises(UsageError, match="is not installed") as told:
            make_executor(spec, 1, 1)
        assert 'pip install "astep-harvest[dask]"' in told.value.hint


# -- clusters --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as made:
        yield made


def test_a_night_runs_on_a_dask_cluster_of_two_workers(cluster, tmp_path):
    night, other = ToyNight(tmp_path / "a", frames=6), ToyNight(tmp_path / "b", frames=6)
    with Store(night.output) as store:
        tasks = night.frames(night.master(), sleep_s=0.1, special={"sci_003.fits": {"bad": "it is cloudy"}})
        report = run(tasks, store, f"dask:{cluster.scheduler_address}", workers=8, cores=2)
    made = report.made["science frames"].values()
    assert {frame["pid"] for frame in made} == {worker.process.pid for worker in _nannies(cluster)}
    assert [bad.reason for bad in report.failed] == ["cannot use it · it is cloudy · take it out"]
    with Store(other.output) as store:
        run(
            [t for t in other.frames(other.master(), sleep_s=0.1) if t.label != "sci_003.fits"],
            store,
            "threads",
        )
    assert night.products() == other.products()


def _nannies(cluster):
    return [nanny.process for nanny in cluster.workers.values()]


@pytest.mark.restarts_cluster
def test_a_dask_worker_that_is_killed_is_replaced_and_its_frame_done(cluster, tmp_path):
    night = ToyNight(tmp_path, frames=3)
    special = {"sci_001.fits": {"dies_unless": str(tmp_path / "died")}}
    with Store(night.output) as store:
        report = run(night.frames(special=special), store, f"dask:{cluster.scheduler_address}", workers=2, cores=2)
    assert len(report.done) == 3
    assert (tmp_path / "died").exists()
    assert night.parts() == []


def test_a_scheduler_that_does_not_answer_is_explained(monkeypatch):
    pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    monkeypatch.setattr("pipeline_core.cluster._PATIENCE_S", 0.5)
    with pytest.raises(UsageError, match="cannot reach the dask scheduler at tcp"):
        make_executor("dask:tcp://127.0.0.1:9", 1, 1)


SBATCH = """#!/bin/sh
# Starts every job at once, on this machine. The script is copied, as SLURM does: it is soon removed.
cp "$1" {folder}/job.$$.sh
setsid sh {folder}/job.$$.sh > "{folder}/job.$$.log" 2>&1 &
echo $! >> {folder}/jobs
echo "Submitted batch job $!"
"""

SCANCEL = """#!/bin/sh
echo "$1" >> {folder}/cancelled
kill -- "-$1" 2> {folder}/scancel.log || true
"""


def test_a_night_runs_as_slurm_jobs(tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue", reason="the extra 'dask' is not installed")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tools / name).write_text(text.format(folder=tmp_path))
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", PATHS)
    monkeypatch.chdir(tmp_path)
    night = ToyNight(tmp_path / "a", frames=4)
    with Store(night.output) as store:
        report = run(night.frames(night.master(), sleep_s=0.1), store, "slurm", workers=2, cores=2)
    assert len(report.done) == 5
    assert report.failed == []
    jobs = (tmp_path / "jobs").read_text().split()
    assert len(jobs) == 2
    workers = {made["pid"] for made in report.made["science frames"].values()}
    assert os.getpid() not in workers
    assert set((tmp_path / "cancelled").read_text().split()) == set(jobs)
    deadline = time.monotonic() + 5
    while any(psutil.pid_exists(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in workers)


def test_waiting_for_a_busy_queue_can_be_cancelled(tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue", reason="the extra 'dask' is not installed")
    for name in ("sbatch", "scancel"):
        (tmp_path / name).write_text("#!/bin/sh\necho Submitted batch job 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    ctx = RunContext(lambda event: ctx.cancel() if "waiting" in event.text else None)
    begun = time.perf_counter()
    with pytest.raises(Cancelled):
        make_executor("slurm", 1, 1, ctx)
    assert time.perf_counter() - begun < 5


def test_slurm_without_sbatch_is_explained(monkeypatch, tmp_path):
    pytest.importorskip("dask_jobqueue", reason="the extra 'dask' is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="sbatch"):
        make_executor("slurm", 1, 1)
