"""Shifts counted from the frame that a person chose as the reference, instead of the one a group was judged on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline_core.align_night import last_alignment
from pipeline_core.measured_places import MeasuredPlace, measured_places

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pipeline_core.align_night import NightAlignment
    from pipeline_core.logbook import Logbook
    from pipeline_core.measures import QualityRow
    from pipeline_core.store import Store


def chosen_references(store: Store, logbook: Logbook) -> tuple[frozenset[str], NightAlignment | None]:
    """Return the references that a person chose, and the alignment where there are any: see :func:`counted_from`.

    Notes
    -----
    Without rejected ones: in their place quality chooses, until they are accepted.
    """
    rejected = logbook.rejected()
    chosen = logbook.references() - rejected.keys()
    return chosen, last_alignment(store, rejected) if chosen else None


def counted_from(
    rows: Sequence[QualityRow], chosen: Collection[str], alignment: NightAlignment | None = None
) -> list[QualityRow]:
    """Say where frames lie against the chosen references.

    Parameters
    ----------
    rows : sequence of QualityRow
        Each counted from the frame that ``extra["reference"]`` names.
    chosen : collection of str
        Paths of references.
    alignment : NightAlignment, optional
        Knows how frames of other groups (filters, exposures) of the pointing lie on it, which were judged apart.

    Returns
    -------
    list of QualityRow
        In their order. Shift and turn of a chain of frames compose. Where nothing leads from a frame to a chosen one,
        its row is as it was; ``extra["reference"]`` says from which frame it is counted.
    """
    places = measured_places({row.path: row for row in rows})
    bases = _bases(places, [path for path in sorted(chosen) if path in places], alignment)
    return [_seen(row, places.get(row.path), bases) for row in rows]


def _bases(
    places: Mapping[str, MeasuredPlace], chosen: Sequence[str], alignment: NightAlignment | None
) -> dict[str, tuple[str, MeasuredPlace]]:
    """Return how a chosen reference lies on each frame that others are counted from: that one → (chosen, place)."""
    bases: dict[str, tuple[str, MeasuredPlace]] = {}
    for path in chosen:
        bases.setdefault(places[path].reference, (path, places[path]))
    if alignment is not None:
        for root, members in _by_root(places).items():
            if root not in bases and (link := _link(members, places, chosen, alignment)) is not None:
                bases[root] = link
    return bases


def _by_root(places: Mapping[str, MeasuredPlace]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for path, place in places.items():
        members.setdefault(place.reference, []).append(path)
    # What others are counted from is the best bridge: its own place is exact.
    return {root: sorted(paths, key=lambda path: (path != root, path)) for root, paths in members.items()}


def _link(
    members: Iterable[str], places: Mapping[str, MeasuredPlace], chosen: Sequence[str], alignment: NightAlignment
) -> tuple[str, MeasuredPlace] | None:
    """Return how a chosen reference lies on what some frames are counted from, by the first that is aligned on it."""
    for path in members:
        for reference in chosen:
            both = alignment.between(path, reference)
            if both is None:
                continue
            placement = both[1].seen_from(both[0])
            if not placement.mirrored:
                there = MeasuredPlace(path, complex(*placement.displacement), placement.rotation_deg)
                return reference, there.after(places[path])
    return None


def _seen(row: QualityRow, place: MeasuredPlace | None, bases: Mapping[str, tuple[str, MeasuredPlace]]) -> QualityRow:
    if place is None or place.reference not in bases:
        return row
    name, base = bases[place.reference]
    if row.extra.get("reference") == name:
        return row
    if row.path == name:  # exactly, whatever the rounding of a turn back leaves
        shift, turn_deg = 0j, 0.0
    else:
        seen = place.seen_from(base, name)
        shift, turn_deg = seen.shift, (seen.turn_deg + 180.0) % 360.0 - 180.0
    return replace(
        row, dx_px=shift.real, dy_px=shift.imag, rotation_deg=turn_deg, extra={**row.extra, "reference": name}
    )
