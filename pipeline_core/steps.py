"""What each step did to a frame, and to one pixel of it: computed on demand by the code of the run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.errors import NightError, UsageError
from pipeline_core.gain_words import gain_from
from pipeline_core.io.masters_file import stored_master
from pipeline_core.science.frame_steps import STEP_WORDS, Observe, Step
from pipeline_core.stage import Raw, Task
from pipeline_core.stages.science import reduce_file
from pipeline_core.types import Image, MaskBit, Section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class FrameSteps:
    """All steps of a frame, in order."""

    steps: tuple[Step, ...]

    def step(self, name: str) -> Step:
        """Return a step by name.

        Raises
        ------
        UsageError
            If there is no such step.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise UsageError(f"there is no step {name!r}", f"the steps are {', '.join(s.name for s in self.steps)}")

    def has_difference(self, name: str) -> bool:
        """Tell whether a step changed pixels, and neither their number nor their unit."""
        index = [s.name for s in self.steps].index(self.step(name).name)
        if index == 0:
            return False
        before, after = self.steps[index - 1], self.steps[index]
        return not after.note and before.image.shape == after.image.shape and before.unit == after.unit

    def difference(self, name: str) -> Image | None:
        """Return what a step changed, or None where it did nothing or changed the shape or the unit."""
        if not self.has_difference(name):
            return None
        index = [s.name for s in self.steps].index(name)
        return self.steps[index].image - self.steps[index - 1].image


def input_files(task: Task, output: Path) -> dict[str, Path]:
    """Return the files of a task's inputs.

    Raises
    ------
    NightError
        If a master has not been made yet.
    """
    files: dict[str, Path] = {}
    for name, source in task.inputs.items():
        if isinstance(source, Raw):
            files[name] = source.path
            continue
        assert source.product is not None, "masters are files"
        files[name] = output / source.product
        if not files[name].is_file():
            raise NightError(
                f"the steps of {task.label} cannot be shown",
                f"the master {source.label} has not been made yet",
                "make the masters first: `astep reduce NIGHT --only masters`",
            )
    return files


def frame_steps(task: Task, output: Path, *, threads: int = 1, seen: Observe | None = None) -> FrameSteps:
    """Compute all steps of one science frame.

    Parameters
    ----------
    task : Task
        Of the science frame, from :class:`pipeline_core.tasks.TaskBuilder`.
    output : Path
        Where the masters lie.
    threads : int
    seen : callable, optional
        Called with each step as soon as it is done: all but the cosmic rays come in the first third of the time.
    """
    steps: list[Step] = []

    def keep(step: Step) -> None:
        steps.append(step)
        if seen is not None:
            seen(step)

    reduce_file(task.settings, input_files(task, output), threads, keep)
    return FrameSteps(tuple(steps))


@dataclass(frozen=True)
class PixelStory:
    """Why a pixel has its value."""

    x: int
    y: int
    """0-based in the raw frame."""
    values: Mapping[str, tuple[float, str, str]]
    """Step → (value, unit, note)."""
    masters: Mapping[str, tuple[str, float]]
    """bias, dark, flat → (master's name, its value at the pixel)."""
    reasons: tuple[str, ...]
    """Of its mask, in words."""
    equation: str
    """With its numbers: "(raw 1302 − dark_90s 1014) ÷ flat_R 0.943 × gain 2 = 611 ± 27 e⁻"."""
    pedestal_adu: float = 0.0
    """What the camera program added to the frame, and the step "trim" takes away."""
    gain_from: str = ""
    """Who says what the gain is, in words."""


def pixel_story(task: Task, output: Path, x: int, y: int, *, threads: int = 1) -> PixelStory:
    """Tell the whole equation of one pixel.

    Parameters
    ----------
    task : Task
    output : Path
    x, y : int
        0-based, in the raw frame.

    Raises
    ------
    UsageError
        If the pixel lies outside the frame, or in the part that is trimmed away.
    """
    settings: dict[str, Any] = {**task.settings, "uncertainty": True}
    files = input_files(task, output)
    steps: list[Step] = []
    reduced = reduce_file(settings, files, threads, steps.append)
    ny, nx = steps[0].image.shape
    trim = Section(*settings["trim"]) if settings["trim"] else Section(0, ny, 0, nx)
    if not (trim.y0 <= y < trim.y1 and trim.x0 <= x < trim.x1):
        raise UsageError(
            f"pixel {x + 1}, {y + 1} is not in the calibrated frame",
            f"that is the part {trim.as_fits()} of the raw frame",
            "choose a pixel inside",
        )
    row, column = y - trim.y0, x - trim.x0
    trimmed = {"trim", "bias", "dark", "flat", "gain", "mask", "cosmic"}
    values = {s.name: (float(s.image[(row, column) if s.name in trimmed else (y, x)]), s.unit, s.note) for s in steps}
    masters: dict[str, tuple[str, float]] = {}
    for kind in ("bias", "dark", "flat"):
        if kind in settings["masters"] and kind in files:
            masters[kind] = (settings["masters"][kind][0], _value_at(files[kind], row, column))
    bits = int(reduced.mask[row, column])
    reasons = [words for bit, words in MaskBit.WORDS.items() if bits & bit]
    if "mask" in files and _value_at(files["mask"], row, column) and "mask" in settings["masters"]:
        reasons = [
            f"{words} (in {settings['masters']['mask'][0]})" if words in {"bad", "hot", "unstable"} else words
            for words in reasons
        ]
    sigma = float(reduced.uncertainty[row, column]) if reduced.uncertainty is not None else float("nan")
    return PixelStory(
        x,
        y,
        values,
        masters,
        tuple(reasons),
        _equation(values, masters, settings, float(reduced.image[row, column]), sigma, reduced.unit),
        settings["pedestal_adu"] or 0.0,
        gain_from(settings.get("gain_source")) if settings["gain_e_per_adu"] is not None else "",
    )


def _value_at(master: Path, row: int, column: int) -> float:
    """Return one pixel of a master or a mask; its row alone is read."""
    with stored_master(master) as stored:
        return float(stored.image[row : row + 1][0, column])


def _equation(
    values: Mapping[str, tuple[float, str, str]],
    masters: Mapping[str, tuple[str, float]],
    settings: Mapping[str, Any],
    result: float,
    sigma: float,
    unit: str,
) -> str:
    """Write the equation with numbers."""
    words = f"raw {values['raw'][0]:.6g}"
    level = values["raw"][0] - values["overscan"][0]
    if not values["overscan"][2]:
        words += f" − overscan {level:.5g}"
    if settings["pedestal_adu"]:
        words += f" − pedestal {settings['pedestal_adu']:.5g}"
    if settings["dark_scale"] == 1.0 and "dark" in masters:
        words += f" − {masters['dark'][0]} {masters['dark'][1]:.5g}"
    else:
        if "bias" in masters:
            words += f" − {masters['bias'][0]} {masters['bias'][1]:.5g}"
        if "dark" in masters and "bias" in masters:
            current = masters["dark"][1] - masters["bias"][1]
            words += f" − {settings['dark_scale']:.3g} × dark current {current:.4g} of {masters['dark'][0]}"
    is_divided = "flat" in masters and np.isfinite(masters["flat"][1]) and masters["flat"][1] >= settings["flat_floor"]
    if " − " in words and (is_divided or settings["gain_e_per_adu"] is not None):
        words = f"({words})"
    if is_divided:
        words += f" ÷ {masters['flat'][0]} {masters['flat'][1]:.4g}"
    if settings["gain_e_per_adu"] is not None:
        words += f" × gain {settings['gain_e_per_adu']:.4g}"
    before_cosmic, after = values["mask"][0], values["cosmic"][0]
    symbol = "e⁻" if unit == "electron" else "ADU"
    # Two figures of the error, and as many digits of the value: more would pretend to be known.
    digits = max(0, 1 - math.floor(math.log10(sigma))) if 0.0 < sigma < math.inf else 3
    words += f" = {before_cosmic:.{digits}f}"
    if after != before_cosmic:
        words += f", a cosmic ray: replaced by {result:.{digits}f}"
    return f"{words} ± {sigma:.{digits}f} {symbol}"


def step_words(name: str) -> str:
    """Return a step's name as a person reads it."""
    return STEP_WORDS[name]
