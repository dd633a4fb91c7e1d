"""Where frames lie by what was measured on them, also where they were measured against different references.

The quality of a frame holds the shift and the turn against the reference of those that it was judged with. Frames that
were rejected before the night was reduced keep the values of the quick look, whose reference may be another one than
that of the final values; they are in no alignment. Here those values are chained until all lie on one reference.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline_core.align_night import FrameAlignment, NightAlignment
from pipeline_core.science.alignment import Alignment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pipeline_core.measures import QualityRow

    Shape = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MeasuredPlace:
    """How a frame lies on another one: turned about the middle of the field, and moved."""

    reference: str
    """Path of that other one."""
    shift: complex
    """px, x + iy, of the middle of the field."""
    turn_deg: float
    """Counter-clockwise."""

    @property
    def turn(self) -> complex:
        """As a factor."""
        return cmath.exp(1j * math.radians(self.turn_deg))

    def after(self, first: MeasuredPlace) -> MeasuredPlace:
        """Chain: ``first`` says how this one's reference lies on its own."""
        return MeasuredPlace(first.reference, self.shift + self.turn * first.shift, self.turn_deg + first.turn_deg)

    def seen_from(self, other: MeasuredPlace, name: str) -> MeasuredPlace:
        """Return how this frame lies on a frame called ``name``, which lies as ``other`` on the same reference."""
        turn_deg = self.turn_deg - other.turn_deg
        turn = cmath.exp(1j * math.radians(turn_deg))
        return MeasuredPlace(name, self.shift - turn * other.shift, turn_deg)

    def alignment(self, shape: Shape) -> Alignment:
        """Return the same as a similarity of pixels, for frames of (ny, nx) pixels."""
        middle = complex((shape[1] - 1) / 2, (shape[0] - 1) / 2)
        return Alignment(self.turn, middle - self.turn * middle + self.shift)


def measured_place(row: QualityRow | None) -> MeasuredPlace | None:
    """Return what was measured of one frame; None where nothing was, or it is not said against which other one."""
    if row is None or row.dx_px is None or row.dy_px is None or row.mirrored:
        return None
    reference = row.extra.get("reference")
    if not isinstance(reference, str):
        return None
    return MeasuredPlace(reference, complex(row.dx_px, row.dy_px), row.rotation_deg or 0.0)


def measured_places(rows: Mapping[str, QualityRow]) -> dict[str, MeasuredPlace]:
    """Return how frames lie on the last reference that their own leads to.

    Parameters
    ----------
    rows : mapping
        Path → what is known of the frame: final values, or those of a quick look.

    Returns
    -------
    dict
        Path → place, of the frames that have one. Two of the same ``reference`` are known against each other.
    """
    own = {path: place for path, row in rows.items() if (place := measured_place(row)) is not None}
    found = {}
    for path, first in own.items():
        place, seen = first, {path}
        while place.reference not in seen and (further := own.get(place.reference)) is not None:
            seen.add(place.reference)
            place = place.after(further)
        found[path] = place
    return found


def with_measured(
    alignment: NightAlignment, rows: Mapping[str, QualityRow], shapes: Mapping[str, Shape | None]
) -> NightAlignment:
    """Give frames that no alignment placed the place that was measured on them.

    Parameters
    ----------
    alignment : NightAlignment
    rows : mapping
        Path → what is known of the frame.
    shapes : mapping
        (ny, nx) of the frames that are wanted, trimmed.

    Returns
    -------
    NightAlignment
        Those of ``shapes`` that are neither aligned nor measured against an aligned frame are as they were.
    """
    places = measured_places(rows)
    bridges: dict[str, tuple[MeasuredPlace, FrameAlignment]] = {}
    for one in alignment.frames:
        place = places.get(one.path)
        if one.placement is None or place is None:
            continue
        # The reference itself is the best one: its own place is exact.
        if place.reference not in bridges or one.path == place.reference:
            bridges[place.reference] = place, one
    added = {}
    for path, shape in shapes.items():
        known, place = alignment.by_path.get(path), places.get(path)
        if shape is None or place is None or (known is not None and known.aligned) or place.reference not in bridges:
            continue
        other, base = bridges[place.reference]
        assert base.placement is not None, "only aligned frames are bridges"
        link = place.seen_from(other, base.path).alignment(shape)
        blank = known or FrameAlignment(path, base.pointing, None)
        added[path] = replace(blank, reference=base.reference, placement=base.placement.then(link))
    kept = [one for one in alignment.frames if one.path not in added]
    return NightAlignment((*kept, *added.values())) if added else alignment


def onto_final(
    quick: Iterable[QualityRow], looked: Mapping[str, QualityRow], final: Collection[str]
) -> list[QualityRow]:
    """Say the places of quick looks against frames that have final values, where there is one among them.

    Parameters
    ----------
    quick : iterable of QualityRow
        Of frames without final values.
    looked : mapping
        Path → quick row of all that were looked at quickly together, those with final values too.
    final : collection of str
        Paths of frames whose final values have a place.

    Returns
    -------
    list of QualityRow
        In their order. Without this, frames that are judged on a rejected one are known against no reduced one.
    """
    bridges: dict[str, tuple[str, MeasuredPlace]] = {}
    for path in sorted(final):
        place = measured_place(looked.get(path))
        if place is not None:
            bridges.setdefault(place.reference, (path, place))
    out = []
    for row in quick:
        place = measured_place(row)
        if place is not None and place.reference not in final and place.reference in bridges:
            name, other = bridges[place.reference]
            seen = place.seen_from(other, name)
            turn_deg = (seen.turn_deg + 180.0) % 360.0 - 180.0
            out.append(
                replace(
                    row,
                    dx_px=seen.shift.real,
                    dy_px=seen.shift.imag,
                    rotation_deg=turn_deg,
                    extra={**row.extra, "reference": name},
                )
            )
        else:
            out.append(row)
    return out
