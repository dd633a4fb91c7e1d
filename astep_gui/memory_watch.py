"""How much the program takes, looked at again and again by a thread; of the moment when it was most, what held it."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

Told = dict[str, Any]
EVERY_S = 0.02
"""Arrays that are made on the way live for longer: a look takes some 30 microseconds."""
WORTH_MB = 4.0
"""So much more than at the highest moment before is worth a look at who holds it."""
DEEPEST = 5
"""Calls that are told of each thread, from the innermost one outwards."""
_OWN = ("astep_gui", "pipeline_core")
_IDLE = {"wait", "_wait_for_tstate_lock", "_worker", "select", "poll", "get", "accept", "recv", "_recv"}
"""Where a thread that waits for work stands."""


class MemoryWatch:
    """Knows the highest moment since it was last asked.

    Parameters
    ----------
    held : callable
        Returns who holds how much of what the window keeps, bytes; called in the watching thread.
    """

    def __init__(self, held: Callable[[], dict[str, int]]) -> None:
        self._held = held
        self._lock = threading.Lock()
        self._most: Told = {"mb": 0.0}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the thread."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Look once."""
        now = resident_mb()
        with self._lock:
            if now["mb"] > self._most["mb"] + WORTH_MB:
                self._most = {**now, **allocated_mb(), "held_mb": self._held_mb(), "at_work": threads_at_work()}
            elif now["mb"] > self._most["mb"]:
                self._most["mb"] = now["mb"]

    def since_asked(self) -> Told:
        """Return the highest moment since the last question, and begin anew.

        Returns
        -------
        dict
            ``mb`` resident, of it ``anon``, ``file`` and ``shared``; what :func:`allocated_mb` says; ``held_mb`` by
            holder; ``at_work``: the threads that did something, each with its innermost calls.
        """
        self.look()
        with self._lock:
            most, self._most = self._most, {"mb": 0.0}
        return most

    def _held_mb(self) -> dict[str, float]:
        return {name: round(held / 1e6, 1) for name, held in self._held().items() if held}

    def _watch(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.look()


def resident_mb() -> Told:
    """Return what of this process is in memory, MB; where the system tells, by what kind it is.

    Of this process alone: what workers take is theirs.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 - fifty times a second
            lines = dict(line.split(":", 1) for line in file)
    except OSError:
        import psutil  # noqa: PLC0415

        return {"mb": psutil.Process(os.getpid()).memory_info().rss / 1e6}
    names = {"mb": "VmRSS", "anon": "RssAnon", "file": "RssFile", "shared": "RssShmem"}
    return {name: round(int(lines[line].split()[0]) * 1.024e-3, 1) for name, line in names.items() if line in lines}


class _Mallinfo(ctypes.Structure):
    """``struct mallinfo2`` of glibc's ``malloc.h``."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def allocated_mb() -> dict[str, float]:
    """Return what the C library has given out, MB; nothing where it is another one than glibc.

    Returns
    -------
    dict
        ``arrays``: large blocks, each mapped alone; ``small``: all others in use; ``freed``: what it keeps of those
        that were freed, resident or not.
    """
    with suppress(OSError, AttributeError, TypeError):
        ask = ctypes.CDLL(None).mallinfo2
        ask.restype = _Mallinfo
        told = ask()
        found = {"arrays": told.hblkhd, "small": told.uordblks, "freed": told.fordblks}
        return {name: round(size / 1e6, 1) for name, size in found.items()}
    return {}


def threads_at_work() -> dict[str, list[str]]:
    """Return the innermost calls of each thread that is not waiting for work."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    this = threading.get_ident()
    found = {}
    for ident, frame in sys._current_frames().items():  # noqa: SLF001 - Python's own way to look at its threads
        if ident != this and frame.f_code.co_name not in _IDLE:
            found[names.get(ident, str(ident))] = calls(frame)
    return found


def calls(frame: FrameType | None, deepest: int = DEEPEST) -> list[str]:
    """Return where a thread stands: the innermost call, then the project's own ones that led to it."""
    found: list[str] = []
    while frame is not None and len(found) < deepest:
        code = frame.f_code
        if not found or any(f"/{own}/" in code.co_filename for own in _OWN):
            found.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return found
