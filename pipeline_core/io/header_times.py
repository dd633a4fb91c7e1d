"""When a frame was taken: the middle of its exposure in UTC, from whatever its header gives."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from pipeline_core.io.header_values import shown, to_number

if TYPE_CHECKING:
    from pipeline_core.io.fits_cards import CardValue
    from pipeline_core.io.header_values import HeaderValues
    from pipeline_core.io.profiles import Keywords

_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})\Z")
_OLD_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2})\Z")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?\s*(?:Z|UTC?|GMT)?\Z", re.IGNORECASE)
_ZONE = re.compile(r"(?<=\d)\s*([+-])(\d{2}):?(\d{2})\Z")
_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_MISFIT = timedelta(seconds=2)  # clocks are read to a second, shutters take another
_IS_MID = re.compile(r"(?i)\bmid(dle|[- ]?(point|time|exp\w*|obs\w*))?\b")
_IS_END = re.compile(r"(?i)\bend (of|time)\b|\bat end\b")
_IS_LOCAL = re.compile(r"(?i)\blocal\b")
_IS_UT = re.compile(r"(?i)\b(UTC?|GMT|universal)\b")
_UTC_NAMES = {"", "UTC", "UT", "UT1", "GMT", "UTC(NTP)", "ZULU"}
_UNIFORM_SCALES = {"TAI": "tai", "TT": "tt", "TDT": "tt", "ET": "tt", "TDB": "tdb"}


def mid_exposure(values: HeaderValues, keywords: Keywords, exposure_s: float | None) -> tuple[datetime | None, float]:
    """Return the middle of the exposure, and how it hangs on the exposure time.

    Parameters
    ----------
    values : HeaderValues
        The header; what is doubtful is noted in its problems.
    keywords : Keywords
        Where the profile says that times stand.
    exposure_s : float or None
        Exposure time, s; None when not known.

    Returns
    -------
    middle : datetime or None
        Timezone-aware UTC; None when the header does not say.
    share : float
        How much later it is, s, for each second that the exposure is longer: 0.5 where the header gives the start,
        -0.5 where it gives the end, 0 where it gives the middle itself.

    Notes
    -----
    In this order: a keyword for the middle; a start with date and time; a date and a time of day apart; a
    Julian date; start and end as Julian dates. Half the exposure is added to a start. Local times are never
    used. A date alone is no time.
    """
    middle, share = _middle(values, keywords), 0.0
    start = _dated(values, keywords)
    by_start = _shifted(start[0], _share(start[1]), exposure_s) if start is not None else None
    if middle is None:
        if start is not None:
            middle, share = by_start, _share(start[1])
        else:
            middle, share = _julian(values, keywords, exposure_s)
        if exposure_s is None and start is not None and middle == start[0]:
            values.problems.append("the exposure time is not known: the mid time is that of the start")
    elif by_start is not None and abs(middle - by_start) > max(_MISFIT, timedelta(seconds=(exposure_s or 0.0) / 10)):
        values.problems.append(
            f"the header's mid time {middle:%H:%M:%S} does not fit its start and exposure, "
            f"which give {by_start:%H:%M:%S}"
        )
    if middle is None:
        _say_why_not(values, keywords)
        return None, 0.0
    return _to_utc(values, middle), share


def _middle(values: HeaderValues, keywords: Keywords) -> datetime | None:
    for keyword in keywords.mid:
        raw = values.cards.get(keyword)
        if raw is None:
            continue
        moment = _moment(raw) if isinstance(raw, str) and ":" in raw else _from_julian(to_number(raw))
        if moment is not None:
            return moment
    return None


def _dated(values: HeaderValues, keywords: Keywords) -> tuple[datetime, str] | None:
    """Return start and comment of the first date with a time, else of a date and a time of day."""
    cards = values.cards
    for keyword in keywords.start:
        comment = cards.comment(keyword)
        if not _is_local(comment) and (moment := _moment(cards.get(keyword))) is not None:
            return moment, comment
    for keyword in keywords.time:
        comment = cards.comment(keyword)
        raw = cards.get(keyword)
        if _is_local(comment) or not isinstance(raw, str):
            continue
        if (moment := _moment(raw)) is not None:
            return moment, comment
        for date_keyword in keywords.date:
            day = _day(cards.get(date_keyword))
            if day is not None and (since := _time_of_day(raw)) is not None:
                return day + since, comment
    return None


def _julian(values: HeaderValues, keywords: Keywords, exposure_s: float | None) -> tuple[datetime | None, float]:
    for keyword in keywords.start_jd:
        number = to_number(values.cards.get(keyword))
        # A whole MJD is a date without a time (midnight to the millisecond does not happen).
        whole = number is not None and number < 1e6 and number == math.floor(number)
        moment = None if whole else _from_julian(number)
        if moment is not None and not _is_local(values.cards.comment(keyword)):
            share = _share(values.cards.comment(keyword))
            return _shifted(moment, share, exposure_s), share
    for first, last in keywords.span_jd:
        start = _from_julian(to_number(values.cards.get(first)))
        end = _from_julian(to_number(values.cards.get(last)))
        if start is not None and end is not None and start <= end:
            return start + (end - start) / 2, 0.0
    return None, 0.0


def _share(comment: str) -> float:
    """Return where the middle lies against a moment, in exposures, by what its comment says the moment is."""
    if _IS_MID.search(comment):
        return 0.0
    return -0.5 if _IS_END.search(comment) else 0.5


def _shifted(moment: datetime, share: float, exposure_s: float | None) -> datetime:
    try:
        return moment + timedelta(seconds=share * (exposure_s or 0.0))
    except OverflowError:  # the year 9999 of a camera without a clock
        return moment


def _is_local(comment: str) -> bool:
    return bool(_IS_LOCAL.search(comment)) and not _IS_UT.search(comment)


def _moment(raw: CardValue) -> datetime | None:
    """Return a date with a time of day (and perhaps a zone) as UTC; None for a date alone."""
    if not isinstance(raw, str):
        return None
    text = raw.strip()
    day_text, separator, time_text = text.partition("T" if "T" in text[:11] else " ")
    if not separator or (day := _day(day_text)) is None:
        return None
    zone = _ZONE.search(time_text)
    since = _time_of_day(time_text[: zone.start()] if zone else time_text)
    if since is None:
        return None
    try:
        moment = day + since
        if zone:
            sign = -1 if zone[1] == "-" else 1
            offset = sign * timedelta(hours=int(zone[2]), minutes=int(zone[3]))
            moment = moment.replace(tzinfo=timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def _day(raw: CardValue) -> datetime | None:
    text = raw.strip() if isinstance(raw, str) else ""
    try:
        if match := _DATE.match(text):
            return datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC)
        if match := _OLD_DATE.match(text):  # dd/mm/yy of the last century (FITS before 1998)
            return datetime(1900 + int(match[3]), int(match[2]), int(match[1]), tzinfo=UTC)
    except ValueError:
        return None
    return None


def _time_of_day(text: str) -> timedelta | None:
    match = _TIME.match(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2]), float(match[3] or 0)
    if hours > 24 or minutes > 59 or seconds >= 61:  # 60 is a leap second
        return None
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _from_julian(number: float | None) -> datetime | None:
    """Return a Julian or modified Julian date between the years 1858 and 2400 as a moment."""
    if number is None:
        return None
    mjd = number - 2_400_000.5 if number > 2_000_000 else number
    if not 1 <= mjd < 200_000:
        return None
    return _MJD_ZERO + timedelta(days=mjd)


def _to_utc(values: HeaderValues, moment: datetime) -> datetime:
    """Take off leap seconds where TIMESYS says that the header's clock knows none."""
    raw = values.cards.get("TIMESYS")
    name = str(raw or "").strip().upper()
    if name in _UTC_NAMES:
        return moment
    scale = _UNIFORM_SCALES.get(name)
    if scale is None:
        values.problems.append(f"TIMESYS = {shown(raw)} is not known: its times are read as UTC")
        return moment
    if not 1972 <= moment.year < 2100:
        values.problems.append(f"TIMESYS = {shown(raw)} cannot be turned into UTC in the year {moment.year}")
        return moment
    from astropy.time import Time  # noqa: PLC0415 - slow to import, rarely needed

    utc: datetime = Time(moment.replace(tzinfo=None), scale=scale).utc.to_datetime(
        timezone=UTC, leap_second_strict="silent"
    )
    return utc


def _say_why_not(values: HeaderValues, keywords: Keywords) -> None:
    for keyword in keywords.date:
        raw = values.cards.get(keyword)
        if _day(raw) is not None:
            values.problems.append(f"{keyword} = {shown(raw)} is a date without a time of day: no mid time")
            return
        if raw is not None:
            values.problems.append(f"{keyword} = {shown(raw)} is no date and time: no mid time")
            return
    values.problems.append("the header does not say when it was taken")
