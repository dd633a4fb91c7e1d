"""One task, done in a worker: inputs checked, the stage's function called, its file synced."""

from __future__ import annotations

import json
import os
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_core.errors import AstepError
from pipeline_core.io.atomic import explained, is_short_write, sync_file
from pipeline_core.io.checksum import crc32_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.stage import Make


@dataclass(frozen=True, slots=True)
class RawFile:
    """A raw file as the scan saw it."""

    path: str
    name: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that a worker needs to know."""

    label: str
    make: Make
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    raws: tuple[RawFile, ...]
    part: str | None
    """The unfinished file to write; None for a stage that only measures."""
    threads: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker answers. Failures are told, not raised: an exception may not survive the way back."""

    made: str | None
    """The report as JSON, None if the task failed."""
    size: int | None = None
    seconds: float = 0.0
    reason: str = ""
    crc32: int | None = None
    """Of the file: by it a later change is noticed."""
    trace: str = ""
    """Where an unforeseen fault happened, for the log."""


def carry_out(assignment: Assignment) -> Outcome:
    """Do one task; never raises."""
    begun = time.perf_counter()
    part = Path(assignment.part) if assignment.part is not None else None
    try:
        made, size, crc32 = _make(assignment, part)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one frame, the night goes on
        if part is not None:
            part.unlink(missing_ok=True)
        reason, trace = _in_words(error, assignment.label)
        return Outcome(None, seconds=time.perf_counter() - begun, reason=reason, trace=trace)
    return Outcome(made, size, time.perf_counter() - begun, crc32=crc32)


def _make(assignment: Assignment, part: Path | None) -> tuple[str, int | None, int | None]:
    for raw in assignment.raws:
        _check_unchanged(raw)
    if part is not None:
        part.parent.mkdir(parents=True, exist_ok=True)
    inputs = {name: Path(path) for name, path in assignment.inputs.items()}
    report = assignment.make(assignment.settings, inputs, part or Path(os.devnull), assignment.threads)
    made = json.dumps(report, default=_plain)
    if part is None:
        return made, None, None
    if not part.is_file():
        raise AstepError(f"cannot make {assignment.label}", "its stage wrote no file", "report this fault")
    with ThreadPoolExecutor(1, "disk") as disk:  # the sum is formed while the disk takes the bytes
        synced = disk.submit(sync_file, part)
        crc32 = crc32_of(part)
        synced.result()
    return made, part.stat().st_size, crc32


def _check_unchanged(raw: RawFile) -> None:
    try:
        now = Path(raw.path).stat()
    except OSError as error:
        raise explained(error, raw.path) from error
    if (now.st_size, now.st_mtime_ns) != (raw.size_bytes, raw.mtime_ns):
        raise AstepError(f"cannot use {raw.name}", "the file changed since the night was scanned", "run again")


def _plain(value: Any) -> Any:
    # numpy numbers and arrays know how to become plain ones
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be kept in the report of a stage")


def _in_words(error: Exception, label: str) -> tuple[str, str]:
    if isinstance(error, AstepError):
        return str(error), ""
    if isinstance(error, OSError) and (error.errno is not None or is_short_write(error)):
        return str(explained(error, label)), ""
    if isinstance(error, MemoryError):
        return str(AstepError(f"cannot make {label}", "memory ran out", "use fewer workers, or more --memory")), ""
    why = str(error).strip() or f"a step stopped without a word ({type(error).__name__})"
    hint = "this looks like a fault of the program: please report it with log.jsonl"
    return str(AstepError(f"cannot make {label}", why, hint)), "".join(traceback.format_exception(error))
