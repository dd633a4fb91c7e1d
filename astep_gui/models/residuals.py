"""What matched stars say of a solution: numbers for the plots and overlays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline_core.sky_view import SkyView

    Floats = npt.NDArray[np.float64]

_CUT = 4.0  # as the fit lets go of stars


@dataclass(frozen=True)
class Residuals:
    """Pairs of measured and catalogue stars of one frame."""

    x_px: Floats
    y_px: Floats
    """Where the catalogue puts them."""
    dx_px: Floats
    dy_px: Floats
    """Measured minus catalogue on the chip."""
    east_arcsec: Floats
    north_arcsec: Floats
    used: npt.NDArray[np.bool_]
    """Close enough to count; the others are blends, chance pairs, or stars that moved."""
    rms_arcsec: float
    scale_arcsec: float
    shape: tuple[int, int]


def residuals_of(view: SkyView) -> Residuals | None:
    """Return the residuals of a frame's pairs; None without any."""
    solved = view.frame
    if solved.solution is None or solved.shape is None or not len(view.star):
        return None
    rms = solved.rms_arcsec or float(np.sqrt(np.median(view.east_arcsec**2 + view.north_arcsec**2)))
    used = np.hypot(view.east_arcsec, view.north_arcsec) <= _CUT * math.sqrt(2.0) * max(rms, 1e-4)
    return Residuals(
        view.reference_x_px[view.catalogue],
        view.reference_y_px[view.catalogue],
        view.dx_px,
        view.dy_px,
        view.east_arcsec,
        view.north_arcsec,
        used,
        rms,
        solved.solution.scale_arcsec,
        solved.shape,
    )


def nice_length(most: float) -> float:
    """Return the longest of 1, 2 and 5 times a power of ten that is not longer."""
    if not most > 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return max(m * power for m in (1.0, 2.0, 5.0) if m * power <= most * 1.0001)


def magnification(residuals: Residuals | None) -> int:
    """Return the round factor at which a typical residual is a twenty-fifth of the frame."""
    if residuals is None:
        return 100
    typical_px = max(1.4 * residuals.rms_arcsec / residuals.scale_arcsec, 1e-6)
    return max(1, round(nice_length(min(residuals.shape) / 25.0 / typical_px)))
