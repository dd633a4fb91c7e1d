"""One star, all night: its stamp, light and width in each frame of its group, as they are read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from astep_gui.models.background import Background
from astep_gui.models.trim_offset import trim_offset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline_core.align_night import NightAlignment
    from pipeline_core.errors import AstepError
    from pipeline_core.events import RunContext
    from pipeline_core.measures import QualityRow
    from pipeline_core.plan import Plan
    from pipeline_core.star_track import StarPoint
    from pipeline_core.types import Night

_COALESCE_MS = 80
SEARCH_PX = 24.0
"""At most: further away another star is meant."""
SNAP_PX = 6.0
"""How far from where a person points the star may lie, px of the frame; at least."""
SNAP_SCREEN_PX = 8.0
"""The same on the screen: at fit one pixel there is several of the frame."""


class StarTrackModel(QObject):
    """The star that was clicked, followed through the night."""

    changed = pyqtSignal()
    pointed = pyqtSignal()
    frame_asked = pyqtSignal(str)
    reject_asked = pyqtSignal(list, str)
    accept_asked = pyqtSignal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.points: list[StarPoint] = []
        self.total = 0
        self.place: tuple[str, float, float] | None = None
        """Frame and x, y (0-based, trimmed frame) where the star was pointed at."""
        self.rejected: Mapping[str, str] = {}
        self.current: str | None = None
        self.error: AstepError | None = None
        self._night: Night | None = None
        self._plan: Plan | None = None
        self._rows: Sequence[QualityRow] = ()
        self.alignment: Callable[[], NightAlignment | None] = lambda: None
        """How the frames of the reduced night lie on each other, other filters too."""
        self._background = Background("one star", self)
        self._background.told.connect(self._arrived)
        self._background.done.connect(lambda *_: self._finish())
        self._background.failed.connect(self._fail)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_COALESCE_MS)
        self._timer.timeout.connect(self.changed)

    @property
    def filter_name(self) -> str:
        """Filter of the frames on which the star is followed; empty where they have none."""
        frame = self._night.by_path.get(self.place[0]) if self._night is not None and self.place is not None else None
        return (frame.filter or "") if frame is not None else ""

    @property
    def other_filters(self) -> dict[str, int]:
        """Filters in which the field was taken too, each with its frames: the star is not followed on those.

        Their light is another, and how their frames lie on these is measured only when the night is aligned.
        """
        frame = self._night.by_path.get(self.place[0]) if self._night is not None and self.place is not None else None
        if frame is None or self._night is None:
            return {}
        field = (frame.kind, frame.object, frame.shape)
        return dict(
            Counter(
                other.filter
                for other in self._night.frames
                if other.filter
                and other.filter != frame.filter
                and other.unusable is None
                and (other.kind, other.object, other.shape) == field
            )
        )

    def follow_in(self, filter_name: str) -> None:
        """Follow the star in the frames of another filter: nearest in time, of those whose place is known.

        Where none has a known place, it is looked for in the same place of the chip of the nearest frame.
        """
        if self._night is None or self._plan is None or self.place is None:
            return
        from pipeline_core.star_track import place_in_filter  # noqa: PLC0415 - numba

        found = place_in_filter(self._night, self._plan, self._rows, self.place, filter_name, self.alignment())
        if found is not None:
            self.follow(*found, reach_px=SEARCH_PX)

    @property
    def is_busy(self) -> bool:
        """Whether frames are still being read."""
        return self._background.is_busy

    def set_night(self, night: Night, plan: Plan, rows: Sequence[QualityRow], rejected: Mapping[str, str]) -> None:
        """Take the night; the star that is followed stays."""
        self._night, self._plan, self._rows = night, plan, rows
        self.set_rejected(rejected)

    def set_rejected(self, rejected: Mapping[str, str]) -> None:
        """Take what is rejected now."""
        self.rejected = rejected
        self.changed.emit()

    def set_current(self, path: str | None) -> None:
        """Mark the frame that is shown."""
        if path != self.current:
            self.current = path
            self.pointed.emit()

    def follow(self, path: str, x: float, y: float, *, is_raw: bool = False, reach_px: float = SNAP_PX) -> None:
        """Follow the star nearest to a place of a frame, 0-based in the trimmed frame, or in the raw one.

        It may lie ``reach_px`` from there.
        """
        if self._night is None or self._plan is None or path not in self._night.by_path:
            return
        night, plan, rows = self._night, self._plan, self._rows
        if is_raw:
            dx, dy = trim_offset(plan, night.by_path[path])
            x, y = x - dx, y - dy
        self.place, self.points, self.total, self.error = (path, x, y), [], 0, None

        def work(context: RunContext, tell: Callable[[object], None]) -> None:
            from pipeline_core.star_track import follow_star, sources_of, star_at  # noqa: PLC0415 - numba

            sources = sources_of(night, plan, rows, path)
            tell(len(sources))
            star = star_at(sources, path, x, y, reach_px)
            tell(star)
            for point in follow_star(sources, path, *star, context):
                tell(point)

        self._background.ask(self.place, work)
        self.changed.emit()

    def clear(self) -> None:
        """Follow no star any more."""
        self._background.cancel()
        self.place, self.points, self.total, self.error = None, [], 0, None
        self.changed.emit()

    def fluxes(self) -> npt.NDArray[np.float64]:
        """Return the star's light relative to its median; NaN where there is no star."""
        stars = [p.star if p.is_aligned else None for p in self.points]  # else it may be another one
        flux = np.array([star.flux if star is not None and star.found else np.nan for star in stars], float)
        good = flux[np.isfinite(flux)]
        return flux / np.median(good) if good.size and np.median(good) > 0 else flux

    def widths(self) -> npt.NDArray[np.float64]:
        """Return the star's FWHM, px; NaN where it could not be measured."""
        stars = [p.star if p.is_aligned else None for p in self.points]
        return np.array([star.fwhm_px if star is not None else np.nan for star in stars], float)

    def words(self, index: int) -> str:
        """Describe the star in one frame."""
        point = self.points[index]
        lines = [point.path.rsplit("/", 1)[-1]]
        if point.mid_utc is not None:
            lines.append(f"{point.mid_utc:%Y-%m-%d %H:%M:%S} UTC")
        star = point.star
        if star is not None and star.found:
            lines.append(f"light {star.flux:,.0f} ± {star.error:,.0f} ADU ({100 * self.fluxes()[index]:.0f} %)")
            if np.isfinite(star.fwhm_px):
                lines.append(f"its own FWHM {star.fwhm_px:.2f} px (the list has the median of all stars)")
            lines.append(f"at x {star.x_px + 1:.1f}, y {star.y_px + 1:.1f}")
        if point.note:
            lines.append(point.note)
        if point.path in self.rejected:
            lines.append(f"✕ rejected: {self.rejected[point.path] or 'no reason given'}")
        lines.append("click: show this frame · X: reject · U: accept")
        return "\n".join(lines)

    def ask_frame(self, index: int) -> None:
        """Ask to see a frame."""
        self.frame_asked.emit(self.points[index].path)

    def ask_reject(self, index: int) -> None:
        """Ask to reject a frame for what its stamp shows."""
        self.reject_asked.emit([self.points[index].path], "seen on the stamp of one star")

    def ask_accept(self, index: int) -> None:
        """Ask to take a frame back."""
        self.accept_asked.emit([self.points[index].path])

    def close(self) -> None:
        """Stop reading, and wait for the thread."""
        self._timer.stop()
        self._background.close()

    def _arrived(self, _key: object, piece: int | tuple[float, float] | StarPoint) -> None:
        if isinstance(piece, int):
            self.total = piece
        elif isinstance(piece, tuple):
            self.place = (self.place[0], *piece) if self.place is not None else None
        else:
            self.points.append(piece)
        if not self._timer.isActive():
            self._timer.start()

    def _finish(self) -> None:
        self._timer.stop()
        self.changed.emit()

    def _fail(self, _key: object, error: AstepError) -> None:
        self.error = error
        self.changed.emit()
