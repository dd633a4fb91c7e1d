"""Whether wells fill below the saturation that header, profile or recipe tell, as the science frames show it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.findings import Finding
from pipeline_core.grouping import Geometry
from pipeline_core.name_words import counted
from pipeline_core.science.full_well import AT_LIMIT, full_well
from pipeline_core.tasks import camera_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.config import Recipe
    from pipeline_core.run_record import RunRecord
    from pipeline_core.types import Night

_Setting = tuple[Geometry, float | None, float | None]
"""Size and binning, gain (electrons per ADU), and what is taken for full (ADU)."""
PLACES = "bright_places_adu"
"""In the report of a calibrated frame: the first of :func:`pipeline_core.science.full_well.bright_places`."""
INSIDES = "bright_insides_adu"
"""In the same: the second."""
FULL_PIXELS = "saturated_px"
"""In the same: pixels that were masked as saturated."""
ADC_LIMIT = 65_535.0
"""ADU; what runs of earlier versions took for full."""
BINS = 40
"""Of the histogram of peaks, from 0 to the limit: a well that fills at 93 % of it has bars of its own."""


@dataclass(frozen=True, slots=True)
class FullWell:
    """A camera setting whose wells fill below the limit that is known."""

    level_adu: float
    limit_adu: float
    others_hold_more: bool = False
    """Whether frames of another setting of the night have pixels above that level, which are good ones."""
    spots: int = 0
    """Bright places of all frames (stars, hot pixels) that end from the level on."""
    paths: tuple[str, ...] = ()
    """Frames that have some, those with most first."""
    peaks: tuple[int, ...] = ()
    """Bright places by their highest value, in :data:`BINS` steps from 0 ADU to the limit."""

    @property
    def finding(self) -> Finding:
        """What is seen, what it means, and what to do about it."""
        if self.others_hold_more:
            hint = (
                "frames of another size, binning or gain hold more, and calibrate.saturation_adu would mask theirs "
                f"too: reduce these as a night of their own, with {self.level_adu:.0f}"
            )
        else:
            hint = f"set calibrate.saturation_adu to {self.level_adu:.0f}, so that full pixels are masked"
        frames = counted(len(self.paths), "frame")
        return Finding(
            f"the camera seems to saturate from {self.level_adu:,.0f} ADU on, below the {self.limit_adu:,.0f} ADU that "
            "are taken for full",
            f"{self.spots} bright stars and hot pixels of {frames} end there, and full pixels are not masked",
            hint,
            self.paths,
        )

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> FullWell:
        """Rebuild it from its JSON."""
        return cls(
            document["level_adu"],
            document["limit_adu"],
            document["others_hold_more"],
            document["spots"],
            tuple(document["paths"]),
            tuple(document["peaks"]),
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
    by_setting: dict[_Setting, dict[str, npt.NDArray[np.float64]]] = {}
    for path, told in made.items():
        if PLACES in told and path in night.by_path:
            frame = night.by_path[path]
            setting = Geometry.of(frame), frame.gain_e_per_adu, camera_facts(frame, recipe, {}).saturation_adu
            by_setting.setdefault(setting, {})[path] = np.asarray(told[PLACES], float)
    highest = {setting: max(map(_brightest, frames.values())) for setting, frames in by_setting.items()}
    found = []
    for setting, frames in by_setting.items():
        _, _, limit = setting
        insides = [np.asarray(made[path].get(INSIDES, ()), float) for path in frames]
        level = full_well(list(frames.values()), limit, insides) if limit is not None else None
        if level is not None and limit is not None:
            more = any(most > level for other, most in highest.items() if other != setting)
            found.append(_seen(level, limit, frames, others_hold_more=more))
    return tuple(sorted(found, key=lambda well: well.level_adu))


def _brightest(places: npt.NDArray[np.float64]) -> float:
    """Return the value of the brightest place, or of the sky where none is told; ADU."""
    known = places[np.isfinite(places)]
    return float(known.max()) if known.size else 0.0


def _seen(
    level: float, limit: float, frames: Mapping[str, npt.NDArray[np.float64]], *, others_hold_more: bool
) -> FullWell:
    """Put together by what it is seen."""
    peaks = {path: places[1:] for path, places in frames.items()}  # the sky comes first
    full = {path: int(((of >= level) & (of < AT_LIMIT * limit)).sum()) for path, of in peaks.items()}
    full = {path: number for path, number in full.items() if number}
    counts, _ = np.histogram(np.concatenate(list(peaks.values())), BINS, (0.0, limit))
    by_number = tuple(sorted(full, key=lambda path: (-full[path], path)))
    bars = tuple(int(number) for number in counts)
    return FullWell(level, limit, others_hold_more, sum(full.values()), by_number, bars)


def known_well(record: RunRecord | None) -> FullWell | None:
    """Return what a remembered run saw of full wells; of one of an earlier version the level only."""
    if record is None or record.proposed_saturation_adu is None:
        return None
    if record.full_well is None:
        return FullWell(record.proposed_saturation_adu, ADC_LIMIT)
    try:
        return FullWell.of_document(record.full_well)
    except (KeyError, TypeError):  # of a later version
        return None


def masked_as_full(made: Mapping[str, Mapping[str, Any]]) -> tuple[int, int] | None:
    """Return how many pixels were masked as saturated, and in how many frames.

    Parameters
    ----------
    made : mapping
        Path of a science frame → what its calibration reported.

    Returns
    -------
    (pixels, frames) or None
        None where a frame was calibrated by a version that did not count them.
    """
    if not made or any(FULL_PIXELS not in one for one in made.values()):
        return None
    told = [int(one[FULL_PIXELS]) for one in made.values()]
    return sum(told), sum(number > 0 for number in told)
