"""The night as one drawing: keogram, quality and sky against the same clock, as SVG that any browser shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.io.png import data_uri, grey_png
from pipeline_core.night_series import Quantity, quantity, unit_of, values_of
from pipeline_core.science.keogram import frames_at, in_time, keogram_codes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.measures import QualityRow
    from pipeline_core.science.keogram import Column
    from pipeline_core.types import Frame

Floats = npt.NDArray[np.float64]

WIDTH, LEFT, RIGHT = 1000, 74, 14
_PANEL, _GAP, _TOP, _AXIS = 92, 28, 22, 24
# Plain colours beside the page's own, for programs that show the drawing without the page's style (mail, PDF).
_DIM, _LINE, _INK, _OUT = "#5a6672", "#c9d0d6", "#0b62a0", "#b3341c"
_SHOWN = ("fwhm_px", "depth_loss_mag", "background", "ellipticity")


@dataclass(frozen=True)
class Clock:
    """The time axis: seconds since the epoch at both ends, or frame numbers where a time is missing."""

    times: Floats
    low: float
    high: float
    is_time: bool

    def x(self, value: float | Floats) -> float | Floats:
        """Return the horizontal place of a time."""
        return LEFT + (value - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[tuple[float, str]]:
        """Return about eight round places with their words."""
        if not self.is_time:
            step = max(1, round((self.high - self.low) / 8))
            return [(float(k), str(k)) for k in range(int(np.ceil(self.low)), int(self.high) + 1, step)]
        hours = (self.high - self.low) / 3600.0
        step_s = next(
            (s for s in (60, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200) if hours * 3600 / s <= 9), 86400
        )
        first = datetime.fromtimestamp(self.low, UTC)
        midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
        found = []
        when = midnight + timedelta(seconds=step_s * np.ceil((first - midnight).total_seconds() / step_s))
        while when.timestamp() <= self.high:
            found.append((when.timestamp(), f"{when:%H:%M}" if step_s < 86400 else f"{when:%m-%d}"))
            when += timedelta(seconds=step_s)
        return found


def clock_of(rows: Sequence[QualityRow], times: Mapping[str, datetime | None]) -> Clock:
    """Return the time axis of some rows; frames are numbered from 1 where any time is missing."""
    known = [times.get(row.path) for row in rows]
    stamps = np.array([t.timestamp() for t in known if t is not None], np.float64)
    if stamps.size < len(rows) or not stamps.size:
        numbers = np.arange(1.0, len(rows) + 1)
        return Clock(numbers, 0.5, len(rows) + 0.5, is_time=False)
    margin = max(30.0, 0.01 * float(np.ptp(stamps)))
    return Clock(stamps, float(stamps.min()) - margin, float(stamps.max()) + margin, is_time=True)


def night_drawing(
    rows: Sequence[QualityRow],
    times: Mapping[str, datetime | None],
    rejected: Mapping[str, str],
    columns: Mapping[str, Column | None],
    frames: Mapping[str, Frame],
    *,
    keogram_width: int = 900,
    keogram_bits: int = 8,
) -> str:
    """Draw the night.

    Parameters
    ----------
    rows : sequence of QualityRow
    times, rejected : mapping
        Path → mid-exposure, path → reason.
    columns : mapping
        Path → column of the keogram; empty leaves the keogram out.
    frames : mapping
        Path → frame.
    keogram_width, keogram_bits : int
        Detail of the keogram: what its size depends on.

    Returns
    -------
    str
        One ``<svg>`` element that needs nothing else.
    """
    clock = clock_of(rows, times)
    out = np.array([row.path in rejected for row in rows], bool)
    parts: list[str] = []
    y = float(_TOP)
    if any(column is not None for column in columns.values()):
        parts.append(_keogram(rows, columns, clock, y, keogram_width, keogram_bits))
        y += _PANEL + _GAP
    for name in _SHOWN:
        what = quantity(name)
        values = values_of(what, rows, frames)
        if np.isfinite(values).any():
            parts.append(_panel(what, unit_of(what, rows), values, clock, out, y))
            y += _PANEL + _GAP
    sun, moon = (values_of(quantity(f"{body}_altitude_deg"), rows) for body in ("sun", "moon"))
    if np.isfinite(sun).any():
        parts.append(_heights(sun, moon, clock, y))
        y += _PANEL + _GAP
    parts.append(_time_axis(clock, y - _GAP))
    return (
        f'<svg viewBox="0 0 {WIDTH} {y - _GAP + _AXIS:.0f}" role="img" '
        f'aria-label="keogram and quality of the night against time" class="night">{"".join(parts)}</svg>'
    )


def _keogram(
    rows: Sequence[QualityRow], columns: Mapping[str, Column | None], clock: Clock, y: float, width: int, bits: int
) -> str:
    groups = [str(row.extra.get("group", "")) for row in rows]
    codes = keogram_codes([columns.get(row.path) for row in rows], groups=groups)
    width = min(width, WIDTH - LEFT - RIGHT)
    picture = data_uri(
        grey_png(in_time(codes, frames_at(clock.times, clock.low, clock.high, width)), bits, clear_zero=True)
    )
    return (
        f'<image x="{LEFT}" y="{y:.0f}" width="{WIDTH - LEFT - RIGHT}" height="{_PANEL}" preserveAspectRatio="none" '
        f'href="{picture}"/>{_frame("Keogram", "up is chip y", y)}'
    )


def _panel(what: Quantity, unit: str, values: Floats, clock: Clock, out: npt.NDArray[np.bool_], y: float) -> str:
    shown = np.where(values > 0, np.log10(np.where(values > 0, values, 1.0)), np.nan) if what.spans_decades else values
    low, high = _span(shown)
    upside_down = what.name == "depth_loss_mag"  # deeper is up, as magnitudes are drawn

    def height(value: float) -> float:
        part = (value - low) / (high - low)
        return y + _PANEL * (part if upside_down else 1.0 - part)

    dots, crosses, beyond = [], [], []
    for time, value, hollow in zip(clock.times, shown, out, strict=True):
        if np.isfinite(value):
            x, h = clock.x(float(time)), height(min(max(value, low), high))
            if not low <= value <= high:
                beyond.append(f"M{x - 3:.1f} {h:.1f}h6l-3 {'-5' if h < y + _PANEL / 2 else '5'}z")
            if hollow:
                crosses.append(f"M{x - 3:.1f} {h - 3:.1f}l6 6m0-6l-6 6")
            else:
                dots.append(f'<circle cx="{x:.1f}" cy="{h:.1f}" r="2"/>')
    ticks = []
    for value in _decades(low, high) if what.spans_decades else _ticks(low, high):
        words = f"{10**value:,.6g}" if what.spans_decades else f"{value:g}"
        path = f"M{LEFT} {height(value):.1f}H{WIDTH - RIGHT}"
        ticks.append(
            f'<path class="grid" stroke="{_LINE}" stroke-dasharray="2 4" d="{path}"/>'
            f"{_text(LEFT - 6, height(value) + 4, words, 'end')}"
        )
    shown_dots = f'<g class="dots" fill="{_INK}">{"".join(dots)}</g>'
    shown_dots += f'<path class="dots" fill="{_INK}" d="{"".join(beyond)}"/>' if beyond else ""
    shown_crosses = f'<path class="out" fill="none" stroke="{_OUT}" d="{"".join(crosses)}"/>' if crosses else ""
    return "".join(ticks) + _frame(what.label, unit, y) + shown_dots + shown_crosses


def _heights(sun: Floats, moon: Floats, clock: Clock, y: float) -> str:
    low, high = _span(np.concatenate([sun, moon, [0.0]]))
    order = np.argsort(clock.times)

    def line(values: Floats, kind: str, colour: str, dashes: str) -> str:
        points = " ".join(
            f"{clock.x(float(clock.times[k])):.1f},{y + _PANEL * (high - values[k]) / (high - low):.1f}"
            for k in order
            if np.isfinite(values[k])
        )
        return f'<polyline class="{kind}" fill="none" stroke="{colour}" stroke-dasharray="{dashes}" points="{points}"/>'

    ticks = "".join(
        _text(LEFT - 6, y + _PANEL * (high - v) / (high - low) + 4, f"{v:g}", "end") for v in _ticks(low, high)
    )
    zero = y + _PANEL * high / (high - low)
    words = _text(LEFT + 100, y - 7, "— Sun    – – Moon    · · horizon")
    horizon = f'<path class="horizon" stroke="{_DIM}" stroke-dasharray="1 4" d="M{LEFT} {zero:.1f}H{WIDTH - RIGHT}"/>'
    lines = line(sun, "sun", "#d99000", "none") + line(moon, "moon", _DIM, "6 4")
    return ticks + horizon + lines + _frame("Altitude", "°", y) + words


def _frame(label: str, unit: str, y: float) -> str:
    words = escape(f"{label} ({unit})" if unit else label)
    return (
        f'<rect class="frame" fill="none" stroke="{_LINE}" x="{LEFT}" y="{y:.0f}" '
        f'width="{WIDTH - LEFT - RIGHT}" height="{_PANEL}"/>'
        f'<text x="{LEFT}" y="{y - 7:.0f}" class="label" font-size="12" font-weight="600">{words}</text>'
    )


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" fill="{_DIM}" text-anchor="{anchor}">{words}</text>'


def _time_axis(clock: Clock, y: float) -> str:
    parts = [
        f'<path class="frame" stroke="{_LINE}" d="M{clock.x(value):.1f} {y:.0f}v5"/>'
        f"{_text(float(clock.x(value)), y + 18, words, 'middle')}"
        for value, words in clock.ticks()
    ]
    day = datetime.fromtimestamp(clock.low, UTC).strftime("UTC, from %Y-%m-%d") if clock.is_time else "frame number"
    words = "UTC" if clock.is_time else "№"
    parts.append(_text(LEFT - 6, y + 18, f"{words}<title>{day}</title>", "end"))
    return "".join(parts)


def _span(values: Floats) -> tuple[float, float]:
    """Return an axis that holds all but wild values: those would press the rest flat."""
    finite = values[np.isfinite(values)]
    low, q1, q3, high = np.percentile(finite, (0, 25, 75, 100))
    reach = 8.0 * (q3 - q1) if q3 > q1 else np.inf
    low, high = max(low, q1 - reach), min(high, q3 + reach)
    margin = 0.12 * (high - low) if high > low else max(abs(high), 1.0) * 0.1
    return float(low - margin), float(high + margin)


def _decades(low: float, high: float) -> list[float]:
    """Return logarithms of round numbers: 1, 2, 5 of each decade, or whole decades where those are many."""
    powers = np.arange(np.floor(low), np.ceil(high) + 1)
    found = [float(p + f) for p in powers for f in np.log10((1, 2, 5)) if low <= p + f <= high]
    return found if len(found) <= 4 else [value for value in found if abs(value - round(value)) < 1e-9]


def _ticks(low: float, high: float, wanted: int = 3) -> list[float]:
    rough = (high - low) / wanted
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999))
    first = np.ceil(low / step)
    return [round(float(step * k), 10) + 0.0 for k in np.arange(first, np.floor(high / step) + 1)]
