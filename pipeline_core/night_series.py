"""What can be followed through a night: each quantity with its words, its unit, and which side of it is worse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.measures import QualityRow
    from pipeline_core.types import Frame

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that is plotted against time."""

    name: str
    """Column of the quality table, or a field of the frame."""
    label: str
    unit: str
    worse: Literal["high", "low"] | None = None
    """The side on which frames are bad; None where neither is."""
    form: str = ".2f"
    spans_decades: bool = False
    """Twilight makes it a thousand times larger: plotted by its logarithm."""

    def words(self, value: float) -> str:
        """Write a value with its unit: "2.61 px"."""
        return f"{value:{self.form}} {self.unit}".strip()


QUANTITIES = (
    Quantity("fwhm_px", "FWHM", "px", "high"),
    Quantity("depth_loss_mag", "Depth loss", "mag", "high", "+.2f"),
    Quantity("transparency", "Transparency", "", "low"),
    Quantity("background", "Sky", "", "high", ".5g", spans_decades=True),
    Quantity("noise", "Noise", "", "high", ".3g", spans_decades=True),
    Quantity("ellipticity", "Ellipticity", "", "high"),
    Quantity("stars", "Stars", "", "low", ".0f"),
    Quantity("dx_px", "Shift in x", "px", None, "+.1f"),
    Quantity("dy_px", "Shift in y", "px", None, "+.1f"),
    Quantity("temperature_c", "Chip temperature", "°C", None, ".1f"),
    Quantity("sun_altitude_deg", "Sun altitude", "°", None, ".1f"),
    Quantity("moon_altitude_deg", "Moon altitude", "°", None, ".1f"),
    Quantity("cosmic_rays", "Cosmic rays", "", "high", ".0f"),
)


def quantity(name: str) -> Quantity:
    """Return a quantity by its name; see :data:`QUANTITIES`."""
    return next(q for q in QUANTITIES if q.name == name)


def values_of(what: Quantity, rows: Sequence[QualityRow], frames: Mapping[str, Frame] | None = None) -> Floats:
    """Return a quantity of each row, NaN where it was not measured.

    Parameters
    ----------
    what : Quantity
    rows : sequence of QualityRow
    frames : mapping of str to Frame, optional
        Path → frame, for what only the header tells (temperature).
    """

    def value(row: QualityRow) -> float:
        for holder in (row, row.measures, (frames or {}).get(row.path)):
            found = getattr(holder, what.name, None)
            if found is not None:
                return float(found)
        return float("nan")

    return np.array([value(row) for row in rows], np.float64)


def is_measured(what: Quantity, rows: Sequence[QualityRow], frames: Mapping[str, Frame] | None = None) -> bool:
    """Tell whether any row has a value of a quantity; the first one mostly has, so that this is quick."""
    known = frames or {}
    return any(
        value is not None and math.isfinite(value)
        for row in rows
        for value in (getattr(holder, what.name, None) for holder in (row, row.measures, known.get(row.path)))
    )


def unit_of(what: Quantity, rows: Sequence[QualityRow]) -> str:
    """Return the unit in words; sky and noise have the unit of the frames, which may be mixed."""
    if what.name not in {"background", "noise"}:
        return what.unit
    units = {row.measures.unit for row in rows}
    return {"electron": "e⁻", "ADU": "ADU"}[units.pop()] if len(units) == 1 else "ADU or e⁻"
