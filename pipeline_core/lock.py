"""One run at a time in an output: a lock of the operating system, which a dead process does not hold."""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from pipeline_core.errors import NightError
from pipeline_core.io.atomic import explained

if TYPE_CHECKING:
    from pathlib import Path

LOCK = ".run.lock"
"""The file stays when the run ends: removing it could let two runs lock two different files of that name."""

_FAR = 1 << 30
"""Windows forbids reading a locked range: the lock lies far behind the words about its holder."""


class RunLock:
    """Held while a run writes into an output.

    Parameters
    ----------
    output : Path
        The output folder; made if missing.

    Raises
    ------
    NightError
        On entering, if another run holds it (named by process, machine and time), or it cannot be written.

    Notes
    -----
    The lock belongs to the open file, so the system frees it however the process ends, ``kill -9`` included.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock, or say who has it."""
        try:
            self.output.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.output / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise explained(error, self.output) from error
        try:
            _lock(descriptor)
        except (BlockingIOError, PermissionError):
            held_by = _holder(descriptor)
            os.close(descriptor)
            raise NightError(
                f"another run is writing into {self.output}",
                held_by,
                "wait until it ends, or choose another output with -o",
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise NightError(
                f"cannot lock {self.output}",
                (error.strerror or "the disk knows no locks").lower(),
                "choose an output on another disk with -o",
            ) from error
        _write_holder(descriptor)
        self._descriptor = descriptor
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def holder(output: Path) -> str | None:
    """Return who runs in an output now, in words, or None. Creates nothing.

    The lock is tried and given back at once: a run that starts in that very moment is told that another one is on.
    """
    try:
        descriptor = os.open(output / LOCK, os.O_RDWR)
    except OSError:
        return None
    try:
        _lock(descriptor)
    except OSError:
        return _holder(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _write_holder(descriptor: int) -> None:
    who = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps(who).encode())


def _holder(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        who = json.loads(os.read(descriptor, 4096))
        return f"process {who['pid']} on {who['host']}, since {who['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process holds it"  # it locked a moment ago and has not written its name yet


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
