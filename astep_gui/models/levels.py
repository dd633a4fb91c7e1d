"""Levels: which values are black and white, how they are bent between, and in which colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from pipeline_core.science.colormaps import COLORMAPS, colormap
from pipeline_core.science.display import (
    STRETCHES,
    Stretch,
    auto_levels,
    change_levels,
    colour_table,
    percentile_levels,
    zscale,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from astep_gui.models.frame_images import ShownImage

PRESETS = {
    "auto": "Auto",
    "zscale": "zscale",
    "99.9": "99.9 %",
    "99.5": "99.5 %",
    "98": "98 %",
    "full": "Everything",
}
"""Ways to choose the levels by the frame itself, and their words."""

STRETCH_WORDS: dict[Stretch, str] = {
    "linear": "linear",
    "asinh": "asinh",
    "log": "logarithm",
    "sqrt": "square root",
    "power": "square",
    "midtone": "midtone",
}

MANUAL = "manual"
OF_AN_IMAGE = ("lo", "hi", "unit", "preset", "frozen")
"""Of a state, what was chosen for an image: stretch and colours are a person's for all."""


class LevelsModel(QObject):
    """How codes become colours; one for all views that show the same thing."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lo = 0.0
        self.hi = 1.0
        self.stretch: Stretch = "asinh"
        self.colormap = "grey"
        self.inverted = False
        self.frozen = False
        """Whether the levels stay when another frame is shown."""
        self.preset = "auto"
        """A key of :data:`PRESETS`, or "manual" after a hand moved them."""
        self.unit = ""
        """Of ``lo`` and ``hi``."""
        self._shown: ShownImage | None = None
        self._tables: dict[tuple[Any, ...], npt.NDArray[np.uint32]] = {}

    def follow(self, shown: ShownImage) -> None:
        """Take note of the frame that is now shown, and choose its levels unless they are frozen.

        Levels moved by hand stay from frame to frame, until one in another unit comes: ADU say nothing of electrons,
        and what a step changed nothing of what it left.
        """
        is_other = self.unit not in {"", shown.unit} or (
            self._shown is not None and self._shown.is_change != shown.is_change
        )
        self.note(shown)
        if self.frozen and not is_other:
            return
        if self.preset == MANUAL and self.unit == shown.unit and not is_other:
            return
        if self.preset == MANUAL:
            self.preset = "auto"
        self.choose_by(shown)

    @property
    def shown(self) -> ShownImage | None:
        """The frame that is shown."""
        return self._shown

    def note(self, shown: ShownImage) -> None:
        """Take note of the frame that is now shown, and leave its levels to another."""
        self._shown = shown

    def chosen_for(self, shown: ShownImage) -> tuple[float, float]:
        """Return black and white of a frame as the preset has them; automatic ones where a hand moved them."""
        return _chosen(shown, "auto" if self.preset == MANUAL else self.preset)

    def hold(self, lo: float, hi: float, unit: str, *, quietly: bool = False) -> None:
        """Take levels that were found elsewhere: neither moved by hand nor chosen by the frame that is shown.

        Parameters
        ----------
        lo, hi : float
            Black and white.
        unit : str
        quietly : bool
            Tell nobody: many frames a second go by, each with its own.
        """
        self.unit = unit
        if not quietly:
            self._take(lo, hi)
        elif hi > lo:
            self.lo, self.hi = lo, hi

    def choose_by(self, shown: ShownImage) -> None:
        """Choose the levels by a frame, shown or not, frozen or not."""
        self.unit = shown.unit
        self._take(*_chosen(shown, self.preset))

    def set_range(self, lo: float, hi: float) -> None:
        """Set black and white by hand."""
        self.preset = MANUAL
        self._take(min(lo, hi), max(lo, hi))

    def use_preset(self, preset: str) -> None:
        """Choose the levels by the frame that is shown."""
        self.preset = preset if preset in PRESETS else "auto"
        if self._shown is not None:
            self.choose_by(self._shown)

    def set_stretch(self, stretch: str) -> None:
        """Bend the values between black and white otherwise."""
        if stretch in STRETCHES and stretch != self.stretch:
            self.stretch = stretch
            self.changed.emit()

    def set_colormap(self, name: str) -> None:
        """Use other colours."""
        if name in COLORMAPS and name != self.colormap:
            self.colormap = name
            self.changed.emit()

    def set_inverted(self, inverted: bool) -> None:  # noqa: FBT001 - a slot of a checkable action
        """Show what is dark as bright."""
        if inverted != self.inverted:
            self.inverted = inverted
            self.changed.emit()

    def set_frozen(self, frozen: bool) -> None:  # noqa: FBT001 - a slot of a checkable action
        """Keep the levels from frame to frame, or let each frame have its own again."""
        if frozen != self.frozen:
            self.frozen = frozen
            if not frozen and self._shown is not None:
                self.follow(self._shown)
            self.changed.emit()

    def table(
        self,
        zero: float,
        scale: float,
        no_data: tuple[int, int, int] | None,
        within: tuple[float, float] | None = None,
    ) -> npt.NDArray[np.uint32]:
        """Return the colour of each code of a frame (:func:`colour_table`), kept for the next time.

        Parameters
        ----------
        zero, scale : float
            Value = zero + scale × code.
        no_data : (r, g, b), optional
            Of code 0, where it means that nothing is known.
        within : (float, float), optional
            Black and white, of a frame that is not the one shown.
        """
        lo, hi = within or (self.lo, self.hi)
        key = (zero, scale, no_data, lo, hi, self.stretch, self.colormap, self.inverted)
        if key not in self._tables:
            if len(self._tables) >= 16:  # 256 kB each; enough for two views, each with a step before
                self._tables.clear()
            self._tables[key] = colour_table(
                zero,
                scale,
                lo,
                hi,
                self.stretch,
                colormap(self.colormap),
                inverted=self.inverted,
                no_data=no_data,
            )
        return self._tables[key]

    def state(self) -> dict[str, Any]:
        """Return what is kept when the window closes."""
        names = ("lo", "hi", "stretch", "colormap", "inverted", "frozen", "preset", "unit")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up again what :meth:`state` gave; what is missing or not understood stays as it is."""
        if state.get("stretch") in STRETCHES:
            self.stretch = state["stretch"]
        if state.get("colormap") in COLORMAPS:
            self.colormap = state["colormap"]
        if state.get("preset") in {*PRESETS, MANUAL}:
            self.preset = state["preset"]
        self.inverted = bool(state.get("inverted", self.inverted))
        self.frozen = bool(state.get("frozen", self.frozen))
        lo, hi, unit = state.get("lo"), state.get("hi"), state.get("unit")
        if isinstance(lo, (int, float)) and isinstance(hi, (int, float)) and isinstance(unit, str) and lo < hi:
            self.lo, self.hi, self.unit = float(lo), float(hi), unit
        self.changed.emit()

    def give_back(self, state: dict[str, Any]) -> None:
        """Be as :meth:`state` told before something else was looked at; colours and stretch stay as they are now.

        The next image is met as if it followed the one that was seen then: what a hand chose for it stays.
        """
        self._shown = None
        self.restore({name: state[name] for name in OF_AN_IMAGE if name in state})

    def _take(self, lo: float, hi: float) -> None:
        if not hi > lo:
            hi = lo + max(1e-6, 1e-6 * abs(lo))
        if (lo, hi) != (self.lo, self.hi):
            self.lo, self.hi = lo, hi
        self.changed.emit()


def _chosen(shown: ShownImage, preset: str) -> tuple[float, float]:
    """Return black and white of a frame as a preset has them."""
    level, values = shown.level, shown.sample
    match preset:
        case "auto" if shown.reach is not None:  # what did not change is grey, in the middle
            return level.sky - shown.reach, level.sky + shown.reach
        case "auto":
            return change_levels(level, values) if shown.is_change else auto_levels(level)
        case "zscale":
            return zscale(values)
        case "full":
            if level.highest > level.lowest:
                return level.lowest, level.highest
            return percentile_levels(values, 100.0)
        case _:
            return percentile_levels(values, float(preset))
