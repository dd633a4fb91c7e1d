"""Where the frames of a blink lie against one of them: nothing is turned that need not be."""

from __future__ import annotations

import cmath
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astep_gui.models.blink_turn import turn_of
from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement
from pipeline_core.science.turned_codes import needs_turning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from astep_gui.models.blink_turn import Turn
    from pipeline_core.align_night import NightAlignment
    from pipeline_core.measures import QualityRow

    Shape = tuple[int, int]
    Ground = tuple[bool, str, int]
    """Whether the alignment knows it, the frame it is placed on, and how many half-turns away."""


@dataclass(frozen=True, slots=True)
class BlinkPlace:
    """Where a frame lies against the one on which all of a blink are laid."""

    shift: tuple[float, float]
    """px (x, y), of the middle of the field."""
    turn: Turn | None = None
    """Where a mere shift would not do."""
    angle_deg: float = 0.0
    """By how much it is turned then."""


def blink_places(
    paths: Sequence[str],
    alignment: NightAlignment | None,
    rows: Mapping[str, QualityRow],
    shapes: Mapping[str, Shape | None],
    first_of: Callable[[str], tuple[int, int]],
    onto: str | None = None,
) -> dict[str, BlinkPlace]:
    """Place frames on one of them.

    Parameters
    ----------
    paths : sequence of str
        In the order in which they go by.
    alignment : NightAlignment, optional
    rows : mapping
        Measured shifts, for frames that the alignment does not know.
    shapes : mapping
        (ny, nx) of each, trimmed.
    first_of : callable
        Where the calibrated frame's first pixel lies in the image that is shown.
    onto : str, optional
        The frame on which the others are laid, if it is not to be chosen.

    Returns
    -------
    dict
        Path → place, of those that have one. Empty where no two frames are known against each other.

    Notes
    -----
    All are laid on the middle one of those that most agree with: of a field that was taken on both sides of the
    meridian the smaller part is turned; and where the frame on which the alignment stands lies beyond the meridian, or
    is not blinked at all, nothing is turned for its sake.
    """
    grounds = {path: _grounds(path, alignment, rows) for path in paths}
    count = Counter(ground for path in paths for ground in grounds[path])
    if not count:
        return {}
    # An alignment knows turns and distortion, measured shifts do not; but one aligned frame is laid on nothing.
    chosen = max(count, key=lambda ground: (ground[0] and count[ground] > 1, count[ground]))
    members = [path for path in paths if chosen in grounds[path]]
    known_twice = [path for path in members if len(grounds[path]) > 1]  # those bring in frames that are not aligned
    members = known_twice or members
    base = onto if onto is not None else members[len(members) // 2]
    places = {}
    for path in paths:
        place = _by_alignment(path, base, alignment, shapes[path], first_of)
        place = place or _by_shifts(path, base, rows, shapes, first_of)
        if place is not None:
            places[path] = place
    return places if len(places) > 1 else {}


def _grounds(path: str, alignment: NightAlignment | None, rows: Mapping[str, QualityRow]) -> list[Ground]:
    """Return on what a frame is placed."""
    found: list[Ground] = []
    one = alignment.by_path.get(path) if alignment is not None else None
    if one is not None and one.placement is not None and one.reference is not None:
        found.append((True, one.reference, _half_turns(one.placement.rotation_deg)))
    measured = _measured(path, rows)
    if measured is not None:
        found.append((False, measured[0], _half_turns(measured[2])))
    return found


def _half_turns(angle_deg: float) -> int:
    return round(angle_deg / 180.0) % 2


def _by_alignment(
    path: str,
    base: str,
    alignment: NightAlignment | None,
    shape: Shape | None,
    first_of: Callable[[str], tuple[int, int]],
) -> BlinkPlace | None:
    both = alignment.between(base, path) if alignment is not None else None
    if both is None:
        return None
    placement = both[1].seen_from(both[0])
    is_turned = path != base and shape is not None and needs_turning(placement, shape)
    return _turned(placement, path, base, first_of) if is_turned else BlinkPlace(placement.displacement)


def _by_shifts(
    path: str,
    base: str,
    rows: Mapping[str, QualityRow],
    shapes: Mapping[str, Shape | None],
    first_of: Callable[[str], tuple[int, int]],
) -> BlinkPlace | None:
    """Place by what was measured at the reduction: shifts of the middle, and whether the field is upside down."""
    own, other = _measured(path, rows), _measured(base, rows)
    if own is None or other is None or own[0] != other[0]:
        return None
    if _half_turns(own[2]) == _half_turns(other[2]):
        moved = own[1] - other[1]
        return BlinkPlace((moved.real, moved.imag))
    shape, base_shape = shapes[path], shapes[base]
    if shape is None or shape != base_shape:
        return None
    placement = _placement(own, shape).seen_from(_placement(other, shape))
    return _turned(placement, path, base, first_of)


def _turned(placement: Placement, path: str, base: str, first_of: Callable[[str], tuple[int, int]]) -> BlinkPlace:
    turn = turn_of(placement, first_of(path), first_of(base))
    return BlinkPlace(placement.displacement, turn, placement.rotation_deg)


def _measured(path: str, rows: Mapping[str, QualityRow]) -> tuple[str, complex, float] | None:
    """Return the frame against which a frame was measured, the shift of its middle (px), its turn (degrees)."""
    row = rows.get(path)
    if row is None or row.dx_px is None or row.dy_px is None or row.mirrored:
        return None
    return str(row.extra.get("reference")), complex(row.dx_px, row.dy_px), row.rotation_deg or 0.0


def _placement(measured: tuple[str, complex, float], shape: Shape) -> Placement:
    """Return what was measured as a placement: turned about the middle of the field, and moved."""
    _reference, moved, angle_deg = measured
    middle, turn = complex((shape[1] - 1) / 2, (shape[0] - 1) / 2), cmath.exp(1j * math.radians(angle_deg))
    return Placement.of(Alignment(turn, middle - turn * middle + moved), shape)
