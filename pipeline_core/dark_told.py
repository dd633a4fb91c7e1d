"""What a dark took off a frame: how much of it is bias, how much dark current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.stage import Task

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_core.types import Image

EVERY = 8
"""Of every eighth pixel each way: enough for a median, and 4096² take some milliseconds."""


@dataclass(frozen=True, slots=True)
class TakenOff:
    """Medians of what the step Dark subtracted."""

    level_adu: float
    hot_adu: float
    """Exceeded by 1 % of the pixels: of the dark current where that is known, else of all that came off."""
    bias_adu: float | None = None
    """None where no bias tells, or where it came off before."""
    current_adu: float | None = None
    """Of the dark current alone; None where it cannot be told from the bias."""
    exposure_s: float | None = None
    """In which that dark current gathered."""
    is_bias_alone: bool = False
    """A flat without a dark."""
    over_overscan: bool = False
    """The overscan's level came off before."""


def taken_by_dark(amount: Image, task: Task, output: Path | None) -> TakenOff | None:
    """Tell bias and dark current apart in what was subtracted.

    Parameters
    ----------
    amount : (n, m) float32, ADU
        What the step took off each :data:`EVERY`-th pixel of the frame both ways.
    task : Task
        Of the frame; of the master, for a flat.
    output : Path or None
        Where the master bias lies.

    Returns
    -------
    TakenOff or None
        None where no pixel tells.
    """
    finite = np.isfinite(amount)
    if not finite.any():
        return None
    level, hot = float(np.median(amount[finite])), float(np.percentile(amount[finite], 99.0))
    dark, bias = (task.inputs.get(kind) for kind in ("dark", "bias"))
    if not isinstance(dark, Task):
        return TakenOff(level, hot, is_bias_alone=isinstance(bias, Task))
    scale = float(task.settings.get("dark_scale", 1.0))
    exposure_s = dark.settings.get("exposure_s")
    # A flat's own part of the dark is not told here.
    gathered_s = exposure_s * scale if exposure_s and task.settings.get("kind") != "flat" else None
    if scale != 1.0:  # the bias came off in its own step
        return TakenOff(level, hot, current_adu=level, exposure_s=gathered_s)
    held = _sampled(bias, output) if isinstance(bias, Task) else None
    if held is None or held.shape != amount.shape:
        return TakenOff(level, hot, over_overscan=bool(task.settings.get("overscan")))
    current = (amount - held)[finite & np.isfinite(held)]
    if not current.size:
        return TakenOff(level, hot)
    return TakenOff(
        level,
        float(np.percentile(current, 99.0)),
        bias_adu=float(np.median(held[np.isfinite(held)])),
        current_adu=float(np.median(current)),
        exposure_s=gathered_s,
    )


def _sampled(bias: Task, output: Path | None) -> Image | None:
    """Return every eighth pixel of the master bias both ways; None where it was not made."""
    from pipeline_core.io.masters_file import stored_master  # noqa: PLC0415 - astropy

    if output is None or bias.product is None or not (output / bias.product).is_file():
        return None
    with stored_master(output / bias.product) as master:
        rows = range(0, master.image.shape[0], EVERY)
        return np.concatenate([master.image[y : y + 1][:, ::EVERY] for y in rows])
