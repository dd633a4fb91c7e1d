"""Names and numbers in a line of words: a few are named, the rest is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 3
"""So many are named one by one where nothing else is asked for."""


def counted(number: int, noun: str) -> str:
    """Return "1 frame", "2 frames"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def named(names: Sequence[str], most: int = NAMED) -> str:
    """Name all of a few, and the first of many: "A, B and 3 more", which is no range from one to another.

    Parameters
    ----------
    names : sequence of str
    most : int
        So many are all named; of more one fewer, so that it never ends in "and 1 more".
    """
    if len(names) <= most:
        return ", ".join(names)
    shown = names[: max(1, most - 1)]
    return f"{', '.join(shown)} and {len(names) - len(shown)} more"
