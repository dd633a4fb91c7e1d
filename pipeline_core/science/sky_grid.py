"""Lines of right ascension and declination over a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.science.tan_sip import TanSip

    Floats = npt.NDArray[np.float64]

_HOUR, _MINUTE, _SECOND = 15.0, 15.0 / 60.0, 15.0 / 3600.0
_RA_STEPS = tuple(
    [_SECOND * s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30)]
    + [_MINUTE * m for m in (1, 2, 5, 10, 20, 30)]
    + [_HOUR * h for h in (1, 2, 3, 6)]
)
"""Degrees: round in time."""
_DEC_STEPS = tuple(
    [s / 3600.0 for s in (1, 2, 5, 10, 20, 30)] + [m / 60.0 for m in (1, 2, 5, 10, 20, 30)] + [1.0, 2, 5, 10, 20, 30]
)
"""Degrees: round in arc."""
_POINTS = 65
_EDGE = 24  # places a side along which the seen part is looked at


@dataclass(frozen=True)
class GridLine:
    """One line of equal right ascension or declination."""

    kind: str
    """"ra" or "dec"."""
    value_deg: float
    words: str
    x_px: Floats
    y_px: Floats
    """Places along it in the frame, in turn; some may lie outside of the seen part."""


def sky_grid(solution: TanSip, area: tuple[float, float, float, float], wanted: int = 5) -> list[GridLine]:
    """Return the lines that cross a part of a frame.

    Parameters
    ----------
    solution : TanSip
    area : (x0, y0, x1, y1)
        The part, px.
    wanted : int
        About so many lines of each kind.
    """
    x0, y0, x1, y1 = area
    side_x, side_y = np.linspace(x0, x1, _EDGE), np.linspace(y0, y1, _EDGE)
    gx, gy = (axis.ravel() for axis in np.meshgrid(side_x, side_y))
    ra, dec = solution.to_sky(gx, gy)
    middle_ra, _ = solution.to_sky((x0 + x1) / 2.0, (y0 + y1) / 2.0)
    low_dec, high_dec = float(dec.min()), float(dec.max())
    pole = _pole_inside(solution, area)
    if pole:
        low_dec, high_dec = (low_dec, 90.0) if pole > 0 else (-90.0, high_dec)
        low_ra, high_ra = 0.0, 360.0
    else:
        ahead = (ra - float(middle_ra) + 180.0) % 360.0 - 180.0
        low_ra, high_ra = float(middle_ra) + float(ahead.min()), float(middle_ra) + float(ahead.max())
    dec_step = _step(high_dec - low_dec, wanted, _DEC_STEPS)
    ra_step = _step(high_ra - low_ra, 12 if pole else wanted, _RA_STEPS)
    lines = []
    along_ra = np.linspace(low_ra, high_ra, 4 * _POINTS if pole else _POINTS)
    for value in _multiples(low_dec, high_dec, dec_step):
        x, y = solution.to_pixel(along_ra, np.full_like(along_ra, value))
        lines.append(GridLine("dec", value, dec_words(value, dec_step), x, y))
    # Meridians meet at a pole: they end a little before it, or their labels would lie on one another.
    along_dec = np.linspace(max(low_dec, -89.9), min(high_dec, 89.9), _POINTS)
    for value in _multiples(low_ra, high_ra, ra_step):
        if pole and value >= 360.0:
            continue
        x, y = solution.to_pixel(np.full_like(along_dec, value), along_dec)
        lines.append(GridLine("ra", value % 360.0, ra_words(value, ra_step), x, y))
    return lines


def ra_words(ra_deg: float, step_deg: float) -> str:
    """Write a right ascension as exactly as a grid's step needs: "14h29m", "14h29m40s", "14h29m40.5s"."""
    tenths = round((ra_deg % 360.0) / _SECOND * 10.0) % (24 * 36000)
    seconds, tenth = divmod(tenths, 10)
    minutes, second = divmod(seconds, 60)
    words = f"{minutes // 60:02d}h{minutes % 60:02d}m"
    if step_deg < 0.999 * _SECOND:
        return f"{words}{second:02d}.{tenth}s"
    return f"{words}{second:02d}s" if step_deg < 0.999 * _MINUTE else words


def dec_words(dec_deg: float, step_deg: float) -> str:
    """Write a declination as exactly as a grid's step needs: "−62°", "−62°40′", "−62°40′20″"."""
    seconds = round(abs(dec_deg) * 3600.0)
    sign = "−" if dec_deg < 0 and seconds else "+"
    minutes, second = divmod(seconds, 60)
    words = f"{sign}{minutes // 60:02d}°"
    if step_deg >= 0.999:
        return words
    words += f"{minutes % 60:02d}′"
    return words if step_deg >= 0.999 / 60.0 else f"{words}{second:02d}″"


def _pole_inside(solution: TanSip, area: tuple[float, float, float, float]) -> int:
    """Return 1 or -1 if a celestial pole lies in the part, else 0."""
    plain = replace(solution, a=None, b=None)  # far from the frame its distortion runs away
    for sign in (1, -1):
        x, y = plain.to_pixel(0.0, 90.0 * sign)
        # A pole behind the tangent plane is NaN, which lies nowhere.
        if area[0] <= float(x) <= area[2] and area[1] <= float(y) <= area[3]:
            return sign
    return 0


def _step(span_deg: float, wanted: int, steps: tuple[float, ...]) -> float:
    return next((step for step in steps if span_deg / step <= wanted + 0.5), steps[-1])


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [step * k for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]
