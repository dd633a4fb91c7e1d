"""Whether wells fill below the saturation that header, profile or recipe tell, as the science frames show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.grouping import Geometry
from pipeline_core.science.full_well import full_well
from pipeline_core.tasks import camera_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.config import Recipe
    from pipeline_core.types import Night

PLACES = "bright_places_adu"
"""In the report of a calibrated frame: :func:`pipeline_core.science.full_well.bright_places`."""


@dataclass(frozen=True, slots=True)
class FullWell:
    """A camera setting whose wells fill below the limit that is known."""

    level_adu: float
    limit_adu: float

    @property
    def words(self) -> str:
        """What is seen, and what to do about it."""
        return (
            f"the camera seems to saturate from {self.level_adu:,.0f} ADU on, below the {self.limit_adu:,.0f} ADU that "
            "are taken for full: bright stars and hot pixels of several frames end there; "
            f"set calibrate.saturation_adu to {self.level_adu:,.0f}, so that full pixels are masked"
        )


def full_wells(night: Night, made: Mapping[str, Mapping[str, Any]], recipe: Recipe) -> tuple[FullWell, ...]:
    """Return the camera settings whose wells fill below the limit that is known, the lowest level first.

    Parameters
    ----------
    night : Night
    made : mapping
        Path of a science frame → what its calibration reported; frames calibrated by an earlier version tell nothing.
    recipe : Recipe
    """
    by_geometry: dict[Geometry, list[str]] = {}
    for path in made:
        if PLACES in made[path] and path in night.by_path:
            by_geometry.setdefault(Geometry.of(night.by_path[path]), []).append(path)
    found = []
    for paths in by_geometry.values():
        limit = camera_facts(night.by_path[paths[0]], recipe, {}).saturation_adu
        level = full_well([np.asarray(made[p][PLACES], float) for p in paths], limit) if limit is not None else None
        if level is not None and limit is not None:
            found.append(FullWell(level, limit))
    return tuple(sorted(found, key=lambda well: well.level_adu))
