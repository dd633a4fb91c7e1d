"""The order of the files of tests: what takes long begins first, so that at the end no process works alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

LONGEST: tuple[str, ...] = ()
"""Files that take ten seconds and more, the longest first; a new one is worth a line, a forgotten one is no fault."""


class Item(Protocol):
    """What is asked of a test."""

    path: Path


def longest_first(items: list[Item], tests: Path) -> None:
    """Put the tests of long files before all others; within a file, and among the others, the order stays.

    Parameters
    ----------
    items : list of tests
        As collected; sorted in place.
    tests : Path
        The folder that ``LONGEST`` is told from.
    """
    rank = {tests / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
