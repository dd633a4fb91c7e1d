"""Kernels are compiled in a worker where the program that asks must stay fluid."""

import threading
import time

import pytest

from pipeline_core.errors import DataError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.executor import ThreadWorkers
from pipeline_core.warm_up import in_worker


class Watched(ThreadWorkers):
    """Threads that remember being ended."""

    was_killed = False

    def kill(self):
        self.was_killed = True
        super().kill()


@pytest.fixture
def pool():
    pool = Watched(1, 1)
    yield pool
    pool.shutdown()


def test_it_is_done_in_the_worker_and_waited_for(pool):
    where = []
    in_worker(RunContext(), lambda: where.append(threading.current_thread().name), pool)
    assert where[0].startswith("worker")


def test_a_fault_of_the_compiler_is_raised_where_it_was_asked_for(pool):
    def fails():
        raise DataError("cannot compile")

    with pytest.raises(DataError, match="cannot compile"):
        in_worker(RunContext(), fails, pool)


def test_a_stop_ends_the_workers_and_is_not_waited_for(pool):
    context, gate = RunContext(), threading.Event()
    threading.Timer(0.2, context.cancel).start()
    begun = time.perf_counter()
    with pytest.raises(Cancelled):
        in_worker(context, lambda: gate.wait(20), pool)
    assert time.perf_counter() - begun < 2.0
    assert pool.was_killed
    gate.set()
