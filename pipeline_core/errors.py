"""Errors as a person reads them: what happened, why, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class AstepError(Exception):
    """An error that a person can act on.

    Parameters
    ----------
    what : str
        What could not be done, naming the file or the thing.
    why : str
        The cause, in the words of the field.
    hint : str
        What the person can do about it.
    """

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return " · ".join(part for part in (self.what, self.why, self.hint) if part)

    def as_dict(self) -> dict[str, str]:
        """Return the three parts by name, as the command line's JSON shows them."""
        return {"what": self.what, "why": self.why, "hint": self.hint}


class DataError(AstepError):
    """A frame or an array cannot be used as it is."""


class UsageError(AstepError):
    """The person asked for something that makes no sense as it was asked."""


class NightError(AstepError):
    """A night as a whole cannot be handled: no frames, no place to write, output in use."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean …?" for a word that is nearly one of the known ones, else nothing."""
    import difflib  # noqa: PLC0415 - only when something is wrong

    as_written = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), list(as_written), n=1)
    return f"did you mean {as_written[near[0]]}?" if near else ""


def near_folder(wanted: Path) -> str:
    """Return "did you mean …?" for a folder that is not there but has a neighbour of nearly its name, else nothing."""
    try:
        return did_you_mean(wanted.name, [path.name for path in wanted.parent.iterdir() if path.is_dir()])
    except OSError:  # no such parent either, or it may not be listed: nothing to suggest
        return ""
