"""What a solution stands on, and what an answer "not solved" was given with: when either changes, it is old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.catalogues.index_stars import source_name
from pipeline_core.catalogues.provider import depth_for
from pipeline_core.catalogues.tile_cache import tiles_in_cone
from pipeline_core.solving.engines import available_engines
from pipeline_core.solving.index_files import index_signatures
from pipeline_core.stage import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_core.catalogues.tile_cache import TileCache
    from pipeline_core.config import SolveSettings
    from pipeline_core.solving.result import FrameSolution

Cone = tuple[float, float, float]
"""RA, Dec and radius, degrees."""


class AtHand:
    """The index files, engines and catalogue tiles of this machine; looked at once, and only by their names and sizes.

    Parameters
    ----------
    settings : SolveSettings
    cache : TileCache
    """

    def __init__(self, settings: SolveSettings, cache: TileCache) -> None:
        self.signatures = index_signatures(settings.indexes)
        self._settings = settings
        self._cache = cache
        self._all: str | None = None
        self._known: dict[tuple[Cone, float], list[str]] = {}

    def stood_on(self, frame: FrameSolution) -> dict[str, str]:
        """Return the index files, with their signatures, whose stars a solution was measured against.

        Notes
        -----
        Of a solution against Gaia none: whichever pattern led there, Gaia's stars have confirmed it.
        """
        return {name: sign for name, sign in self.signatures.items() if source_name(name) == frame.reference}

    def was_replaced(self, stood_on: Mapping[str, str]) -> bool:
        """Whether an index file that a solution stands on is another one now; one that is gone replaces nothing."""
        return any(self.signatures.get(name, sign) != sign for name, sign in stood_on.items())

    def key(self, looked_at: Iterable[Cone], *, knows_camera: bool) -> str:
        """Return what changes when a search in vain may succeed now.

        Parameters
        ----------
        looked_at : iterable of (RA, Dec, radius)
            Degrees; the cones whose stars the frame was held against. Other tiles of the cache are no news to it.
        knows_camera : bool
            Whether another frame of this size is solved: what is near it can be predicted.
        """
        if self._all is None:
            searched = self._settings.model_dump(include={"engine", "scale_tolerance", "radius_deg", "time_limit_s"})
            self._all = digest(sorted(self.signatures.items()), available_engines(self._settings), searched)
        return digest(self._all, self.tiles(looked_at), knows_camera)

    def tiles(self, cones: Iterable[Cone]) -> str:
        """Return what changes when Gaia's stars of these cones come, or come anew; the same for none of them."""
        signs: dict[str, None] = {}
        if self._settings.catalogue != "index" and self._cache.is_used:
            for ra, dec, radius in cones:
                limit = depth_for(radius, self._settings.faintest_mag)
                signs |= dict.fromkeys(self._signs((round(ra, 2), round(dec, 2), round(radius, 2)), limit))
        return digest(sorted(sign for sign in signs if sign))

    def look_anew(self) -> None:
        """Forget what tiles there were: some may have come."""
        self._known.clear()

    def _signs(self, cone: Cone, limit: float) -> list[str]:
        if (cone, limit) not in self._known:  # the frames of one field ask for the same
            self._known[cone, limit] = [self._cache.sign(tile, limit) for tile in tiles_in_cone(*cone)]
        return self._known[cone, limit]
