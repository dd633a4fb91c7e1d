"""Which frames belong together: by exposure, temperature, geometry and pointing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pipeline_core.config import DarkSettings
    from pipeline_core.types import Frame

K = TypeVar("K", bound=Hashable)

POINTING_RADIUS_DEG = 0.5
"""Frames closer than this look at the same field: half of ASTEP's field, more than any dither or drift."""


@dataclass(frozen=True, order=True)
class Geometry:
    """What must be equal before one frame's pixels can be subtracted from another's."""

    ny: int
    nx: int
    binning: tuple[int, int]

    @classmethod
    def of(cls, frame: Frame) -> Geometry:
        """Geometry of a usable frame; an unstated binning is 1×1."""
        assert frame.shape is not None, "only usable frames have a geometry"
        return cls(*frame.shape, frame.binning or (1, 1))

    def __str__(self) -> str:
        words = f"{self.nx}x{self.ny}"
        return words if self.binning == (1, 1) else f"{words}_bin{self.binning[1]}x{self.binning[0]}"


def grouped(frames: Iterable[Frame], key: Callable[[Frame], K]) -> dict[K, list[Frame]]:
    """Sort frames into lists by a key, in the order in which keys first appear."""
    groups: dict[K, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[key(frame)].append(frame)
    return dict(groups)


def same_exposure(a_s: float, b_s: float, settings: DarkSettings) -> bool:
    """Whether two exposure times are equal within the recipe's tolerance."""
    tolerance = max(settings.exposure_tolerance_s, settings.exposure_tolerance_fraction * max(a_s, b_s))
    return abs(a_s - b_s) <= tolerance


def by_exposure(frames: Sequence[Frame], settings: DarkSettings) -> list[list[Frame]]:
    """Split frames into groups of equal exposure; frames without one form their own group."""
    known = sorted((f for f in frames if f.exposure_s is not None), key=lambda f: f.exposure_s or 0.0)
    groups: list[list[Frame]] = []
    for frame in known:
        if groups and same_exposure(groups[-1][0].exposure_s or 0.0, frame.exposure_s or 0.0, settings):
            groups[-1].append(frame)
        else:
            groups.append([frame])
    unknown = [f for f in frames if f.exposure_s is None]
    return [*groups, unknown] if unknown else groups


def by_temperature(frames: Sequence[Frame], tolerance_c: float) -> list[list[Frame]]:
    """Split frames so that no group spans more than twice the tolerance.

    Frames without a temperature join the only group there is, or form their own.
    """
    known = sorted((f for f in frames if f.temperature_c is not None), key=lambda f: f.temperature_c or 0.0)
    unknown = [f for f in frames if f.temperature_c is None]
    groups: list[list[Frame]] = []
    for frame in known:
        coldest = groups[-1][0].temperature_c if groups else None
        if coldest is not None and (frame.temperature_c or 0.0) - coldest <= 2 * tolerance_c:
            groups[-1].append(frame)
        else:
            groups.append([frame])
    if unknown and len(groups) == 1:
        groups[0].extend(unknown)
    elif unknown:
        groups.append(unknown)
    return groups


def mean_temperature(frames: Sequence[Frame]) -> float | None:
    """Mean of the temperatures that are known, °C."""
    known = [f.temperature_c for f in frames if f.temperature_c is not None]
    return sum(known) / len(known) if known else None


def mean_exposure(frames: Sequence[Frame]) -> float | None:
    """Mean of the exposures that are known, s."""
    known = [f.exposure_s for f in frames if f.exposure_s is not None]
    return sum(known) / len(known) if known else None


def separation_deg(a: Frame, b: Frame) -> float | None:
    """Angle between the pointings of two frames, or None where one has none.

    Vincenty's formula is not needed: half a degree is far from where the haversine loses digits.
    """
    if a.ra_deg is None or a.dec_deg is None or b.ra_deg is None or b.dec_deg is None:
        return None
    ra_a, dec_a, ra_b, dec_b = map(math.radians, (a.ra_deg, a.dec_deg, b.ra_deg, b.dec_deg))
    h = math.sin((dec_b - dec_a) / 2) ** 2 + math.cos(dec_a) * math.cos(dec_b) * math.sin((ra_b - ra_a) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(h))))


def pointing_offset_deg(a: Frame, b: Frame) -> tuple[float, float] | None:
    """Offset of b's pointing from a's to the east and to the north, degrees, or None where one has none.

    The length is the angle between them; the direction is that of the great circle where it leaves a.
    """
    apart = separation_deg(a, b)
    if apart is None or a.ra_deg is None or a.dec_deg is None or b.ra_deg is None or b.dec_deg is None:
        return None
    ra_a, dec_a, ra_b, dec_b = map(math.radians, (a.ra_deg, a.dec_deg, b.ra_deg, b.dec_deg))
    east = math.cos(dec_b) * math.sin(ra_b - ra_a)
    north = math.cos(dec_a) * math.sin(dec_b) - math.sin(dec_a) * math.cos(dec_b) * math.cos(ra_b - ra_a)
    length = math.hypot(east, north) or 1.0
    return apart * east / length, apart * north / length


def by_pointing(frames: Sequence[Frame], radius_deg: float = POINTING_RADIUS_DEG) -> dict[str, list[Frame]]:
    """Split science frames into fields.

    A frame joins the first field whose first frame lies within the radius. A frame without coordinates joins the
    field of its object's name. The field's name is its object's, numbered where two fields share it.
    """
    fields: list[list[Frame]] = []
    by_object: dict[str, list[Frame]] = {}
    for frame in frames:
        home = next(
            (field for field in fields if (d := separation_deg(field[0], frame)) is not None and d <= radius_deg),
            None,
        )
        if home is None and frame.ra_deg is None:
            home = by_object.get(frame.object or "")
        if home is None:
            home = []
            fields.append(home)
        home.append(frame)
        by_object.setdefault(frame.object or "", home)
    named: dict[str, list[Frame]] = {}
    for field in fields:
        base = next((f.object for f in field if f.object), None) or "field"
        name, number = base, 2
        while name in named:
            name, number = f"{base} ({number})", number + 1
        named[name] = field
    return named
