"""The memory that reducing a night takes: of the driving process, of a frame in the making, and whether it is there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline_core.memory import (
    ASTROSCRAPPY_BYTES_PER_PIXEL,
    BYTES_PER_PIXEL,
    DRIVER_BYTES,
    WORKER_BYTES,
    check_budget,
    memory_budget,
    tree_bytes,
)

if TYPE_CHECKING:
    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.types import Night

DRIVER_BYTES_PER_PIXEL = 16
"""What the driver keeps beside the workers once masters are made: measured 270 to 370 MB on 4096² frames, of which
180 MB are the program itself; up to 510 MB at the very end, when the workers idle."""


def _pixels(night: Night) -> int:
    return max((f.shape[0] * f.shape[1] for f in night.frames if f.shape is not None), default=0)


def driver_bytes(night: Night) -> int:
    """Return what the driving process takes, or holds already."""
    return max(tree_bytes(), DRIVER_BYTES) + _pixels(night) * DRIVER_BYTES_PER_PIXEL


def frame_bytes(night: Night, recipe: Recipe) -> int:
    """Return what a science frame takes while it is made."""
    slow = recipe.cosmic.enabled and recipe.cosmic.engine == "astroscrappy"
    return _pixels(night) * (ASTROSCRAPPY_BYTES_PER_PIXEL if slow else BYTES_PER_PIXEL)


def check_memory(
    night: Night, recipe: Recipe, memory_bytes: int | None, context: RunContext, *, processes: bool
) -> None:
    """Refuse a budget that not even one worker fits into; where nobody set it, say that it will be passed.

    Parameters
    ----------
    night : Night
    recipe : Recipe
    memory_bytes : int or None
        What a person allowed; None where nobody did.
    context : RunContext
    processes : bool
        Whether workers are processes of their own, which take memory by themselves.

    Raises
    ------
    UsageError
        If a person allowed less than one frame needs.
    """
    worker = frame_bytes(night, recipe) + (WORKER_BYTES if processes else 0)
    ny, nx = max((f.shape for f in night.frames if f.shape is not None), key=math.prod, default=(0, 0))
    words = check_budget(
        memory_budget(memory_bytes),
        driver_bytes(night) + worker,
        f"frames of {nx} × {ny} px",
        was_asked=memory_bytes is not None,
    )
    if words:
        context.say("memory", words, level="warning")
