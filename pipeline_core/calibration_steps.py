"""One calibration frame on its way into its master: what is taken off it, and what it becomes part of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from pipeline_core.errors import NightError, UsageError, to_keep
from pipeline_core.io.fits_file import read_image
from pipeline_core.io.masters_file import read_mask, read_master
from pipeline_core.on_demand import ShownSteps
from pipeline_core.science.flat import normalised
from pipeline_core.science.frame_steps import Step
from pipeline_core.science.overscan import subtract_overscan, trimmed
from pipeline_core.stage import Raw, Task
from pipeline_core.stages.flat_dark import dark_of_flats
from pipeline_core.steps import FrameSteps
from pipeline_core.types import ImageLayout, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline_core.types import Bits, Image

CALIBRATION_STEPS: Mapping[str, tuple[str, ...]] = {
    "bias": ("raw", "overscan", "trim", "master"),
    "dark": ("raw", "overscan", "trim", "master", "mask"),
    "flat": ("raw", "overscan", "trim", "dark", "level", "master", "mask"),
}
"""Kind of the master → the steps of its frames."""


def master_of(tasks: Mapping[str, Task], path: str) -> Task:
    """Return the task of the master that a frame goes into.

    Raises
    ------
    UsageError
        If it goes into none.
    """
    for task in tasks.values():
        if task.settings.get("kind") in CALIBRATION_STEPS and path in task.settings.get("frames", ()):
            return task
    raise UsageError(
        f"{path} goes into no master", "it was left out or rejected, or nothing needs it", "the plan says why"
    )


def calibration_steps(
    tasks: Mapping[str, Task], path: str, output: Path, *, seen: Callable[[Step], None] | None = None
) -> ShownSteps:
    """Show one frame of a master step by step, then the master and the mask that it helped to make.

    Parameters
    ----------
    tasks : mapping of str to Task
        Masters by name.
    path : str
        The frame, inside the night.
    output : Path
        Where the masters lie.
    seen : callable, optional
        Told of each step as soon as it is done; what it raises ends the work.

    Returns
    -------
    ShownSteps
        The difference of the master to the step before is what this one frame does not share with it, with its sign
        turned.
    """
    task = master_of(tasks, path)
    settings, steps = task.settings, _Steps(seen)
    index = settings["frames"].index(path)
    source = task.inputs[f"frame_{index:03d}"]
    assert isinstance(source, Raw), "masters are made of raw frames"
    image = read_image(source.path, ImageLayout(**settings["layouts"][index])).astype(np.float32)
    steps.add("raw", image)
    if settings["overscan"]:
        image = image.copy()
        subtract_overscan(image, Section(*settings["overscan"]), settings["recipe"]["overscan"]["order"])
        steps.add("overscan", image)
    else:
        steps.idle("overscan", "none is used: the frames have none, not all have the same, or it is switched off")
    _trim(steps, task, index)
    try:
        if settings["kind"] == "flat":
            _light_only(steps, task, index, output)
        unit: Literal["ADU", ""] = "" if settings["kind"] == "flat" else "ADU"
        master = read_master(_file(task, output), with_uncertainty=False)
        steps.add("master", master.image, unit)
        wants_mask = "mask" in CALIBRATION_STEPS[settings["kind"]]
        masks = (t for t in tasks.values() if t.settings.get("kind") == "mask" and task in t.inputs.values())
        if wants_mask and (mask := next(masks, None)) is not None:
            steps.add("mask", master.image, unit, read_mask(_file(mask, output)))
    except NightError as error:
        return ShownSteps(FrameSteps(tuple(steps.found)), to_keep(error))
    return ShownSteps(FrameSteps(tuple(steps.found)))


class _Steps:
    """The steps so far."""

    def __init__(self, seen: Callable[[Step], None] | None) -> None:
        self.found: list[Step] = []
        self._seen = seen

    @property
    def image(self) -> Image:
        return self.found[-1].image

    def add(self, name: str, image: Image, unit: Literal["ADU", ""] = "ADU", mask: Bits | None = None) -> None:
        self._keep(Step(name, image, unit, "", mask))

    def idle(self, name: str, note: str) -> None:
        self._keep(Step(name, self.image, "ADU", note))

    def _keep(self, step: Step) -> None:
        self.found.append(step)
        if self._seen is not None:
            self._seen(self.found[-1])


def _trim(steps: _Steps, task: Task, index: int) -> None:
    trim, pedestals = task.settings["trim"], task.settings.get("pedestal_adu") or []
    pedestal = pedestals[index] if index < len(pedestals) else 0.0
    if not trim and not pedestal:
        steps.idle("trim", "the whole chip is lit")
        return
    steps.add("trim", trimmed(steps.image, Section(*trim) if trim else None) - np.float32(pedestal))


def _light_only(steps: _Steps, task: Task, index: int, output: Path) -> None:
    """Take bias and dark current off a flat, and bring its median to 1."""
    inputs = {name: _file(source, output) for name, source in task.inputs.items() if isinstance(source, Task)}
    with dark_of_flats(inputs, steps.image.shape) as (bias_rows, current_rows):
        whole = slice(0, steps.image.shape[0])
        base, current = (
            None if rows is None else np.asarray(rows[whole], np.float32) for rows in (bias_rows, current_rows)
        )
    scales = task.settings.get("dark_scales") or []
    scale = scales[index] if index < len(scales) else float(current is not None)
    if base is None and (current is None or not scale):
        steps.idle("dark", "there is no bias and no dark for it")
    else:
        image = steps.image if base is None else steps.image - base
        steps.add("dark", image if current is None or not scale else image - np.float32(scale) * current)
    image, _ = normalised(steps.image.copy(), np.isfinite(steps.image))
    steps.add("level", image, "")


def _file(task: Task, output: Path) -> Path:
    assert task.product is not None, "masters are files"
    file = output / task.product
    if not file.is_file():
        raise NightError(
            f"the master {task.label} cannot be shown",
            f"the master {task.label} has not been made yet",
            "make the masters first: `astep reduce NIGHT --only masters`",
        )
    return file
