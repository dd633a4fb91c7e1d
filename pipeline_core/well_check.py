"""Whether wells fill below the saturation that header, profile or recipe tell, as the science frames show it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.grouping import Geometry
from pipeline_core.science.full_well import full_well
from pipeline_core.tasks import camera_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_core.config import Recipe
    from pipeline_core.types import Night

PLACES = "bright_places_adu"
"""In the report of a calibrated frame: :func:`pipeline_core.science.full_well.bright_places`."""
_REMEDY = "set calibrate.saturation_adu to {:,.0f}"
_PROPOSED = re.compile(r"set calibrate\.saturation_adu to ([\d,]+)")


def well_warnings(night: Night, made: Mapping[str, Mapping[str, Any]], recipe: Recipe) -> tuple[str, ...]:
    """Say for each camera setting where its wells fill below the limit that is known.

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
    said = []
    for paths in by_geometry.values():
        limit = camera_facts(night.by_path[paths[0]], recipe, {}).saturation_adu
        level = full_well([np.asarray(made[p][PLACES], float) for p in paths], limit) if limit is not None else None
        if level is not None:
            said.append(
                f"the camera seems to saturate from {level:,.0f} ADU on, below the {limit:,.0f} ADU that are taken for "
                f"full: bright stars and hot pixels of several frames end there; {_REMEDY.format(level)}, so that full "
                "pixels are masked"
            )
    return tuple(said)


def proposed_saturation(warnings: Iterable[str]) -> float | None:
    """Return the saturation, ADU, that the warnings of a run propose; None if none does."""
    found = next((match for words in warnings if (match := _PROPOSED.search(words))), None)
    return float(found[1].replace(",", "")) if found is not None else None
