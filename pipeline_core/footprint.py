"""Where a solved frame lies on the sky."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.solving.result import FrameSolution

    Floats = npt.NDArray[np.float64]


def footprint(frame: FrameSolution) -> tuple[Floats, Floats] | None:
    """Return RA and Dec, degrees, of a frame's corners in turn, for an overlay of the night; None if not solved."""
    if frame.solution is None or frame.shape is None:
        return None
    right, top = frame.shape[1] - 0.5, frame.shape[0] - 0.5
    return frame.solution.to_sky(np.array([-0.5, right, right, -0.5]), np.array([-0.5, -0.5, top, top]))
