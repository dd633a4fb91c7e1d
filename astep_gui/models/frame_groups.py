"""Groups of the frame table: frames of one pointing, kind, filter and exposure, and what makes a frame one of them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from astep_gui.models.frame_columns import seconds_words
from pipeline_core.grouping import by_pointing, pointing_offset_deg
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline_core.types import Frame

    Change = tuple[str, str, object]

_FIRST = (FrameKind.UNKNOWN, FrameKind.SCIENCE)
_KIND_ORDER = {kind: k for k, kind in enumerate((*_FIRST, *(kind for kind in FrameKind if kind not in _FIRST)))}


@dataclass
class Group:
    """Frames of one pointing, kind, filter and exposure; or the masters."""

    title: str
    paths: list[str] = field(default_factory=list)
    key: tuple[Any, ...] = ()
    is_masters: bool = False
    """Its rows are masters, by name."""


def group_keys(frames: Sequence[Frame]) -> dict[str, tuple[Any, ...]]:
    """Return path → (order of the kind, pointing, kind, filter, exposure); equal keys stand together, in this order."""
    lit = [frame for frame in frames if frame.kind is FrameKind.SCIENCE]
    pointings = by_pointing(lit)
    named = {name: told_apart(name, pointings) for name in pointings}
    fields = {frame.path: named[name] for name, members in pointings.items() for frame in members}
    return {
        f.path: (
            _KIND_ORDER[f.kind],
            fields.get(f.path, ""),
            f.kind.value,
            f.filter or "",
            grouped_exposure(f),
        )
        for f in frames
    }


def told_apart(name: str, pointings: Mapping[str, Sequence[Frame]]) -> str:
    """Say where a field lies that has its name from an earlier one: "M 5 (2), 34′ NE of the first".

    Parameters
    ----------
    name : str
        Of one of the pointings.
    pointings : mapping of name to frames
        As :func:`by_pointing` has them.
    """
    numbered = re.fullmatch(r"(.+) \(\d+\)", name)
    first = pointings.get(numbered[1]) if numbered else None
    offset = pointing_offset_deg(first[0], pointings[name][0]) if first else None
    if offset is None:
        return name
    east, north = offset
    apart = math.hypot(east, north)
    way = _WINDS[round(math.degrees(math.atan2(east, north)) / 45) % 8]
    return f"{name}, {f'{60 * apart:.0f}′' if apart < 1 else f'{apart:.1f}°'} {way} of the first"


_WINDS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def changes_for(frames: Iterable[Frame], group: Group) -> list[Change]:
    """Return what must change for frames to belong to a group: kind, filter, exposure, where they differ.

    Parameters
    ----------
    frames : iterable of Frame
    group : Group
        One with a key, not the masters.

    Returns
    -------
    list of (path, field, value)

    Notes
    -----
    Where the telescope pointed is not among them: it was there, whatever a person thinks of the frame.
    """
    _order, _pointing, kind, name, exposure_s = group.key
    changes: list[Change] = []
    for frame in frames:
        if frame.kind.value != kind:
            changes.append((frame.path, "kind", kind))
        if FrameKind(kind).has_filter and (frame.filter or "") != name:
            changes.append((frame.path, "filter", name))
        if exposure_s >= 0 and frame.exposure_s != exposure_s:
            changes.append((frame.path, "exposure_s", exposure_s))
    return changes


def grouped_exposure(frame: Frame) -> float:
    """Return what groups by exposure; a bias has none that matters."""
    return frame.exposure_s if frame.exposure_s is not None and frame.kind is not FrameKind.BIAS else -1.0


def heading(key: tuple[Any, ...]) -> str:
    """Name a group as an observer would: "Science · NGC 1866 · R · 90 s"."""
    if not key:
        return ""
    _order, pointing, kind, name, exposure_s = key
    exposure = seconds_words(exposure_s if exposure_s >= 0 else None)
    return " · ".join(filter(None, (kind.capitalize(), pointing, name, exposure)))
