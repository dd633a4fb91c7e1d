"""Names of frames as a person tells them apart: what all frames of a series share is left out."""

from __future__ import annotations

import os.path
import re
from collections import Counter, defaultdict
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline_core.io.fits_names import FITS_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_DIGITS = re.compile(r"(\d+)")
_SEPARATORS = " _-."
FEWEST_DIGITS = 3
"""A running number keeps so many of its digits: 055, not 55, so that numbers stand under each other."""
RUNNING_DIGITS = 4
"""A number that grows from frame to frame and has as many counts them; a shorter one may be seconds."""
MOST_KNOWN = 20_000
"""Names taken apart once, not anew with every letter of a search: more frames than nights have."""


@lru_cache(MOST_KNOWN)
def stem_of(path: str) -> str:
    """Return a frame's name without folders and suffix."""
    name = path.rsplit("/", 1)[-1]
    return FITS_NAME.sub("", name) or name


@lru_cache(MOST_KNOWN)
def family_of(stem: str) -> str:
    """Return the name with its numbers left out: "Jason.00000055.Entered" belongs to "Jason.#.Entered"."""
    return _DIGITS.sub("#", stem)


def numbers_of(paths: Iterable[str]) -> dict[str, str]:
    """Return path → the part of its name that tells it from the others of its family.

    Parameters
    ----------
    paths : iterable of str
        All frames of a night: the same frame has the same short name in whatever group it stands.

    Returns
    -------
    dict
        A frame that is alone in its family, or whose name holds no number, keeps its whole name. Where the last number
        counts the frames, dates and times before it are left out.
    """
    families: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        families[family_of(stem_of(path))].append(path)
    short: dict[str, str] = {}
    for members in families.values():
        pieces = {path: _DIGITS.split(stem_of(path)) for path in members}
        count = len(next(iter(pieces.values())))
        varying = [k for k in range(1, count, 2) if len({parts[k] for parts in pieces.values()}) > 1]
        if not varying:
            short |= {path: stem_of(path) for path in members}
            continue
        # From the first number that differs to the last one; of the first, without leading digits that all share.
        first, last = varying[0], varying[-1]
        if _runs(pieces, last):
            first = last
        cut = _digits_shared([parts[first] for parts in pieces.values()])
        short |= {path: "".join(parts[first : last + 1])[cut:] for path, parts in pieces.items()}
    return short


def _runs(pieces: Mapping[str, list[str]], at: int) -> bool:
    """Tell whether the number at a place counts the frames: another one in each file, growing as the names do."""
    digits = [parts[at] for parts in sorted({tuple(parts) for parts in pieces.values()})]
    if min(map(len, digits)) < RUNNING_DIGITS:
        return False
    return all(int(one) < int(next_one) for one, next_one in pairwise(digits))


def _digits_shared(numbers: Sequence[str]) -> int:
    """Return how many leading digits can be left out."""
    if len({len(number) for number in numbers}) > 1:
        return 0
    shared = os.path.commonprefix(list(numbers))  # noqa: RUF071 - by letters is what is wanted
    return min(len(shared), max(0, len(numbers[0]) - FEWEST_DIGITS))


def short_names(group: Sequence[str], numbers: Mapping[str, str]) -> dict[str, str]:
    """Return path → what is written in the table for the frames of one group.

    Parameters
    ----------
    group : sequence of str
        Paths of the frames that stand together.
    numbers : mapping
        Of :func:`numbers_of`, for the whole night.

    Returns
    -------
    dict
        Where several families stand together, each name begins with the word that tells its family; names that
        would still be alike begin with the word that tells their folder, or are written whole where none does.
    """
    words = _family_words({family_of(stem_of(path)) for path in group})
    short = {}
    for path in group:
        stem = stem_of(path)
        word = words[family_of(stem)] if numbers[path] != stem else ""
        short[path] = f"{word} {numbers[path]}".strip()
    if twice := _twice(short):
        folders = _family_words({_folder_of(path) for path, name in short.items() if name in twice})
        short = {
            path: f"{folders[_folder_of(path)]} {name}".strip() if name in twice else name
            for path, name in short.items()
        }
    for whole in (stem_of, str):
        twice = _twice(short)
        short = {path: whole(path) if name in twice else name for path, name in short.items()}
    return short


LONGEST_IN_LIST = 16
"""Letters of a name in the list: "SCIENCE 055" leaves room for what is known of the frame."""


def names_in_list(
    group: Sequence[str],
    numbers: Mapping[str, str],
    of_night: Mapping[str, str],
    longest: int = LONGEST_IN_LIST,
    measure: Callable[[str], int] = len,
) -> dict[str, str]:
    """Return path → the name in the list: the one that all else calls a frame by, as long as it is short.

    Parameters
    ----------
    group : sequence of str
        Paths of the frames that stand together.
    numbers : mapping
        Of :func:`numbers_of`, for the whole night.
    of_night : mapping
        Of :func:`short_names`, for the whole night.
    longest : int
        Letters, or what else is measured, that a name may have; where one has more, the word that the heading says
        is left out of all in the group.
    measure : callable
        Gives of a name what is compared with that.
    """
    if all(measure(of_night[path]) <= longest for path in group):
        return {path: of_night[path] for path in group}
    return short_names(group, numbers)


def _twice(short: Mapping[str, str]) -> set[str]:
    return {name for name, count in Counter(short.values()).items() if count > 1}


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def _family_words(families: Iterable[str]) -> dict[str, str]:
    """Return family → the first of its words that not all families have; empty for a family that is alone."""
    known = sorted(families)
    if len(known) < 2:
        return dict.fromkeys(known, "")
    words = {family: [w for w in re.split(f"[{re.escape(_SEPARATORS)}#]+", family) if w] for family in known}
    shared = set.intersection(*(set(found) for found in words.values()))
    return {family: next((w for w in found if w not in shared), "") for family, found in words.items()}
