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
        Number of the process that started this one.

    Notes
    -----
    An orphan has another parent: a thread looks twice a second. It runs during a search too, as the engine gives the
    interpreter's lock away for that long. Linux could end the process by a signal (``PR_SET_PDEATHSIG``), but does so
    when the *thread* that started it ends, and that may be one of many of a program that goes on. A pipe's end is no
    sign either: whatever the parent started later without a new program holds it open.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)  # nothing to put in order: the main thread may be busy for a long time yet
