"""The quick look at a night: every frame measured roughly and judged, before anything is reduced.

Unlike :mod:`pipeline_core.quality_report` it needs no output folder and makes none, and tells what it knows as it goes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_core.chosen_reference import chosen_references, counted_from
from pipeline_core.errors import AstepError
from pipeline_core.judge_calibration import calibration_measures, judge_calibration
from pipeline_core.kept_looks import QuickLook, first_looks, keep_looks, kept_looks
from pipeline_core.kept_measures import keep_measures, kept_measures
from pipeline_core.logbook import Logbook
from pipeline_core.measured_places import measured_place, onto_final
from pipeline_core.measures import Flag, QualityRow, headline, science_measures
from pipeline_core.night_quality import judged_rows
from pipeline_core.plan import Choices, build_plan
from pipeline_core.quick_company import company
from pipeline_core.store import Store
from pipeline_core.tasks import quick_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pipeline_core.align_night import NightAlignment
    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.session import Place
    from pipeline_core.stage import Made, Task
    from pipeline_core.types import Night

JOB = "quick look"
FINAL_STAGE, CALIBRATION_STAGE = "quality", "quality of calibration frames"


def quick_look(
    place: Place,
    night: Night,
    recipe: Recipe,
    context: RunContext,
    tell: Callable[[Sequence[QualityRow]], None],
    known: dict[str, Made] | None = None,
    first: dict[str, str] | None = None,
) -> QuickLook:
    """Measure the science frames of a night, final values where a run left them, and judge them.

    Parameters
    ----------
    place : Place
    night : Night
        With decisions applied.
    recipe : Recipe
    context : RunContext
        Told of the progress, asked for a cancel.
    tell : callable
        Called with the frames measured so far, not yet judged, every few frames.
    known : dict, optional
        Key of a task → what an earlier quick look measured; what is measured now, or kept in the logbook, is added.
    first : dict, optional
        Path → what an earlier quick look said, where there was no logbook yet to keep it; what is said now is added.

    Returns
    -------
    QuickLook
    """
    plan = build_plan(night, recipe, Choices())  # rejected frames are judged among the others
    known = {} if known is None else known
    first = {} if first is None else first
    made: dict[str, Made] = {}
    flags: Mapping[str, tuple[Flag, ...]] = {}
    every = quick_tasks(night, plan, recipe)
    kept: set[str] = set()
    before: dict[str, Made] = {}
    references: tuple[frozenset[str], NightAlignment | None] = frozenset(), None
    if place.has_logbook:
        with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
            before = kept_measures(logbook.database, every)
            kept = {row.path for row in kept_looks(logbook.database, night)}
            first |= first_looks(logbook.database, night)
            references = chosen_references(store, logbook)
            made |= {p.label: p.made for p in store.products(FINAL_STAGE) if p.label in night.by_path}
            measured = {p.label: p.made for p in store.products(CALIBRATION_STAGE) if p.label in night.by_path}
        found = calibration_measures(measured)
        flags = judge_calibration([night.by_path[path] for path in found], found, recipe.flat)
    final = dict(made)
    rows = {row.path: row for row in judged_rows(night, plan.groups, final)}
    missing = [path for path in every if path not in final]
    wanted = [path for path in missing + company(plan.groups, list(rows.values()), missing) if path in every]
    known |= {every[path].key: found for path, found in before.items()}
    try:
        _measure({path: every[path] for path in wanted}, night, context, known, tell, {*final, *kept})
    finally:  # of a look that is stopped too: the next one goes on from there
        news = {path: known[every[path].key] for path in wanted if path not in before and every[path].key in known}
        keep_measures(place, every, news, wanted)
    context.check()
    made |= {path: known[every[path].key] for path in missing if every[path].key in known}
    # What has no final values is judged by the first look at all frames, as far as it is remembered.
    looked = {path: known[task.key] for path, task in every.items() if task.key in known}
    together = {row.path: row for row in judged_rows(night, plan.groups, looked)}
    placed = {path for path, row in rows.items() if measured_place(row) is not None}
    quick = onto_final([row for path, row in together.items() if path not in final], together, placed)
    rows |= {row.path: row for row in quick}
    rows = {row.path: row for row in counted_from(list(rows.values()), *references)}
    quick = [rows[row.path] for row in quick]
    first |= {row.path: headline(row.flags) for row in quick}
    if place.has_logbook:
        keep_looks(place, quick, night, {path: says for path, says in first.items() if path in night.by_path})
    return QuickLook([rows[path] for path in made if path in rows], flags)


def _measure(
    wanted: Mapping[str, Task],
    night: Night,
    context: RunContext,
    known: dict[str, Made],
    tell: Callable[[Sequence[QualityRow]], None],
    untold: Collection[str],
) -> None:
    """Measure what is wanted and not known, add it to what is known, and tell of it, but of the untold.

    Those have final values, or what was kept of them is judged, and stays till all are anew.
    """
    waiting: list[QualityRow] = []
    for path in context.track(JOB, [path for path, task in wanted.items() if task.key not in known]):
        task = wanted[path]
        try:
            made = known[task.key] = task.stage.make(task.settings, {"raw": night.file(path)}, Path(), 1)
        except AstepError as error:
            context.say(JOB, str(error), level="error", path=path)
            continue
        if "measures" in made and path not in untold:
            waiting.append(QualityRow(path, science_measures(made["measures"])))
        if len(waiting) == 4:
            tell(waiting)
            waiting = []
