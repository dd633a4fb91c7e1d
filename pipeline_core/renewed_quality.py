"""The quality table of a reduced night written anew, from what is measured, where something else changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.judge_calibration import calibration_measures, judge_calibration
from pipeline_core.night_quality import Judged, write_quality
from pipeline_core.plan import build_plan
from pipeline_core.session import choices_of
from pipeline_core.verdicts import move_products

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.config import Recipe
    from pipeline_core.logbook import Logbook
    from pipeline_core.science.depth import Depth
    from pipeline_core.store import Store
    from pipeline_core.types import Night


def renew_table(store: Store, logbook: Logbook, night: Night, recipe: Recipe, depths: Mapping[str, Depth]) -> Judged:
    """Judge what is measured and write ``quality.ecsv``, unless it is of all this already.

    Parameters
    ----------
    store, logbook
        Open, of the same output; the run lock is held.
    night : Night
        With decisions applied.
    recipe : Recipe
    depths : mapping
        Path → depth, of the frames whose it is known.
    """
    plan = build_plan(night, recipe, choices_of(logbook))
    planned, rejected = {science.path for science in plan.science}, logbook.rejected()
    products = [
        p for p in store.products("quality") if p.label in planned or (p.label in rejected and p.label in night.by_path)
    ]
    looked = {p.label: p.made for p in store.products("quality of calibration frames")}
    measures = calibration_measures({path: one for path, one in looked.items() if path in night.by_path})
    flags = judge_calibration([night.by_path[path] for path in measures], measures, recipe.flat)
    made, keys = {p.label: p.made for p in products}, {p.label: p.key for p in products}
    judged = write_quality(store.output, night, plan, made, flags, recipe, logbook, keys, depths)
    move_products(store.output, logbook)
    return judged
