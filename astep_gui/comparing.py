"""Two steps of a frame, or two frames, beside each other in the place of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from astep_gui.models.frame_pair import FramePair
from pipeline_core.errors import NightError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.night_model import NightModel
    from astep_gui.viewing import Viewing

_WHY = {
    "previous": "this is the first of its kind",
    "next": "this is the last of its kind",
    "reference": "none is set, and none was measured yet: Ctrl+Shift+F makes the current frame the reference",
    "selected": "only one is selected: Ctrl-click a second one in the list",
}


class Comparing(QObject):
    """Finds what is meant, reads it, and puts it into the :class:`~astep_gui.widgets.compare_view.CompareView`."""

    def __init__(self, viewing: Viewing, night: NightModel) -> None:
        super().__init__(viewing)
        self._viewing, self._night = viewing, night
        self._paths: tuple[str, str] | None = None
        self.pair = FramePair(self)
        self.pair.arrived.connect(self._show)
        self.pair.failed.connect(night.problem)
        viewing.steps.pair_arrived.connect(self._show)
        viewing.rail.compare_asked.connect(self.ask_steps)
        viewing.rail.frames_asked.connect(self.ask_frame)
        viewing.compare.closed.connect(self.end)

    @property
    def is_on(self) -> bool:
        """Whether two images are shown."""
        return self._viewing.pages.currentWidget() is self._viewing.compare

    @property
    def paths(self) -> tuple[str, str] | None:
        """The frames that are shown, left and right."""
        return self._paths if self.is_on else None

    def ask_steps(self, first: str, second: str) -> None:
        """Compare two steps of the shown frame."""
        path = self._night.current
        if path is not None:
            self._paths = (path, path)
            self._viewing.steps.ask_pair(first, second)

    def ask_frame(self, which: str) -> None:
        """Compare the shown frame with another: previous, next, reference or selected."""
        path = self._night.current
        if path is None:
            return
        other = self._other(path, which)
        if other is None:
            self._night.problem.emit(NightError("there is no frame to compare with", _WHY[which]))
            return
        first, second = (other, path) if which in {"previous", "reference"} else (path, other)
        self.ask_frames(first, second)

    def ask_selected(self) -> None:
        """Compare two selected frames; of one, it and the frame before."""
        chosen = [path for path in self._night.selection if self._usable(path)]
        if len(chosen) == 2:
            self.ask_frames(chosen[0], chosen[1])
        else:
            self.ask_frame("previous" if self._other(self._night.current or "", "previous") else "next")

    def ask_frames(self, first: str, second: str) -> None:
        """Compare two frames, as they are, or both after the step that is chosen."""
        viewing, path = self._viewing, self._night.current
        self._paths = (first, second)
        step = viewing.steps.chosen
        if step is not None and path == viewing.steps.path and path in {first, second}:
            other = second if path == first else first
            if viewing.steps.has_steps(self._night.frame(other)):
                self._paths = (path, other)
                viewing.steps.ask_pair(step, step, other)
                return
        sources = []
        for wanted in (first, second):
            key, loader = viewing.loader(wanted)
            sources.append((key, loader, viewing.images.get(key)))
        self.pair.ask(sources[0], sources[1])

    def end(self) -> None:
        """Show one image again, with levels of its own."""
        viewing = self._viewing
        self.pair.cancel()
        viewing.pages.setCurrentWidget(viewing.view)
        viewing.compare.clear()
        if viewing.view.shown is not None:
            viewing.levels.follow(viewing.view.shown)
            viewing.levels_panel.show_image(viewing.view.shown)

    def close(self) -> None:
        """End the thread."""
        self.pair.close()

    def badges_changed(self, paths: Sequence[str]) -> None:
        """Follow decisions on the frames that are shown."""
        if self.paths is not None and set(self.paths) & set(paths):
            self._viewing.compare.set_badges(*(self._viewing.badge(path) for path in self.paths))

    def _usable(self, path: str) -> bool:
        frame = self._night.frame(path)
        return frame is not None and frame.unusable is None

    def _other(self, path: str, which: str) -> str | None:
        """Return the frame that a word means; in time among those taken alike, else among all of its kind."""
        frame = self._night.frame(path)
        if frame is None:
            return None
        if which == "selected":
            return next((p for p in self._night.selection if p != path and self._usable(p)), None)
        if which == "reference":
            row = self._night.rows.get(path)
            reference = self._night.reference or (row.extra.get("reference") if row is not None else None)
            return str(reference) if reference not in {None, path} and self._usable(str(reference)) else None
        of_kind = [f for f in self._night.frames if f.kind is frame.kind and f.unusable is None]
        of_kind.sort(key=lambda f: (f.mid_utc is None, f.mid_utc.timestamp() if f.mid_utc else 0.0, f.path))
        alike = [
            f for f in of_kind if (f.filter, f.exposure_s, f.shape) == (frame.filter, frame.exposure_s, frame.shape)
        ]
        for frames in (alike, of_kind):
            at = next(k for k, f in enumerate(frames) if f.path == path) + (1 if which == "next" else -1)
            if 0 <= at < len(frames):
                return frames[at].path
        return None

    def _offset(self, path: str, other: str) -> tuple[float, float]:
        """Return by how much a frame is to be moved to lie on another, px."""
        rows = [self._night.rows.get(p) for p in (path, other)]
        shifts = [(r.dx_px, r.dy_px) if r is not None else (None, None) for r in rows]
        if path == other or any(value is None for shift in shifts for value in shift):
            return 0.0, 0.0
        (dx, dy), (dx0, dy0) = shifts
        return dx0 - dx, dy0 - dy  # type: ignore[operator] # looked at above

    def _show(self, left: ShownImage, right: ShownImage) -> None:
        viewing, paths = self._viewing, self._paths
        if paths is None:
            return
        viewing.end_blink()
        badges = (viewing.badge(paths[0]), viewing.badge(paths[1]))
        viewing.compare.show_pair(left, right, badges=badges, offset=self._offset(paths[1], paths[0]))
        viewing.levels_panel.show_image(left)
        viewing.pages.setCurrentWidget(viewing.compare)
        viewing.compare.setFocus()
