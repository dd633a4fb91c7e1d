"""Where the trimmed frame begins in the raw one, and how large it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.grouping import Geometry

if TYPE_CHECKING:
    from pipeline_core.plan import Plan
    from pipeline_core.types import Frame


def trim_offset(plan: Plan, frame: Frame) -> tuple[int, int]:
    """Return x and y of the trimmed frame's first pixel in the raw frame; 0, 0 where nothing is trimmed."""
    if frame.shape is None:
        return 0, 0
    trim = plan.trims.get(Geometry.of(frame))
    return (trim.x0, trim.y0) if trim is not None else (0, 0)


def lit_shape(plan: Plan | None, frame: Frame) -> tuple[int, int] | None:
    """Return (ny, nx) of the trimmed frame; that of the whole chip where nothing is trimmed or planned."""
    trim = plan.trims.get(Geometry.of(frame)) if plan is not None and frame.shape is not None else None
    return (trim.y1 - trim.y0, trim.x1 - trim.x0) if trim is not None else frame.shape
