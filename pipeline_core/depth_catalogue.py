"""The catalogue stars of solved frames, and the depth of a night that stands on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.catalogues.provider import CatalogueError
from pipeline_core.depth_night import CatalogueStars, known_depths, measure_depths
from pipeline_core.science.proper_motion import julian_year
from pipeline_core.science.tan_sip import separation_deg
from pipeline_core.solve_night import make_provider, solutions
from pipeline_core.solving.index_files import find_indexes
from pipeline_core.stage import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.catalogues.provider import CatalogueProvider
    from pipeline_core.catalogues.reference import ReferenceStars
    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.io.database import Database
    from pipeline_core.science.depth import Depth
    from pipeline_core.solving.result import FrameSolution
    from pipeline_core.stage import Made
    from pipeline_core.store import Store
    from pipeline_core.types import Night

_FACT = "depths"
"""Name under which the logbook remembers what the depths were measured on."""
_WIDER = 1.3
"""A cone this much wider than the frame serves the other frames of its pointing too."""


def depths_of_solved(
    store: Store,
    database: Database,
    night: Night,
    measured: Mapping[str, Made],
    keys: Mapping[str, str],
    recipe: Recipe,
    context: RunContext,
) -> dict[str, Depth]:
    """Measure the depth of the frames that are solved, with the catalogue that is at hand: the network is not asked.

    Parameters
    ----------
    store : Store
        Its run lock is held.
    database : Database
        Of the same output; remembers what the depths stand on.
    night : Night
        With decisions applied.
    measured, keys : mapping
        Path → what its quality task reported, and that task's key.
    recipe, context
        As for a run.

    Returns
    -------
    dict
        Path → depth.
    """
    known = {path: one for path, one in solutions(store).items() if one.solved and path in measured}
    settings = recipe.solve.model_dump(include={"catalogue", "faintest_mag", "indexes"})
    places = {
        path: [keys[path], None if one.solution is None else one.solution.as_plain()] for path, one in known.items()
    }
    key = digest(places, settings, repr([(path, night.by_path.get(path)) for path in sorted(known)]))
    if database.fact(_FACT) == key:  # a night without news opens no catalogue
        return known_depths(store)
    indexes, _problems = find_indexes(recipe.solve.indexes)
    provider = make_provider(recipe.solve, indexes, context, network=False)
    depths = measure_depths(night, measured, keys, SolvedFields(night, known, provider), store, context)
    database.remember(_FACT, key)
    return depths


class SolvedFields:
    """Gives the catalogue stars of a solved frame where they lie in it.

    Parameters
    ----------
    night : Night
    known : mapping
        Path → solution.
    provider : CatalogueProvider
    """

    def __init__(self, night: Night, known: Mapping[str, FrameSolution], provider: CatalogueProvider) -> None:
        self.night = night
        self.known = known
        self.provider = provider
        self._cones: list[tuple[float, float, float, ReferenceStars | None]] = []

    def __call__(self, path: str) -> CatalogueStars | None:
        """Return the stars of one frame; None where it is not solved, or no catalogue has its field."""
        one = self.known.get(path)
        if one is None or one.solution is None or one.shape is None:
            return None
        reference = self._around(*one.solution.centre(one.shape), one.solution.radius_deg(one.shape))
        if reference is None:
            return None
        mid_utc = self.night.by_path[path].mid_utc
        year = None if mid_utc is None else julian_year(mid_utc)
        sky = reference.at(year)
        x, y = one.solution.to_pixel(sky.ra_deg, sky.dec_deg)
        ny, nx = one.shape
        inside = np.isfinite(sky.magnitude) & (x > 0) & (y > 0) & (x < nx - 1) & (y < ny - 1)
        source = reference.source
        return CatalogueStars(
            x[inside],
            y[inside],
            sky.magnitude[inside],
            reference.colour[inside],
            source.name,
            source.band,
            digest(one.solution.as_plain(), source.release, int(inside.sum()), float(sky.magnitude[inside].sum())),
            # What may not be reported for its places is coarse in its magnitudes too.
            is_rough=not source.reportable,
        )

    def _around(self, ra_deg: float, dec_deg: float, radius_deg: float) -> ReferenceStars | None:
        """Return the stars around a frame, from a cone that an earlier frame asked for where it is wide enough."""
        for ra, dec, radius, stars in self._cones:
            if float(separation_deg(ra, dec, ra_deg, dec_deg)) + radius_deg <= radius:
                return stars
        wider = _WIDER * radius_deg
        try:
            found: ReferenceStars | None = self.provider.cone(ra_deg, dec_deg, wider)
        except CatalogueError:
            found = None
        self._cones.append((ra_deg, dec_deg, wider, found))
        return found
