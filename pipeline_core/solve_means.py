"""What this machine has to solve frames with: catalogue, index files, engines; or what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pipeline_core.catalogues.provider import CatalogueProvider
from pipeline_core.catalogues.tile_cache import TileCache
from pipeline_core.solving.beside_catalogue import BesideCatalogue, cone_radius
from pipeline_core.solving.engine import EngineError
from pipeline_core.solving.engines import make_engines
from pipeline_core.solving.index_files import find_indexes, what_is_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline_core.config import SolveSettings
    from pipeline_core.events import RunContext
    from pipeline_core.io.index_file import IndexFile
    from pipeline_core.solving.engine import Engine


_WAIT_S = 600.0
"""In one run for Gaia's stars of places that were found: two minutes a tile over a few KB/s, four or five tiles."""
_GUESS_WAIT_S = 120.0
"""And for those of places that headers state, which may be wrong, each frame's another way."""


def make_provider(
    settings: SolveSettings, indexes: Sequence[IndexFile], context: RunContext | None, *, network: bool
) -> CatalogueProvider:
    """Return the catalogue that the recipe asks for."""
    services: Sequence[Any] = ()
    if network and settings.network and settings.catalogue != "index":
        from pipeline_core.catalogues.services import default_services  # noqa: PLC0415 - only with a network

        services = default_services()
    return CatalogueProvider(
        TileCache(),
        [index.path for index in indexes],
        services,
        which=settings.catalogue,
        faintest_mag=settings.faintest_mag,
        context=context,
        patience_s=_WAIT_S,
    )


class Aimed(Protocol):
    """A frame that may say where it looks."""

    @property
    def shape(self) -> tuple[int, int] | None:
        """(ny, nx)."""
        ...

    @property
    def scale_arcsec(self) -> float | None:
        """Of a pixel."""
        ...

    @property
    def ra_deg(self) -> float | None:
        """Of its middle, about."""
        ...

    @property
    def dec_deg(self) -> float | None:
        """Of its middle, about."""
        ...


def engines_for(
    settings: SolveSettings, indexes: Sequence[Path], provider: CatalogueProvider, frames: Iterable[Aimed]
) -> tuple[list[Engine], Engine | None]:
    """Return the engines that search by index files, and the one that needs none; the first may be none at all.

    Raises
    ------
    EngineError
        If no engine can work here, and there is no place whose stars could do without.
    """
    beside = BesideCatalogue(provider.waiting(_GUESS_WAIT_S)) if settings.engine == "auto" else None
    try:
        return make_engines(settings, indexes), beside
    except EngineError:
        if beside is None or not has_stars_near(provider, frames):
            raise
        return [], beside


def has_stars_near(provider: CatalogueProvider, frames: Iterable[Aimed]) -> bool:
    """Whether Gaia's stars around the place that any of these frames states are on disk, or may be fetched."""
    for frame in frames:
        if frame.ra_deg is None or frame.dec_deg is None or frame.scale_arcsec is None or frame.shape is None:
            continue
        radius = cone_radius(frame.shape, frame.scale_arcsec)
        if radius is None:
            continue
        if provider.services or provider.has_better_than_index(frame.ra_deg, frame.dec_deg, radius):
            return True
    return False


def why_not_here(settings: SolveSettings, field_arcmin: float | None, scale_arcsec: float | None = None) -> str:
    """Say why frames of this size cannot be solved on this machine; empty if they can.

    Parameters
    ----------
    settings : SolveSettings
    field_arcmin : float or None
        Shorter side of the frames; None when the scale is not known.
    scale_arcsec : float, optional
        Of a pixel, that the size comes from.
    """
    from pipeline_core.solving.engines import available_engines  # noqa: PLC0415

    indexes, _ = find_indexes(settings.indexes)
    if not indexes:
        return what_is_missing(indexes, field_arcmin or 60.0, scale_arcsec)
    if not available_engines(settings):
        return 'no solving engine is installed: pip install "astep-harvest[solve]", or install astrometry.net'
    if field_arcmin is None:
        return ""
    return what_is_missing(indexes, field_arcmin, scale_arcsec)
