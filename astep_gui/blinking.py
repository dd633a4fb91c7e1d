"""Blinking in the window: which frames go by and as what, their levels, their places, the plot's cursor, the pause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal
from PyQt6.QtWidgets import QSizePolicy

from astep_gui.before_blink import BeforeBlink
from astep_gui.blink_frames import blink_frames, calibrated_sources, raw_source, usable_in_time
from astep_gui.models.blink import BlinkModel
from astep_gui.models.blink_levels import MODES, BlinkLevels
from astep_gui.models.step_words import WORDS
from astep_gui.step_aside import StepAside
from astep_gui.widgets.blink_bar import FAST, BlinkBar
from pipeline_core.errors import AstepError, NightError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from astep_gui.models.blink_frame import BlinkFrame
    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.night_model import NightModel
    from astep_gui.viewing import Viewing

CURSOR_MS = 110
"""List, cursors and histogram follow the frames that go by at most so often: they are drawn anew each time.

The first frame after such a time is followed at once: of slow ones each is. Not a multiple of a frame's time: of four
frames that go by thirty times a second always the same would be pointed at.
"""
_TOO_FEW = (
    "fewer than two of these frames are calibrated",
    "Ctrl+R reduces the night; Y shows the frame as it was taken",
)


class Blinking(QObject):
    """Wires a :class:`BlinkModel` to the night, the image and the strips below it."""

    opened = pyqtSignal()
    """A blink began, or is over."""
    passing = pyqtSignal(object)
    """Path of the frame that goes by, told as often as the cursors move; None when none does any more."""

    def __init__(self, viewing: Viewing, night: NightModel) -> None:
        super().__init__(viewing)
        self._viewing, self._night = viewing, night
        self.model = BlinkModel(self, budget=viewing.budget)
        self.levels = BlinkLevels(self.model, viewing.levels, self)
        self.bar = BlinkBar(self.model, self.levels)
        # Its wish for room must not push the panels aside.
        self.bar.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.bar.hide()
        self.is_calibrated = False
        """Whether calibrated files are blinked, and not the frames as they were taken."""
        self.wanted: list[str] = []
        """Paths of all frames that were to be blinked, those without a calibrated file too."""
        self.before: BeforeBlink | None = None
        """What Esc gives back."""
        self._came_to: str | None = None
        """The current frame of the night as the blink left it: another one was chosen by a person."""
        self._aside = StepAside(viewing.steps, viewing.levels, viewing.rail)
        self._cursor = QTimer(self)
        self._cursor.setInterval(CURSOR_MS)
        self._cursor.timeout.connect(self._catch_up)
        self._followed: object = None
        """Key of the frame that list, cursors and histogram followed last."""
        self.model.frame_due.connect(self._show)
        self.model.rested.connect(self._rest)
        self.model.state_changed.connect(self._say)
        self.bar.closed.connect(self.go_back)
        self.bar.stay_asked.connect(self.end)
        self.bar.reject_asked.connect(self._reject)

    @property
    def is_on(self) -> bool:
        """Whether the blink bar is open."""
        return self.bar.isVisibleTo(self._viewing.widget)

    @property
    def goes_by(self) -> bool:
        """Whether it is not sure which frame is meant: they go by, or the person is asked which one was."""
        return self.is_on and (self.model.is_playing or self.bar.is_asking)

    def toggle(self, paths: Sequence[str], *, calibrated: bool = False, before: BeforeBlink | None = None) -> None:
        """Blink these frames, or the calibrated files of those that have one; while the bar is open, begin or stop.

        Parameters
        ----------
        paths : sequence of str
        calibrated : bool
        before : BeforeBlink, optional
            What Esc gives back where this blink goes on with another; what is seen now unless given.
        """
        if self.is_on:
            self.model.toggle()
            return
        night, viewing = self._night, self._viewing
        wanted = usable_in_time(night, paths)
        try:
            sources = (
                calibrated_sources(night, wanted) if calibrated else {path: raw_source(night, path) for path in wanted}
            )
        except AstepError as error:
            night.problem.emit(error)
            return
        chosen = [path for path in wanted if path in sources]
        if len(chosen) < 2:
            if calibrated:
                night.problem.emit(NightError("there is nothing to blink", *_TOO_FEW))
            return
        places = viewing.places(chosen, is_trimmed=calibrated)
        in_order = {path: sources[path] for path in chosen}
        badges = {path: viewing.badge(path) for path in chosen}
        frames = blink_frames(night, in_order, places, badges, viewing.short_titles.name, viewing.alone())
        self.before = before or BeforeBlink.of(viewing, night, is_calibrated=calibrated)
        self._came_to = night.current
        self.is_calibrated, self.wanted = calibrated, wanted
        viewing.pages.setCurrentWidget(viewing.view)
        self._aside.leave(self._words_of(chosen), self.way_back)
        left_out = {path: path.rpartition("/")[2] for path in wanted if path not in sources}
        self.bar.say_left_out(
            [name for path, name in left_out.items() if path not in night.rejected],
            [name for path, name in left_out.items() if path in night.rejected],
        )
        self.bar.show()
        self.opened.emit()
        self.model.set_frames(frames, sources[night.current][0] if night.current in sources else None)
        self.levels.begin()
        self.model.play()

    @property
    def way_back(self) -> str:
        """Where Esc goes: "“Dark” of 012", "012", "012 calibrated"."""
        if self.before is None:
            return "the frame"
        name = self._viewing.short_titles.name(self.before.current)
        if self.before.is_calibrated:
            return f"{name} calibrated"
        return f"“{WORDS[self.before.step]}” of {name}" if self.before.step is not None else name

    def go_back(self) -> None:
        """Put the blink bar away, and show what was seen before the blink: nothing is left of it but decisions.

        A frame that a person chose meanwhile, in the list or the plot, is gone to and not left.
        """
        before, night = self.before, self._night
        if before is None or not before.is_there(night) or not self.is_on:
            self.end()
            return
        if night.current not in {None, self._came_to}:
            before = before.moved_to(night)
        self.is_calibrated = False
        self.bar.hide()  # before it stops: it rests on no frame
        self.model.pause()
        self._put_away()
        self._aside.forget()
        self._aside.come_back()
        before.give_back(self._viewing, night)
        self._point_at(night.current)  # the night may not have left that frame: nobody else would take them back
        self._viewing.suggest()

    def _put_away(self) -> None:
        self._cursor.stop()
        self.passing.emit(None)
        self.levels.end()
        self.bar.hide()
        self.before = None
        self.opened.emit()

    def end(self, *, to_step: bool = True) -> None:
        """Put the blink bar away and show the frame it stopped on; after the step it was begun from, or as it is."""
        if not self.is_on:
            return
        self.model.pause()
        self._put_away()
        was_calibrated, self.is_calibrated = self.is_calibrated, False
        if not to_step:
            self._aside.forget()
        came_back = self._aside.come_back()
        if was_calibrated:
            self._viewing.calibrated_left.emit()
        elif not came_back:
            self._viewing.show_frame()
        self._viewing.suggest()

    def outlives_change(self) -> bool:
        """Tell whether a blink goes on though the night is another: one that grew, and holds all its frames as before.

        What came in is not in it; the next one has it.
        """
        return self.is_on and all(
            (frame := self._night.frame(_path(one))) is not None
            and (self.is_calibrated or one.key == raw_source(self._night, frame.path)[0])
            for one in self.model.frames
        )

    def settings(self) -> dict[str, object]:
        """Return how a person wants to blink, as plain values."""
        model = self.model
        return {
            "rate": model.rate,
            "ping_pong": model.ping_pong,
            "aligned": model.aligned,
            "without_rejected": model.without_rejected,
            "levels": self.levels.mode,
        }

    def restore(self, settings: Mapping[str, Any]) -> None:
        """Blink as :meth:`settings` had it."""
        self.model.set_rate(float(settings["rate"]))
        self.model.set_ping_pong(bool(settings["ping_pong"]))
        self.model.set_aligned(bool(settings["aligned"]))
        self.model.set_without_rejected(bool(settings.get("without_rejected")))  # an older version did not keep it
        if settings["levels"] in MODES:
            self.levels.set_mode(settings["levels"])

    def forget_step(self) -> None:
        """Come back to no step: a person chose another one meanwhile."""
        self._aside.forget()

    def place_of(self, shown: ShownImage) -> tuple[tuple[float, float], str]:
        """Return how far an image must be moved to lie on the others of the blink, and what is to be said of it."""
        frame = self.model.current
        if not self.is_on or frame is None or frame.key != shown.key:
            return (0.0, 0.0), ""
        return self.model.offset(frame), self._words(frame)

    def follow_levels(self, shown: ShownImage) -> None:
        """Give an image its levels: those of the blink where it is the frame on which it rests."""
        frame = self.model.current
        if self.is_on and frame is not None and frame.key == shown.key:
            self.levels.apply(shown, frame)
        else:
            self._viewing.levels.follow(shown)

    def frames_changed(self, paths: Sequence[str]) -> None:
        """Follow decisions on the frames that go by."""
        if not self.is_on:
            return
        changed = frozenset(paths)  # thousands may be, of thousands that go by
        told = {frame.key: self._viewing.badge(_path(frame)) for frame in self.model.frames if _path(frame) in changed}
        self.model.set_badges(told)
        current = self.model.current
        if current is not None and (shown := self._viewing.view.shown) is not None and shown.key == current.key:
            self._viewing.view.set_badge(current.badge)

    def accept(self) -> None:
        """Accept the frame that is seen, and none of the others that go by; of fast ones it is only stopped."""
        was_sure = not self.model.is_playing or self.model.rate <= FAST
        self.model.pause()
        if was_sure and self.model.current is not None:
            self._viewing.decisions.accept([_path(self.model.current)])

    # -- inside ----------------------------------------------------------------------------------------------

    def _words_of(self, paths: Sequence[str]) -> str:
        """Return "5 raw frames of R"."""
        filters = {frame.filter for path in paths if (frame := self._night.frame(path)) is not None}
        of_one = f" of {filters.pop()}" if len(filters) == 1 and None not in filters else ""
        return f"{len(paths)} {'calibrated frames' if self.is_calibrated else 'raw frames'}{of_one}"

    def _say(self) -> None:
        """Say how many go by now: rejected frames may be passed over, and more be rejected meanwhile."""
        if self.is_on and self.model.frames:
            self._aside.say(self._words_of([_path(self.model.frames[k]) for k in self.model.going]), self.way_back)

    def _words(self, frame: BlinkFrame) -> str:
        """Return what stands over the image: as what the frame is seen, and how it lies."""
        model = self.model
        words = "" if self.is_calibrated else "raw"  # a calibrated frame's title says that it is one
        lies = ""
        if model.aligned and model.has_shifts and frame.has_stars:
            lost = "alone in its field" if frame.is_alone else "not aligned"
            lies = "turned onto the others" if frame.looks_turned else "aligned" if frame.has_place else lost
        return " · ".join(filter(None, (words, lies)))

    def _show(self, small: ShownImage, frame: BlinkFrame, offset: tuple[float, float]) -> None:
        if not self.is_on:
            return
        view, shown = self._viewing.view, small
        is_turned = self.model.aligned and frame.turn is not None
        if not self.model.is_playing and not is_turned and view.shown is not None and view.shown.key == frame.key:
            shown = small if view.shown.is_small else view.shown  # it rests: what is sharp stays so
        self.levels.apply(shown, frame)
        view.show_image(shown, frame.badge, offset=offset, state=self._words(frame))
        if not self.model.is_playing:
            self._cursor.stop()
            self._move_cursor()
        elif not self._cursor.isActive():
            self._cursor.start()
            self._move_cursor()

    def _catch_up(self) -> None:
        """Follow what went by meanwhile; where nothing did, the next frame is followed at once."""
        frame = self.model.current
        if self.is_on and self.model.is_playing and frame is not None and frame.key != self._followed:
            self._move_cursor()
        else:
            self._cursor.stop()

    def _move_cursor(self) -> None:
        """Let the list, the cursors and the histogram say which frame is seen."""
        frame, shown = self.model.current, self._viewing.view.shown
        self.passing.emit(_path(frame) if self.model.is_playing and frame is not None else None)
        if not self.is_on or frame is None:
            return
        self._followed = frame.key
        self._point_at(_path(frame))
        panel = self._viewing.levels_panel
        if shown is not None and shown.key == frame.key and not panel.is_in_hand:
            self.levels.draw(shown)
            panel.show_image(shown, has_sky=self._viewing.has_sky(_path(frame)))

    def _point_at(self, path: str | None) -> None:
        for model in (self._viewing.timeline_model, self._viewing.keogram_model):
            model.set_current(path)

    def _rest(self, frame: BlinkFrame) -> None:
        if self.is_on:
            self._move_cursor()
            was_current = self._night.current == _path(frame)
            self._came_to = _path(frame)
            self._night.select([_path(frame)])
            if was_current:
                self._viewing.show_frame()

    def _reject(self, key: object) -> None:
        """Reject the frame that was meant; where the blink has stopped, it goes back to it: what is said is of it."""
        index = next((k for k, frame in enumerate(self.model.frames) if frame.key == key), None)
        if index is None:
            return
        self._viewing.decisions.reject([_path(self.model.frames[index])])
        if not self.model.is_playing:
            self.model.go(index)


def _path(frame: BlinkFrame) -> str:
    return str(frame.key[1])  # type: ignore[index] # "raw" or "calibrated", path, time of the file
