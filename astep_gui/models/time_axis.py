"""The time axis that timeline and keogram share: zoomed in one, both follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QObject, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_CLOSEST_S = 60.0


class TimeAxis(QObject):
    """What part of the night is shown: seconds since the epoch, or frame numbers where a time is missing."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.places: npt.NDArray[np.float64] = np.zeros(0)
        """Of each frame, in the order given."""
        self.is_time = True
        self._whole = (0.0, 1.0)
        self.low, self.high = self._whole

    def set_times(self, times: Sequence[datetime | None]) -> None:
        """Take the frames' times; the whole night is shown if they changed."""
        known = [time.timestamp() for time in times if time is not None]
        self.is_time = len(known) == len(times) and bool(known)
        places = np.array(known if self.is_time else range(1, len(times) + 1), np.float64)
        if places.shape == self.places.shape and np.array_equal(places, self.places):
            return
        self.places = places
        if places.size:
            margin = max(30.0, 0.01 * float(np.ptp(places))) if self.is_time else 0.5
            self._whole = (float(places.min()) - margin, float(places.max()) + margin)
        else:
            self._whole = (0.0, 1.0)
        self.low, self.high = self._whole
        self.changed.emit()

    def show_whole(self) -> None:
        """Show the whole night."""
        self._show(*self._whole)

    def zoom(self, factor: float, about: float) -> None:
        """Show ``factor`` times as much, keeping one place where it is."""
        closest = _CLOSEST_S if self.is_time else 2.0
        span = (self.high - self.low) * factor
        if span < closest:
            return
        part = (about - self.low) / (self.high - self.low)
        self._show(about - part * span, about + (1.0 - part) * span)

    def pan(self, by: float) -> None:
        """Shift what is shown."""
        by = float(np.clip(by, self._whole[0] - self.low, self._whole[1] - self.high))
        self._show(self.low + by, self.high + by)

    def _show(self, low: float, high: float) -> None:
        low, high = max(low, self._whole[0]), min(high, self._whole[1])
        if (low, high) != (self.low, self.high):
            self.low, self.high = low, high
            self.changed.emit()

    def part(self, place: float) -> float:
        """Return where a place lies: 0 at the left end, 1 at the right."""
        return (place - self.low) / (self.high - self.low)

    def place(self, part: float) -> float:
        """Return the place at a part of the axis."""
        return self.low + part * (self.high - self.low)

    def nearest(self, place: float) -> int | None:
        """Return the index of the frame nearest to a place."""
        return int(np.argmin(np.abs(self.places - place))) if self.places.size else None

    def words(self, place: float) -> str:
        """Write a place as a person reads it."""
        if not self.is_time:
            return f"frame {place:.0f}"
        return f"{datetime.fromtimestamp(place, UTC):%Y-%m-%d %H:%M:%S} UTC"

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Return round places with their words, at most so many."""
        span = self.high - self.low
        if not self.is_time:
            step = max(1, int(np.ceil(span / max(most, 1))))
            first = int(np.ceil(self.low / step)) * step
            return [(float(k), str(k)) for k in range(first, int(self.high) + 1, step)]
        step_s = next((s for s in _STEPS_S if span / s <= most), 86400 * max(1, int(np.ceil(span / 86400 / most))))
        start = datetime.fromtimestamp(self.low, UTC)
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        when = midnight + timedelta(seconds=step_s * float(np.ceil((start - midnight).total_seconds() / step_s)))
        found = []
        while when.timestamp() <= self.high:
            found.append((when.timestamp(), f"{when:%H:%M}" if step_s < 86400 else f"{when:%d %b}"))
            when += timedelta(seconds=step_s)
        return found
