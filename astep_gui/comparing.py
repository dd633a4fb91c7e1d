"""Two steps of a frame, or two frames, beside each other in the place of the image."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from astep_gui.blink_frames import calibrated_sources
from astep_gui.models.blink_frame import SEEN_DEG
from astep_gui.models.frame_pair import FramePair
from astep_gui.models.same_place import is_trimmed
from astep_gui.models.short_titles import titled
from pipeline_core.errors import AstepError, NightError
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astep_gui.models.blink_places import BlinkPlace
    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.night_model import NightModel
    from astep_gui.viewing import Viewing

_RAW_HINT = "Ctrl+R reduces the night; Y shows the frame as it was taken, to be compared so"
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
        viewing.compare.swapped.connect(self._swapped)
        viewing.pages.currentChanged.connect(self._left)
        night.night_changed.connect(self._night_changed)

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
        key = self._viewing.view.shown.key if self._viewing.view.shown is not None else None
        self.ask_frames(first, second, calibrated=isinstance(key, tuple) and key[0] == "calibrated")

    def ask_selected(self, *, calibrated: bool = False) -> None:
        """Compare two selected frames; of one, it and the next, of the last one it and the one before."""
        chosen = [path for path in self._night.selection if self._usable(path)]
        path = self._night.current
        if len(chosen) == 2:
            self.ask_frames(chosen[0], chosen[1], calibrated=calibrated)
        elif path is not None and (other := self._other(path, "selected") or self._other(path, "next")) is not None:
            self.ask_frames(path, other, calibrated=calibrated)
        elif path is not None and (other := self._other(path, "previous")) is not None:
            self.ask_frames(other, path, calibrated=calibrated)
        else:
            self.ask_frame("next")  # says why there is none

    def ask_frames(self, first: str, second: str, *, calibrated: bool = False) -> None:
        """Compare two frames, as they are, after the step that is chosen, or as their calibrated files have them."""
        viewing, path = self._viewing, self._night.current
        step = viewing.steps.chosen
        if step is not None and path == viewing.steps.path and path in {first, second}:
            other = second if path == first else first
            if viewing.steps.has_steps(self._night.frame(other)):
                self._paths = (path, other)
                viewing.steps.ask_pair(step, step, other)
                return
        pair = (first, second)
        try:
            found = calibrated_sources(self._night, pair) if calibrated else {p: viewing.loader(p) for p in pair}
        except AstepError as error:
            self._night.problem.emit(error)
            return
        if any(p not in found for p in pair):
            missing = self._names(first, second)[1 if first in found else 0]
            why = f"{missing} is not calibrated"
            self._night.problem.emit(NightError("there is no calibrated frame to compare with", why, _RAW_HINT))
            return
        self._paths = pair
        sources = [(key, loader, viewing.images.get(key)) for key, loader in (found[p] for p in pair)]
        self.pair.ask(sources[0], sources[1])

    def end(self) -> None:
        """Show one image again, with levels of its own."""
        viewing = self._viewing
        self.pair.cancel()
        viewing.pages.setCurrentWidget(viewing.view)
        if viewing.view.shown is not None:
            viewing.levels.follow(viewing.view.shown)
            viewing.levels_panel.show_image(viewing.view.shown)

    def _left(self) -> None:
        """Hold nothing of what was compared, whatever took its place: a blink or a product may."""
        if not self.is_on:
            self._viewing.compare.clear()

    def _night_changed(self) -> None:
        """Show no frames that the night does not hold: another one is open, or they went."""
        if self._paths is None or all(self._night.frame(path) is not None for path in self._paths):
            return
        self.pair.cancel()
        if self.is_on:
            self.end()
        self._paths = None

    def close(self) -> None:
        """End the thread."""
        self.pair.close()

    def badges_changed(self, paths: Sequence[str]) -> None:
        """Follow decisions on the frames that are shown."""
        if self.paths is not None and set(self.paths) & set(paths):
            self._viewing.compare.set_badges(*(self._viewing.badge(path) for path in self.paths))

    def _swapped(self) -> None:
        """Take note that left is right now."""
        viewing = self._viewing
        if self._paths is None:
            return
        self._paths = self._paths[::-1]
        left, right = viewing.compare.left.shown, viewing.compare.right.shown
        if left is None or right is None:
            return
        viewing.levels_panel.show_image(left)
        if left.place is None and right.place is None:  # what was turned before stays the one that is turned
            place, words = self._lie(*self._paths, right)
            viewing.compare.say(words, is_warning=place is None)

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

    def _lie(self, other: str, path: str, shown: ShownImage) -> tuple[BlinkPlace | None, str]:
        """Return how a frame lies on another, and what is to be said of it; None where it is not known.

        Parameters
        ----------
        other, path : str
        shown : ShownImage
            The image of the frame at ``path``: its pixels are counted from the corner of the chip, or of what is lit.
        """
        frames = [self._night.frame(one) for one in (other, path)]
        if path == other or any(frame is None or frame.kind is not FrameKind.SCIENCE for frame in frames):
            return None, ""
        place = self._viewing.places([other, path], is_trimmed=is_trimmed(shown.key), onto=other).get(path)
        onto, name = self._names(other, path)
        if place is None:
            why = f"how {name} lies on {onto} was not measured; across a meridian flip one is upside down"
            return None, f"not aligned: {why}"
        if place.turn is not None and abs(place.angle_deg) > SEEN_DEG:
            return place, f"aligned: {name} is turned by {abs(place.angle_deg):.0f}° onto {onto}"
        return place, f"aligned: {name} is moved by {math.hypot(*place.shift):.1f} px onto {onto}"

    def _names(self, first: str, second: str) -> tuple[str, str]:
        """Return what list and blink call two frames."""
        return self._viewing.short_titles.name(first), self._viewing.short_titles.name(second)

    def _named(self, shown: ShownImage, path: str, name: str) -> ShownImage:
        """Return an image under its short name, with what was done to it: "055 · cosmic rays removed"."""
        frame = self._night.frame(path)
        return shown if frame is None else replace(shown, title=titled(shown.key, shown.title, name, frame.name))

    def _show(self, left: ShownImage, right: ShownImage) -> None:
        viewing, paths = self._viewing, self._paths
        if paths is None:
            return
        place, words = self._lie(*paths, right)
        if place is not None and place.turn is not None and right.place is None:
            self.pair.turn(left, right, place.turn)  # and comes back here
            return
        viewing.end_blink(to_step=False)
        names = self._names(*paths)
        left, right = self._named(left, paths[0], names[0]), self._named(right, paths[1], names[1])
        badges = (viewing.badge(paths[0]), viewing.badge(paths[1]))
        offset = (0.0, 0.0) if place is None or place.turn is not None else (-place.shift[0], -place.shift[1])
        viewing.compare.show_pair(left, right, badges=badges, offset=offset)
        viewing.compare.say(words, is_warning=place is None)
        viewing.levels_panel.show_image(left)
        viewing.pages.setCurrentWidget(viewing.compare)
        viewing.compare.setFocus()
