"""Single frames outside a run: the task that would calibrate one, and as many of its steps as can be shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError, UsageError, to_keep
from pipeline_core.logbook import Logbook
from pipeline_core.plan import Choices, build_plan
from pipeline_core.planned import planned_with
from pipeline_core.session import LOGBOOK, choices_of
from pipeline_core.stages.science import reduce_file
from pipeline_core.steps import FrameSteps, frame_steps, input_files
from pipeline_core.store import Store
from pipeline_core.tasks import TaskBuilder
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline_core.config import Recipe
    from pipeline_core.science.frame_steps import Step
    from pipeline_core.stage import Task
    from pipeline_core.tasks import NightTasks
    from pipeline_core.types import Night

_BARE = ("raw", "overscan", "trim")
"""Steps that need no master."""


def night_tasks(night: Night, recipe: Recipe, output: Path | None) -> NightTasks:
    """Return the tasks of the masters and of every science frame, rejected ones included: they too can be looked at.

    Parameters
    ----------
    night : Night
        With a person's edits.
    recipe : Recipe
    output : Path or None
        Where decisions and measured gains lie; None where nothing was decided or made yet.
    """
    if output is None or not (output / LOGBOOK).is_file():
        plan = build_plan(night, recipe, Choices())
        return TaskBuilder(night, plan, recipe, {}).build()
    with Logbook.read_only(output) as logbook, Store(output, logbook.database) as store:
        choices = choices_of(logbook)
        calibration = {
            path: reason
            for path, reason in choices.rejected.items()
            if path in night.by_path and night.by_path[path].kind is not FrameKind.SCIENCE
        }
        return planned_with(store, night, replace(choices, rejected=calibration), recipe).tasks


def science_tasks(night: Night, recipe: Recipe, output: Path | None) -> Mapping[str, Task]:
    """Return the science frames' part of :func:`night_tasks`."""
    return night_tasks(night, recipe, output).science


@dataclass(frozen=True)
class ShownSteps:
    """The steps of a frame as far as they can be shown."""

    steps: FrameSteps
    missing: NightError | None = None
    """Why the later ones are not there: a master was not made yet."""


def steps_as_far_as_possible(
    task: Task, output: Path, *, threads: int = 1, seen: Callable[[Step], None] | None = None
) -> ShownSteps:
    """Compute a frame's steps; before the masters are made, those that need none.

    Parameters
    ----------
    task : Task
        Of :func:`science_tasks`.
    output : Path
        Where the masters lie.
    threads : int
    seen : callable, optional
        Told of each step as soon as it is done; what it raises ends the work.
    """
    try:
        files = input_files(task, output)
    except NightError as error:
        raw_only = {"raw": task.inputs["raw"]}
        bare = replace(task, inputs=raw_only, settings={**task.settings, "masters": {}, "cosmic": None})
        found = frame_steps(bare, output, threads=threads)
        return ShownSteps(FrameSteps(tuple(step for step in found.steps if step.name in _BARE)), to_keep(error))
    steps: list[Step] = []

    def observe(step: Step) -> None:
        # A step that did nothing shares the image of the one before: a third of the memory.
        step = replace(step, variance=None)  # as large as an image, and nobody looks at it
        same = bool(step.note) and bool(steps) and steps[-1].image.shape == step.image.shape
        steps.append(replace(step, image=steps[-1].image) if same else step)
        if seen is not None:
            seen(steps[-1])

    reduce_file(task.settings, files, threads, observe)
    return ShownSteps(FrameSteps(tuple(steps)))


def task_of(tasks: Mapping[str, Task], path: str) -> Task:
    """Return a frame's task.

    Raises
    ------
    UsageError
        If the frame is no usable science frame.
    """
    if path not in tasks:
        raise UsageError(
            f"{path} has no steps",
            "it is no science frame, or it is left out of the plan",
            "`astep plan NIGHT` says why; set its kind to science if it is one",
        )
    return tasks[path]
