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
_PANEL, _GAP, _TOP, _AXIS = 92, 20, 8, 30
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
        step_s = next((s for s in (300, 900, 1800, 3600, 7200, 10800, 21600, 43200) if hours * 3600 / s <= 9), 86400)
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
    codes = keogram_codes([columns.get(row.path) for row in rows])
    width = min(width, WIDTH - LEFT - RIGHT)
    picture = data_uri(grey_png(in_time(codes, frames_at(clock.times, clock.low, clock.high, width)), bits))
    return (
        f'<image x="{LEFT}" y="{y:.0f}" width="{WIDTH - LEFT - RIGHT}" height="{_PANEL}" preserveAspectRatio="none" '
        f'href="{picture}"/>{_frame("Keogram", "chip y ↑", y)}'
    )


def _panel(what: Quantity, unit: str, values: Floats, clock: Clock, out: npt.NDArray[np.bool_], y: float) -> str:
    shown = np.where(values > 0, np.log10(np.where(values > 0, values, 1.0)), np.nan) if what.spans_decades else values
    low, high = _span(shown)
    upside_down = what.name == "depth_loss_mag"  # deeper is up, as magnitudes are drawn

    def height(value: float) -> float:
        part = (value - low) / (high - low)
        return y + _PANEL * (part if upside_down else 1.0 - part)

    marks = []
    for time, value, hollow in zip(clock.times, shown, out, strict=True):
        if np.isfinite(value):
            x, h = clock.x(float(time)), height(min(max(value, low), high))
            marks.append(
                f'<path class="out" d="M{x - 3:.1f} {h - 3:.1f}l6 6m0-6l-6 6"/>'
                if hollow
                else f'<circle cx="{x:.1f}" cy="{h:.1f}" r="2"/>'
            )
    ticks = []
    for value in _ticks(low, high):
        words = f"{10**value:.3g}" if what.spans_decades else f"{value:g}"
        ticks.append(
            f'<path class="grid" d="M{LEFT} {height(value):.1f}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 6}" y="{height(value) + 4:.1f}" class="tick end">{words}</text>'
        )
    return "".join(ticks) + _frame(what.label, unit, y) + "".join(marks)


def _heights(sun: Floats, moon: Floats, clock: Clock, y: float) -> str:
    low, high = _span(np.concatenate([sun, moon, [0.0]]))
    order = np.argsort(clock.times)

    def line(values: Floats, kind: str) -> str:
        points = " ".join(
            f"{clock.x(float(clock.times[k])):.1f},{y + _PANEL * (high - values[k]) / (high - low):.1f}"
            for k in order
            if np.isfinite(values[k])
        )
        return f'<polyline class="{kind}" points="{points}"/>'

    ticks = "".join(
        f'<text x="{LEFT - 6}" y="{y + _PANEL * (high - v) / (high - low) + 4:.1f}" class="tick end">{v:g}</text>'
        for v in _ticks(low, high)
    )
    zero = y + _PANEL * high / (high - low)
    words = f'<text x="{LEFT + 8}" y="{y + 30:.0f}" class="tick">— Sun   – – Moon   · · horizon</text>'
    horizon = f'<path class="horizon" d="M{LEFT} {zero:.1f}H{WIDTH - RIGHT}"/>'
    return ticks + horizon + line(sun, "sun") + line(moon, "moon") + _frame("Altitude", "°", y) + words


def _frame(label: str, unit: str, y: float) -> str:
    words = escape(f"{label} ({unit})" if unit else label)
    return (
        f'<rect class="frame" x="{LEFT}" y="{y:.0f}" width="{WIDTH - LEFT - RIGHT}" height="{_PANEL}"/>'
        f'<text x="{LEFT + 8}" y="{y + 15:.0f}" class="label">{words}</text>'
    )


def _time_axis(clock: Clock, y: float) -> str:
    parts = [
        f'<path class="frame" d="M{clock.x(value):.1f} {y:.0f}v5"/>'
        f'<text x="{clock.x(value):.1f}" y="{y + 18:.0f}" class="tick middle">{words}</text>'
        for value, words in clock.ticks()
    ]
    day = datetime.fromtimestamp(clock.low, UTC).strftime("UTC, from %Y-%m-%d") if clock.is_time else "frame number"
    return (
        "".join(parts)
        + f'<text x="{LEFT - 6}" y="{y + 18:.0f}" class="tick end">{"UTC" if clock.is_time else "№"}'
        + (f"<title>{day}</title></text>")
    )


def _span(values: Floats) -> tuple[float, float]:
    """Return an axis that holds all but wild values: those would press the rest flat."""
    finite = values[np.isfinite(values)]
    low, q1, q3, high = np.percentile(finite, (0, 25, 75, 100))
    reach = 8.0 * (q3 - q1) if q3 > q1 else np.inf
    low, high = max(low, q1 - reach), min(high, q3 + reach)
    margin = 0.12 * (high - low) if high > low else max(abs(high), 1.0) * 0.1
    return float(low - margin), float(high + margin)


def _ticks(low: float, high: float, wanted: int = 3) -> list[float]:
    rough = (high - low) / wanted
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999))
    first = np.ceil(low / step)
    return [round(float(step * k), 10) for k in np.arange(first, np.floor(high / step) + 1)]
