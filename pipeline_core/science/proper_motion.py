"""Proper motion: where catalogue stars stand when a frame was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_MAS_PER_DEGREE = 3_600_000.0


def julian_year(when: datetime) -> float:
    """Return a time as a Julian epoch in years (J2000.0 is 2000.0); 64 s between UTC and TT move no star."""
    return 2000.0 + (when.timestamp() / 86400.0 + 2440587.5 - 2451545.0) / 365.25


def at_epoch(
    ra_deg: Floats, dec_deg: Floats, pm_ra_mas: Floats, pm_dec_mas: Floats, years: float
) -> tuple[Floats, Floats]:
    """Move stars along their great circles.

    Parameters
    ----------
    ra_deg, dec_deg : (n,) degrees
    pm_ra_mas, pm_dec_mas : (n,) mas a year
        East (cos δ included) and north, as Gaia and Tycho give them; NaN where unknown: the star stays.
    years : float
        From the catalogue's epoch to the wanted one.

    Returns
    -------
    ra_deg, dec_deg : (n,)

    Notes
    -----
    Along a vector, not in RA and Dec: at δ = -89° a degree of RA is one arcminute. Parallax and radial motion are
    below 1 mas for all but a few dozen stars.
    """
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    east = np.nan_to_num(pm_ra_mas) * years / _MAS_PER_DEGREE
    north = np.nan_to_num(pm_dec_mas) * years / _MAS_PER_DEGREE
    east, north = np.radians(east), np.radians(north)
    x = np.cos(dec) * np.cos(ra) - east * np.sin(ra) - north * np.sin(dec) * np.cos(ra)
    y = np.cos(dec) * np.sin(ra) + east * np.cos(ra) - north * np.sin(dec) * np.sin(ra)
    z = np.sin(dec) + north * np.cos(dec)
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))
