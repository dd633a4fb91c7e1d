"""What is costly to make, and only copied or read afterwards, is made once a run, whichever process needs it first."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError
from pipeline_core.lock import RunLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOK_S = 0.1


def made_once(shared: Path, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that ``make`` filled, now or earlier; nobody may change what is in it.

    Parameters
    ----------
    shared : Path
        A folder that all processes of this run of the tests know.
    name : str
        Equal names are equal things.
    make : callable
        Fills the empty folder that it is given. If it fails, the next who asks makes it anew.

    Notes
    -----
    Who comes while it is made waits. The lock is the system's: a process that dies does not keep it.
    """
    folder, lock = shared / name, shared / f"{name}.lock"
    with contextlib.ExitStack() as held:
        while True:
            try:
                held.enter_context(RunLock(lock))
                break
            except NightError:
                time.sleep(LOOK_S)
        if not (lock / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            (lock / "made").touch()
    return folder
