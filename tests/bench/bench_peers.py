"""Siril, IRAF and ccdproc making the masters of 20 frames: what a whole process of theirs takes on this machine.

Siril and IRAF are Debian packages (``apt-get install siril iraf``); a line says so where one is absent. Ours is
``astep reduce --only masters`` on the same frames in a fresh process, with no product to start from.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.bench import frames
from tests.bench.timing import ASTEP, ProcessTime, Row, process_time, repeated, with_bytecode

SCRIPTS = Path(__file__).resolve().parent / "peers"


def run(size: int = 4096, n: int = 20) -> list[Row]:
    """Time the dark and the flat of ``n`` frames with each peer that is installed."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="astep_bench_") as name:
        folder = Path(name)
        darks, flats = folder / "darks", folder / "flats"
        make_frames(darks, flats, size, n)
        for kind, source in (("dark", darks), ("flat", flats)):
            ours = _ours(source, folder)
            rows += [
                _row(f"{kind} of {n}, whole process", peer, ours, time_peer(peer, kind, source, folder))
                for peer in ("siril", "iraf")
            ]
            if kind == "dark":
                theirs = time_ccdproc(source, folder)
                rows.append(_row(f"{kind} of {n}, whole process", "ccdproc", ours, (theirs, None), "≥ 8×"))
    return rows


def time_ccdproc(darks: Path, folder: Path) -> ProcessTime:
    """Return what a script of ccdproc cost that makes the dark."""
    return process_time(
        [sys.executable, str(SCRIPTS / "ccdproc_dark.py"), str(darks), str(folder / "peer.fits")], folder
    )


def make_frames(darks: Path, flats: Path, size: int, n: int) -> None:
    """Write ``n`` darks and ``n`` flats of rising level."""
    chip = frames.Chip(size)
    for i, level in enumerate(np.geomspace(12000, 56000, n)):
        frames.write(darks / f"night_{i:04d}_DARK.fits", chip.expose("DARK"), "DARK", number=i)
        pixels = chip.expose("SKYFLAT", float(level))
        frames.write(flats / f"night_{i:04d}_SKYFLAT.fits", pixels, "SKYFLAT", "R", i)


def time_peer(peer: str, kind: str, source: Path, folder: Path) -> tuple[ProcessTime, float | None] | None:
    """Return what a peer's process cost and the time of its stacking alone; None if it is not installed."""
    program = shutil.which({"siril": "siril-cli", "iraf": "irafcl"}[peer])
    if program is None:
        return None

    def once() -> tuple[ProcessTime, float | None]:
        with tempfile.TemporaryDirectory(dir=folder) as work:
            place = Path(work)
            if peer == "siril":
                # A folder of its own: Siril writes beside it, and loses its way behind a linked folder.
                (place / source.name).mkdir()
                for path in source.glob("*.fits"):
                    (place / source.name / path.name).symlink_to(path)
                script = str(SCRIPTS / f"siril_{kind}.ssf")
                cost = process_time([program, "-d", str(place), "-s", script], place)
                made, own = place / f"siril_{kind}.fits", siril_stack_s(cost.output)
            else:
                (place / "frames.lis").write_text("".join(f"{path}\n" for path in sorted(source.glob("*.fits"))))
                script = str(SCRIPTS / f"iraf_{kind}.cl")
                home = {"HOME": str(place)}
                cost = process_time([program, "-f", script], place, env=home)
                made, own = place / f"iraf_{kind}.fits", None
            if not made.exists():
                raise RuntimeError(f"{peer} made no {made.name}:\n{cost.output[-2000:]}")
            return cost, own

    runs = repeated(once)
    return sorted(runs, key=lambda run: run[0].seconds)[(len(runs) - 1) // 2]


def siril_stack_s(log: str) -> float | None:
    """Return the last execution time that Siril told: that of ``stack``, without the conversion before it."""
    times = re.findall(r"Execution time:\s*(?:(\d+)\s*min\s*)?([\d.]+)\s*(ms|s)\b", log)
    if not times:
        return None
    minutes, value, unit = times[-1]
    return 60 * float(minutes or 0) + float(value) * (1e-3 if unit == "ms" else 1.0)


def _ours(source: Path, folder: Path) -> ProcessTime:
    """Return the median of our own whole process on a night that holds these frames only; kernels compiled before."""

    def once() -> ProcessTime:
        out = folder / f"ours_{source.name}"
        command = [*ASTEP, "reduce", str(source), "-o", str(out)]
        cost = process_time([*command, "--only", "masters", "--quiet"], folder, env=with_bytecode(folder / "bytecode"))
        shutil.rmtree(out)
        return cost

    once()
    runs = repeated(once)
    return sorted(runs, key=lambda run: run.seconds)[(len(runs) - 1) // 2]


def _row(
    work: str, peer: str, ours: ProcessTime, theirs: tuple[ProcessTime, float | None] | None, goal: str = "faster"
) -> Row:
    if theirs is None:
        return Row(work, ours.seconds, peer, note=f"{peer} is not installed (Debian package {peer})")
    cost, own = theirs
    note = (
        f"processors busy: ours {ours.cpu_s:.1f} s, {peer} {cost.cpu_s:.1f} s; peak: {ours.peak_mb:.0f} MB, "
        f"{cost.peak_mb:.0f} MB"
    )
    return Row(work, ours.seconds, peer, cost.seconds, goal, note + (f"; stacking alone {own:.2f} s" if own else ""))
