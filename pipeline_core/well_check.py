"""Whether wells fill below the saturation that header, profile or recipe tell, as the science frames show it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.findings import Finding
from pipeline_core.grouping import Geometry
from pipeline_core.science.full_well import AT_LIMIT, full_well
from pipeline_core.tasks import camera_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.config import Recipe
    from pipeline_core.types import Night

PLACES = "bright_places_adu"
"""In the report of a calibrated frame: :func:`pipeline_core.science.full_well.bright_places`."""
FULL_PIXELS = "saturated_px"
"""In the same: pixels that were masked as saturated."""
BINS = 40
"""Of the histogram of peaks, from 0 to the limit: a well that fills at 93 % of it has bars of its own."""


@dataclass(frozen=True, slots=True)
class FullWell:
    """A camera setting whose wells fill below the limit that is known."""

    level_adu: float
    limit_adu: float
    spots: int = 0
    """Bright places of all frames (stars, hot pixels) that end from the level on."""
    paths: tuple[str, ...] = ()
    """Frames that have some, those with most first."""
    peaks: tuple[int, ...] = ()
    """Bright places by their highest value, in :data:`BINS` steps from 0 ADU to the limit."""

    @property
    def finding(self) -> Finding:
        """What is seen, what it means, and what to do about it."""
        frames = f"{len(self.paths)} frame{'' if len(self.paths) == 1 else 's'}"
        return Finding(
            f"the camera seems to saturate from {self.level_adu:,.0f} ADU on, below the {self.limit_adu:,.0f} ADU that "
            "are taken for full",
            f"{self.spots} bright stars and hot pixels of {frames} end there, and full pixels are not masked",
            f"set calibrate.saturation_adu to {self.level_adu:,.0f}, so that full pixels are masked",
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
    by_geometry: dict[Geometry, list[str]] = {}
    for path in made:
        if PLACES in made[path] and path in night.by_path:
            by_geometry.setdefault(Geometry.of(night.by_path[path]), []).append(path)
    found = []
    for paths in by_geometry.values():
        limit = camera_facts(night.by_path[paths[0]], recipe, {}).saturation_adu
        places = [np.asarray(made[path][PLACES], float) for path in paths]
        level = full_well(places, limit) if limit is not None else None
        if level is not None and limit is not None:
            found.append(_seen(level, limit, paths, [frame[1:] for frame in places]))
    return tuple(sorted(found, key=lambda well: well.level_adu))


def _seen(level: float, limit: float, paths: Sequence[str], peaks: Sequence[Any]) -> FullWell:
    """Put together by what it is seen."""
    full = {p: int(((of >= level) & (of < AT_LIMIT * limit)).sum()) for p, of in zip(paths, peaks, strict=True)}
    full = {path: number for path, number in full.items() if number}
    counts, _ = np.histogram(np.concatenate(peaks), BINS, (0.0, limit))
    by_number = tuple(sorted(full, key=lambda path: (-full[path], path)))
    return FullWell(level, limit, sum(full.values()), by_number, tuple(int(number) for number in counts))


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
