"""What all tests share: the real data, a cache of their own, and a watch on what they leave running."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import psutil
import pytest

from tests.longest_first import longest_first

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent

# Before any kernel is imported. Compiled kernels are kept between runs, beside the project and not in the
# user's cache, and all test processes share them.
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".cache" / "kernels"))
os.environ.setdefault("MPLCONFIGDIR", str(ROOT / ".cache" / "matplotlib"))
os.environ.setdefault("MPLBACKEND", "agg")

# Modules are translated once, not in each of the hundred processes that tests start, whatever the machine is used to.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell's job in the background is deaf to Ctrl+C, and so would be the programs that tests start and stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A first call may compile for seconds, so no deadline; in CI the same examples every time.
hypothesis.settings.register_profile("here", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")

GRACE_S = 5.0
"""A pool that was told to stop may take so long to end its threads and processes."""

LASTING_THREADS = (
    "Profile",
    "asyncio_",
    "execnet",
    "pytest_timeout",
    "Dask-Offload",
    "TCP-Executor",
    "IO loop",
)
"""Daemons that distributed, asyncio and the test runner keep for the life of the process."""

LASTING_PROCESSES = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Servants of multiprocessing that end with their parent."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hand out long files first."""
    longest_first(items, ROOT / "tests")


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real nights; skip the test where they are absent."""
    given = os.environ.get("ASTEP_REAL_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: name its folder with ASTEP_REAL_DATA")
    return folder.resolve()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run of the tests share, and no other run."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests' header cache and the like out of the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user_cache")))
        yield


@pytest.fixture(autouse=True)
def _no_leaked_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread running.

    Fixtures of a wider scope (a cluster that serves a whole file) are set up before and are not counted.
    """
    before = set(threading.enumerate())
    yield
    if request.node.get_closest_marker("restarts_cluster") is not None:
        return
    left = _after_grace(lambda: [t for t in threading.enumerate() if t not in before and _counts(t)])
    if left:
        names = ", ".join(thread.name for thread in left)
        pytest.fail(f"{request.node.name} left threads running: {names}")


@pytest.fixture(scope="module", autouse=True)
def _no_leaked_processes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the last test of a file whose tests leave a process running.

    Once a file, not once a test: listing the children of a process reads the whole process table.
    """
    before = set(_children())
    yield
    left = _after_grace(lambda: [child for child in _children() if child not in before])
    if left:
        names = "; ".join(_command(child) for child in left)
        for child in left:
            child.kill()
        pytest.fail(f"{request.node.name} left processes running: {names}")


def _counts(thread: threading.Thread) -> bool:
    return thread.is_alive() and not thread.name.startswith(LASTING_THREADS)


def _children() -> list[psutil.Process]:
    """Return what runs below this process; not the dead that wait to be collected, nor lasting servants."""
    running = []
    for child in psutil.Process().children():
        command = _command(child)
        if command and not any(servant in command for servant in LASTING_PROCESSES):
            running.append(child)
    return running


def _command(process: psutil.Process) -> str:
    """Return the command line; empty when the process is gone or dead."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _after_grace(find):
    """Return what ``find`` still finds when the grace is over; at once when it finds nothing."""
    end = time.monotonic() + GRACE_S
    while (left := find()) and time.monotonic() < end:
        time.sleep(0.02)
    return left
