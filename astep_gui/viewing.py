"""Looking at frames: the image with its steps, levels, blinking, timeline, keogram, star and pixel, put together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from astep_gui.blink_frames import raw_source
from astep_gui.blinking import Blinking
from astep_gui.comparing import Comparing
from astep_gui.menu_at import menu_at
from astep_gui.models.frame_images import ImageStore
from astep_gui.models.frame_state import AGAINST_MARKS
from astep_gui.models.inspection import Inspection
from astep_gui.models.keogram_model import KeogramModel
from astep_gui.models.levels import OF_AN_IMAGE, LevelsModel
from astep_gui.models.memory_budget import MemoryBudget
from astep_gui.models.pixel_story_model import PixelStoryModel
from astep_gui.models.same_place import SamePlaces, is_trimmed
from astep_gui.models.star_marks import StarMarks
from astep_gui.models.star_track import SEARCH_PX, SNAP_PX, SNAP_SCREEN_PX, StarTrackModel
from astep_gui.models.steps_model import StepsModel
from astep_gui.models.timeline_model import TimelineModel
from astep_gui.widgets.compare_view import CompareView
from astep_gui.widgets.image_view import ImageView
from astep_gui.widgets.inspect_panel import InspectPanel
from astep_gui.widgets.keogram import KeogramStrip
from astep_gui.widgets.levels_panel import LevelsPanel
from astep_gui.widgets.pixel_story_panel import PixelStoryPanel
from astep_gui.widgets.readout import Readout
from astep_gui.widgets.share_splitter import Share, ShareSplitter
from astep_gui.widgets.star_strip import StarStrip
from astep_gui.widgets.steps_rail import StepsRail
from astep_gui.widgets.strips import Strips
from astep_gui.widgets.timeline import Timeline
from pipeline_core.errors import NightError
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence

    from PyQt6.QtGui import QPixmap

    from astep_gui.commands import Decisions
    from astep_gui.models.blink_places import BlinkPlace
    from astep_gui.models.frame_images import Loader, ShownImage
    from astep_gui.models.night_model import NightModel
    from pipeline_core.measures import Flag

SHARES = {"Night": Share(0.26, 138, 250), "Judge": Share(0.4, 204, 440)}
"""What timeline and keogram have of the height: most where frames are judged by them."""
UPPER_PX = 355
"""What steps and image keep in a low window: the image is then nearly half of what lies between the panels."""
_TURNED = ("it is turned onto the others, its pixels lie elsewhere", "Esc ends the blink and shows it as it was taken")
_NO_FRAME = ("the image is a master or a stack", "Esc shows the frame again")
_OF_THE_FRAME = {Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier}
"""With these a click asks for the story of a pixel, or for a star all night."""
QUALITY_MS = 400
"""Quick values come in a few at a time; the strips are drawn anew at most this often."""


class Viewing(QObject):
    """Wires the widgets that show pixels to the night. Holds no state of its own beside them."""

    calibrated_left = pyqtSignal()
    """A blink of calibrated files is over."""
    calibrated_asked = pyqtSignal(str)
    """Path of the frame whose calibrated file is to be seen now; "" where a frame itself is, or a step of it."""

    def __init__(self, night: NightModel, decisions: Decisions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self.decisions = decisions
        self.levels = LevelsModel(self)
        self.budget = MemoryBudget(parent=self)
        self.images = ImageStore(self, budget=self.budget)
        self.inspection = Inspection(self)
        # Asked when it is needed: the window sets what places frames after this.
        self.inspection.known = SamePlaces(night, lambda *asked, **how: self.places(*asked, **how))  # noqa: PLW0108
        self.star_marks = StarMarks(self)
        self.steps = StepsModel(self, budget=self.budget)
        self.timeline_model = TimelineModel(self)
        self.keogram_model = KeogramModel(self.timeline_model.axis, self)
        self.star = StarTrackModel(self)
        self.story = PixelStoryModel(self)
        self.short_titles = night.titles
        self.view = ImageView(self.levels)
        self.view.head.short_title = self.short_titles.of
        self.compare = CompareView(self.levels)
        self.rail = StepsRail(self.steps)
        self.blinking = Blinking(self, night)
        self.blink, self.blink_bar = self.blinking.model, self.blinking.bar
        self.readout = Readout()
        self.timeline = Timeline(self.timeline_model)
        self.keogram = KeogramStrip(self.keogram_model)
        self.star_strip = StarStrip(self.star)
        self.star_strip.name_of = self.short_titles.name
        self.levels_panel = LevelsPanel(self.levels)
        self.inspect_panel = InspectPanel(self.inspection)
        self.story_panel = PixelStoryPanel(self.story)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.view)
        self.pages.addWidget(self.compare)
        self.widget = self._lay_out()
        self.comparing = Comparing(self, night)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(QUALITY_MS)
        self._soon.timeout.connect(self._show_quality)
        self.dress: Callable[[str, ShownImage], ShownImage] = lambda _path, shown: shown
        """Gives a frame's image the place on the sky that is known of it."""
        self.places: Callable[..., dict[str, BlinkPlace]] = lambda _paths, **_: {}
        """Where frames lie against one of them, of a list of paths."""
        self.alone: Callable[[], Collection[str]] = frozenset
        """Frames on which no other one of their field lies."""
        self.gives_way: Callable[[str], bool] = lambda _path: False
        """Tells of a frame whether its calibrated file is seen in its place, or will be in a moment."""
        self._connect()

    def _lay_out(self) -> QWidget:
        upper = QWidget()
        box = QVBoxLayout(upper)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for widget in (self.rail, self.pages, self.blink_bar):
            box.addWidget(widget, int(widget is self.pages))
        self.put_above = partial(box.insertWidget, 0)
        """Takes what is to stand over steps and image, and has its height from theirs."""
        self.strips = Strips(self.timeline, self.keogram, self.star_strip)
        split = ShareSplitter(upper, self.strips, SHARES, UPPER_PX)
        whole = QWidget()
        outer = QVBoxLayout(whole)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(split, 1)
        outer.addWidget(self.readout)
        self.splitter = split
        return whole

    def _connect(self) -> None:
        night, view = self._night, self.view
        night.selection_changed.connect(self.show_frame)
        night.selection_changed.connect(lambda: self.story_panel.show_current(night.current))
        night.frames_changed.connect(self._frames_changed)
        night.plan_changed.connect(self._plan_changed)
        night.quality_changed.connect(self._quality_soon)
        night.survey_changed.connect(lambda: self.steps.set_done(night.survey.steps if night.survey else {}))
        night.night_changed.connect(self._night_changed)
        night.looking.progressed.connect(lambda: self.timeline_model.set_awaited(night.looking.words))
        self.images.arrived.connect(self._arrived)
        self.images.failed.connect(self._image_failed)
        view.cursor_moved.connect(lambda x, y, value: self.readout.show_pixel(x, y, value, view.shown))
        view.cursor_left.connect(self.readout.clear)
        view.clicked.connect(self._clicked)
        view.menu_asked.connect(self._offer_at)
        view.mark_changed.connect(lambda name, on: self.star_marks.set_on(on) if name == "stars" else None)
        self.star_marks.found.connect(view.set_stars)
        view.shape_drawn.connect(self.inspect_panel.drawn)
        self.inspect_panel.star_measured.connect(view.set_ring)
        self.inspect_panel.night_asked.connect(self._follow_star)
        self.inspect_panel.tool_chosen.connect(view.set_tool)
        self.inspect_panel.shape_forgotten.connect(lambda: view.set_shape(None))
        self.steps.arrived.connect(self._show_step)
        self.steps.closed.connect(self.show_frame)
        for cannot in (self.steps.failed, self.steps.delayed):
            cannot.connect(self._show_whole)
        self.rail.reject_asked.connect(lambda: self.decisions.reject(self._meant))
        self.rail.keep_asked.connect(lambda: self.decisions.accept(self._meant))
        self.blink.state_changed.connect(self.suggest)
        self.blink_bar.asking_changed.connect(self.suggest)
        for model in (self.timeline_model, self.keogram_model, self.star, self.story):
            model.frame_asked.connect(lambda path: night.select([path]))
        self.timeline_model.selection_asked.connect(self._select_brushed)
        for judge in (self.timeline_model, self.star):
            judge.reject_asked.connect(self.decisions.reject)
        self.star.accept_asked.connect(self.decisions.accept)
        self.star.changed.connect(self._show_strip)

    # -- frames ----------------------------------------------------------------------------------------------

    def badge(self, path: str) -> str | None:
        """Return what stands on the image of a rejected frame."""
        if path not in self._night.rejected:
            return None
        return " · ".join(part for part in ("REJECTED", self._night.rejected[path], "U to restore") if part)

    def _offer_at(self, x: float, y: float) -> None:
        if self._night.current is not None and self.view.shown is not None:
            menu_at(self.view, x, y, lambda keys: self._clicked(x, y, keys))

    def _select_brushed(self, paths: Sequence[str]) -> None:
        """Select what was brushed over; the frame that is seen is one of it, or nobody would know what X means."""
        current = self._night.current
        self._night.select(paths, current if current in paths or not paths else paths[0])

    def _follow_star(self, x: float, y: float) -> None:
        if self._night.current is not None:
            reach = max(SNAP_PX, min(SNAP_SCREEN_PX / max(self.view.zoom, 1e-6), SEARCH_PX))
            self.star.follow(self._night.current, x, y, is_raw=not self._is_trimmed(), reach_px=reach)

    def _is_trimmed(self) -> bool:
        """Whether places on the image are counted from the corner of the calibrated frame."""
        return self.view.shown is not None and is_trimmed(self.view.shown.key)

    def _show_strip(self) -> None:
        """Show the star that is followed, or the timeline with its keogram."""
        self.strips.show_star(self.star.place is not None)

    def suggest(self) -> None:
        """Say what speaks against the current frame, and what a person has answered."""
        path = self._night.current
        if self.blinking.goes_by:
            path = None  # the frames that go by are others
        state = self._night.state_of(path) if path is not None and self._night.frame(path) is not None else None
        is_open = state is not None and state.mark in AGAINST_MARKS and bool(self._flags(path))
        tone = state.tone if state is not None else "dim"
        row = self._night.rows.get(path or "")
        of_dark = row is not None and any(flag.cause.startswith("dark too ") for flag in row.flags)
        self.rail.set_suggestion(
            state.verdict if state is not None else "", is_open=is_open, tone=tone, of_dark=of_dark
        )
        frame = self._night.frame(path) if state is not None else None
        self.rail.offer_dark(frame is not None and frame.kind is FrameKind.SCIENCE and frame.unusable is None)
        meant, rejected = self._meant if state is not None else [], self._night.rejected
        # As the keys X and U: what was decided so already is no deed.
        can_keep = any(one in rejected or one not in self._night.choices.kept for one in meant)
        self.rail.offer_answers(len(meant), can_reject=any(one not in rejected for one in meant), can_keep=can_keep)
        self.view.head.say_selected(len(meant))

    @property
    def _meant(self) -> list[str]:
        """The frames that an answer is given for: all that are selected, or the one that is seen."""
        path, selection = self._night.current, self._night.selection
        if len(selection) > 1 and path in selection and not self.is_blinking:
            return list(selection)
        return [path] if path is not None else []

    def _flags(self, path: str | None) -> list[Flag]:
        row = self._night.rows.get(path or "")
        flags = row.flags if row is not None else self._night.calibration_flags.get(path or "", ())
        return [flag for flag in flags if flag.severity != "note"]

    @property
    def seen(self) -> ImageView:
        """The view on which one zooms: of two that are compared the one under the pointer, which the other follows."""
        return self.compare.pointed_view if self.comparing.is_on else self.view

    def levels_to_keep(self) -> dict[str, Any]:
        """Return the levels for the next time; while two images or many are seen, those that come back after it."""
        held = self.blinking.before.levels if self.blinking.before is not None else None
        before = self.compare.levels_before or held or {}
        return self.levels.state() | {name: before[name] for name in OF_AN_IMAGE if name in before}

    def picture(self) -> QPixmap:
        """Return what is seen of the image, or of both images, marks included."""
        return self.compare.stage.grab() if self.comparing.is_on else self.view.canvas.grab()

    def loader(self, path: str) -> tuple[Hashable, Loader]:
        """Return key and loader of a frame of the night."""
        return raw_source(self._night, path)

    def show_frame(self) -> None:
        """Show the current frame, or the chosen step of it."""
        path = self._night.current
        frame = self._night.frame(path)
        self.suggest()
        for model in (self.timeline_model, self.keogram_model, self.star):
            model.set_current(path)
        self.timeline_model.set_selection(self._night.selection if len(self._night.selection) > 1 else ())
        self.steps.set_frame(path if self.steps.has_steps(frame) else None)
        if self.is_blinking and (self.blink.is_playing or self.blink.rests_turned or self.blinks_calibrated):
            return  # the whole frame, as it was taken, would jump by half a turn, or be another product
        if path is None or frame is None:
            self.view.clear()
            return
        if frame.unusable is not None:
            self.view.clear(f"{frame.name}\n{frame.unusable}")
            return
        self.rail.setVisible(self.steps.has_steps(frame))
        if self.steps.chosen is not None and self.steps.path == path:
            return  # the step of this frame arrives by itself
        self.images.request(*self.loader(path))

    def _show_whole(self) -> None:
        """Show the frame as it is where its step cannot be shown, or not for long: a rejected flat is in no master."""
        path = self._night.current
        if path is not None and path == self.steps.path and self._night.frame(path) is not None:
            self.images.request(*self.loader(path))

    def _arrived(self, shown: ShownImage) -> None:
        is_current = isinstance(shown.key, tuple) and shown.key[1] == self._night.current
        if self.is_blinking and self.blink.is_playing:
            return  # the frames that go by are others
        if is_current and (not self.steps.is_on or self.steps.preparing):
            if self.gives_way(str(self._night.current)):
                self._night.looking.image_is_shown()
            else:
                self._show(shown)
            self._load_ahead()

    def _load_ahead(self) -> None:
        """Read the next frame of the night before it is asked for."""
        paths = [frame.path for frame in self._night.frames if frame.unusable is None]
        if self._night.current in paths:
            for path in paths[paths.index(self._night.current) + 1 :][:1]:
                self.images.prefetch(*self.loader(path))

    def _show(self, shown: ShownImage) -> None:
        path = self._night.current
        if path is None:
            return
        shown = self.dress(path, shown)
        self.blinking.follow_levels(shown)
        offset, state = self.blinking.place_of(shown)
        self.view.show_image(shown, self.badge(path), offset=offset, state=state)
        self._night.looking.image_is_shown()
        self.star_marks.show_image(shown)
        self.levels_panel.show_image(shown, has_sky=self.has_sky(path))
        self.inspect_panel.show_image(shown)

    def has_sky(self, path: str) -> bool:
        """Tell whether a frame of the night has a sky: a dark or a flat has a level."""
        frame = self._night.frame(path)
        return frame is None or frame.kind in {FrameKind.SCIENCE, FrameKind.OTHER, FrameKind.UNKNOWN}

    def _show_step(self, shown: ShownImage) -> None:
        """Show a step; one that is chosen during a blink ends it, for its levels would not be those of the others."""
        if self.is_blinking:
            self.blinking.forget_step()
            self.end_blink()
            if isinstance(shown.key, tuple) and shown.key[1] != self._night.current:
                return  # it stopped on another frame, whose step comes
        self._show(shown)

    def _image_failed(self, key: Hashable, error: object) -> None:
        if isinstance(key, tuple) and key[1] == self._night.current:
            self.view.clear(str(error))

    def _clicked(self, x: float, y: float, modifiers: Qt.KeyboardModifier) -> None:
        path = self._night.current
        if path is None:
            return
        if self.is_blinking and self.blink.rests_turned:
            self._night.problem.emit(NightError("nothing can be measured on this frame now", *_TURNED))
        elif modifiers in _OF_THE_FRAME and self._shows_no_frame():
            self._night.problem.emit(NightError("no frame is shown to be asked about", *_NO_FRAME))
        elif modifiers == Qt.KeyboardModifier.AltModifier:
            self.story.ask(path, round(x), round(y), is_trimmed=self._is_trimmed())
        elif modifiers == Qt.KeyboardModifier.ShiftModifier:
            self._follow_star(x, y)
        else:
            self.inspect_panel.clicked(x, y, modifiers)

    def _shows_no_frame(self) -> bool:
        key = self.view.shown.key if self.view.shown is not None else None
        return isinstance(key, tuple) and key[0] in {"master", "stack"}

    # -- blinking --------------------------------------------------------------------------------------------

    @property
    def is_blinking(self) -> bool:
        """Whether the blink bar is open."""
        return self.blinking.is_on

    @property
    def blinks_calibrated(self) -> bool:
        """Whether calibrated files are blinked, and not the frames as they were taken."""
        return self.blinking.is_calibrated

    def toggle_blink(self, paths: Sequence[str], *, calibrated: bool = False) -> None:
        """Blink these frames, or the calibrated files of those that have one; while the bar is open, begin or stop."""
        self.blinking.toggle(paths, calibrated=calibrated)

    def end_blink(self, *, to_step: bool = True) -> None:
        """Put the blink bar away and show the frame it stopped on; after the step it was begun from, or as it is."""
        self.blinking.end(to_step=to_step)

    # -- the night as a whole --------------------------------------------------------------------------------

    def _night_changed(self) -> None:
        if not self.blinking.outlives_change():
            self.end_blink()
            self.blink.forget()
        self.images.clear()
        self.star.clear()
        self.steps.forget_night()
        if self._night.is_open:
            self.show_frame()  # a night that grew: what was asked for of its current frame is forgotten
        else:
            self.view.clear()
            self._show_quality()

    def _frames_changed(self, paths: Sequence[str]) -> None:
        self.suggest()
        if self._night.current in paths and not self.is_blinking:
            self.view.set_badge(self.badge(self._night.current))
        self.comparing.badges_changed(paths)
        self.blinking.frames_changed(paths)
        self.timeline_model.set_rejected(self._night.rejected, self._night.choices.kept)
        self.star.set_rejected(self._night.rejected)

    def _plan_changed(self) -> None:
        night, place, plan = self._night.night, self._night.place, self._night.plan
        if night is None or place is None or plan is None:
            return
        self.steps.set_night(night, self._night.recipe, place.output, plan)
        self._quality_soon()

    def _quality_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _show_quality(self) -> None:
        self.suggest()
        night, place, plan = self._night.night, self._night.place, self._night.plan
        rows = list(self._night.rows.values())
        frames = night.by_path if night is not None else {}
        here, kept = [row for row in rows if row.path in frames], self._night.choices.kept
        groups = {path: name for name, paths in plan.groups.items() for path in paths} if plan is not None else {}
        self.timeline_model.set_groups(groups)
        self.timeline_model.set_night(here, frames, self._night.rejected, kept)
        if night is None or plan is None or place is None:
            return
        ordered = [frames[row.path] for row in self.timeline_model.rows]
        self.keogram_model.set_night(night, plan, ordered, groups)
        self.star.set_night(night, plan, rows, self._night.rejected)
        self.story.set_night(night, plan, self._night.recipe, place.output, rows)

    def close(self) -> None:
        """End all threads."""
        models = (self.images, self.blink, self.steps, self.keogram_model, self.star, self.story, self.inspection)
        for model in (*models, self.comparing, self.star_marks):
            model.close()
