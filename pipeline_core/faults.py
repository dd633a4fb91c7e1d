"""A fault of the program itself: told in words, its place kept in a file that can be sent along with a report."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError

if TYPE_CHECKING:
    from pathlib import Path

FAULTS = "faults.log"
"""In the user's cache folder: the faults of commands that have no output folder."""


class FaultError(AstepError):
    """Something that the program did not foresee, in a person's words.

    Parameters
    ----------
    doing : str
        What was being done: "reduce the night".
    error : Exception
        What was raised.
    noted_in : Path
        The file that holds where in the program it happened.
    """

    def __init__(self, doing: str, error: Exception, noted_in: Path) -> None:
        why = " ".join(str(error).split()) or f"a step stopped without a word ({type(error).__name__})"
        hint = f"this looks like a fault of the program: please report it with {noted_in}; what was finished stays"
        super().__init__(f"cannot {doing}", why, hint)


def trace_of(error: BaseException) -> str:
    """Return where in the program an error came from."""
    return "".join(traceback.format_exception(error))


def fault_file() -> Path:
    """Return the file in the user's cache folder that faults are written to."""
    import platformdirs  # noqa: PLC0415 - only when something broke

    return platformdirs.user_cache_path("astep-harvest") / FAULTS


def note_fault(doing: str, error: Exception) -> FaultError:
    """Write a fault into the user's cache folder and return it in words.

    Where even that folder cannot be written, the words say so: the place of the fault is lost then.
    """
    file = fault_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} cannot {doing}\n{trace_of(error)}\n")
    except OSError as trouble:
        fault = FaultError(doing, error, file)
        fault.hint = f"please report it; its place could not be kept in {file} ({trouble.strerror})"
        return fault
    return FaultError(doing, error, file)
