"""How late the window's loop comes to a beat it was asked for, and where it stood meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from typing import Any

from PyQt6.QtCore import QObject, QTimer

from astep_gui.memory_watch import calls

BEAT_MS = 10
"""The window's loop is asked this often whether it still turns."""
LONG_MS = 150.0
"""A beat that comes so late is felt."""
LOOK_S = 0.02
"""So often a loop that does not turn is looked at."""
MOST_TOLD = 50
"""Stalls that are remembered between two questions."""

Found = dict[str, Any]


class LoopWatch(QObject):
    """Counts late beats; of a long one it says how much the loop's thread computed itself, and where it stood.

    What it did not compute it waited for: for other programs on the same cores, for a thread that held Python, for a
    disk.
    """

    def __init__(self, parent: QObject | None = None, *, beat_ms: int = BEAT_MS) -> None:
        super().__init__(parent)
        self._beat_s = beat_ms / 1000
        self._worst: Found | None = None
        self._late: list[float] = []
        self._stalls: list[Found] = []
        self._due = time.perf_counter() + self._beat_s
        self._cpu_s = time.thread_time()
        self._loop = threading.get_ident()
        self._seen: list[tuple[str, ...]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop watch", daemon=True)
        self._beat = QTimer(self)
        self._beat.setInterval(beat_ms)
        self._beat.timeout.connect(self._note)
        self._beat.start()
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the watching thread."""
        self._beat.stop()
        self._stop.set()
        self._thread.join()

    def since_asked(self) -> Found:
        """Return the beats since the last question.

        Returns
        -------
        dict
            ``beats``: how many; ``p95_ms`` and ``worst_ms``: how late; ``stalls``: each that was long, with ``ms``,
            ``cpu_ms`` of the loop's own thread, ``at``, where it was seen most often, and ``until_s``, the reading of
            ``time.perf_counter`` at its end; ``worst``: the same of the
            beat that came latest, long or not, None before the first.
        """
        late, self._late = sorted(self._late), []
        stalls, self._stalls = self._stalls, []
        worst, self._worst = self._worst, None
        if not late:
            return {"beats": 0, "p95_ms": 0.0, "worst_ms": 0.0, "stalls": stalls, "worst": None}
        return {
            "beats": len(late),
            "p95_ms": late[int(0.95 * (len(late) - 1))],
            "worst_ms": late[-1],
            "stalls": stalls,
            "worst": worst,
        }

    def _note(self) -> None:
        now, cpu_s = time.perf_counter(), time.thread_time()
        late_ms = max(0.0, 1000 * (now - self._due))
        self._late.append(late_ms)
        is_long, is_worst = late_ms > LONG_MS, self._worst is None or late_ms > self._worst["ms"]
        if is_long or is_worst:
            at = [list(where) for where, _ in Counter(self._seen).most_common(2)]
            cpu_ms = round(1000 * (cpu_s - self._cpu_s))
            found = {"ms": round(late_ms, 1), "cpu_ms": cpu_ms, "at": at, "until_s": round(now, 4)}
            if is_worst:
                self._worst = found
            if is_long and len(self._stalls) < MOST_TOLD:
                self._stalls.append(found)
        self._cpu_s = cpu_s
        self._due = now + self._beat_s
        self._seen = []

    def _watch(self) -> None:
        """Look at the loop's thread while it is late."""
        while not self._stop.wait(LOOK_S):
            if time.perf_counter() - self._due > 2 * LOOK_S:
                frame = sys._current_frames().get(self._loop)  # noqa: SLF001 - Python's own way to look at its threads
                self._seen.append(tuple(calls(frame, 6)))
