"""Time our work beside its peers and print one table: ``make bench``.

Every ``bench_*.py`` beside this file has ``run(size)``, which returns rows: mappings with ``work`` and,
where they apply, ``ours_s``, ``peer`` (its name), ``peer_s``, ``goal`` and ``note``. Other keys are
printed in the note.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import inspect
import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from rich.console import Console
from rich.table import Table

from tests.bench.timing import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
PEERS = ("ccdproc", "astroscrappy", "astropy", "numpy", "numba")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=4096, help="pixels along a side of the frames (4096)")
    parser.add_argument("--only", action="append", metavar="NAME", help="bench_NAME only; may be repeated")
    parser.add_argument("--list", action="store_true", help="say which there are")
    asked = parser.parse_args(arguments)

    names = benchmark_names()
    if asked.list:
        sys.stdout.write("".join(f"{name}\n" for name in names))
        return 0
    unknown = set(asked.only or ()) - set(names)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(machine_facts())
    rows, failed = [], 0
    for name in asked.only or names:
        console.print(f"{time.strftime('%H:%M:%S')} {name} …")
        try:
            rows += run_one(name, asked.size)
        except Exception as error:  # noqa: BLE001 - the others are still worth their time; the table says it
            failed += 1
            rows.append(Row(name, note=f"failed: {type(error).__name__}: {error}"))
    console.print(as_table(rows, asked.size))
    return 1 if failed else 0


def benchmark_names() -> list[str]:
    """Return the names of the ``bench_NAME.py`` files, in order."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def run_one(name: str, size: int) -> list[Row]:
    """Run one benchmark; it takes ``size`` if its ``run`` has that parameter."""
    work = importlib.import_module(f"tests.bench.bench_{name}").run
    takes_size = "size" in inspect.signature(work).parameters
    results = work(size=size) if takes_size else work()
    return [result if isinstance(result, Row) else Row.from_mapping(result) for result in results]


def machine_facts() -> str:
    """Return one line on what the figures were measured with."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / 1e9
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PEERS)
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GB, load {load}; {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, {versions}"
    )


def as_table(rows: Sequence[Row], size: int) -> Table:
    """Lay the rows out; a dash where there is nothing to compare."""
    table = Table(title=f"frames of {size}² uint16; seconds; ratio = peer / ours", show_lines=False)
    for heading, side in (
        ("work", "left"),
        ("ours", "right"),
        ("peer", "right"),
        ("ratio", "right"),
        ("goal", "left"),
        ("note", "left"),
    ):
        table.add_column(heading, justify=side, overflow="fold")
    for row in rows:
        peer = f"{row.peer} {seconds(row.peer_s)}".strip() if row.peer else seconds(row.peer_s)
        ratio = "–" if row.ratio is None else f"{row.ratio:.1f}×"
        table.add_row(row.work, seconds(row.ours_s), peer, ratio, row.goal or "–", row.note)
    return table


def seconds(value: float | None) -> str:
    """Return a time with three figures."""
    return "–" if value is None else f"{value:.3g}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
