"""Whether wells fill below the saturation that header, profile or recipe tell, as the science frames show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.grouping import Geometry
from pipeline_core.science.full_well import full_well
from pipeline_core.tasks import camera_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.config import Recipe
    from pipeline_core.types import Night

_Setting = tuple[Geometry, float | None, float | None]
"""Size and binning, gain (electrons per ADU), and what is taken for full (ADU)."""
PLACES = "bright_places_adu"
"""In the report of a calibrated frame: :func:`pipeline_core.science.full_well.bright_places`."""


@dataclass(frozen=True, slots=True)
class FullWell:
    """A camera setting whose wells fill below the limit that is known."""

    level_adu: float
    limit_adu: float
    others_hold_more: bool = False
    """Whether frames of another setting of the night have pixels above that level, which are good ones."""

    @property
    def proposed_adu(self) -> float | None:
        """What the recipe may take for full; None where that would mask good pixels of other frames."""
        return None if self.others_hold_more else self.level_adu

    @property
    def words(self) -> str:
        """What is seen, and what to do about it."""
        seen = (
            f"the camera seems to saturate from {self.level_adu:,.0f} ADU on, below the {self.limit_adu:,.0f} ADU that "
            "are taken for full: bright stars and hot pixels of several frames end there"
        )
        if self.others_hold_more:
            return (
                f"{seen}; frames of another size, binning or gain hold more, and calibrate.saturation_adu would mask "
                f"theirs too: reduce these as a night of their own, with {self.level_adu:.0f}"
            )
        return f"{seen}; set calibrate.saturation_adu to {self.level_adu:.0f}, so that full pixels are masked"


def full_wells(night: Night, made: Mapping[str, Mapping[str, Any]], recipe: Recipe) -> tuple[FullWell, ...]:
    """Return the camera settings whose wells fill below the limit that is known, the lowest level first.

    Parameters
    ----------
    night : Night
    made : mapping
        Path of a science frame → what its calibration reported; frames calibrated by an earlier version tell nothing.
    recipe : Recipe
    """
    by_setting: dict[_Setting, list[npt.NDArray[np.float64]]] = {}
    for path, told in made.items():
        if PLACES in told and path in night.by_path:
            frame = night.by_path[path]
            setting = Geometry.of(frame), frame.gain_e_per_adu, camera_facts(frame, recipe, {}).saturation_adu
            by_setting.setdefault(setting, []).append(np.asarray(told[PLACES], float))
    highest = {setting: max(map(_brightest, frames)) for setting, frames in by_setting.items()}
    found = []
    for setting, frames in by_setting.items():
        _, _, limit = setting
        level = full_well(frames, limit) if limit is not None else None
        if level is not None and limit is not None:
            more = any(most > level for other, most in highest.items() if other != setting)
            found.append(FullWell(level, limit, others_hold_more=more))
    return tuple(sorted(found, key=lambda well: well.level_adu))


def _brightest(places: npt.NDArray[np.float64]) -> float:
    """Return the value of the brightest place, or of the sky where none is told; ADU."""
    known = places[np.isfinite(places)]
    return float(known.max()) if known.size else 0.0
