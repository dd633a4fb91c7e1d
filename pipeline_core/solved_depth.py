"""The depth of solved frames: the catalogue that a solution stands on, laid over the frame's own stars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.depth_night import CatalogueStars, known_depths, measure_depths
from pipeline_core.plan import build_plan
from pipeline_core.renewed_quality import renew_table
from pipeline_core.scan import scan_night
from pipeline_core.science.catalogue_match import in_frame
from pipeline_core.science.proper_motion import julian_year
from pipeline_core.session import choices_of
from pipeline_core.solve_means import make_provider
from pipeline_core.solve_memory import solutions
from pipeline_core.solving.index_files import find_indexes
from pipeline_core.stage import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.catalogues.provider import CatalogueProvider
    from pipeline_core.catalogues.reference import ReferenceStars
    from pipeline_core.config import Recipe, SolveSettings
    from pipeline_core.events import RunContext
    from pipeline_core.logbook import Logbook
    from pipeline_core.science.depth import Depth
    from pipeline_core.science.tan_sip import TanSip
    from pipeline_core.solving.result import FrameSolution
    from pipeline_core.stage import Made
    from pipeline_core.store import Store
    from pipeline_core.types import Frame, Night

_MARGIN_DEG = 0.02


def solved_depths(
    night: Night,
    measured: Mapping[str, Made],
    keys: Mapping[str, str],
    store: Store,
    settings: SolveSettings,
    context: RunContext,
) -> dict[str, Depth]:
    """Measure the depth of every solved frame; the network is not asked.

    Parameters
    ----------
    night : Night
        With decisions applied.
    measured, keys : mapping
        Path → what its quality task reported, and that task's key.
    store : Store
        Open; hold its run lock.
    settings : SolveSettings
    context : RunContext

    Returns
    -------
    dict
        Path → depth.
    """
    catalogue = _Catalogue(night, solutions(store), settings)
    return measure_depths(night, measured, keys, catalogue.keys(), catalogue.stars, store, context)


def renew_quality(store: Store, logbook: Logbook, recipe: Recipe, context: RunContext) -> list[str]:
    """Measure depths after a solve, and write the quality table anew where they changed.

    Parameters
    ----------
    store : Store
        Open; hold its run lock.
    logbook : Logbook
    recipe : Recipe
    context : RunContext

    Returns
    -------
    list of str
        What a person should know: rules that reject now, or why nothing was measured.
    """
    folder = logbook.night
    if folder is None or not folder.is_dir():
        return ["depths are not measured: the raw night is not there, and with it exposures and filters"]
    night = logbook.apply(scan_night(folder, context))
    plan = build_plan(night, recipe, choices_of(logbook))
    planned = {science.path for science in plan.science}
    products = [product for product in store.products("quality") if product.label in planned]
    made, keys = {p.label: p.made for p in products}, {p.label: p.key for p in products}
    before = known_depths(store)
    depths = solved_depths(night, made, keys, store, recipe.solve, context)
    if depths == before:
        return []
    return list(renew_table(store, logbook, night, recipe, depths).warnings)


class _Catalogue:
    """The stars of each solved frame's field; opened when the first is asked for."""

    def __init__(self, night: Night, solved: Mapping[str, FrameSolution], settings: SolveSettings) -> None:
        self.night = night
        self.solved = {path: frame for path, frame in solved.items() if frame.solution and path in night.by_path}
        self.settings = settings
        self._provider: CatalogueProvider | None = None

    def keys(self) -> dict[str, str]:
        """Return path → key of the solution and of the source it stands on."""
        asked = [self.settings.catalogue, self.settings.faintest_mag]
        return {
            path: digest(frame.reference, frame.solution.as_plain(), _year(self.night.by_path[path]), asked)
            for path, frame in self.solved.items()
            if frame.solution is not None
        }

    def stars(self, path: str) -> CatalogueStars | None:
        """Return the stars of a frame's field where the solution puts them; None where no catalogue has any."""
        frame = self.solved[path]
        if frame.solution is None or frame.shape is None:
            return None
        reference = self._reference(frame, frame.solution, frame.shape)
        if reference is None:
            return None
        sky = reference.at(_year(self.night.by_path[path]))
        inside = in_frame(sky, frame.solution, frame.shape)
        x, y = frame.solution.to_pixel(sky.ra_deg[inside], sky.dec_deg[inside])
        return CatalogueStars(
            x,
            y,
            sky.magnitude[inside],
            reference.colour[inside],
            reference.source.name,
            reference.source.band,
            # Stars of an index: magnitudes of Tycho, or of nobody knows what.
            is_rough=not reference.source.reportable,
            scale_arcsec=frame.solution.scale_arcsec,
        )

    def _reference(self, frame: FrameSolution, solution: TanSip, shape: tuple[int, int]) -> ReferenceStars | None:
        if self._provider is None:
            indexes, _ = find_indexes(self.settings.indexes)
            self._provider = make_provider(self.settings, indexes, None, network=False)
        ra, dec = solution.centre(shape)
        known = list(self._provider.references(ra, dec, solution.radius_deg(shape) + _MARGIN_DEG))
        # Of the source that the solution stands on, where it is still here.
        return next((stars for stars in known if stars.source.name == frame.reference), known[0] if known else None)


def _year(frame: Frame) -> float | None:
    return julian_year(frame.mid_utc) if frame.mid_utc is not None else None
