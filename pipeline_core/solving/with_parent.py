"""A process that must not outlive the one that started it, however that one ends: killed, it cannot say goodbye."""

from __future__ import annotations

import os
import threading
import time

_LOOK_S = 0.5


def end_with_parent(parent: int) -> None:
    """End this process within a second of its parent's end.

    Parameters
    ----------
    parent : int
        Number of the process that started this one, by a launcher between them perhaps: a virtual environment's
        ``python.exe`` is one, so that the parent's number is not this process's own ``getppid``.

    Notes
    -----
    A thread looks twice a second. It runs during a search too, as the engine gives the interpreter's lock away for
    that long. Linux could end the process by a signal (``PR_SET_PDEATHSIG``), but does so when the *thread* that
    started it ends, and that may be one of many of a program that goes on. A pipe's end is no sign either: whatever
    the parent started later without a new program holds it open.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent").start()


def _watch(parent: int) -> None:
    import psutil  # noqa: PLC0415 - meanwhile the process gets up

    try:
        process = psutil.Process(parent)  # knows its time of birth too: numbers are given again
        # A dead process whose own parent has not asked for it yet keeps its number.
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_LOOK_S)
    except psutil.NoSuchProcess:
        pass
    os._exit(1)  # nothing to put in order: the main thread may be busy for a long time yet
