"""Where the trimmed frame begins in the raw one."""

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
