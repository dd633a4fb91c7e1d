"""Where the telescope stood, as a header tells it; and which way that header counts longitude."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline_core.io.header_times import mid_exposure
from pipeline_core.io.header_values import HeaderValues, parse_sexagesimal
from pipeline_core.types import Site

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline_core.io.fits_cards import Cards
    from pipeline_core.io.profiles import Profile

_SIDEREAL = ("LST", "LST-OBS", "ST", "SIDTIME")
# Sidereal time cards are of the start or the middle, and some minutes off: 5 degrees are 20 minutes.
_TOLERANCE_DEG = 5.0


def site_from_header(cards: Cards, profile: Profile) -> tuple[Site | None, tuple[str, ...]]:
    """Return the site of a header, east positive, and what is doubtful about it.

    Parameters
    ----------
    cards : Cards
    profile : Profile
        Its own site wins; it may also know which way the header counts longitude.

    Returns
    -------
    site : Site or None
    problems : tuple of str

    Notes
    -----
    FITS counts longitude to the east, some camera programs to the west. What settles it, in this order: the
    word in the comment, the header's own sidereal time, the profile, a negative sign.
    """
    if profile.known_site is not None:
        return profile.known_site, ()
    values = HeaderValues(cards)
    keys = profile.keywords
    latitude = _angle(values, keys.latitude, 90.0)
    longitude = _angle(values, keys.longitude, 360.0)
    if latitude is None or longitude is None:
        return None, ()
    east, doubts = _east(values, profile, *longitude)
    altitude = values.number(keys.altitude, -500.0, 9000.0, "altitude")
    is_angle = altitude is not None and "deg" in cards.comment(altitude.keyword).lower()
    height_m = altitude.value if altitude is not None and not is_angle else 0.0
    site = Site(latitude[1], (east + 180.0) % 360.0 - 180.0, height_m, values.text(keys.site_name) or "")
    return site, doubts


def greenwich_sidereal_deg(moment: datetime) -> float:
    """Return Greenwich mean sidereal time in degrees, good to 0.01° in this century.

    Notes
    -----
    Meeus, Astronomical Algorithms (1998), equation 12.4 without its small terms.
    """
    days = (moment - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86_400.0
    return (280.46061837 + 360.98564736629 * days) % 360.0


def _angle(values: HeaderValues, keywords: Iterable[str], limit: float) -> tuple[str, float] | None:
    for keyword in keywords:
        angle = values.angle(keyword)
        if angle is not None and abs(angle) <= limit:
            return keyword, angle
    return None


def _east(values: HeaderValues, profile: Profile, keyword: str, longitude: float) -> tuple[float, tuple[str, ...]]:
    comment = values.cards.comment(keyword).lower()
    if "east" in comment or "west" in comment:
        # "[deg] West longitude" before a negative number means a number that is negative to the west.
        return (-longitude if "west" in comment and longitude > 0 else longitude), ()
    by_stars = _longitude_by_sidereal_time(values, profile)
    if by_stars is not None:
        for candidate in (longitude, -longitude):
            if abs((by_stars - candidate + 180.0) % 360.0 - 180.0) < _TOLERANCE_DEG:
                return candidate, ()
    if profile.longitude_positive is not None:
        return (longitude if profile.longitude_positive == "east" else -longitude), ()
    if longitude <= 0:
        return longitude, ()
    return longitude, (
        f"{keyword} = {values.cards.get(keyword)} may mean west of Greenwich: taken as east, as FITS counts",
    )


def _longitude_by_sidereal_time(values: HeaderValues, profile: Profile) -> float | None:
    moment, _ = mid_exposure(HeaderValues(values.cards), profile.keywords, 0.0)
    for keyword in _SIDEREAL:
        hours = parse_sexagesimal(values.cards.get(keyword))
        if hours is not None and moment is not None and 0 <= hours < 24:
            return hours * 15.0 - greenwich_sidereal_deg(moment)
    return None
