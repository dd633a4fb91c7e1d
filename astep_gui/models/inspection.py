"""What a person looks at closely: a star, a line or a region of the image that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.latest import LatestWork
from pipeline_core.science.regions import (
    Floats,
    RegionStatistics,
    box_statistics,
    circle_statistics,
    line_profile,
    line_statistics,
)
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    from collections.abc import Hashable

    from astep_gui.models.frame_images import ShownImage
    from pipeline_core.science.star_reading import StarReading

NO_STAR = "no star here"
SAME_STAR_PX = 4.0
"""How far from where a star must be by the measured shift it may be found: further away it is another one."""
NOT_PLACED = "how this frame lies on the one that was clicked is not known: the star nearest to the same place"
_SEARCH_PX = 12.0  # as after a click


class KnownFrames(Protocol):
    """What is known of the frames that are looked at, by the keys of their images."""

    def usual_fwhm(self, shown: ShownImage) -> float | None:
        """Return the usual width of the stars, px."""
        ...

    def same_place(self, first: Hashable, shown: ShownImage, x: float, y: float) -> tuple[float, float] | None:
        """Return where in an image a place of an earlier one lies; None where that is not known."""
        ...


@dataclass(frozen=True)
class LineLook:
    """Values along a line."""

    distance_px: Floats
    value: Floats
    statistics: RegionStatistics
    unit: str


@dataclass(frozen=True)
class RegionLook:
    """Statistics of a box or a circle."""

    kind: str
    size: str
    """In words."""
    statistics: RegionStatistics
    unit: str


@dataclass(frozen=True)
class StarLook:
    """A star, or that there is none."""

    reading: StarReading | None
    unit: str
    scale_arcsec: float | None
    """Side of a pixel."""
    note: str = ""
    """Why it may be another star than that of the frame before."""
    within_px: float = _SEARCH_PX
    """How far around the place it was looked for."""


class Inspection(QObject):
    """Measures off the window's thread; remembers what was looked at, so that the next frame shows the same."""

    looked = pyqtSignal(object)
    """StarLook, LineLook or RegionLook."""
    failed = pyqtSignal(object)
    """AstepError."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = LatestWork(self)
        self._work.done.connect(self.looked)
        self._work.failed.connect(self.failed)
        self.known: KnownFrames | None = None
        self._star: tuple[float, float] | None = None
        self._star_on: Hashable = None
        """Key of the image on which it was clicked."""
        self._shape: tuple[str, float, float, float, float] | None = None

    def look_at_star(self, shown: ShownImage, x: float, y: float) -> None:
        """Measure the star nearest to a place (0-based)."""
        self._star, self._star_on, self._shape = (x, y), shown.key, None
        self._run_star(shown)

    def look_along(self, shown: ShownImage, kind: str, x0: float, y0: float, x1: float, y1: float) -> None:
        """Measure a line, a box, or a circle from its centre to its rim (0-based)."""
        self._shape, self._star = (kind, x0, y0, x1, y1), None
        self._run_shape(shown)

    def look_again(self, shown: ShownImage) -> None:
        """Measure the same place on another image."""
        if shown.reduction > 1:
            return
        if self._star is not None:
            self._run_star(shown)
        elif self._shape is not None:
            self._run_shape(shown)

    def forget(self) -> None:
        """Look at nothing."""
        self._star = self._shape = None
        self._work.forget()

    def close(self) -> None:
        """End the thread."""
        self._work.close()

    def _run_star(self, shown: ShownImage) -> None:
        assert self._star is not None
        (x, y), within, note, usual = self._star, _SEARCH_PX, "", None
        if self.known is not None:
            usual = self.known.usual_fwhm(shown)
            there = self.known.same_place(self._star_on, shown, x, y) if shown.key != self._star_on else None
            if there is not None:
                (x, y), within = there, SAME_STAR_PX
            elif shown.key != self._star_on:
                note = NOT_PLACED

        def measure() -> StarLook:
            from pipeline_core.science.star_reading import read_star  # noqa: PLC0415 - numba after the first paint

            gain = 1.0 if shown.unit == "e⁻" else 2.0  # e⁻/ADU: it weighs the fit, hardly more
            masked = _not_to_be_counted(shown)
            reading = read_star(
                shown.image,
                x,
                y,
                masked=masked,
                saturation=shown.saturation,
                gain=gain,
                reach_px=within,
                usual_fwhm_px=usual,
                full=(shown.mask & np.uint8(MaskBit.SATURATED)) > 0 if shown.mask is not None else None,
            )
            scale = shown.facts.pixel_scale_arcsec if shown.facts else None
            return StarLook(reading, shown.unit, scale, note if reading is not None else "", within)

        self._work.run(measure)

    def _run_shape(self, shown: ShownImage) -> None:
        assert self._shape is not None
        kind, x0, y0, x1, y1 = self._shape

        def measure() -> LineLook | RegionLook:
            if kind == "line":
                distance, value = line_profile(shown.image, x0, y0, x1, y1)
                return LineLook(distance, value, line_statistics(value), shown.unit)
            masked = _not_to_be_counted(shown)
            if kind == "circle":
                radius = float(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
                found = circle_statistics(shown.image, x0, y0, radius, masked)
                return RegionLook("circle", f"circle, radius {radius:.1f} px", found, shown.unit)
            found = box_statistics(shown.image, x0, y0, x1, y1, masked)
            size = f"box, {abs(x1 - x0):.0f} × {abs(y1 - y0):.0f} px"
            return RegionLook("box", size, found, shown.unit)

        self._work.run(measure)


def _not_to_be_counted(shown: ShownImage) -> Any:
    """Return where the mask says that a pixel tells nothing; saturated and replaced ones still belong to their star."""
    if shown.mask is None:
        return None
    tells_nothing = np.uint8(MaskBit.BAD | MaskBit.HOT | MaskBit.UNSTABLE | MaskBit.NO_DATA)
    return (shown.mask & tells_nothing) > 0
