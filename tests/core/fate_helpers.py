"""A whole run as a person starts it: its answer, its files and, in a process of its own, ways to disturb it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from astropy.io import fits

from pipeline_core.cli import main

ROOT = Path(__file__).resolve().parents[2]
ASTEP = (sys.executable, "-m", "pipeline_core")
PATIENCE_S = 180
"""Where the kernels were never compiled, the first run of all compiles them."""


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    document: dict[str, Any]
    words: str

    @property
    def error(self) -> dict[str, str]:
        return self.document["error"]


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a command; kernels and caches are those of the tests."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | more


def begin(*words: object, **env: str) -> subprocess.Popen[str]:
    """Start a command with --json in a session of its own, as a terminal does."""
    return subprocess.Popen(
        [*ASTEP, *map(str, words), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**env), start_new_session=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> Answer:
    """Wait for a command to end and hear its answer."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return heard(process.returncode, out, err)


def heard(code: int, out: str, err: str) -> Answer:
    """Hear an answer: standard output must be exactly one JSON document without NaN or infinity."""
    lines = out.splitlines()
    assert len(lines) == 1, f"stdout is one document, not {len(lines)}: {out}\n{err}"
    document = json.loads(lines[0], parse_constant=_refuse)
    assert document["schema"] == 1
    if "error" in document:
        assert set(document["error"]) == {"what", "why", "hint"}
    assert "Traceback" not in err, err
    return Answer(code, document, err)


def astep_process(*words: object, **env: str) -> Answer:
    """Run a command to its end in a process of its own."""
    return finish(begin(*words, **env))


def astep(*words: object) -> Answer:
    """Run a command to its end in this process: where nothing befalls it, Python need not rise once more."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main([*map(str, words), "--json"])
    return heard(code, out.getvalue(), err.getvalue())


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def log(output: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's diary; each must be JSON."""
    file = output / "log.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


def wait_for(process: subprocess.Popen[str], output: Path, stage: str, *, runs_before: int = 0) -> None:
    """Wait until a stage of a run has begun."""
    deadline = time.monotonic() + PATIENCE_S
    while sum(line["kind"] == "started" and line["job"] == stage for line in whole_lines(output)) <= runs_before:
        assert process.poll() is None, f"the run ended before {stage!r}: {process.communicate()}"
        assert time.monotonic() < deadline, f"{stage!r} never began"
        time.sleep(0.01)


def whole_lines(output: Path) -> list[dict[str, Any]]:
    """Return the diary of a run that is on: its last line may be half written."""
    file = output / "log.jsonl"
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes below a command."""
    return psutil.Process(process.pid).children(recursive=True)


def pixels(output: Path) -> dict[str, list[str]]:
    """Return a hash of each array of each product, by the product's place."""
    found = {}
    for file in sorted(output.rglob("*.fits")):
        with fits.open(file) as hdus:
            arrays = [hdu.data for hdu in hdus if hdu.data is not None]
            found[file.relative_to(output).as_posix()] = [hashlib.sha256(a.tobytes()).hexdigest() for a in arrays]
    return found


def raw_hashes(night: Path) -> dict[str, str]:
    """Return a hash of every file of a raw night, whatever it is."""
    return {str(p.relative_to(night)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files(night)}


def files(folder: Path) -> list[Path]:
    """Return all files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def parts(output: Path) -> list[Path]:
    """Return the unfinished files of an output."""
    return list(output.rglob("*.part"))


def science(night: Path) -> list[Path]:
    """Return the science frames of a demo night."""
    return sorted(night.rglob("*_SCIENCE_*.fits"))


def product(output: Path, raw: Path, night: Path, top: str = "calibrated") -> Path:
    """Return where a frame's product lies."""
    return output / top / raw.relative_to(night).parent / f"{raw.stem}_CAL.fits"
