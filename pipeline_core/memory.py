"""Memory of a run: how much it may take, how much a task will, how much the process tree holds."""

from __future__ import annotations

import math
import os
import threading
from typing import TYPE_CHECKING, Self

from pipeline_core.errors import UsageError
from pipeline_core.stage import Raw

if TYPE_CHECKING:
    from pipeline_core.stage import Task

GIB = 1 << 30
MIB = 1 << 20

WORKER_BYTES = 150 * MIB
"""A worker process before its first frame: Python, numpy, astropy and the compiled kernels."""

DRIVER_BYTES = 180 * MIB
"""The driving process with its kernels loaded, before it makes a master."""

BYTES_PER_PIXEL = 20
"""A science frame in the making: image and variance, the mask, the planes of the cosmic-ray step. No master.

Measured on 4096² frames (proportional set size beyond :data:`WORKER_BYTES`): 14 bytes a pixel; 18 with its uncertainty,
20 where stars are out of focus and their light is modelled.
"""
ASTROSCRAPPY_BYTES_PER_PIXEL = 62
"""With astroscrappy for the cosmic rays; measured."""
_NARROW_COPIES = BYTES_PER_PIXEL // 2
"""In units of the raw file, of 2 bytes a pixel."""
_WIDE_BYTES = 480 * MIB
"""A banded combine: its bands, whatever the number of frames; measured on flats of 4096²."""
_SMALLEST = 256 * MIB
"""Less cannot hold the program itself."""


def memory_budget(asked_bytes: int | None = None) -> int:
    """Return how many bytes a run may take: what was asked, else a quarter of the machine, at least 1 GiB.

    Raises
    ------
    UsageError
        If what was asked cannot even hold the program.
    """
    if asked_bytes is None:
        import psutil  # noqa: PLC0415

        return max(GIB, int(psutil.virtual_memory().total) // 4)
    if asked_bytes < _SMALLEST:
        raise UsageError(
            f"cannot run in {asked_bytes / 1e6:.0f} MB",
            "the program alone takes more",
            "give --memory 1GB or more",
        )
    return asked_bytes


def task_bytes(task: Task) -> int:
    """Estimate what a task takes beyond its process: by its largest raw file, or fixed for combines."""
    if task.stage.wide:
        return _WIDE_BYTES
    sizes = [source.size_bytes for source in task.inputs.values() if isinstance(source, Raw)]
    return _NARROW_COPIES * max(sizes, default=MIB)


def workers_within(free_bytes: int, bytes_per_task: int, wanted: int) -> int:
    """Return how many of the wanted workers fit into what is free; never less than one."""
    return max(1, min(wanted, free_bytes // (WORKER_BYTES + bytes_per_task)))


def check_budget(budget_bytes: int, needed_bytes: int, of: str, *, was_asked: bool) -> str:
    """Say before a run that it cannot stay within its memory.

    Parameters
    ----------
    budget_bytes : int
        From :func:`memory_budget`.
    needed_bytes : int
        By this program and one worker: less is not possible.
    of : str
        What needs it, in words: "frames of 4096 × 4096 px".
    was_asked : bool
        Whether a person set the budget: then it is a promise, and is not broken. Else the run goes on, with a warning.

    Returns
    -------
    str
        The warning; empty where all is well.

    Raises
    ------
    UsageError
        If a person set a budget that cannot be kept.
    """
    if needed_bytes <= budget_bytes:
        return ""
    need = f"{of} need {needed_bytes / 1e9:.2f} GB: this program and one frame in the making"
    if was_asked:
        least = math.ceil(needed_bytes / 1e8) / 10
        raise UsageError(
            f"cannot stay within {budget_bytes / 1e9:.2f} GB", need, f"give --memory {least:.1f}GB or more"
        )
    return f"{need}; that is more than the {budget_bytes / 1e9:.2f} GB meant for a run on this machine"


def tree_bytes() -> int:
    """Return the memory of this process and all its children.

    Notes
    -----
    On Linux the proportional set size: a page that n processes share counts 1/n in each, so the sum is what
    the machine really gives. Elsewhere the resident size, which counts shared pages several times.
    """
    import psutil  # noqa: PLC0415

    total = 0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            if os.name == "posix" and hasattr(process, "memory_full_info"):
                full = process.memory_full_info()
                total += getattr(full, "pss", 0) or full.rss
            else:
                total += process.memory_info().rss
        except psutil.AccessDenied:
            total += _resident(process)
        except psutil.NoSuchProcess:
            continue  # it ended while we looked
    return total


def _resident(process: object) -> int:
    import psutil  # noqa: PLC0415

    try:
        return int(process.memory_info().rss)  # type: ignore[attr-defined]
    except psutil.Error:
        return 0


class MemoryWatch:
    """Samples :func:`tree_bytes` in the background and keeps the peak.

    Parameters
    ----------
    every_s : float
        Time between samples. Half a second: reading the page tables of a large process takes milliseconds.
    """

    def __init__(self, every_s: float = 0.5) -> None:
        self.peak_bytes = 0
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)

    def __enter__(self) -> Self:
        self.sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def sample(self) -> int:
        """Look now; return the bytes held."""
        now = tree_bytes()
        self.peak_bytes = max(self.peak_bytes, now)
        return now

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s):
            self.sample()
