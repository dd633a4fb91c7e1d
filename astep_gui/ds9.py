"""SAOImage DS9: files are sent to one that is open and listens, else a new one is started."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PATIENCE_S = 3.0
"""An open DS9 answers XPA within milliseconds; one that hangs must not be waited for."""


def open_in_ds9(files: Sequence[Path]) -> str:
    """Open files in DS9.

    Parameters
    ----------
    files : sequence of Path
        Each goes into a frame of its own.

    Returns
    -------
    str
        How: "that was open", or "in a new window".

    Raises
    ------
    NightError
        If DS9 is not there. The environment's ``DS9`` may name it.
    """
    if _listens():
        for file in files:
            for words in (("frame", "new"), ("file", str(file))):
                subprocess.run([_found("xpaset"), "-p", "ds9", *words], check=False, timeout=PATIENCE_S)  # noqa: S603
        return "(the window that was open)"
    program = shutil.which(os.environ.get("DS9") or "ds9")
    if program is None:
        named = os.environ.get("DS9")
        why = f"the variable DS9 names {named}, which is no program" if named else "no program ds9 is on the path"
        raise NightError(
            f"cannot open {files[0]} in DS9" + (f" and {len(files) - 1} more" if len(files) > 1 else ""), why,
            "install SAOImage DS9, or set the variable DS9 to its program; “Copy the path” is for any other program"
        )  # fmt: skip
    subprocess.Popen(  # noqa: S603 - the program that the person named
        [program, *map(str, files)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    return "in a new window"


def _listens() -> bool:
    """Whether a DS9 is open that takes XPA messages."""
    asked = _found("xpaaccess")
    if not asked or not _found("xpaset"):
        return False
    try:
        answer = subprocess.run([asked, "ds9"], capture_output=True, text=True, check=False, timeout=PATIENCE_S)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == "yes"


def _found(program: str) -> str:
    return shutil.which(program) or ""
