"""An idle process beside the one that is measured: what keeps both from the cores is the machine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_BEAT_S = 0.005
_AWAY_S = 0.01
"""Later than so a beat is told."""

_PROGRAM = f"""
import sys, threading, time
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
last = time.perf_counter()
print("ready", flush=True)
while not ended.wait({_BEAT_S}):
    now = time.perf_counter()
    if now - last > {_BEAT_S + _AWAY_S}:
        print(last + {_BEAT_S}, now)
    last = now
"""


class Witness:
    """Beats in a process of its own, and remembers when it could not.

    A loop that stopped while the witness beat on was stopped by its own process. One that stopped with the witness
    waited for the machine: other programs on the cores, or a host that paused it.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self._away: list[tuple[float, float]] = []

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def stop(self) -> None:
        """End it, and hear what it noted."""
        told, _ = self._process.communicate("")
        self._away = [(float(since), float(until)) for since, until in map(str.split, told.splitlines())]

    def away_s(self, since_s: float, until_s: float) -> float:
        """Return how long, s, it could not run between two readings of ``time.perf_counter``; known once it stopped."""
        return sum(max(0.0, min(until, until_s) - max(since, since_s)) for since, until in self._away)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self.stop()
