"""A night of 200 frames, 50 of them calibration: ours beside a straight ccdproc script, whole processes.

Both make all masters. The script takes some 20 s for a science frame of 4096², so it does
``PEER_SCIENCE`` of them and the rest is extrapolated; ours does ``OUR_SCIENCE`` and is extrapolated by
its own pace. The row says so. ``ASTEP_BENCH_ALL=1`` lets ours do all 150 (5 GB of raw frames, twice
that of results).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench import frames
from tests.bench.timing import ASTEP, ProcessTime, Row, process_time

SCIENCE = 150
OUR_SCIENCE = 30
PEER_SCIENCE = 3


def run(size: int = 4096) -> list[Row]:
    """Time the night end to end."""
    count = SCIENCE if os.environ.get("ASTEP_BENCH_ALL") else OUR_SCIENCE
    with tempfile.TemporaryDirectory(prefix="astep_bench_") as name:
        folder = Path(name)
        night = frames.make_night(folder / "night", size, bias=10, dark=10, flats=10, science=count)
        peer_s, peer = straight_script(night, folder)
        masters_s = ours(night, folder, "--only", "masters").seconds
        whole = ours(night, folder)
    per_frame_s = max(whole.seconds - masters_s, 0.0) / count
    ours_s = whole.seconds + per_frame_s * (SCIENCE - count)
    note = (
        f"ours: {count} science frames done, {60 / per_frame_s:.0f} a minute, peak {whole.peak_mb:.0f} MB; "
        f"script: {PEER_SCIENCE} done, peak {peer.peak_mb:.0f} MB; the rest of {SCIENCE} extrapolated"
    )
    return [Row(f"night of {50 + SCIENCE} frames", ours_s, "ccdproc script", peer_s, "≥ 15×", note)]


def straight_script(night: Path, folder: Path) -> tuple[float, ProcessTime]:
    """Return the script's seconds for the whole night, extrapolated, and what the part of it cost."""
    command = [sys.executable, "-m", "tests.bench.straight_script", str(night), str(folder / "script")]
    root = str(Path(__file__).resolve().parents[2])
    cost = process_time([*command, "--science", str(PEER_SCIENCE)], folder, env={"PYTHONPATH": root})
    told = json.loads(cost.output.strip().splitlines()[-1])
    per_frame_s = told["science_s"] / told["science_done"]
    return cost.seconds + per_frame_s * (SCIENCE - told["science_done"]), cost


def ours(night: Path, folder: Path, *more: str) -> ProcessTime:
    """Reduce into a fresh output, so that nothing is taken from a run before."""
    out = folder / "ours"
    command = [
        *ASTEP,
        "reduce",
        str(night),
        "-o",
        str(out),
        "--quiet",
        *more,
    ]
    cost = process_time(command, folder)
    shutil.rmtree(out)
    return cost
