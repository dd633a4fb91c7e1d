"""Looking at products: masters, masks, calibrated files and stacks in the place of the frame."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.frame_images import ImageStore
from astep_gui.models.frame_loaders import calibrated_loader, full_loader
from astep_gui.models.master_images import PARTS, master_loader
from astep_gui.models.window_words import in_window
from astep_gui.step_aside import BOTH_ENDS
from astep_gui.widgets.product_bar import ProductBar
from pipeline_core.errors import AstepError
from pipeline_core.types import FrameKind, MaskBit

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    from astep_gui.models.frame_images import Loader, ShownImage
    from astep_gui.models.master_images import Part
    from astep_gui.models.night_model import NightModel
    from astep_gui.models.seen_part import SeenPart
    from astep_gui.viewing import Viewing
    from pipeline_core.sky_state import StackMade
    from pipeline_core.survey import MasterState
    from pipeline_core.types import Frame

ALL_BITS = sum(MaskBit.WORDS)
STAR_ZOOM = 8.0
"""Screen pixels a pixel of the frame, to see which pixels of a star are full."""


class ProductViewing(QObject):
    """Puts a product into the image view, with a bar that says what it is and offers its other parts."""

    nothing_there = pyqtSignal(str, str)
    """Path of a frame that is not calibrated, and why it is not."""
    changed = pyqtSignal()
    """Another product is shown, or none."""

    def __init__(self, night: NightModel, viewing: Viewing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._viewing = viewing
        self._images = ImageStore(self, budget=viewing.budget, threads=1)
        self._images.arrived.connect(self._show)
        self._images.failed.connect(lambda _key, error: self._say_missing(str(error)))
        self.bar = ProductBar()
        viewing.put_above(self.bar)
        self.bar.part_chosen.connect(self._choose_part)
        self.bar.closed.connect(self._leave)
        self.master: MasterState | None = None
        """The master that is shown."""
        self.calibrated: str | None = None
        """The frame whose calibrated file is shown."""
        self.stack: StackMade | None = None
        """The stack that is shown."""
        self.full: str | None = None
        """The raw frame whose full pixels are shown."""
        self._places: dict[Hashable, tuple[float, float]] = {}
        """Where most full pixels of an image lie together (x, y; px): an image that is kept tells it no second time."""
        self._goes_there = False
        """Somebody asked to see that place, and the image is not shown yet."""
        self._came_from: tuple[tuple[int, ...], SeenPart | None] | None = None
        """Shape and part of what was seen before that place was gone to."""
        self._is_missing = False
        """The calibrated file that is meant cannot be read: its frame is shown as it was taken."""
        self._part: Part = "image"
        self._last: ShownImage | None = None
        self._bits_before: int | None = None
        """Marks that were shown on frames, to be shown again after a mask."""
        self._words: dict[Hashable, tuple[str, ...]] = {}
        """What is to be known of each image that was loaded."""
        night.selection_changed.connect(self._frame_chosen)
        night.night_changed.connect(self._night_changed)
        night.survey_changed.connect(self._survey_came)
        viewing.gives_way = self._gives_way
        viewing.images.arrived.connect(self._show_again)
        viewing.steps.changed.connect(self._step_chosen)
        viewing.calibrated_left.connect(self._blink_left)
        viewing.calibrated_asked.connect(self._show_or_forget)
        viewing.blink.state_changed.connect(self._follow_blink)
        viewing.blink.rested.connect(self._follow_blink)

    @property
    def is_on(self) -> bool:
        """Whether a product is shown in the place of a frame."""
        return any(shown is not None for shown in (self.master, self.calibrated, self.stack, self.full))

    def show_master(self, name: str) -> None:
        """Show a master or mask of the night's plan."""
        survey, place = self._night.survey, self._night.place
        found = [master for master in survey.masters if master.name == name] if survey is not None else []
        if not found or place is None:
            return
        self._begin()
        self._mean(master=found[0])
        self.changed.emit()
        # A mask is nothing but its marks.
        self._viewing.view.set_mask_bits(ALL_BITS if found[0].kind == "mask" else self._bits_before or 0)
        self.bar.show_master(found[0], self._part if found[0].kind != "mask" else "image")
        if found[0].state == "not made":
            self.bar.say_missing("not made yet: Ctrl+M makes the masters")
            return
        self._ask()

    def show_calibrated(self, path: str) -> None:
        """Show the calibrated file of a frame."""
        frame = self._night.frame(path)
        try:
            file = self._file(path)
        except AstepError as error:
            self._night.problem.emit(error)
            return
        if file is None or frame is None:
            self.nothing_there.emit(path, self.why_uncalibrated(path))
            return
        if not self._viewing.blinks_calibrated:
            self._begin()
        self._take_place_of_steps()
        self._viewing.rail.show()
        self._mean(calibrated=path)
        self.changed.emit()
        self._show_file(path, file, frame)

    def _file(self, path: str) -> Path | None:
        from pipeline_core.survey import calibrated_file  # noqa: PLC0415 - imports the stages

        return calibrated_file(self._night.place, path) if self._night.place is not None else None

    def _show_file(self, path: str, file: Path, frame: Frame, *, is_shown: bool = False) -> None:
        """Name a calibrated file, say whether it is to be renewed as far as that is known, and show what it holds.

        One that is shown already is read only where it was written anew.
        """
        survey = self._night.survey
        stale = survey.stale.get(path, "") if survey is not None else ""
        self.bar.show_calibrated(file.name, stale, self._viewing.short_titles.name(path))
        try:
            stamp = file.stat().st_mtime_ns
        except OSError:
            self._say_missing("its file is gone; Ctrl+R makes it again")
            return
        if self._viewing.blinks_calibrated and self._viewing.blink.rests_turned:
            return  # it would jump by half a turn
        self._is_missing = False
        key = ("calibrated", path, stamp)
        if self._last is None or self._last.key != key or not is_shown:
            self._request(key, calibrated_loader(file, frame))

    def _survey_came(self) -> None:
        """Say what is known now of the file that is shown; of one that a run has made anew, show what it holds now."""
        path, viewing = self.calibrated, self._viewing
        if self.master is not None:
            self._renew_master(self.master.name)
        if path is None or viewing.is_blinking or viewing.comparing.is_on:
            return
        try:
            file, frame = self._file(path), self._night.frame(path)
        except AstepError as error:
            self.bar.say_missing(str(error))
            return
        if frame is not None and file is not None:
            self._show_file(path, file, frame, is_shown=True)
        else:
            self.bar.say_missing("it is calibrated no more; Ctrl+R makes it again")

    def _renew_master(self, name: str) -> None:
        """Say how the master that is shown stands now; of one that was made anew, show what it holds now."""
        survey = self._night.survey
        found = [master for master in survey.masters if master.name == name] if survey is not None else []
        if not found:
            self.bar.say_missing("it is no master of the night any more")
            return
        self.master = found[0]
        shown = self._last.key if self._last is not None else None
        self.bar.show_master(self.master, self._part if self.master.kind != "mask" else "image")
        if self.master.state == "not made":
            self.bar.say_missing("not made yet: Ctrl+M makes the masters")
        elif shown != self._master_key(self.master):
            self._ask()
        else:
            self.bar.say(self._words.get(shown, ()))

    def _take_place_of_steps(self) -> None:
        """Show the bar where the steps were, as high as they: the image below stays where it is, and so the verdict."""
        rail = self._viewing.rail
        self.bar.setFixedHeight(max(rail.steps.sizeHint().height(), self.bar.minimumSizeHint().height()))
        rail.show_steps(False)  # noqa: FBT003 - a switch

    def show_stack(self, stack: StackMade) -> None:
        """Show a stack of the night."""
        self._begin()
        self._mean(stack=stack)
        self.changed.emit()
        self.bar.show_stack(stack)
        try:
            stamp = stack.file.stat().st_mtime_ns
        except OSError:
            self.bar.say_missing("its file is gone; Sky ▸ Stack makes it again")
            return
        self._request(("stack", str(stack.file), stamp), calibrated_loader(stack.file))

    def show_full(self, path: str, level_adu: float) -> None:
        """Show a raw frame with the pixels from a level on marked, and go to where most of them lie together."""
        night, frame = self._night.night, self._night.frame(path)
        if night is None or frame is None:
            return
        self._begin()
        self._mean(full=path)
        self.changed.emit()
        self.bar.show_full(self._viewing.short_titles.name(path), level_adu)
        key = ("full", path, level_adu, frame.mtime_ns)
        self._goes_there = True
        tell = partial(self._places.__setitem__, key)
        self._request(key, full_loader(night.file(path), frame, level_adu, tell))

    def _mean(
        self,
        *,
        master: MasterState | None = None,
        calibrated: str | None = None,
        stack: StackMade | None = None,
        full: str | None = None,
    ) -> None:
        """Show one product and no other."""
        if full is None and self._came_from is not None:
            self._come_back()
        self.master, self.calibrated, self.stack, self.full = master, calibrated, stack, full
        self._is_missing = False

    @property
    def part(self) -> SeenPart | None:
        """The part of the image that a person chose: of a place that was gone to, what was seen before."""
        return self._came_from[1] if self._came_from is not None else self._viewing.view.part

    def _come_back(self) -> None:
        """Show the part that was seen before a place was gone to: nobody chose that corner for the next frame."""
        view, (shape, part) = self._viewing.view, self._came_from or ((), None)
        self._came_from, self._goes_there = None, False
        if view.shown is None or view.shown.shape != shape or view.is_fitting:
            return
        view.take_part(part)

    def end(self) -> None:
        """Show the current frame again."""
        if self.is_on:
            self.forget()
            self._viewing.end_blink()
            self._viewing.steps.closed.emit()  # nothing of the frame is chosen: it is shown as it is

    def _leave(self) -> None:
        """Show the frame; of calibrated files that go by, what was seen before, as Esc does."""
        if self._viewing.is_blinking:
            self._viewing.blinking.go_back()
        else:
            self.end()

    def forget(self) -> None:
        """Show no product any more; what is shown next is not decided here."""
        self._mean()
        self._last = None
        self.bar.hide()
        self._viewing.rail.show_steps(True)  # noqa: FBT003 - a switch
        if self._bits_before is not None:
            self._viewing.view.set_mask_bits(self._bits_before)
            self._bits_before = None
        self.changed.emit()

    def why_uncalibrated(self, path: str) -> str:
        """Say why a frame has no calibrated file."""
        night, frame = self._night, self._night.frame(path)
        if frame is not None and frame.kind is not FrameKind.SCIENCE:
            return f"it is no science frame (its kind: {frame.kind.value}): only those are calibrated"
        if path in night.rejected:
            reason = night.rejected[path]
            said = f"it was rejected ({reason})" if reason else "it was rejected"
            return f"{said}, and so it was left out of the reduction; U accepts it, Ctrl+R then calibrates it"
        if path in night.left_out:
            return f"it is left out of the reduction: {in_window(night.left_out[path])}"
        return "it was not calibrated yet; Ctrl+R reduces the night"

    def close(self) -> None:
        """End the thread."""
        self._images.close()

    def _night_changed(self) -> None:
        """Stay with what is shown when the night only grew; another night begins after this one was closed."""
        if self._viewing.blinks_calibrated:
            return
        of_frame = self.calibrated or self.full
        if self._night.is_open and self.is_on and (of_frame is None or self._night.frame(of_frame) is not None):
            self._viewing.rail.setVisible(self.calibrated is not None)  # the frame was asked for again, with its steps
        else:
            self.forget()

    def _begin(self) -> None:
        self._viewing.end_blink()
        if self._viewing.steps.chosen is not None:
            self._viewing.steps.choose(None)
        self._viewing.pages.setCurrentWidget(self._viewing.view)
        self._viewing.rail.hide()  # steps and verdict are those of a frame
        if self._bits_before is None:
            self._bits_before = self._viewing.view.mask_bits

    def _ask(self) -> None:
        place = self._night.place
        if self.master is not None and place is not None:
            key = self._master_key(self.master)
            tell = partial(self._words.__setitem__, key)
            self._request(key, master_loader(self.master.task, place.output, self._part, tell))

    def _master_key(self, master: MasterState) -> Hashable:
        """Return what names its pixels: the plan may want it made otherwise before its file is written anew."""
        place, stamp = self._night.place, 0
        if place is not None:
            with suppress(OSError):  # it is gone: the loader says so
                stamp = (place.output / master.product).stat().st_mtime_ns
        return ("master", master.name, master.task.key, stamp, self._part)

    def _request(self, key: Hashable, loader: Loader) -> None:
        self._images.request(key, loader)

    def _choose_part(self, part: str) -> None:
        self._part = next(known for known in PARTS if known == part)
        if self.master is not None:
            self._ask()

    def _show(self, shown: ShownImage) -> None:
        if shown.key[:2] != self._wanted():  # type: ignore[index]
            return
        badge = None
        if self.calibrated is not None:
            badge = self._viewing.badge(self.calibrated)
            shown = self._viewing.dress(self.calibrated, shown)
        if self.stack is not None and shown.facts is not None and shown.facts.sky is not None:
            shown = replace(shown, facts=replace(shown.facts, sky_source="stack: its reference's solution"))
        self._last = shown
        if self._viewing.is_blinking and self._viewing.blink.is_playing:
            return  # the frames that go by are others
        self._viewing.blinking.follow_levels(shown)
        offset, state = self._viewing.blinking.place_of(shown)
        self._viewing.view.show_image(shown, badge, offset=offset, state=state)
        self._viewing.levels_panel.show_image(shown, has_sky=self.master is None)
        self._viewing.inspect_panel.show_image(shown)
        self._viewing.star_marks.show_image(shown)
        if self.master is not None:
            self.bar.say(self._words.get(shown.key, ()))
        if self._goes_there and (place := self._places.get(shown.key)) is not None:
            self._goes_there = False
            self._came_from = self._came_from or (shown.shape, self._viewing.view.part)
            self._viewing.view.centre_on(*place)
            self._viewing.view.zoom_at(STAR_ZOOM, *place)

    def _wanted(self) -> tuple[str, str] | None:
        """Return the beginning of the key of what is to be shown."""
        if self.master is not None:
            return "master", self.master.name
        if self.calibrated is not None:
            return "calibrated", self.calibrated
        if self.full is not None:
            return "full", self.full
        return ("stack", str(self.stack.file)) if self.stack is not None else None

    def _frame_chosen(self) -> None:
        """Go on with calibrated files where the next frame has one; a master gives way to the frame."""
        path = self._night.current
        if path is not None and self._has_file(path):
            self.show_calibrated(path)
            if self.calibrated == path:
                return
        if self.is_on:
            self.forget()
            if self._viewing.blinks_calibrated:
                self._viewing.end_blink()
            self._viewing.show_frame()  # a frame that was there at once came while the product had its place

    def _has_file(self, path: str) -> bool:
        """Whether calibrated files are looked at, and a frame has one as far as is known."""
        survey = self._night.survey
        is_there = path in self._night.finished or (survey is not None and path in survey.calibrated)
        return self.calibrated is not None and is_there

    def _gives_way(self, path: str) -> bool:
        """Whether a frame as it was taken is not shown: its calibrated file is, or in a moment.

        Shown in between, it would flash by, and levels that a hand chose for calibrated frames would be lost to it.
        """
        return (self.calibrated == path or self._has_file(path)) and not self._is_missing

    def _say_missing(self, words: str) -> None:
        """Say why a product cannot be seen; of a calibrated file, show the frame as it was taken."""
        self.bar.say_missing(words)
        if self.calibrated is not None and self.calibrated == self._night.current and not self._is_missing:
            self._is_missing = True
            self._viewing.images.request(*self._viewing.loader(self.calibrated))

    def _show_again(self, _shown: ShownImage) -> None:
        """Stay in the place of a frame whose pixels came in later than the product was asked for."""
        if self.is_on and self._last is not None:
            self._show(self._last)

    def _follow_blink(self) -> None:
        """Name no single file while many go by."""
        if not self._viewing.blinks_calibrated or self.calibrated is None:
            return
        if self._viewing.blink.is_playing:
            number = len(self._viewing.blink.going)
            ends = BOTH_ENDS.format(self._viewing.blinking.way_back)
            short = f"{number} frames: Enter stays, Esc goes back"
            self.bar.show_calibrated(f"{number} frames go by; {ends}", "", short)
        else:
            self.show_calibrated(self.calibrated)

    def _blink_left(self) -> None:
        """Show the calibrated file on which a blink of them rested; the frame, where none is asked for any more."""
        if self.calibrated is not None:
            self.show_calibrated(self.calibrated)
        else:
            self._viewing.steps.closed.emit()

    def _show_or_forget(self, path: str) -> None:
        """Show the calibrated file of a frame, or none any more."""
        if path:
            self.show_calibrated(path)
        elif self.is_on:
            self.forget()

    def _step_chosen(self) -> None:
        if self.is_on and self._viewing.steps.chosen is not None:
            self.forget()
