"""The quality of a night as it stands: final values where frames are calibrated, quick ones for the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_core.chosen_reference import chosen_references, counted_from
from pipeline_core.depth_night import join_depths, known_depths
from pipeline_core.errors import AstepError
from pipeline_core.judge_calibration import judge_calibration
from pipeline_core.logbook import Logbook
from pipeline_core.measures import CalibrationMeasures, Flag, QualityRow
from pipeline_core.night_quality import judged_rows
from pipeline_core.plan import Choices, build_plan
from pipeline_core.quick_company import company
from pipeline_core.scan import scan_night
from pipeline_core.session import recipe_of
from pipeline_core.store import Store
from pipeline_core.tasks import quick_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline_core.events import RunContext
    from pipeline_core.session import Place
    from pipeline_core.stage import Made

FINAL_STAGE, CALIBRATION_STAGE = "quality", "quality of calibration frames"


@dataclass(frozen=True)
class QualityReport:
    """What is known of the frames of a night."""

    rows: Sequence[QualityRow]
    """Science frames, rejected ones included."""
    calibration: Mapping[str, CalibrationMeasures]
    calibration_flags: Mapping[str, tuple[Flag, ...]]
    rejected: Mapping[str, str]
    times: Mapping[str, datetime | None]
    kinds: Mapping[str, str]
    kept: frozenset[str]
    """Frames that a person accepted: their flags are answered."""


def quality_report(place: Place, context: RunContext) -> QualityReport:
    """Gather and judge what is measured, looking quickly at science frames that have no final values.

    Parameters
    ----------
    place : Place
        With an output that has a logbook.
    context : RunContext
    """
    recipe = recipe_of(place, None)
    night = scan_night(place.night, context)
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        night = logbook.apply(night)
        rejected, kept = logbook.rejected(), logbook.kept()
        references = chosen_references(store, logbook)
        depths = known_depths(store)
        final: dict[str, Made] = {p.label: p.made for p in store.products(FINAL_STAGE)}
        measured = {p.label: p.made["measures"] for p in store.products(CALIBRATION_STAGE) if p.label in night.by_path}
    plan = build_plan(night, recipe, Choices())  # rejected frames are shown among the others
    final = {path: made for path, made in final.items() if path in night.by_path}
    rows = judged_rows(night, plan.groups, final)
    tasks = quick_tasks(night, plan, recipe)
    missing = [path for path in tasks if path not in final]
    looked: dict[str, Made] = {}
    beside = [path for path in company(plan.groups, rows, missing) if path in tasks]
    for path in context.track("quick look", missing + beside):
        task = tasks[path]
        try:
            looked[path] = task.stage.make(task.settings, {"raw": night.file(path)}, Path(), 1)
        except AstepError as error:
            context.say("quick look", str(error), level="error", path=path)
    rows += [row for row in judged_rows(night, plan.groups, looked) if row.path not in final]
    calibration = {
        path: CalibrationMeasures(**{**values, "notes": tuple(values["notes"])}) for path, values in measured.items()
    }
    rows = join_depths(counted_from(rows, *references), night, depths)
    return QualityReport(
        rows,
        calibration,
        judge_calibration([night.by_path[path] for path in calibration], calibration, recipe.flat),
        rejected,
        {frame.path: frame.mid_utc for frame in night.frames},
        {frame.path: frame.kind.value for frame in night.frames},
        kept,
    )
