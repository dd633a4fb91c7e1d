"""Equal needs in one line: five exposures without a dark must not hide what else needs a person."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from astep_gui.models.needs import Need, Remedy

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_KINS = (
    (re.compile(r"No dark of (?P<which>.+)"), "No dark for {n} exposures"),
    (re.compile(r"No flat for filter (?P<which>.+)"), "No flat for {n} filters"),
    (re.compile(r"(?P<which>\S+): No dark of .+"), "No dark for {n} kinds of flats"),
)
"""Titles of needs that are equal but for one word, and what is said of several."""
_NAMED = 4
"""So many of them are named in the line; all of them stand below it once it is unfolded."""


@dataclass(frozen=True, slots=True)
class NeedLine:
    """One line of the list."""

    need: Need
    parts: tuple[Need, ...] = ()
    """The needs that it stands for, if more than one."""
    kin: str = ""
    """What these have in common; empty for a need by itself."""
    is_part: bool = False
    """It stands below the line of its kin, which is unfolded."""
    is_done: bool = False
    """Nothing is needed any more: it only keeps its place under the pointer."""


def in_lines(needs: Sequence[Need], unfolded: Collection[str]) -> list[NeedLine]:
    """Return what is shown: each need in its place, equal ones together in the place of the first.

    Parameters
    ----------
    needs : sequence of Need
    unfolded : collection of str
        Kins whose needs stand one by one below their line.
    """
    of_kin: dict[str, list[tuple[str, Need]]] = {}
    for need in needs:
        kin, which = _kin_of(need)
        of_kin.setdefault(kin, []).append((which, need))
    lines, told = [], set()
    for need in needs:
        kin, _which = _kin_of(need)
        equal = of_kin[kin]
        if not kin or len(equal) < 2:
            lines.append(NeedLine(need))
        elif kin not in told:
            told.add(kin)
            parts = tuple(part for _, part in equal)
            lines.append(NeedLine(_together(kin, equal), parts, kin))
            lines += [NeedLine(part, kin=kin, is_part=True) for part in parts if kin in unfolded]
    return lines


def _kin_of(need: Need) -> tuple[str, str]:
    for titles, kin in _KINS:
        if (found := titles.fullmatch(need.title)) is not None:
            return kin, found["which"].replace(" ", "\N{NO-BREAK SPACE}")
    return "", ""


def _together(kin: str, equal: Sequence[tuple[str, Need]]) -> Need:
    """Return one need for all: what settles each of them settles all at one click."""
    names, parts = [which for which, _ in equal], [need for _, need in equal]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    title = f"{kin.format(n=len(parts))}: {', '.join(names[:_NAMED])}{more}"
    paths = tuple(dict.fromkeys(path for need in parts for path in need.paths))
    ways = []
    for way in parts[0].remedies:
        alike = [(need, other) for need in parts for other in need.remedies if _is_same(way, other)]
        if len(alike) == len(parts):
            reached = (other.paths or need.paths for need, other in alike if way.deed == "set")
            wanted = tuple(dict.fromkeys(path for some in reached for path in some))
            tips = "; ".join(dict.fromkeys(other.tip for _, other in alike))
            ways.append(replace(way, paths=wanted, tip=tips))
    whys = "\n".join(need.why for need in parts)
    return Need(title, whys, paths, tuple(ways), parts[0].tone, parts[0].lacks)


def _is_same(one: Remedy, other: Remedy) -> bool:
    return (one.label, one.deed, one.field, one.value) == (other.label, other.deed, other.field, other.value)
