"""The plan and the tasks of a night as its last run had them, read back from the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError
from pipeline_core.gain_check import gain_tasks, judged_gain
from pipeline_core.judge_calibration import calibration_measures, hard_words, judge_calibration
from pipeline_core.logbook import Logbook
from pipeline_core.plan import Plan, build_plan
from pipeline_core.session import choices_of
from pipeline_core.stage import Raw
from pipeline_core.store import Store
from pipeline_core.tasks import CameraFacts, NightTasks, TaskBuilder, calibration_quality_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.config import Recipe
    from pipeline_core.grouping import Geometry
    from pipeline_core.plan_types import Choices
    from pipeline_core.session import Place
    from pipeline_core.stage import Made, Task
    from pipeline_core.types import Night


@dataclass(frozen=True)
class Planned:
    """A night with its decisions, its plan and its tasks."""

    night: Night
    plan: Plan
    tasks: NightTasks


def planned(place: Place, night: Night, recipe: Recipe) -> Planned:
    """Plan a night with what earlier runs measured, as a run would now.

    Parameters
    ----------
    place : Place
        Its output must have been written by a run.
    night : Night
        As scanned; decisions are applied here.
    recipe : Recipe

    Returns
    -------
    Planned
        Its tasks have the keys of the run, so that steps and pixels can be shown by the run's own code.

    Raises
    ------
    NightError
        If nothing was ever made there.
    """
    if not place.has_logbook:
        raise NightError(
            f"nothing is known of {place.night} in {place.output}",
            "it has not been reduced there",
            "run `astep reduce NIGHT` first, or name the output with -o",
        )
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        return planned_with(store, logbook.apply(night), choices_of(logbook), recipe)


def planned_with(store: Store, night: Night, choices: Choices, recipe: Recipe) -> Planned:
    """Plan a night as decided, with what earlier runs measured.

    Parameters
    ----------
    store : Store
    night : Night
        With a person's edits.
    choices : Choices
    recipe : Recipe
    """
    plan, measured = _plan_with(store, night, choices, recipe)
    return Planned(night, plan, TaskBuilder(night, plan, recipe, measured).build())


def plan_as_known(place: Place, night: Night, recipe: Recipe) -> Plan:
    """Plan a night with its decisions and with whatever earlier runs found in its calibration frames.

    Parameters
    ----------
    place : Place
        Its output may be there or not: nothing is created.
    night : Night
        As scanned; decisions are applied here.
    recipe : Recipe

    Returns
    -------
    Plan
        Of a night that no run has looked at yet it is the plan by headers alone.
    """
    if not place.has_logbook:
        return build_plan(night, recipe)
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        return _plan_with(store, logbook.apply(night), choices_of(logbook), recipe)[0]


def _plan_with(
    store: Store, night: Night, choices: Choices, recipe: Recipe
) -> tuple[Plan, Mapping[Geometry, CameraFacts]]:
    """Return the plan without the frames that failed a check, and what was measured of the camera."""
    first = build_plan(night, recipe, choices)
    pairs = gain_tasks(night, first, recipe)
    measured, _ = judged_gain(night, pairs, _known(store, {task.label: task for task in pairs.values()}), recipe)
    checks = calibration_quality_tasks(night, first, recipe, measured)
    found = calibration_measures(_before(store, checks) | _known(store, checks))
    frames = [frame for frame in night.frames if frame.path in found]
    set_aside = hard_words(judge_calibration(frames, found, recipe.flat))
    # A frame that could not even be measured is left out by the run: nothing tells what is in it.
    set_aside |= {path: why for path, task in checks.items() if (why := store.failure(task)) is not None}
    return build_plan(night, recipe, choices, set_aside), measured


def _before(store: Store, checks: Mapping[str, Task]) -> dict[str, Made]:
    """Return what was found in darks by the stars of other science frames than those that a run would take now.

    Which stars are looked for changes with every science frame that is rejected; what is in a dark does not. A run
    measures it again, and finds the same: until then it is not taken for a good one. A file that was replaced since, or
    a frame that was no dark then, was never looked at.
    """
    with_stars = {path: task for path, task in checks.items() if len(task.inputs) > 1}
    stages = {task.stage.name for task in with_stars.values()}
    last = {product.label: product.made for stage in stages for product in store.products(stage)}
    return {path: last[path] for path, task in with_stars.items() if path in last and _is_of(last[path], task)}


def _is_of(made: Made, check: Task) -> bool:
    """Whether a report is of the file that a check would look at, in whatever company; earlier versions did not say."""
    from pipeline_core.stages.quality import looked_at  # noqa: PLC0415 - heavy

    raw = check.inputs["raw"]
    assert isinstance(raw, Raw), "a raw frame is measured"
    return made.get("of") is None or made["of"] == looked_at(check.settings["kind"], raw.size_bytes, raw.mtime_ns)


def _known(store: Store, tasks: Mapping[str, Task]) -> dict[str, Made]:
    """Return what was reported for each task that need not be done again."""
    return {name: made for name, task in tasks.items() if (made := store.fresh(task)) is not None}
