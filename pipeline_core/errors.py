"""Errors as a person reads them: what happened, why, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_Error = TypeVar("_Error", bound=BaseException)


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


def to_keep(error: _Error) -> _Error:
    """Return an error that may be kept, or passed on as a value: without the calls that it came through.

    Parameters
    ----------
    error : exception
        That was caught; those that led to it let go of theirs too.

    Returns
    -------
    exception
        The same one.

    Notes
    -----
    What was caught knows all calls on the way with all that they held, which may be the arrays of a frame; where one of
    those calls returns it, the two hold each other until Python searches for what nobody can reach any more.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = None
            waiting += [each.__cause__, each.__context__]  # the second may be another, though only the first is told
    return error


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
