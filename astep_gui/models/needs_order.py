"""The lines of the needs keep their places while a night is open: what is clicked twice is the same thing twice."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astep_gui.models.equal_needs import NeedLine

_COUNT = re.compile(r"^\d+ (?:bad |suspect )?frames?\b")
Key = tuple[str, str, bool]


def key_of(line: NeedLine) -> Key:
    """Return by what a line is known again: not by how many or how bad its frames are: decisions change that."""
    if line.kin and not line.is_part:
        return line.kin, "", False
    return line.kin, _COUNT.sub("", line.need.title), line.is_part


def in_their_places(
    lines: Sequence[NeedLine], before: Sequence[NeedLine], keeps: Callable[[NeedLine], bool]
) -> list[NeedLine]:
    """Return the lines in the order in which they stood; what is new comes below.

    Parameters
    ----------
    lines : sequence of NeedLine
        What is needed now, the most pressing first.
    before : sequence of NeedLine
        As they are shown.
    keeps : callable
        Whether a line that is needed no more keeps its place, done: the pointer is in the list, and no other line's
        buttons may come under it; or it tells how it was answered.
    """
    now = _keyed(_blocks(lines))
    placed: list[NeedLine] = []
    for key, block in _keyed(_blocks(before)).items():
        new = now.pop(key, None)
        if new is not None:
            placed += [new[0], *_parts_in_place(new[1:], block[1:], keeps)]
        elif keeps(block[0]):
            placed += [replace(line, is_done=True) for line in block]
    return placed + [line for block in now.values() for line in block]


def _parts_in_place(new: list[NeedLine], old: list[NeedLine], keeps: Callable[[NeedLine], bool]) -> list[NeedLine]:
    """Order the lines that stand unfolded below one; folded, none is kept."""
    by_key = _keyed([[line] for line in new])
    placed = []
    for key, (line,) in _keyed([[line] for line in old] if new else []).items():
        there = by_key.pop(key, None)
        if there is not None:
            placed += there
        elif keeps(line):
            placed.append(replace(line, is_done=True))
    return placed + [line for lines in by_key.values() for line in lines]


def _keyed(blocks: Sequence[list[NeedLine]]) -> dict[tuple[Key, int], list[NeedLine]]:
    """Know blocks again by their first line; of several that say the same by which of them it is."""
    found: dict[tuple[Key, int], list[NeedLine]] = {}
    for block in blocks:
        key, nth = key_of(block[0]), 0
        while (key, nth) in found:
            nth += 1
        found[key, nth] = block
    return found


def _blocks(lines: Sequence[NeedLine]) -> list[list[NeedLine]]:
    """Divide into lines with those that stand unfolded below them."""
    blocks: list[list[NeedLine]] = []
    for line in lines:
        if line.is_part and blocks:
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return blocks
