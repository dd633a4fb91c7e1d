"""Errors as a person reads them: what happened, why, and what to do."""

from __future__ import annotations


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
