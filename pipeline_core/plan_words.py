"""What is said of a plan before a run carries it out: its warnings, and whether its products fit on the disk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError
from pipeline_core.findings import Finding, each_once, finding_of
from pipeline_core.tasks import camera_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.config import Recipe
    from pipeline_core.grouping import Geometry
    from pipeline_core.plan_types import Plan
    from pipeline_core.tasks import CameraFacts, NightTasks
    from pipeline_core.types import Night


def run_warnings(
    night: Night,
    plan: Plan,
    recipe: Recipe,
    measured: Mapping[Geometry, CameraFacts],
    of_gain: Sequence[Finding],
) -> tuple[Finding, ...]:
    """Return what a person should know of a run, each thing once.

    Parameters
    ----------
    night : Night
        With its decisions.
    plan : Plan
    recipe : Recipe
    measured : mapping of Geometry to CameraFacts
        Gain and read noise that flats and biases told.
    of_gain : sequence of Finding
        What was said of these.
    """
    frames: dict[str, list[str]] = {}
    for science in plan.science:
        for words in science.warnings:
            frames.setdefault(words, []).append(science.path)
    found = [
        finding_of(words, paths, counted=f"{len(paths)} science frame{'s' if len(paths) > 1 else ''}")
        for words, paths in frames.items()
    ]
    found += [finding_of(words, of=master.name) for master in plan.masters for words in master.warnings]
    general = map(finding_of, (*night.problems, *plan.warnings))
    return each_once([*general, *of_gain, *_unknown_gain(night, plan, recipe, measured), *found])


def _unknown_gain(
    night: Night, plan: Plan, recipe: Recipe, measured: Mapping[Geometry, CameraFacts]
) -> tuple[Finding, ...]:
    """Say for how many science frames nothing tells the gain: they stay in ADU."""
    frames = [night.by_path[science.path] for science in plan.science]
    paths = [one.path for one in frames if camera_facts(one, recipe, measured).gain_e_per_adu is None]
    if not paths:
        return ()
    what = f"nothing tells the gain of {len(paths)} science frames"
    hint = "set calibrate.gain_e_per_adu in the recipe, or add two flats and two biases to measure it"
    return (Finding(what, "they stay in ADU, and their noise is a guess", hint, tuple(paths)),)


def check_disk(output: Path, plan: Plan, tasks: NightTasks) -> None:
    """Refuse a run whose products do not fit; those that are there already need no room.

    Raises
    ------
    NightError
        With what is needed and what is free.
    """
    made = sum(
        (output / task.product).stat().st_size
        for task in (*tasks.masters.values(), *tasks.science.values())
        if task.product is not None and (output / task.product).is_file()
    )
    needed = plan.bytes_needed - made
    free = shutil.disk_usage(output).free
    if needed > free:
        raise NightError(
            f"the products do not fit into {output}",
            f"they need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
            "free some space, choose another place with -o, or set calibrate.compress in the recipe",
        )
