"""Reference stars around a place: from memory, disk, the network, or the index; the source is always said."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from pipeline_core.catalogues.index_stars import index_reference
from pipeline_core.catalogues.reference import ReferenceStars, joined
from pipeline_core.catalogues.tile_cache import TileCache, tiles_in_cone
from pipeline_core.errors import AstepError
from pipeline_core.events import RunContext
from pipeline_core.waiting import call_within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline_core.catalogues.services import Service

Which = Literal["auto", "gaia", "index"]
_FULL_DEPTH_DEG2 = 6.0  # a radius of 1.4 degrees: 20,000 stars of 17 mag and brighter
_BRIGHTEST_LIMIT = 9.0
_MOST_AT_ONCE = 64  # tiles: a question of 4 KB
_SOON_S = 15.0
_FEWEST = 12  # stars: a source with fewer in the field leaves it to the next


class CatalogueError(AstepError):
    """No source could give stars."""


class _OverError(AstepError):
    """The time for which the network is waited for is over."""


@dataclass
class _Patience:
    """For how long cones are fetched over the network, all together."""

    whole_s: float
    spent_s: float = 0.0

    @property
    def left_s(self) -> float:
        return self.whole_s - self.spent_s

    def over(self) -> _OverError:
        return _OverError(
            "not all of Gaia's stars came",
            f"the network was waited for {self.whole_s:.0f} s in this run",
            "`astep catalogue fetch OUT` brings them beforehand, however long it takes",
        )


class CatalogueProvider:
    """Gives cones of reference stars, and remembers what failed.

    Parameters
    ----------
    cache : TileCache
    indexes : sequence of Path
        Index files whose stars serve where nothing better is at hand.
    services : sequence of Service
        Asked in this order for tiles that are not on disk; none: no network.
    which : {"auto", "gaia", "index"}
    faintest_mag : float
    context : RunContext, optional
        Hears which source serves and why a better one does not; its cancel ends a download.
    patience_s : float, optional
        For so long all together the network is waited for, for cones; afterwards what is on disk or in the index
        serves. Without it every cone is waited for. :meth:`fetch` always waits.
    """

    def __init__(
        self,
        cache: TileCache,
        indexes: Sequence[Path] = (),
        services: Sequence[Service] = (),
        *,
        which: Which = "auto",
        faintest_mag: float = 17.0,
        context: RunContext | None = None,
        patience_s: float = math.inf,
    ) -> None:
        self.cache = cache
        self.indexes = tuple(indexes)
        self.services = list(services)
        self.which = which
        self.faintest_mag = faintest_mag
        self.context = context
        self.notes: list[str] = []
        """Why a better source was not used, in words, once each."""
        self.cut_short = ""
        """Why Gaia's stars of the cone that was asked for last did not all come, if the time for it was over."""
        self._patience = _Patience(patience_s)
        self._at_once = 1
        """Tiles that are asked for by one question."""
        self._most_at_once = _MOST_AT_ONCE
        self._tiles: dict[tuple[int, float], ReferenceStars] = {}
        self._cones: dict[tuple[float, float, float], ReferenceStars] = {}

    def cone(self, ra_deg: float, dec_deg: float, radius_deg: float, *, limit: float | None = None) -> ReferenceStars:
        """Return the stars of the best source around a place, brightest first.

        Parameters
        ----------
        ra_deg, dec_deg, radius_deg : float
        limit : float, optional
            Faintest magnitude.

        Raises
        ------
        CatalogueError
            If no source has stars there.
        """
        for stars in self.references(ra_deg, dec_deg, radius_deg):
            return stars if limit is None else stars.pick(~(stars.magnitude > limit))
        raise CatalogueError(
            f"no reference stars around {ra_deg:.3f} {dec_deg:+.3f}",
            "; ".join(self.notes) or "no catalogue is cached and no index is at hand",
            "`astep catalogue fetch OUT` with a network, or `astep index install`",
        )

    def waiting(self, patience_s: float) -> CatalogueProvider:
        """Return the same provider, disk and memory shared, which waits for the network so long on its own account."""
        other = copy.copy(self)
        other._patience = _Patience(patience_s)  # noqa: SLF001 - its own kind
        return other

    def references(self, ra_deg: float, dec_deg: float, radius_deg: float) -> Iterator[ReferenceStars]:
        """Yield the stars of a cone from each source that has them, best first."""
        self.cut_short = ""
        if self.which != "index":
            stars = self._gaia(ra_deg, dec_deg, radius_deg)
            if stars is not None and len(stars) >= _FEWEST:
                yield stars
        if self.which != "gaia" and self.indexes:
            stars = self._index(ra_deg, dec_deg, radius_deg)
            if stars is not None:
                yield stars

    def has_better_than_index(self, ra_deg: float, dec_deg: float, radius_deg: float) -> bool:
        """Whether Gaia's stars of a cone are on disk already: a solution against the index could be improved."""
        if self.which == "index" or not self.cache.is_used:
            return False
        tiles = self._tiles_of(round(ra_deg, 2), round(dec_deg, 2), round(radius_deg, 2))
        limit = depth_for(radius_deg, self.faintest_mag)
        return all(self.cache.has(tile, limit) for tile in tiles)

    @lru_cache(maxsize=256)  # noqa: B019 - a provider lives as long as a run
    def _tiles_of(self, ra_deg: float, dec_deg: float, radius_deg: float) -> list[int]:
        return tiles_in_cone(ra_deg, dec_deg, radius_deg)

    def fetch(self, tiles: Sequence[int], context: RunContext, limit: float | None = None) -> tuple[int, list[str]]:
        """Bring tiles to the disk; those that are there stay. Return how many are there now, and what failed.

        ``limit``: faintest magnitude, if not this provider's.

        Raises
        ------
        Cancelled
            If the person stopped it; the tiles that came stay.
        """
        limit = self.faintest_mag if limit is None else limit
        there, failed = 0, []
        wanted = list(tiles)
        for k, tile in enumerate(context.track("catalogue tiles", wanted)):
            came = self.cache.has(tile, limit)
            if not came:
                missing = [other for other in wanted[k:] if not self.cache.has(other, limit)]
                came = tile in self._fetched(missing, limit)
            if came and self.cache.has(tile, limit):
                there += 1
            else:
                failed.append(self.notes[-1] if self.notes else f"tile {tile} could not be fetched")
                if came or not self.services:  # nothing can be kept, or nobody is left to ask
                    break
        return there, failed

    def _gaia(self, ra: float, dec: float, radius: float) -> ReferenceStars | None:
        limit = depth_for(radius, self.faintest_mag)
        tiles = tiles_in_cone(ra, dec, radius)
        missing = []
        for tile in tiles:
            if (tile, limit) not in self._tiles:
                stars = self.cache.load(tile, limit)
                if stars is None:
                    missing.append(tile)
                else:
                    self._tiles[tile, limit] = stars
        while missing:
            try:
                came = self._fetched(missing, limit, self._patience)
            except _OverError as error:
                self.cut_short = str(error)
                self._note(self.cut_short)
                return None
            if not came:
                return None
            self._tiles |= {(tile, limit): stars for tile, stars in came.items()}
            missing = [tile for tile in missing if tile not in came]
        parts = [self._tiles[tile, limit] for tile in tiles]
        return joined(parts).within(ra, dec, radius) if parts else None

    def _fetched(
        self, tiles: Sequence[int], limit: float, patience: _Patience | None = None
    ) -> dict[int, ReferenceStars]:
        """Ask for the first of these tiles, as many as one answer may hold, and keep what came; none where nobody can.

        Raises
        ------
        _OverError
            If the patience ends before the answer comes.

        Notes
        -----
        One tile to begin with, twice as many each time the answer came soon: over a slow line every answer is small and
        little is lost where it is cut; over a quick one a wide field does not take a question a tile.
        """
        while self.services:
            asked = list(tiles[: self._at_once])
            begun = time.monotonic()
            tiles_words = "one catalogue tile" if len(asked) == 1 else f"{len(asked)} catalogue tiles"
            try:
                with (self.context or RunContext()).waiting(f"{self.services[0].name}: {tiles_words}"):
                    came = self._asked(self.services[0], asked, limit, patience)
            except _OverError:
                raise
            except AstepError as error:
                if len(asked) > 1:  # too much at once, perhaps: what answered before is asked for less
                    self._most_at_once = max(1, len(asked) // 2)
                    self._at_once = 1
                    continue
                self._note(str(error))
                # One that failed is not waited for again in this run.
                self.services.pop(0)
                continue
            took = time.monotonic() - begun
            self._at_once = min(2 * self._at_once, self._most_at_once) if took < _SOON_S else max(1, self._at_once // 2)
            for tile, stars in came.items():
                try:
                    self.cache.save(tile, limit, stars)
                except AstepError as error:  # a full disk: the stars serve this run all the same
                    self._note(str(error))
            return came
        return {}

    def _asked(
        self, service: Service, tiles: Sequence[int], limit: float, patience: _Patience | None
    ) -> dict[int, ReferenceStars]:
        if patience is None or math.isinf(patience.whole_s):
            return service.tiles(tiles, limit, self.context)
        if patience.left_s <= 0.0:
            raise patience.over()
        left_behind = RunContext()  # whoever still waits for the answer when nobody wants it any more hears of it
        begun = time.monotonic()
        try:
            return call_within(
                lambda: service.tiles(tiles, limit, left_behind),
                patience.left_s,
                self.context or RunContext(),
                patience.over,
            )
        finally:
            left_behind.cancel()
            patience.spent_s += time.monotonic() - begun

    def _index(self, ra: float, dec: float, radius: float) -> ReferenceStars | None:
        # Frames of one field share their stars: asked for a little more than a frame needs, once.
        for (ra0, dec0, radius0), stars in self._cones.items():
            if _inside(ra, dec, radius, ra0, dec0, radius0):
                return stars.within(ra, dec, radius)
        wide = radius * 1.5 + 0.2
        found = index_reference(self.indexes, ra, dec, wide)
        if found is None:
            return None
        self._cones[ra, dec, wide] = found
        return found.within(ra, dec, radius)

    def _note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)
            if self.context is not None:
                self.context.say("catalogue", words, level="warning")


def depth_for(radius_deg: float, faintest_mag: float) -> float:
    """Return how deep a cone is asked for: a wide field has bright stars enough, and its faint ones would be millions.

    Notes
    -----
    Outside the Milky Way's plane the number of stars grows by 10^0.35 a magnitude (Gaia DR3: 3,400 a square degree
    brighter than 17 over the whole sky). Up to :data:`_FULL_DEPTH_DEG2` a cone is as deep as asked; beyond, its stars
    stay about as many. By half magnitudes, so that frames of one night ask for the same.
    """
    area = np.pi * radius_deg**2
    if area <= _FULL_DEPTH_DEG2:
        return faintest_mag
    less = float(np.log10(area / _FULL_DEPTH_DEG2)) / 0.35
    return min(faintest_mag, max(_BRIGHTEST_LIMIT, 17.0 - 0.5 * int(2.0 * less)))


def _inside(ra: float, dec: float, radius: float, ra0: float, dec0: float, radius0: float) -> bool:
    from pipeline_core.science.tan_sip import separation_deg  # noqa: PLC0415 - the only use

    return float(separation_deg(ra, dec, ra0, dec0)) + radius <= radius0
