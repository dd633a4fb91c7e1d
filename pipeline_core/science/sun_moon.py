"""Sun and Moon over a site: what brightens the sky for a known reason.

Positions come from astropy's built-in ephemeris (ERFA: the Sun to arcseconds, the Moon to about 10 arcsec) with the
Earth-rotation tables that are installed; nothing is fetched from the network, so it works at Dome C.

The brightness of the twilight is the broken slope measured by Patat et al. (2006, A&A 455, 385), that of the
moonlit sky the model of Krisciunas & Schaefer (1991, PASP 103, 1033). Both are used as *shapes*: their height is
fitted to the frames, because neither the filter nor the zero point is known.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline_core.types import Site

Floats = npt.NDArray[np.float64]

# Mean V extinction of a good site, magnitudes per air mass (Krisciunas & Schaefer use 0.172 at sea-level Mauna Kea
# dust; 0.12-0.15 is usual above 2000 m).
EXTINCTION_MAG = 0.13


@dataclass(frozen=True, slots=True)
class SunMoon:
    """Sun, Moon and pointing at a series of times; each an (n,) array, NaN where the time or pointing is unknown."""

    sun_altitude_deg: Floats
    moon_altitude_deg: Floats
    moon_phase: Floats
    """Illuminated fraction, 0 to 1."""
    moon_distance_deg: Floats
    """From the pointing."""
    altitude_deg: Floats
    """Of the pointing."""


def sun_and_moon(
    mid_utc: Sequence[datetime | None],
    site: Site,
    ra_deg: Sequence[float | None],
    dec_deg: Sequence[float | None],
) -> SunMoon:
    """Return Sun, Moon and pointing for many frames at once.

    Parameters
    ----------
    mid_utc : sequence of datetime or None
        Mid-exposure, timezone-aware UTC.
    site : Site
    ra_deg, dec_deg : sequence of float or None
        Pointing (ICRS), as long as ``mid_utc``.

    Notes
    -----
    Altitudes are geometric: refraction (0.5° at the horizon) changes neither twilight nor moonlight noticeably.
    """
    n = len(mid_utc)
    nothing = np.full(n, np.nan)
    known = np.array([time is not None for time in mid_utc], bool)
    if not known.any():
        return SunMoon(*(nothing.copy() for _ in range(5)))

    # astropy.coordinates costs 0.5 s to import and only this function needs it.
    import astropy.units as u  # noqa: PLC0415
    from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body, get_sun  # noqa: PLC0415
    from astropy.time import Time  # noqa: PLC0415
    from astropy.utils import iers  # noqa: PLC0415

    ra = np.array([np.nan if value is None else value for value in ra_deg], float)[known]
    dec = np.array([np.nan if value is None else value for value in dec_deg], float)[known]
    with (
        warnings.catch_warnings(),
        iers.conf.set_temp("auto_download", False),  # noqa: FBT003 - astropy's signature
        # Outside the installed tables UT1 = UTC: an error below 1 s, 15 arcsec of altitude.
        iers.conf.set_temp("iers_degraded_accuracy", "ignore"),
        iers.conf.set_temp("auto_max_age", None),
    ):
        # Beyond the installed tables ERFA calls the year dubious and astropy the polar motion a mean: arcseconds.
        warnings.filterwarnings("ignore", message="ERFA function|Tried to get polar motions")
        where = EarthLocation.from_geodetic(site.longitude_deg, site.latitude_deg, site.altitude_m)
        naive = [time.replace(tzinfo=None) for time in mid_utc if time is not None]
        when = Time(naive, scale="utc")
        sky = AltAz(obstime=when, location=where)
        sun = get_sun(when)
        moon = get_body("moon", when, where, ephemeris="builtin")
        sun_altitude = sun.transform_to(sky).alt.deg
        moon_there = moon.transform_to(sky)
        pointing = SkyCoord(np.nan_to_num(ra) * u.deg, np.clip(np.nan_to_num(dec), -90, 90) * u.deg)
        pointing_there = pointing.transform_to(sky)
        moon_distance = moon_there.separation(pointing_there).deg
        pointing_altitude = pointing_there.alt.deg
        elongation = sun.separation(moon, origin_mismatch="ignore").rad
        sun_far, moon_far = sun.distance.to_value(u.km), moon.distance.to_value(u.km)

    # Phase angle at the Moon (Meeus 1998, Astronomical Algorithms, eq. 48.3).
    phase_angle = np.arctan2(sun_far * np.sin(elongation), moon_far - sun_far * np.cos(elongation))
    pointed = np.isfinite(ra) & np.isfinite(dec)

    def spread(values: Floats, where_known: npt.NDArray[np.bool_] | None = None) -> Floats:
        out = nothing.copy()
        out[known] = values if where_known is None else np.where(where_known, values, np.nan)
        return out

    return SunMoon(
        spread(sun_altitude),
        spread(moon_there.alt.deg),
        spread((1 + np.cos(phase_angle)) / 2),
        spread(moon_distance, pointed),
        spread(pointing_altitude, pointed),
    )


def airmass(altitude_deg: npt.ArrayLike, lowest_deg: float = 3.0) -> Floats:
    """Return the relative path through the air; 1 at the zenith (Kasten & Young 1989, Appl. Opt. 28, 4735).

    Parameters
    ----------
    altitude_deg : (n,) float, degrees
        NaN stays NaN.
    lowest_deg : float
        Lower altitudes count as this one.
    """
    altitude = np.maximum(np.asarray(altitude_deg, float), lowest_deg)
    path: Floats = 1.0 / (np.sin(np.radians(altitude)) + 0.50572 * (altitude + 6.07995) ** -1.6364)
    return path


def twilight_brightness(sun_altitude_deg: npt.ArrayLike) -> Floats:
    """Return the sky's twilight relative to its night brightness: 0 below -18.3°, about 1 at -14°.

    Parameters
    ----------
    sun_altitude_deg : (n,) float, degrees
        NaN counts as night.

    Notes
    -----
    Patat et al. (2006), V band at the zenith: ``m = 11.84 + 1.518 d - 0.057 d²`` with the Sun at altitude
    ``-(d + 5)``; the parabola turns at -18.3°, where it is the night sky, which is taken off. Above -5° the
    parabola is continued to 0°, where no star is seen any more, and held.
    """
    altitude = np.nan_to_num(np.asarray(sun_altitude_deg, float), nan=-90.0)
    d = np.clip(-altitude - 5.0, -5.0, 13.3)
    below_night = (1.518 * 13.3 - 0.057 * 13.3**2) - (1.518 * d - 0.057 * d**2)
    brightness: Floats = 10 ** (0.4 * below_night) - 1.0
    return brightness


def moon_brightness(
    moon_altitude_deg: npt.ArrayLike,
    moon_phase: npt.ArrayLike,
    moon_distance_deg: npt.ArrayLike,
    altitude_deg: npt.ArrayLike,
) -> tuple[Floats, Floats]:
    """Return the moonlit sky's brightness in nanolamberts (Krisciunas & Schaefer 1991, eq. 15-21), in two shapes.

    Parameters
    ----------
    moon_altitude_deg, moon_distance_deg, altitude_deg : (n,) float, degrees
        Of the Moon, between Moon and pointing, of the pointing. An unknown distance counts as 90°, an unknown
        altitude as 60°.
    moon_phase : (n,) float
        Illuminated fraction.

    Returns
    -------
    diffuse, direct : (n,) float
        With the paper's path through the air (at most 5 air masses, as for a glow that fills the sky) and with the
        path of the Moon's direct light (38 air masses at the horizon). Real moonrises lie between the two.

    Notes
    -----
    The Moon lights the air a little before it has risen; the model ends at the horizon. A tail of one e-folding per
    1.5° of depth joins it.
    """
    moon_altitude = np.nan_to_num(np.asarray(moon_altitude_deg, float), nan=-90.0)
    rho = np.clip(np.nan_to_num(np.asarray(moon_distance_deg, float), nan=90.0), 5.0, 180.0)
    altitude = np.nan_to_num(np.asarray(altitude_deg, float), nan=60.0)
    # Illuminated fraction k = (1 + cos alpha) / 2.
    alpha = np.degrees(np.arccos(np.clip(2 * np.nan_to_num(np.asarray(moon_phase, float)) - 1, -1, 1)))
    intensity = 10 ** (-0.4 * (3.84 + 0.026 * alpha + 4e-9 * alpha**4))
    scattering = 10**5.36 * (1.06 + np.cos(np.radians(rho)) ** 2) + 10 ** (6.15 - rho / 40)
    tail = np.exp(np.minimum(moon_altitude, 0.0) / 1.5)

    def glow(path: Floats) -> Floats:
        seen: Floats = 1 - 10 ** (-0.4 * EXTINCTION_MAG * _glow_path(altitude))
        light: Floats = scattering * intensity * 10 ** (-0.4 * EXTINCTION_MAG * path) * seen * tail
        return light

    return glow(_glow_path(moon_altitude)), glow(airmass(moon_altitude, lowest_deg=0.0))


def _glow_path(altitude_deg: Floats) -> Floats:
    """Krisciunas & Schaefer's eq. 3: the path through a layer that scatters light from all sides."""
    path: Floats = (1 - 0.96 * np.cos(np.radians(np.maximum(altitude_deg, 0.0))) ** 2) ** -0.5
    return path
