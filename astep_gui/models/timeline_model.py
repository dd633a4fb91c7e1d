"""The night as a series of frames: what is plotted, which frames are meant, and what a threshold would cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.time_axis import TimeAxis
from pipeline_core.measures import NOT_JUDGED, headline
from pipeline_core.night_series import QUANTITIES, Quantity, is_measured, quantity, unit_of, values_of
from pipeline_core.proposal import Proposal, beyond

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline_core.measures import QualityRow
    from pipeline_core.types import Frame

Light = Literal["day", "civil twilight", "nautical twilight", "astronomical twilight", "night"]
TIME = "time"

_DEPRESSIONS: tuple[tuple[float, Light], ...] = (
    (-0.83, "day"),  # refraction and the Sun's radius
    (-6.0, "civil twilight"),
    (-12.0, "nautical twilight"),
    (-18.0, "astronomical twilight"),
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the night with one kind of light."""

    low: float
    high: float
    light: Light
    moon_is_up: bool


def light_at(sun_altitude_deg: float) -> Light:
    """Name the light by how far the Sun is under the horizon."""
    return next((light for altitude, light in _DEPRESSIONS if sun_altitude_deg > altitude), "night")


class TimelineModel(QObject):
    """State of the timeline; what a person asks for goes out as a signal, what was decided comes back by a setter."""

    changed = pyqtSignal()
    """Other points are to be drawn."""
    pointed = pyqtSignal()
    """Another frame or selection."""
    threshold_changed = pyqtSignal()

    frame_asked = pyqtSignal(str)
    selection_asked = pyqtSignal(list)
    reject_asked = pyqtSignal(list, str)
    """Paths and the reason: one decision, one step of undo."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.axis = TimeAxis(self)
        self.rows: list[QualityRow] = []
        self.frames: Mapping[str, Frame] = {}
        self._measured: list[Quantity] = []
        self._forget()
        self.rejected: Mapping[str, str] = {}
        self._groups: Mapping[str, str] = {}
        self.kept: frozenset[str] = frozenset()
        """Frames that a person accepted: what was said against them is settled."""
        self.current: str | None = None
        self.selection: frozenset[str] = frozenset()
        self.what: Quantity = quantity("fwhm_px")
        self.wished = self.what.name
        """The quantity that a person chose; plotted as soon as it is measured on some frame."""
        self.against = TIME
        self.threshold: float | None = None
        self.side: Literal["high", "low"] = "high"
        self.awaited = ""
        """What is going on while nothing is measured yet, in words."""

    # -- what is known ---------------------------------------------------------------------------------------

    def set_night(
        self,
        rows: Sequence[QualityRow],
        frames: Mapping[str, Frame],
        rejected: Mapping[str, str],
        kept: frozenset[str] = frozenset(),
    ) -> None:
        """Take the quality of the night; rows come in any order."""

        def key(row: QualityRow) -> tuple[bool, float, str]:
            time = frames[row.path].mid_utc if row.path in frames else None
            return (time is None, time.timestamp() if time else 0.0, row.path)

        ordered = sorted(rows, key=key)
        if ordered and self._knows(ordered, frames):  # only what was decided may be other: most often
            self.frames = frames
            self.set_rejected(rejected, kept)
            return
        self.rows, self.frames = ordered, frames
        self._forget()
        self.rejected, self.kept = rejected, kept
        self.axis.set_times([frames[row.path].mid_utc if row.path in frames else None for row in self.rows])
        self._measured = [q for q in QUANTITIES if is_measured(q, self.rows, frames)]
        known = {q.name: q for q in self._measured}
        what = known.get(self.wished) or known.get(self.what.name) or next(iter(known.values()), self.what)
        if what is not self.what:
            self.what, self.threshold = what, None
        self.changed.emit()
        self.threshold_changed.emit()

    def _forget(self) -> None:
        """Forget what was made out of the rows."""
        self._values: dict[str, npt.NDArray[np.float64]] = {}
        self._spans: list[Span] | None = None
        self._index = {row.path: k for k, row in enumerate(self.rows)}

    def _knows(self, ordered: Sequence[QualityRow], frames: Mapping[str, Frame]) -> bool:
        """Tell whether rows and their frames are those that are plotted."""
        if len(ordered) != len(self.rows) or any(new is not old for new, old in zip(ordered, self.rows, strict=True)):
            return False
        pairs = ((frames.get(row.path), self.frames.get(row.path)) for row in ordered)
        return all(new is old or new == old for new, old in pairs)

    def index_of(self, path: str | None) -> int | None:
        """Return the row of a frame, None if it has none."""
        return self._index.get(path or "")

    def set_awaited(self, words: str) -> None:
        """Say what is going on while there is nothing to plot."""
        if words != self.awaited:
            self.awaited = words
            if not self.rows:
                self.changed.emit()

    def set_rejected(self, rejected: Mapping[str, str], kept: frozenset[str] = frozenset()) -> None:
        """Take what is rejected now (path → reason), and what a person accepted."""
        if (rejected, kept) == (self.rejected, self.kept):
            return  # thousands of points are not drawn for nothing
        self.rejected, self.kept = rejected, kept
        self.changed.emit()
        self.threshold_changed.emit()

    def set_groups(self, groups: Mapping[str, str]) -> None:
        """Take which frames are stacked together (path → group): a threshold's cost is told of one stack only."""
        if groups != self._groups:
            self._groups = groups
            self.threshold_changed.emit()

    def set_current(self, path: str | None) -> None:
        """Mark the frame that is shown."""
        if path != self.current:
            self.current = path
            self.pointed.emit()

    def set_selection(self, paths: Iterable[str]) -> None:
        """Mark the frames that are selected in the table."""
        chosen = frozenset(paths)
        if chosen != self.selection:
            self.selection = chosen
            self.pointed.emit()

    # -- what is plotted -------------------------------------------------------------------------------------

    def quantities(self) -> list[Quantity]:
        """Return what was measured on at least one frame."""
        return self._measured

    def set_quantity(self, name: str) -> None:
        """Plot another quantity; a threshold on the old one is dropped."""
        self.wished = name
        if name != self.what.name:
            self.what = quantity(name)
            self.threshold = None
            self.changed.emit()
            self.threshold_changed.emit()

    def set_against(self, name: str) -> None:
        """Plot against time, or against another quantity."""
        if name != self.against:
            self.against = name
            self.changed.emit()

    def values(self) -> npt.NDArray[np.float64]:
        """Return what is plotted upwards, one a row."""
        return self._values_of(self.what)

    def _values_of(self, what: Quantity) -> npt.NDArray[np.float64]:
        """Return a quantity of each row, made out once; only to be read."""
        if what.name not in self._values:
            values = values_of(what, self.rows, self.frames)
            values.setflags(write=False)
            self._values[what.name] = values
        return self._values[what.name]

    def places(self) -> npt.NDArray[np.float64]:
        """Return what is plotted to the right, one a row."""
        if self.against == TIME:
            return self.axis.places
        return self._values_of(quantity(self.against))

    def unit(self) -> str:
        """Return the unit of what is plotted upwards."""
        return unit_of(self.what, self.rows)

    def spans(self) -> list[Span]:
        """Return the light of the night in stretches; none where place or time is not known."""
        if self._spans is None:
            self._spans = self._lit()
        return self._spans

    def _lit(self) -> list[Span]:
        if not self.axis.is_time or len(self.rows) < 2:
            return []
        sun, moon = (values_of(quantity(f"{body}_altitude_deg"), self.rows) for body in ("sun", "moon"))
        known = np.isfinite(sun) & np.isfinite(moon)
        if known.sum() < 2:
            return []
        edges = np.linspace(self.axis.places.min(), self.axis.places.max(), 241)
        middles = (edges[1:] + edges[:-1]) / 2
        sun_there = np.interp(middles, self.axis.places[known], sun[known])
        moon_there = np.interp(middles, self.axis.places[known], moon[known])
        found: list[Span] = []
        for low, high, altitude, moon_altitude in zip(edges[:-1], edges[1:], sun_there, moon_there, strict=True):
            light, up = light_at(float(altitude)), bool(moon_altitude > 0)
            if found and (found[-1].light, found[-1].moon_is_up) == (light, up):
                found[-1] = Span(found[-1].low, float(high), light, up)
            else:
                found.append(Span(float(low), float(high), light, up))
        return found

    def words(self, index: int) -> str:
        """Describe one frame: name, time, value, light, flags."""
        row = self.rows[index]
        value = self.values()[index]
        shown = f"{value:{self.what.form}} {self.unit()}".strip() if np.isfinite(value) else "not measured"
        frame = self.frames.get(row.path)
        lines = [row.path.rsplit("/", 1)[-1], f"{self.what.label}: {shown}"]
        if frame is not None and frame.mid_utc is not None:
            lines.insert(1, f"{frame.mid_utc:%Y-%m-%d %H:%M:%S} UTC")
        if row.sun_altitude_deg is not None:
            sky = f"Sun {row.sun_altitude_deg:+.1f}° ({light_at(row.sun_altitude_deg)})"
            if row.moon_altitude_deg is not None and row.moon_altitude_deg > 0:
                lit = f", {100 * row.moon_phase:.0f} % lit" if row.moon_phase is not None else ""
                sky += f" · Moon {row.moon_altitude_deg:+.0f}°{lit}"
            lines.append(sky)
        if row.path in self.rejected:
            lines.append(f"✕ rejected: {self.rejected[row.path] or 'no reason given'}")
        elif row.path in self.kept:
            lines.append("✓ accepted by a person")
        lines += [f"{'·' if flag.severity == 'note' else '!'} {flag.words}" for flag in row.flags]
        return "\n".join(lines)

    def is_suspect(self, row: QualityRow) -> bool:
        """Whether something speaks against a frame that nobody has settled."""
        return row.path not in self.kept and any(flag.severity != "note" for flag in row.flags)

    def is_not_judged(self, row: QualityRow) -> bool:
        """Whether too little was measured to call a frame good or bad, and nobody has settled it."""
        return row.path not in self.kept and headline(row.flags) == NOT_JUDGED

    # -- what is asked for -----------------------------------------------------------------------------------

    def ask_frame(self, index: int) -> None:
        """Ask to see a frame."""
        self.frame_asked.emit(self.rows[index].path)

    def ask_selection(self, low: float, high: float, *, add: bool = False) -> None:
        """Ask to select the frames whose place lies between two places."""
        places = self.places()
        inside = [row.path for row, place in zip(self.rows, places, strict=True) if low <= place <= high]
        chosen = [row.path for row in self.rows if row.path in self.selection] if add else []
        self.selection_asked.emit(list(dict.fromkeys([*chosen, *inside])))

    # -- threshold -------------------------------------------------------------------------------------------

    def start_threshold(self) -> None:
        """Lay a line where the frames begin to be unusual: 3 robust sigma on the worse side of the median."""
        values = self.values()
        accepted = np.array([row.path not in self.rejected for row in self.rows], bool)
        finite = values[np.isfinite(values) & accepted]
        if not finite.size:
            return
        median = float(np.median(finite))
        sigma = 1.4826 * float(np.median(np.abs(finite - median))) or 0.1 * abs(median) or 1.0
        self.side = self.what.worse or "high"
        self.set_threshold(median + (3.0 if self.side == "high" else -3.0) * sigma)

    def set_threshold(self, value: float | None) -> None:
        """Move the line, or take it away."""
        if value != self.threshold:
            self.threshold = value
            self.threshold_changed.emit()

    def set_side(self, side: Literal["high", "low"]) -> None:
        """Reject above the line, or below."""
        if side != self.side:
            self.side = side
            self.threshold_changed.emit()

    def proposal(self) -> Proposal | None:
        """Return what the line would reject, and its cost; None without a line."""
        if self.threshold is None:
            return None
        name, rows, out = self.what.name, self.rows, self.rejected
        return beyond(
            name, self.threshold, rows, out,
            side=self.side, frames=self.frames, kept=self.kept, groups=self._groups,
        )  # fmt: skip

    def apply_threshold(self) -> None:
        """Ask to reject what the line proposes, as one decision."""
        found = self.proposal()
        self.set_threshold(None)
        if found is not None and found.paths:
            self.reject_asked.emit(list(found.paths), found.reason)
