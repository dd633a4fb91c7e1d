"""Clocks for the benchmarks: medians of repeats, whole processes, one row of the table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

ASTEP = (sys.executable, "-m", "pipeline_core")
"""Our program, whether it is installed or a checkout."""
ROOT = Path(__file__).resolve().parents[2]

ROW_KEYS = ("work", "ours_s", "peer", "peer_s", "ratio", "goal", "note")


@dataclass(frozen=True)
class Row:
    """One line of the table. ``None`` where there is nothing to say or to compare with."""

    work: str
    ours_s: float | None = None
    peer: str = ""
    peer_s: float | None = None
    goal: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times faster ours is than the peer."""
        if self.ours_s is None or self.peer_s is None or self.ours_s <= 0:
            return None
        return self.peer_s / self.ours_s

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Row:
        """Read what a benchmark's ``run`` returned; figures it adds on its own are kept in the note."""
        more = [f"{key} {_short(value)}" for key, value in values.items() if key not in ROW_KEYS]
        words = [str(values["note"])] if values.get("note") else []
        return cls(
            work=str(values["work"]),
            ours_s=values.get("ours_s"),
            peer=str(values.get("peer") or ""),
            peer_s=values.get("peer_s"),
            goal=str(values.get("goal") or ""),
            note="; ".join(words + more),
        )


def median_s(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the median wall time of some calls, after one that warms caches and compiles."""
    work()
    return statistics.median(_wall_s(work) for _ in range(repeats))


@dataclass(frozen=True)
class ProcessTime:
    """What a whole process cost."""

    seconds: float
    peak_mb: float
    """Largest sum over the process and all below it, sampled every 50 ms; pages that n of them share count 1/n in each
    (Linux; elsewhere resident memory, which counts them n times)."""
    output: str
    cpu_s: float = 0.0
    """Processor time of the process and all that it waited for: what remains comparable on a machine that is not
    quiet."""


def with_bytecode(folder: Path) -> dict[str, str]:
    """Return what lets a process find modules compiled, as an installed program does; some machines keep none.

    Notes
    -----
    Compiling our own modules takes 0.2 s of one core, what a peer in ``site-packages`` need not do.
    """
    return {"PYTHONPYCACHEPREFIX": str(folder), "PYTHONDONTWRITEBYTECODE": ""}


def process_time(command: Sequence[str], folder: Path, *, env: Mapping[str, str] | None = None) -> ProcessTime:
    """Time a command from start to end and watch the memory of its tree.

    Raises
    ------
    RuntimeError
        If the command fails; its output is the message.
    """
    log = folder / "process.log"
    before = _children_cpu_s()
    start = time.perf_counter()
    with log.open("w+", encoding="utf-8", errors="replace") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )
        peak = 0
        try:
            while process.poll() is None:
                peak = max(peak, _tree_bytes(process.pid))
                time.sleep(0.05)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    seconds = time.perf_counter() - start
    output = log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output[-2000:]}")
    return ProcessTime(seconds, peak / 1e6, output, _children_cpu_s() - before)


def _wall_s(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _tree_bytes(pid: int) -> int:
    try:
        top = psutil.Process(pid)
        tree = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for process in tree:
        try:
            total += _own_share(process)
        except psutil.Error:
            continue  # it ended while we looked
    return total


def _own_share(process: psutil.Process) -> int:
    """Return the proportional set size where the system knows it (Linux), else the resident size."""
    rollup = Path(f"/proc/{process.pid}/smaps_rollup")
    try:
        for line in rollup.read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # another system, or it ended
    return int(process.memory_info().rss)


def _children_cpu_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def repeated(work: Callable[[], T], *, most: int = 3, within_s: float = 30.0) -> list[T]:
    """Call ``work`` up to ``most`` times, not again once ``within_s`` have gone: a slow peer is slow the first time."""
    start = time.perf_counter()
    results = [work()]
    while len(results) < most and time.perf_counter() - start < within_s:
        results.append(work())
    return results


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
