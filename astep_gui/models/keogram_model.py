"""The keogram of the opened night: columns arrive in the background and are kept as long as their files stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from astep_gui.models.background import Background
from astep_gui.models.time_axis import TimeAxis
from pipeline_core.grouping import Geometry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline_core.errors import AstepError
    from pipeline_core.events import RunContext
    from pipeline_core.plan import Plan
    from pipeline_core.science.keogram import Codes, Column, Mode
    from pipeline_core.types import Frame, Night, Section

    _Key = tuple[str, int, int, Section | None]
    """Path, time and size of the file, and its trim."""

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
        self._columns: dict[_Key, Column | None] = {}
        self._keys: list[_Key] = []
        self._codes: Codes | None = None
        self._done = 0
        self._drawing = Background("keogram picture", self)
        self._drawing.done.connect(self._drawn)
        self._drawing.failed.connect(self._failed)
        self._background = Background("keogram", self)
        self._background.told.connect(self._arrived)
        self._background.done.connect(self._read_on)
        self._missing: dict[_Key, Frame] = {}
        """Frames whose column is not there yet."""
        self._asked: frozenset[_Key] = frozenset()
        """Those that are being read, or were."""
        self._sky: tuple[Night, Plan] | None = None
        self._background.failed.connect(self._failed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_COALESCE_MS)
        self._timer.timeout.connect(self._tell_in_turn)

    @property
    def done(self) -> int:
        """Frames whose column is there."""
        return self._done

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
        self._keys = [_key_of(frame, plan) for frame in frames]
        self._groups = _groups_of(frames, groups)
        if self._owns_axis:
            self.axis.set_times([frame.mid_utc for frame in frames])
        known = set(self._keys)
        self._columns = {key: column for key, column in self._columns.items() if key in known}
        self._done = len(self._columns)
        self._missing = {key: f for f, key in zip(frames, self._keys, strict=True) if key not in self._columns}
        self._sky = night, plan
        self.note = ""
        # Longer nights take longer to draw, and are told of less often.
        pause_ms = _COALESCE_MS * max(1, len(frames) // _OFTEN)
        if pause_ms != self._timer.interval():
            self._timer.setInterval(pause_ms)  # which begins it anew
        if before != (self._keys, self._groups, self.note):
            self._tell()  # else a decision changed nothing in the picture
        # A night is told of with every plan and every value that comes: what is being read is read to its end.
        if not self._missing:
            self._background.cancel()
        elif not (self._background.is_busy and self._asked & self._missing.keys()):
            self._ask_missing()

    def _ask_missing(self) -> None:
        if self._sky is None:
            return
        (night, plan), missing = self._sky, dict(self._missing)
        self._asked = frozenset(missing)
        self._background.ask("night", lambda context, tell: _read(night, plan, missing, context, tell))

    def _read_on(self, *_: object) -> None:
        """Read what came to the night meanwhile."""
        self._soon()
        if self._missing:
            self._ask_missing()

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
        from pipeline_core.science.keogram import frames_at, in_time  # noqa: PLC0415 - after the paint

        if self._codes is None:
            return np.zeros((1, 0), np.uint8)
        if not len(self.axis.places) == len(self.paths) == self._codes.shape[1]:
            return self._codes[:, :0]  # one of them has another night already
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
        self._drawing.close()

    def _arrived(self, _key: object, piece: tuple[_Key, Column | None]) -> None:
        key, column = piece
        if self._missing.pop(key, None) is None:
            return  # of a frame that is gone since
        self._done += 1
        self._columns[key] = column
        self._soon()

    def _soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _tell_in_turn(self) -> None:
        """Let a picture that is being made be finished first: columns may come faster than pictures are made."""
        (self._soon if self._drawing.is_busy else self._tell)()

    def _tell(self) -> None:
        """Let the picture be made; the one before stays until it is there. 5,000 frames take 0.1 s."""
        columns, mode, groups = [self._columns.get(key) for key in self._keys], self.mode, self._groups

        def draw(_context: RunContext, _tell: Callable[[object], None]) -> Codes:
            from pipeline_core.science.keogram import keogram_codes  # noqa: PLC0415 - after the window is painted

            return keogram_codes(columns, mode, groups=groups)

        if not columns or self.note:
            self._drawing.cancel()
            self._codes = None
            self.changed.emit()
        else:
            self._drawing.ask("picture", draw)

    def _drawn(self, _key: object, codes: Codes) -> None:
        self._codes = codes
        self.changed.emit()

    def _failed(self, _key: object, error: AstepError) -> None:
        self.note = str(error)
        self._tell()


def _key_of(frame: Frame, plan: Plan) -> _Key:
    """Return what a frame's column depends on: its file, and the part of the chip that sees the sky."""
    trim = plan.trims.get(Geometry.of(frame)) if frame.shape is not None else None
    return frame.path, frame.mtime_ns, frame.size_bytes, trim


def _groups_of(frames: Sequence[Frame], groups: Mapping[str, str]) -> list[str]:
    """Return the group of each frame, in order of time.

    A rejected frame is in no group of the plan, but its sky is that of the frame of its filter and exposure before it;
    of the next one where there is none.
    """
    alike = {(f.filter, f.exposure_s): groups[f.path] for f in reversed(frames) if f.path in groups}
    found = []
    for frame in frames:
        kind = frame.filter, frame.exposure_s
        alike[kind] = groups.get(frame.path) or alike.get(kind, frame.filter or "")
        found.append(alike[kind])
    return found


def _read(
    night: Night,
    plan: Plan,
    frames: Mapping[_Key, Frame],
    context: RunContext,
    tell: Callable[[object], None],
) -> None:
    from pipeline_core.keogram import night_columns  # noqa: PLC0415 - heavy: after the window is painted

    columns = night_columns(night, plan, list(frames.values()), context)
    for key, (_path, column) in zip(frames, columns, strict=True):
        tell((key, column))
