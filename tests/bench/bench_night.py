"""A night of 200 frames, 50 of them calibration: ours beside a straight ccdproc script, whole processes.

At 4096² the script takes some 20 s for a science frame and minutes for a flat with its bad pixels, so it is measured
in parts: the bias, one dark and one flat (with its mask) of 10 frames each, and ``PEER_SCIENCE`` science frames; the
same work on the other dark, the other filter and the other frames is counted, not done. Ours makes all masters and
``OUR_SCIENCE`` frames with their final quality, which the script does not have, and is extrapolated by its own pace.
The row says so. The stars are no real ones, so ours is told not to look for them on the sky: 20 s a try.
``ASTEP_BENCH_ALL=1`` does all of it on both sides (an hour at 4096²; minutes at ``--size 1024``).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import frames
from tests.bench.timing import ASTEP, ProcessTime, Row, process_time, with_bytecode

if TYPE_CHECKING:
    from collections.abc import Mapping

SCIENCE = 150
OUR_SCIENCE = 16
PEER_SCIENCE = 2
DONE_WHOLE = bool(os.environ.get("ASTEP_BENCH_ALL"))


def run(size: int = 4096) -> list[Row]:
    """Time the night end to end."""
    count = SCIENCE if DONE_WHOLE else OUR_SCIENCE
    with tempfile.TemporaryDirectory(prefix="astep_bench_") as name:
        folder = Path(name)
        night = frames.make_night(folder / "night", size, bias=10, dark=10, flats=10, science=count)
        ours(night, folder)  # kernels compiled, pages warm
        masters = ours(night, folder, "--only", "masters")
        whole = ours(night, folder)
        told, peer = straight_script(night, folder)
    peer_s, peer_words = script_s(told)
    per_frame_s = max(whole.seconds - masters.seconds, 0.0) / count
    ours_s = whole.seconds + per_frame_s * (SCIENCE - count)
    note = (
        f"ours: masters {masters.seconds:.1f} s, {count} science frames done, {60 / per_frame_s:.0f} a minute, "
        f"processors busy {whole.cpu_s:.0f} s, peak {whole.peak_mb:.0f} MB; script: {peer_words}, "
        f"processors busy {peer.cpu_s:.0f} s for what it did, peak {peer.peak_mb:.0f} MB"
    )
    words = f"night of {50 + SCIENCE} frames" + ("" if DONE_WHOLE else " (extrapolated)")
    return [
        Row(words, ours_s, "ccdproc script", peer_s, "≥ 15×", note),
        Row("its peak memory, GB", whole.peak_mb / 1000, goal="≤ 1.5", note="summed over processes; not seconds"),
    ]


def script_s(told: Mapping[str, float]) -> tuple[float, str]:
    """Return the script's seconds for the whole night, and how they came about in words."""
    per_frame_s = told["science_s"] / told["science_done"]
    if DONE_WHOLE:
        return told["masters_s"] + told["science_s"], f"all done, {per_frame_s:.1f} s a science frame"
    masters_s = told["bias_s"] + told["darks"] * told["dark_s"] + told["flats"] * told["flat_s"]
    words = (
        f"bias {told['bias_s']:.1f} s, each of {told['darks']} darks {told['dark_s']:.1f} s, each of {told['flats']} "
        f"flats with its mask {told['flat_s']:.1f} s, a science frame {per_frame_s:.1f} s ({told['science_done']} done)"
    )
    return masters_s + per_frame_s * SCIENCE, words


def straight_script(night: Path, folder: Path) -> tuple[dict[str, float], ProcessTime]:
    """Return what the script told about its parts, and what it cost."""
    command = [sys.executable, "-m", "tests.bench.straight_script", str(night), str(folder / "script")]
    if not DONE_WHOLE:
        command += ["--science", str(PEER_SCIENCE), "--one-of-each"]
    root = str(Path(__file__).resolve().parents[2])
    cost = process_time(command, folder, env={"PYTHONPATH": root})
    return json.loads(cost.output.strip().splitlines()[-1]), cost


def ours(night: Path, folder: Path, *more: str) -> ProcessTime:
    """Reduce into a fresh output, so that nothing is taken from a run before; without solving, as the script."""
    out = folder / "ours"
    recipe = folder / "recipe.toml"
    recipe.write_text('version = 1\n[solve]\nenabled = "never"\n')
    command = [
        *ASTEP,
        "reduce",
        str(night),
        "-o",
        str(out),
        "--recipe",
        str(recipe),
        "--quiet",
        *more,
    ]
    cost = process_time(command, folder, env=with_bytecode(folder / "bytecode"))
    shutil.rmtree(out)
    return cost
