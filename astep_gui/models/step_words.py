"""What a step of a frame is called, and what it did there, in a sentence with its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.dark_told import EVERY, taken_by_dark
from pipeline_core.gain_words import gain_from
from pipeline_core.science.frame_steps import STEP_WORDS
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.science.frame_steps import Step
    from pipeline_core.stage import Task
    from pipeline_core.types import Image

WORDS = {
    "raw": "Raw",
    "overscan": "Overscan",
    "trim": "Trim",
    "bias": "Bias",
    "dark": "Dark",
    "flat": "Flat",
    "gain": "Gain",
    "mask": "Mask",
    "cosmic": "Cosmics",
    "level": "Level",
    "master": "Master",
}
"""One short word each: nine of them stand beside each other in a window of 1280 pixels."""

_AFTER = {name: f"after {name}" for name in ("overscan", "bias", "dark", "flat", "gain")}
DEEDS = STEP_WORDS | _AFTER | {"level": "scaled to 1", "master": "its master"}
"""Beside the name of the frame, where "· − dark" would be read as a name."""

_AS_HEADER = " (the header says that the camera program added it)"
"""Where a pedestal comes from: from its header alone (``PEDESTAL``), no setting of the recipe has one."""


def deed_words(step: Step, before: Step | None, task: Task, output: Path | None = None) -> str:
    """Say what a step did, with its numbers.

    Parameters
    ----------
    step : Step
    before : Step or None
        The one before it in the order of the frame.
    task : Task
        Of the frame; of the master, for a calibration frame.
    output : Path, optional
        Where the masters lie: the bias tells how much of a dark is dark current.
    """
    if step.note:
        return f"Nothing done: {step.note}"
    if step.name == "overscan" and before is not None:
        level = float(np.median(before.image[::16, ::16] - step.image[::16, ::16]))
        return f"Overscan level of {level:,.1f} ADU subtracted"
    if step.name == "mask" and step.mask is not None:
        return _masked(step, task)
    if step.name == "cosmic" and step.mask is not None:
        from pipeline_core.science.cosmic import count_events  # noqa: PLC0415 - numba after the first paint

        hits = (step.mask & MaskBit.COSMIC) != 0
        return f"Cosmic rays: {count_events(hits):,} hits ({np.count_nonzero(hits):,} pixels) replaced"
    ny, nx = step.image.shape
    gain = task.settings.get("gain_e_per_adu")
    return {
        "raw": f"As the camera wrote it: {nx} × {ny} pixels",
        "trim": _trimmed(step, before, task),
        "gain": _multiplied(gain, task.settings.get("gain_source")) if gain else "",
        "level": "Divided by its median: 1 is its usual level",
        "master": f"The master {task.label}, of {len(task.settings.get('frames', ()))} frames",
    }.get(step.name) or " · ".join(filter(None, (_amount(step, before, task, output), _by_master(step.name, task))))


def _multiplied(gain_e_per_adu: float, source: str | None) -> str:
    """Say by what the frame was multiplied, and who says so: the header may be silent."""
    return ", ".join(filter(None, (f"× {gain_e_per_adu:.4g} e⁻/ADU", gain_from(source))))


def _trimmed(step: Step, before: Step | None, task: Task) -> str:
    """Say what was cut, and which pedestal of the camera program came off with it."""
    ny, nx = step.image.shape
    pedestal = task.settings.get("pedestal_adu") or 0.0
    if isinstance(pedestal, list):  # of a master: one for each of its frames
        pedestal = max(pedestal)
        if before is not None and before.image.shape == step.image.shape:
            pedestal = float(np.median((before.image - step.image)[::16, ::16]))
    cut = [f"Cut to its lit part: {nx} × {ny} pixels"] if task.settings.get("trim") else []
    taken = [f"Pedestal of {pedestal:.5g} ADU subtracted{_AS_HEADER}"] if pedestal else []
    return "; ".join(cut + taken)


def _amount(step: Step, before: Step | None, task: Task, output: Path | None) -> str:
    """Say how much a master took away, or divided by: of every eighth pixel each way, which is enough for a median.

    It comes first: in a small window what is cut is the name of the master, which the button beside it tells.
    """
    if before is None or before.image.shape != step.image.shape or step.name not in {"bias", "dark", "flat"}:
        return ""
    was, now = before.image[::EVERY, ::EVERY], step.image[::EVERY, ::EVERY]
    if step.name == "dark":
        return _dark_amount(was - now, task, output)
    with np.errstate(divide="ignore", invalid="ignore"):
        amount = was / now if step.name == "flat" else was - now
    amount = amount[np.isfinite(amount)]
    if not amount.size:
        return ""
    if step.name == "flat":
        low, high = np.percentile(amount, (1.0, 99.0))
        return f"{low:.3f} to {high:.3f} over the frame"
    return f"{WORDS[step.name]} took off {round(float(np.median(amount))):,} ADU (median)"


def _dark_amount(amount: Image, task: Task, output: Path | None) -> str:
    """Say how much a dark took away, and how much of that is dark current: most of it is bias where it holds it."""
    taken = taken_by_dark(amount, task, output)
    if taken is None:
        return ""
    if taken.is_bias_alone:
        return f"Bias took off {round(taken.level_adu):,} ADU (median)"
    if taken.current_adu is None:
        what = "dark current and what the overscan left of the bias" if taken.over_overscan else "bias and dark current"
        # Hot pixels are why a dark is taken.
        hot = f"hottest 1 % above {round(taken.hot_adu):,}"
        return f"Dark took off {round(taken.level_adu):,} ADU, {what} together (median; {hot})"
    gain = task.settings.get("gain_e_per_adu")
    per_s = "e⁻/s" if gain else "ADU/s"
    current, hot = f"{_figure(taken.current_adu)} ADU", f"{_figure(taken.hot_adu)} ADU"
    if taken.exposure_s:
        rate = (gain or 1.0) / taken.exposure_s
        hot = f"{_figure(taken.hot_adu * rate)} {per_s}"
        current += f" dark current ({_figure(taken.current_adu * rate)} {per_s})"
    else:
        current += " dark current"
    parts = f"{round(taken.bias_adu):,} ADU are bias, {current}" if taken.bias_adu is not None else current
    return f"Dark took off {round(taken.level_adu):,} ADU: {parts} (medians; hottest 1 % above {hot})"


def _figure(value: float) -> str:
    """Return two figures of a number, all before the point; no more is known of a dark current."""
    words = f"{value:,.0f}" if abs(value) >= 10.0 else f"{value:#.2g}"
    return words.replace("-", "−")


def _by_master(name: str, task: Task) -> str:
    """Say which master was subtracted, or divided by."""
    known: Mapping[str, Sequence[str]] = task.settings.get("masters", {})
    if name in known:
        master = known[name][0]
    elif name == "dark" and (inputs := [task.inputs[k].label for k in ("dark", "bias") if k in task.inputs]):
        master = " and ".join(inputs)  # of a flat: dark current and bias
    else:
        return ""
    if name == "flat":
        return f"Divided by {master}"
    scale = float(task.settings.get("dark_scale", 1.0)) if name == "dark" else 1.0
    if scale != 1.0:
        return f"{master} subtracted, its dark current × {scale:.3g}"
    return f"{master} subtracted"


def _masked(step: Step, task: Task) -> str:
    assert step.mask is not None, "asked for masks only"
    number = np.count_nonzero(step.mask)
    mask = task.settings.get("masters", {}).get("mask")
    source = f", by {mask[0]} and saturation" if mask else ""
    return f"{number:,} pixels masked ({100 * number / step.mask.size:.2g} %){source}"
