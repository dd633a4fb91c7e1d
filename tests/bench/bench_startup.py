"""From the start of the process to the painted window; from there to a listed night, and to its first image."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.bench.timing import ROOT, with_bytecode
from tests.gui.nights import write_frame
from tests.tour.program import Program, program
from tests.tour.screen import missing, screen

REPEATS = 5
FRAMES = 1000


def run() -> list[dict[str, Any]]:
    """Measure on a screen of its own."""
    if line := missing():
        return [{"work": "start of the window", "note": f"not measured: {line}"}]
    with tempfile.TemporaryDirectory() as name, screen((1600, 1000), folder := Path(name)) as here:
        rows = []
        compiled = with_bytecode(folder / "bytecode")
        with program(here, folder, **compiled):
            pass  # writes what the first start ever writes
        _forget_files(folder / "bytecode")
        with program(here, folder, **compiled) as p:
            cold, used = _painted_s(p), _used_s(p)
        rows.append({"work": "painted window, files not in memory", "ours_s": cold, "goal": "≤ 1 s", "CPU s": used})
        times, cpu = [], []
        for _ in range(REPEATS):
            with program(here, folder, **compiled) as p:
                times.append(_painted_s(p))
                cpu.append(_used_s(p))
        rows.append(
            {
                "work": "painted window, warm",
                "ours_s": statistics.median(times),
                "goal": "≤ 0.5 s",
                "note": f"fastest {min(times):.2f}",
                "CPU s": statistics.median(cpu),
            }
        )
        other = folder / "other"
        write_frame(other / "light_0000.fits", "light", FILTER="R", OBJECT="M 5")
        with program(here, folder, other, **compiled) as p:
            p.wait("the image", lambda s: s["shown"])  # the modules that any night needs are compiled now
        night = folder / "night"
        for k in range(FRAMES):
            write_frame(night / f"light_{k:04d}.fits", "light", number=k, FILTER="R", OBJECT="M 5")
        for words in ("first time", "again"):
            with program(here, folder, night, **compiled) as p:
                p.wait("the list", lambda s: s["frames"] == FRAMES)
                listed = time.time()
                p.wait("the image", lambda s: s["shown"])
                shown = time.time()
                painted = p.state["painted"]
            rows.append({"work": f"{FRAMES} frames listed, {words}", "ours_s": listed - painted, "goal": "≤ 2 s"})
            rows.append({"work": f"… first image after, {words}", "ours_s": shown - listed, "goal": "≤ 0.7 s"})
    return rows


def _painted_s(p: Program) -> float:
    # Not from the process's creation time: the system counts that from a boot time known to the second.
    return p.wait("a painted window", lambda s: s["painted"])["painted"] - p.started


def _used_s(p: Program) -> float:
    """Return the processor time used so far: what the wall time is on a quiet machine."""
    times = psutil.Process(p.process.pid).cpu_times()
    return times.user + times.system


def _forget_files(bytecode: Path) -> None:
    """Ask the system to drop what it keeps in memory of our own files and the packages they stand on."""
    if not hasattr(os, "posix_fadvise"):
        return
    for folder in (ROOT / ".venv", ROOT / "astep_gui", ROOT / "pipeline_core", ROOT / "resources", bytecode):
        for file in folder.rglob("*"):
            if file.is_file() and file.suffix in {".py", ".pyc", ".so", ".otf", ".ttf", ".svg", ".toml", ".6"}:
                handle = os.open(file, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)
