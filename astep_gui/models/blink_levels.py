"""Levels of a blink: every frame can be read, and frames that were taken alike can be compared."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.levels import MANUAL
from pipeline_core.science.same_contrast import carried_levels

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from astep_gui.models.blink import BlinkModel
    from astep_gui.models.blink_frame import BlinkFrame
    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.levels import LevelsModel
    from pipeline_core.science.display import SkyLevel

LevelsMode = Literal["contrast", "same", "own"]
MODES: tuple[LevelsMode, ...] = get_args(LevelsMode)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Levels of one frame, from which those of its kin follow."""

    levels: tuple[float, float]
    level: SkyLevel
    unit: str


class BlinkLevels(QObject):
    """Gives each frame that goes by its levels.

    Notes
    -----
    ``contrast``: counted from each frame's own sky, as wide as those of the frame in the middle of its kin (frames of
    one kind, filter and exposure). A dark, a flat, a frame of the twilight are read as well as one of the night, and
    cloud still dims the stars. ``same``: equal values look alike within a kin; what is much brighter than the middle
    is white. ``own``: each frame's own, chosen anew.

    Which frame lies in the middle is known better the more are loaded: it is looked up again whenever twice as many
    are, and when all are, so that the levels are moved a few times at the beginning and then rest. Levels that a person
    moves by hand take the place of those of the middle, for the kin of the frame they were moved on.
    """

    changed = pyqtSignal()
    """Another mode, or other kins."""

    def __init__(self, blink: BlinkModel, levels: LevelsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._blink = blink
        self.levels = levels
        self._mode: LevelsMode = "contrast"
        self._unfrozen: LevelsMode = "contrast"
        """What was used before a person asked for the same levels beside the histogram."""
        self._is_open = self._is_busy = False
        self._seen = 0
        self._held_before: tuple[float, float, str] | None = None
        """Levels that were frozen before the blink, with their unit."""
        self._middles: dict[Hashable, ShownImage] = {}
        self._by_hand: dict[Hashable, _Chosen] = {}
        self._last: tuple[float, float, str] = (0.0, 1.0, "")
        """Black, white and preset as they were given last: what differs is a person's wish."""
        self._drawn: ShownImage | None = None
        """The frame whose levels the histogram shows: a hand moves those of this one."""
        blink.progress_changed.connect(self._follow)
        blink.state_changed.connect(self.changed)
        levels.changed.connect(self._hear)

    @property
    def mode(self) -> LevelsMode:
        """One of :data:`MODES`; a person's choice stays from blink to blink."""
        return self._mode

    @property
    def kins(self) -> int:
        """How many kinds, filters and exposures are among the frames: each has levels of its own."""
        return len({frame.kin for frame in self._blink.frames})

    def set_mode(self, mode: LevelsMode) -> None:
        """Use another mode from now on."""
        if mode == self._mode:
            return
        if mode != "same":
            self._unfrozen = mode
        self._mode = mode
        self._by_hand.clear()
        if self._is_open:
            with self._busy():
                if self.levels.preset == MANUAL:
                    self.levels.preset = "auto"  # what was moved by hand was meant for the mode before
                self.levels.set_frozen(mode == "same")
            self._show_again()
        self.changed.emit()

    def begin(self) -> None:
        """Give levels to the frames that are blinked from now on; those that a person moved by hand are the base."""
        levels, frame = self.levels, self._blink.current
        self._is_open, self._seen, self._middles = True, 0, {}
        self._by_hand.clear()
        self._held_before = (levels.lo, levels.hi, levels.unit) if levels.frozen else None
        shown = levels.shown
        if levels.preset == MANUAL and shown is not None and frame is not None and shown.key == frame.key:
            self._by_hand[frame.kin] = _Chosen((levels.lo, levels.hi), shown.level, shown.unit)
        with self._busy():
            levels.set_frozen(self._mode == "same")
        self._note(shown)
        self._follow()

    def end(self) -> None:
        """Give none any more: the blink is over, and what a person froze before is as it was."""
        self._is_open = False
        self.levels.set_frozen(self._held_before is not None)
        if self._held_before is not None:
            self.levels.hold(*self._held_before)

    def apply(self, shown: ShownImage, frame: BlinkFrame) -> None:
        """Give a frame its levels, for it is shown now: small while frames go by, whole when they rest."""
        levels = self.levels
        with self._busy():
            if self._mode == "own":
                levels.follow(shown)
            else:
                levels.note(shown)
                levels.hold(*self.of(shown, frame), shown.unit, quietly=self._blink.is_playing)
        if not self._blink.is_playing:
            self._drawn = shown
        self._last = (levels.lo, levels.hi, levels.preset)

    def draw(self, shown: ShownImage) -> None:
        """Take note that the histogram shows this frame now, with the levels that are held: a hand moves its own."""
        self._note(shown)

    def of(self, shown: ShownImage, frame: BlinkFrame) -> tuple[float, float]:
        """Return black and white of a frame."""
        base = self._base(frame.kin, shown.unit)
        if base is None or self._mode == "own":
            return self.levels.chosen_for(shown)
        return base.levels if self._mode == "same" else carried_levels(base.levels, base.level, shown.level)

    # -- inside ----------------------------------------------------------------------------------------------

    def _base(self, kin: Hashable, unit: str) -> _Chosen | None:
        """Return from what the levels of a kin follow."""
        by_hand, middle = self._by_hand.get(kin), self._middles.get(kin)
        if by_hand is not None and by_hand.unit == unit:
            return by_hand
        if middle is None or middle.unit != unit:
            return None
        return _Chosen(self.levels.chosen_for(middle), middle.level, unit)

    @contextmanager
    def _busy(self) -> Iterator[None]:
        """Take what is heard meanwhile for our own doing."""
        was_busy, self._is_busy = self._is_busy, True
        try:
            yield
        finally:
            self._is_busy = was_busy

    def _note(self, shown: ShownImage | None) -> None:
        self._drawn = shown
        self._last = (self.levels.lo, self.levels.hi, self.levels.preset)

    def _follow(self) -> None:
        """Look up the middles, when enough frames came in since."""
        loaded = self._blink.loaded
        is_due = loaded >= max(1, 2 * self._seen) or loaded == len(self._blink.frames) > self._seen
        if not self._is_open or not is_due or not loaded:
            return
        self._seen = loaded
        self._middles = self._blink.middles()
        self._show_again()

    def _show_again(self) -> None:
        """Give the frame that is shown its levels anew."""
        frame, shown = self._blink.current, self.levels.shown
        if frame is not None and shown is not None and shown.key == frame.key:
            self.apply(shown, frame)
            if self._blink.is_playing:
                with self._busy():
                    self.levels.changed.emit()  # it may stay for a second
                self._drawn = shown

    def _hear(self) -> None:
        """Follow a person: levels moved by hand, a preset, the switch beside the histogram."""
        levels = self.levels
        if self._is_busy or not self._is_open:
            return
        if levels.frozen != (self._mode == "same"):
            self.set_mode("same" if levels.frozen else self._unfrozen)
            return
        if (levels.lo, levels.hi, levels.preset) == self._last:
            self._drawn = levels.shown  # colours or stretch: the histogram was drawn with what is held now
            return
        frame = self._blink.current
        if levels.preset != MANUAL:
            self._by_hand.clear()
            self._show_again()
        elif frame is not None and self._drawn is not None:
            drawn = self._drawn
            kin = next((f.kin for f in self._blink.frames if f.key == drawn.key), frame.kin)
            self._by_hand[kin] = _Chosen((levels.lo, levels.hi), drawn.level, drawn.unit)
            self._last = (levels.lo, levels.hi, levels.preset)
