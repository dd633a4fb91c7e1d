"""Values as headers give them: numbers with commas, angles with colons, units in comments."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.types import Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline_core.io.fits_cards import Cards, CardValue

_SECTION = re.compile(r"\[\s*(\d{1,9})\s*:\s*(\d{1,9})\s*,\s*(\d{1,9})\s*:\s*(\d{1,9})\s*\]\Z")
_SEXAGESIMAL = re.compile(r"([+-]?)\s*(\d{1,3})[:\s°hd]+(\d{1,2})(?:[:\s'm]+(\d{1,2}(?:\.\d*)?))?[\"s]?\Z")
# A number with the unit that some programs put into the string: '-12.5 C', '0.62 arcsec'.
_WITH_UNIT = re.compile(r"([+-]?[\d.,]+)\s*(?:C|degC|°C|s|sec|seconds|ADU|e-?|e-?/ADU|arcsec|um|mm|m)\Z")
_MICRO = re.compile(r"(?i)\b(us|usec|[µμ]s|micro-?s(ec(ond)?s?)?)\b")
_MILLI = re.compile(r"(?i)\b(ms|msec|milli-?s(ec(ond)?s?)?)\b")
_MINUTES = re.compile(r"(?i)\b(min|mins|minutes?)\b")
_SECONDS = re.compile(r"(?i)\b(s|sec|secs|seconds?)\b")


@dataclass(frozen=True, slots=True)
class Found:
    """A number and the keyword it stood under."""

    value: float
    keyword: str


class HeaderValues:
    """Asks a header for quantities and notes in words whatever it had to ignore.

    Parameters
    ----------
    cards : Cards
    """

    def __init__(self, cards: Cards) -> None:
        self.cards = cards
        self.problems: list[str] = []

    def text(self, keywords: Iterable[str]) -> str | None:
        """Return the first value that is not empty, as text."""
        for keyword in keywords:
            value = self.cards.get(keyword)
            if value is not None and not isinstance(value, bool) and (text := clean_text(value)):
                return text
        return None

    def number(self, keywords: Iterable[str], low: float, high: float, meaning: str) -> Found | None:
        """Return the first number within ``low <= value < high``.

        Parameters
        ----------
        keywords : iterable of str
            Best first.
        low, high : float
            What can be true; a value outside is noted and the next keyword asked.
        meaning : str
            What it is, for the note: "gain", "exposure time".

        Returns
        -------
        Found or None
        """
        for keyword in keywords:
            raw = self.cards.get(keyword)
            if raw is None or (isinstance(raw, str) and not raw.strip()):
                continue
            value = to_number(raw)
            if value is None:
                self.problems.append(f"{keyword} = {shown(raw)} is no {meaning}: ignored")
            elif not low <= value < high:
                self.problems.append(f"{keyword} = {shown(raw)} cannot be the {meaning}: ignored")
            else:
                if isinstance(raw, str) and "," in raw:
                    self.problems.append(f"{keyword} = {shown(raw)} has a decimal comma: read as {value:g}")
                return Found(value, keyword)
        return None

    def section(self, keywords: Iterable[str], shape: tuple[int, int], meaning: str) -> Section | None:
        """Return the first section that lies inside the image; others are noted.

        Parameters
        ----------
        keywords : iterable of str
        shape : (ny, nx)
        meaning : str
            "overscan" or "lit part of the chip", for the note.

        Returns
        -------
        Section or None
        """
        for keyword in keywords:
            raw = self.cards.get(keyword)
            if raw is None or (isinstance(raw, str) and not raw.strip("[0:,] ")):
                continue  # some cameras write [0:0,0:0] for none
            try:
                return parse_section(str(raw), shape)
            except ValueError as error:
                self.problems.append(f"{keyword} = {shown(raw)} does not say where the {meaning} is: {error}")
        return None

    def angle(self, keyword: str) -> float | None:
        """Return a right ascension-like or declination-like value in its own unit, sexagesimal or decimal."""
        raw = self.cards.get(keyword)
        if raw is None or isinstance(raw, bool):
            return None
        return parse_sexagesimal(raw) if is_sexagesimal(raw) else to_number(raw)


def to_number(value: CardValue) -> float | None:
    """Return a finite number from a card's value, a string with a decimal comma included; else None."""
    if value is None or isinstance(value, bool):
        return None
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and (match := _WITH_UNIT.match(text)):
        text = match[1]
    if isinstance(text, str) and text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        number = float(text)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def clean_text(value: CardValue) -> str:
    """Return a card's value as one line of printable text."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())


def shown(value: CardValue) -> str:
    """Return a card's value as a problem may show it: one line, not longer than a card."""
    text = clean_text(value)
    text = text if len(text) <= 40 else text[:37] + "..."
    return f"'{text}'" if isinstance(value, str) else text


def is_sexagesimal(value: CardValue) -> bool:
    """Whether a value is written in hours or degrees, minutes and seconds."""
    return isinstance(value, str) and _SEXAGESIMAL.match(value.strip()) is not None


def parse_sexagesimal(value: CardValue) -> float | None:
    """Return ``-12:30:00`` or ``-12 30 00`` as -12.5; None when it is not of that form."""
    match = _SEXAGESIMAL.match(str(value).strip())
    if match is None:
        return None
    sign, whole, minutes, seconds = match.groups()
    if int(minutes) >= 60 or float(seconds or 0) >= 60:
        return None
    size = int(whole) + int(minutes) / 60 + float(seconds or 0) / 3600
    return -size if sign == "-" else size


def parse_section(text: str, shape: tuple[int, int]) -> Section:
    """Return a FITS section ``[x1:x2,y1:y2]`` (1-based, inclusive) as a 0-based, half-open one.

    Parameters
    ----------
    text : str
    shape : (ny, nx)
        Of the image it must lie in.

    Returns
    -------
    Section

    Raises
    ------
    ValueError
        In words, if it is malformed, runs backwards or leaves the image.
    """
    match = _SECTION.match(text.strip())
    if match is None:
        raise ValueError("it is not of the form [x1:x2,y1:y2]")
    x1, x2, y1, y2 = (int(part) for part in match.groups())
    ny, nx = shape
    if x1 > x2 or y1 > y2:
        raise ValueError("it runs backwards")
    if x1 < 1 or y1 < 1 or x2 > nx or y2 > ny:
        raise ValueError(f"it leaves the image of {nx} x {ny} pixels")
    return Section(y0=y1 - 1, y1=y2, x0=x1 - 1, x1=x2)


def seconds_per_unit(comment: str) -> float:
    """Return how many seconds the unit named in a comment has; seconds where none is named."""
    if _MICRO.search(comment):
        return 1e-6
    if _MILLI.search(comment):
        return 1e-3
    if _MINUTES.search(comment) and not _SECONDS.search(comment):
        return 60.0
    return 1.0
