"""Where the frames of a blink lie against one of them: nothing is turned that need not be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astep_gui.models.blink_turn import place_of, turn_of
from pipeline_core.measured_places import measured_places, with_measured
from pipeline_core.science.placement import Placement
from pipeline_core.science.turned_codes import needs_turning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from astep_gui.models.blink_turn import Place, Turn
    from pipeline_core.align_night import NightAlignment
    from pipeline_core.measured_places import MeasuredPlace
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
    at: Place | None = None
    """Where in it a place of that other frame lies, if it is turned."""

    def moved(self, x: float, y: float) -> tuple[float, float]:
        """Return where in this frame a place of the other one lies, 0-based px."""
        return self.at(x, y) if self.at is not None else (x + self.shift[0], y + self.shift[1])


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
    aligned = {path for path in paths if alignment is not None and _is_aligned(path, alignment)}
    if alignment is not None:  # frames that were rejected before the reduction are in no alignment
        alignment = with_measured(alignment, rows, {path: shapes[path] for path in paths})
    measured = measured_places(rows)
    grounds = {path: _grounds(path, alignment, measured) for path in paths}
    count = Counter(ground for path in paths for ground in grounds[path])
    if not count:
        return {}
    # An alignment knows turns and distortion, measured shifts do not; but one aligned frame is laid on nothing.
    known = Counter(ground for path in aligned for ground in grounds[path])  # of two sides alike the better known one
    chosen = max(count, key=lambda ground: (ground[0] and count[ground] > 1, count[ground], known[ground]))
    members = [path for path in paths if chosen in grounds[path]]
    members = [path for path in members if path in aligned] or members  # better known than what was only measured
    base = onto if onto is not None else members[len(members) // 2]
    places = {}
    for path in paths:
        place = _by_alignment(path, base, alignment, shapes[path], first_of)
        place = place or _by_shifts(path, base, measured, shapes, first_of)
        if place is not None:
            places[path] = place
    return places if len(places) > 1 else {}


def _is_aligned(path: str, alignment: NightAlignment) -> bool:
    one = alignment.by_path.get(path)
    return one is not None and one.aligned


def _grounds(path: str, alignment: NightAlignment | None, measured: Mapping[str, MeasuredPlace]) -> list[Ground]:
    """Return on what a frame is placed."""
    found: list[Ground] = []
    one = alignment.by_path.get(path) if alignment is not None else None
    if one is not None and one.placement is not None and one.reference is not None:
        found.append((True, one.reference, _half_turns(one.placement.rotation_deg)))
    place = measured.get(path)
    if place is not None:
        found.append((False, place.reference, _half_turns(place.turn_deg)))
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
    measured: Mapping[str, MeasuredPlace],
    shapes: Mapping[str, Shape | None],
    first_of: Callable[[str], tuple[int, int]],
) -> BlinkPlace | None:
    """Place by what was measured at the reduction: shifts of the middle, and whether the field is upside down."""
    own, other = measured.get(path), measured.get(base)
    if own is None or other is None or own.reference != other.reference:
        return None
    if _half_turns(own.turn_deg) == _half_turns(other.turn_deg):
        moved = own.shift - other.shift
        return BlinkPlace((moved.real, moved.imag))
    shape, base_shape = shapes[path], shapes[base]
    if shape is None or shape != base_shape:
        return None
    placement = Placement.of(own.seen_from(other, base).alignment(shape), shape)
    return _turned(placement, path, base, first_of)


def _turned(placement: Placement, path: str, base: str, first_of: Callable[[str], tuple[int, int]]) -> BlinkPlace:
    firsts = first_of(path), first_of(base)
    turn, at = turn_of(placement, *firsts), place_of(placement, *firsts)
    return BlinkPlace(placement.displacement, turn, placement.rotation_deg, at)
