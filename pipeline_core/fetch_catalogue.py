"""The reference stars of a night, fetched beforehand: small, and taken up again where it was cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.catalogues.provider import CatalogueProvider, depth_for
from pipeline_core.catalogues.services import default_services
from pipeline_core.catalogues.tile_cache import TileCache, tiles_in_cone
from pipeline_core.errors import UsageError
from pipeline_core.logbook import Logbook
from pipeline_core.scan import scan_night
from pipeline_core.session import find_place
from pipeline_core.solve_memory import solutions
from pipeline_core.store import Store
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline_core.catalogues.services import Service
    from pipeline_core.events import RunContext

_SAME_POINTING_DEG = 0.05
_RADIUS_DEG = 0.85  # half the diagonal of a 63′ field, and room for drift


@dataclass(frozen=True)
class Fetched:
    """What is on disk now."""

    tiles: int
    """Wanted."""
    there: int
    failed: tuple[str, ...]
    pointings: tuple[tuple[float, float], ...]
    size_bytes: int


def fetch_night(
    target: Path,
    context: RunContext,
    *,
    faintest_mag: float = 17.0,
    radius_deg: float | None = None,
    place: tuple[float, float] | None = None,
    services: Sequence[Service] | None = None,
    cache: TileCache | None = None,
) -> Fetched:
    """Fetch the tiles that the frames of a night look at.

    Parameters
    ----------
    target : Path
        A night, or its output: there the solved places count, else those of the headers.
    context : RunContext
    faintest_mag : float
        G.
    radius_deg : float, optional
        Around each pointing.
    place : (ra, dec), optional
        Degrees; instead of the frames' pointings.
    services, cache
        For tests; Gaia's archive and VizieR, and the user's cache.

    Raises
    ------
    UsageError
        If nothing says where the night looks.
    Cancelled
        If the person stopped it; what came stays.
    """
    pointings = [place] if place is not None else _pointings(target, context)
    if not pointings:
        raise UsageError(
            f"cannot tell where {target} looks",
            "no header has a pointing and no frame is solved",
            "name it with --at RA DEC, degrees",
        )
    cache = cache or TileCache()
    offered = list(services) if services is not None else default_services()
    if not offered:
        raise UsageError(
            "cannot fetch a catalogue",
            "the packages astroquery and pyvo are not installed",
            'pip install "astep-harvest[solve]"',
        )
    provider = CatalogueProvider(cache, services=offered, faintest_mag=faintest_mag, context=context)
    tiles: dict[int, None] = {}
    for ra, dec in pointings:
        tiles |= dict.fromkeys(tiles_in_cone(ra, dec, radius_deg or _RADIUS_DEG))
    # As deep as a frame wants that fills the cone by half only.
    limit = depth_for(0.7 * (radius_deg or _RADIUS_DEG), faintest_mag)
    there, failed = provider.fetch(list(tiles), context, limit)
    return Fetched(len(tiles), there, tuple(failed), tuple(pointings), cache.size_bytes())


def _pointings(target: Path, context: RunContext) -> list[tuple[float, float]]:
    place = find_place(target)
    found: list[tuple[float, float]] = []
    if place.has_logbook:
        with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
            found = [
                (frame.ra_deg, frame.dec_deg)
                for frame in solutions(store).values()
                if frame.ra_deg is not None and frame.dec_deg is not None
            ]
    if not found:
        night = scan_night(place.night, context)
        found = [
            (frame.ra_deg, frame.dec_deg)
            for frame in night.frames
            if frame.kind is FrameKind.SCIENCE and frame.ra_deg is not None and frame.dec_deg is not None
        ]
    return _apart(found)


def _apart(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return one of the places that lie together."""
    from pipeline_core.science.tan_sip import separation_deg  # noqa: PLC0415 - the only use

    kept: list[tuple[float, float]] = []
    for ra, dec in places:
        if all(float(separation_deg(ra, dec, *other)) > _SAME_POINTING_DEG for other in kept):
            kept.append((ra, dec))
    return kept
