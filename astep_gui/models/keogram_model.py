"""The keogram of the opened night: columns arrive in the background and are kept as long as their files stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from astep_gui.models.background import Background
from astep_gui.models.time_axis import TimeAxis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline_core.errors import AstepError
    from pipeline_core.events import RunContext
    from pipeline_core.plan import Plan
    from pipeline_core.science.keogram import Codes, Column, Mode
    from pipeline_core.types import Frame, Night

_COALESCE_MS = 120
_OFTEN = 500
"""Frames of a night of which the picture is made anew so often while columns arrive: 8 ms of the window's time."""


class KeogramModel(QObject):
    """One averaged column a frame."""

    changed = pyqtSignal()
    """Another picture."""
    pointed = pyqtSignal()
    """Another frame is shown: the picture is the same."""
    frame_asked = pyqtSignal(str)

    def __init__(self, axis: TimeAxis | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.axis = axis or TimeAxis(self)
        self._owns_axis = axis is None
        self.paths: list[str] = []
        self.current: str | None = None
        self.mode: Mode = "sky"
        self.note = ""
        self._groups: list[str] = []
        self._columns: dict[tuple[str, int, int], Column | None] = {}
        self._keys: list[tuple[str, int, int]] = []
        self._codes: Codes | None = None
        self._background = Background("keogram", self)
        self._background.told.connect(self._arrived)
        self._background.done.connect(lambda *_: self._soon())
        self._background.failed.connect(self._failed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_COALESCE_MS)
        self._timer.timeout.connect(self._tell)

    @property
    def done(self) -> int:
        """Frames whose column is there."""
        return sum(key in self._columns for key in self._keys)

    def set_night(self, night: Night, plan: Plan, frames: Sequence[Frame], groups: Mapping[str, str]) -> None:
        """Follow these science frames; only columns that are not known yet are read.

        Parameters
        ----------
        night : Night
        plan : Plan
        frames : sequence of Frame
            In the order of the time axis.
        groups : mapping of str to str
            Path → group: filters are measured against their own darkest frames.
        """
        before = self._keys, self._groups, self.note
        self.paths = [frame.path for frame in frames]
        self._keys = [(f.path, f.mtime_ns, f.size_bytes) for f in frames]
        # A rejected frame is in no group of the plan, but its sky is that of its filter and exposure.
        alike = {(f.filter, f.exposure_s): groups[f.path] for f in frames if f.path in groups}
        self._groups = [groups.get(f.path) or alike.get((f.filter, f.exposure_s), f.filter or "") for f in frames]
        if self._owns_axis:
            self.axis.set_times([frame.mid_utc for frame in frames])
        known = set(self._keys)
        self._columns = {key: column for key, column in self._columns.items() if key in known}
        missing = [f for f, key in zip(frames, self._keys, strict=True) if key not in self._columns]
        self.note = ""
        # Longer nights take longer to draw, and are told of less often.
        pause_ms = _COALESCE_MS * max(1, len(frames) // _OFTEN)
        if pause_ms != self._timer.interval():
            self._timer.setInterval(pause_ms)  # which begins it anew
        if before != (self._keys, self._groups, self.note):
            self._tell()  # else a decision changed nothing in the picture
        if missing:
            keys = {f.path: (f.path, f.mtime_ns, f.size_bytes) for f in missing}
            self._background.ask("night", lambda context, tell: _read(night, plan, missing, keys, context, tell))
        else:
            self._background.cancel()

    def set_mode(self, mode: Mode) -> None:
        """Show how bright the sky is, or what changed within the frames."""
        if mode != self.mode:
            self.mode = mode
            self._tell()

    def set_current(self, path: str | None) -> None:
        """Mark the frame that is shown."""
        if path != self.current:
            self.current = path
            self.pointed.emit()

    def codes(self, width: int) -> Codes:
        """Return display codes (height, width) of the part of the night that the axis shows; 0 is no data."""
        from pipeline_core.science.keogram import frames_at, in_time, keogram_codes  # noqa: PLC0415 - after the paint

        if self._codes is None:
            columns = [self._columns.get(key) for key in self._keys]
            self._codes = keogram_codes(columns, self.mode, groups=self._groups)
        if len(self.axis.places) != len(self.paths):
            return self._codes[:, :0]  # the axis has another night already
        return in_time(self._codes, frames_at(self.axis.places, self.axis.low, self.axis.high, width))

    def ask_frame(self, place: float) -> None:
        """Ask to see the frame at a place of the axis."""
        index = self.axis.nearest(place)
        if index is not None and index < len(self.paths):
            self.frame_asked.emit(self.paths[index])

    def close(self) -> None:
        """Stop reading, and wait for the thread."""
        self._timer.stop()
        self._background.close()

    def _arrived(self, _key: object, piece: tuple[tuple[str, int, int], Column | None]) -> None:
        self._columns[piece[0]] = piece[1]
        self._soon()

    def _soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _tell(self) -> None:
        self._codes = None
        self.changed.emit()

    def _failed(self, _key: object, error: AstepError) -> None:
        self.note = str(error)
        self._tell()


def _read(
    night: Night,
    plan: Plan,
    frames: Sequence[Frame],
    keys: Mapping[str, tuple[str, int, int]],
    context: RunContext,
    tell: Callable[[object], None],
) -> None:
    from pipeline_core.keogram import night_columns  # noqa: PLC0415 - heavy: after the window is painted

    for path, column in night_columns(night, plan, frames, context):
        tell((keys[path], column))
