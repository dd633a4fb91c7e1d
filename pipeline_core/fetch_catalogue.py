"""The reference stars of a night, fetched beforehand: small, and taken up again where it was cut."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline_core.catalogues.provider import CatalogueProvider, depth_for
from pipeline_core.catalogues.services import default_services
from pipeline_core.catalogues.tile_cache import TileCache, tiles_in_cone
from pipeline_core.config import Recipe
from pipeline_core.errors import UsageError
from pipeline_core.logbook import Logbook
from pipeline_core.scan import scan_night
from pipeline_core.science.tan_sip import ARCSEC
from pipeline_core.session import find_place, recipe_of
from pipeline_core.solve_hints import solve_hints
from pipeline_core.solve_memory import solutions
from pipeline_core.solving.beside_catalogue import cone_radius
from pipeline_core.solving.where_to_look import cone_of
from pipeline_core.store import Store
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.catalogues.services import Service
    from pipeline_core.events import RunContext
    from pipeline_core.solving.result import FrameSolution
    from pipeline_core.types import Frame

_SAME_POINTING_DEG = 0.05
_RADIUS_DEG = 0.85  # half the diagonal of a 63′ field, and room for drift
_MARGIN_DEG = 0.15


@dataclass(frozen=True)
class Fetched:
    """What is on disk now."""

    tiles: int
    """Wanted."""
    there: int
    failed: tuple[str, ...]
    pointings: tuple[tuple[float, float], ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Pointing:
    """Where frames look, degrees."""

    ra_deg: float
    dec_deg: float
    radius_deg: float = _RADIUS_DEG
    """Within this their stars are asked for."""
    frame_deg: float = 0.7 * _RADIUS_DEG
    """Radius of the smallest cone that is asked for by itself: how deep it is hangs on that."""


def fetch_night(
    target: Path | None,
    context: RunContext,
    *,
    faintest_mag: float | None = None,
    radius_deg: float | None = None,
    place: tuple[float, float] | None = None,
    services: Sequence[Service] | None = None,
    cache: TileCache | None = None,
) -> Fetched:
    """Fetch the tiles that the frames of a night look at.

    Parameters
    ----------
    target : Path or None
        A night, or its output: of each frame its solved place counts, else a person's hint, else its header. None
        only with ``place``.
    context : RunContext
    faintest_mag : float, optional
        G; by default as deep as the night's recipe asks.
    radius_deg : float, optional
        Around each pointing; by default as wide as its frames, and never less than the field of ASTEP's camera.
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
    if place is not None:
        pointings = [_Pointing(*place)]
    elif target is not None:
        pointings = _pointings(target, context)
    else:
        raise UsageError(
            "cannot tell where to fetch stars", "neither a night nor a place is named",
            "name a night or its output, or a place with --at RA DEC, degrees",
        )  # fmt: skip
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
    if faintest_mag is None:
        faintest_mag = (recipe_of(find_place(target), None) if target is not None else Recipe()).solve.faintest_mag
    provider = CatalogueProvider(cache, services=offered, faintest_mag=faintest_mag, context=context)
    limits: dict[int, float] = {}
    for pointing in pointings:
        # As deep as a frame wants; of a named radius, one that fills it by half only.
        limit = depth_for(0.7 * radius_deg if radius_deg is not None else pointing.frame_deg, faintest_mag)
        for tile in tiles_in_cone(pointing.ra_deg, pointing.dec_deg, radius_deg or pointing.radius_deg):
            limits[tile] = max(limit, limits.get(tile, limit))
    there, failed = 0, []
    for limit in sorted(set(limits.values()), reverse=True):
        came, why = provider.fetch([tile for tile, deep in limits.items() if deep == limit], context, limit)
        there += came
        failed += why
    places = tuple((pointing.ra_deg, pointing.dec_deg) for pointing in pointings)
    return Fetched(len(limits), there, tuple(failed), places, cache.size_bytes())


def _pointings(target: Path, context: RunContext) -> list[_Pointing]:
    """Return where a night's frames look, each place once."""
    place = find_place(target)
    settings = recipe_of(place, None).solve
    solved: dict[str, FrameSolution] = {}
    hints: Mapping[str, Mapping[str, float]] = {}
    night = scan_night(place.night, context) if place.night.is_dir() else None
    if place.has_logbook:
        with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
            solved = {path: frame for path, frame in solutions(store).items() if frame.solution is not None}
            hints = solve_hints(logbook)
            night = logbook.apply(night) if night is not None else None
    found = []
    for done in solved.values():
        if done.solution is not None and done.shape is not None:
            ra, dec, radius = cone_of(done.solution, done.shape)
            found.append(_Pointing(ra, dec, max(radius, _RADIUS_DEG), radius))
    for frame in night.frames if night is not None else ():
        if frame.kind is FrameKind.SCIENCE and frame.path not in solved:
            own = hints.get(frame.path, {})
            place_deg = own.get("ra_deg", frame.ra_deg), own.get("dec_deg", frame.dec_deg)
            scale = own.get("scale_arcsec") or settings.scale_arcsec or frame.pixel_scale_arcsec
            if place_deg[0] is not None and place_deg[1] is not None:
                found.append(_stated(place_deg[0], place_deg[1], frame, scale))
    return _apart(found)


def _stated(ra_deg: float, dec_deg: float, frame: Frame, scale_arcsec: float | None) -> _Pointing:
    """Return where an unsolved frame is said to look, as wide as a search for it asks for stars."""
    shape = frame.trim.shape if frame.trim is not None else frame.shape
    if shape is None or scale_arcsec is None:
        return _Pointing(ra_deg, dec_deg)
    own = 0.5 * math.hypot(*shape) * scale_arcsec / ARCSEC + _MARGIN_DEG
    # Without an index a search wants more around the place, in fields that are small enough for it.
    around = cone_radius(shape, 1.05 * scale_arcsec) or own
    # Its scale is known to a few per cent, and smaller fields are asked for deeper.
    return _Pointing(ra_deg, dec_deg, max(around, own, _RADIUS_DEG), 0.95 * own)


def _apart(places: Sequence[_Pointing]) -> list[_Pointing]:
    """Return one of the places that lie together, as wide and as deep as any of them."""
    from pipeline_core.science.tan_sip import separation_deg  # noqa: PLC0415 - the only use

    kept: list[_Pointing] = []
    for one in sorted(places, key=lambda place: -place.radius_deg):
        for k, other in enumerate(kept):
            apart = separation_deg(one.ra_deg, one.dec_deg, other.ra_deg, other.dec_deg)
            if float(apart) <= _SAME_POINTING_DEG:
                kept[k] = replace(other, frame_deg=min(one.frame_deg, other.frame_deg))
                break
        else:
            kept.append(one)
    return kept
