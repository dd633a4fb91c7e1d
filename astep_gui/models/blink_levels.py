"""Levels of a blink: those of a frame that is neither bright nor dark among all, and the same for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from astep_gui.models.levels import MANUAL

if TYPE_CHECKING:
    from astep_gui.models.blink import BlinkModel
    from astep_gui.models.levels import LevelsModel


class BlinkLevels(QObject):
    """Chooses the levels while frames come in, until a person does.

    Notes
    -----
    A blink may begin on a frame of the twilight; with its levels, all frames of the night would be black. Which frame
    lies in the middle is known better the more are loaded: it is looked up again whenever twice as many are, and when
    all are, so that the levels are moved a few times at the beginning and then rest.
    """

    def __init__(self, blink: BlinkModel, levels: LevelsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._blink = blink
        self._levels = levels
        self._is_open = self._is_on = self._was_frozen = False
        self._seen = 0
        self._taken: tuple[float, float] | None = None
        blink.progress_changed.connect(self._follow)
        levels.changed.connect(self._follow_switch)

    def begin(self) -> None:
        """Choose for the frames that are blinked from now on; levels that a person moved by hand stay."""
        self._is_open = True
        self._is_on = self._levels.preset != MANUAL
        self._was_frozen = self._levels.frozen
        self._seen, self._taken = 0, None
        self._follow()

    def end(self) -> None:
        """Choose no more: the blink is over."""
        self._is_open = self._is_on = False

    def _follow_switch(self) -> None:
        """Choose anew when a person asks for the same levels again, after each frame had its own."""
        was_frozen, self._was_frozen = self._was_frozen, self._levels.frozen
        if self._levels.frozen and not was_frozen and self._is_open:
            self.begin()

    def _follow(self) -> None:
        loaded = self._blink.loaded
        is_due = loaded >= max(1, 2 * self._seen) or loaded == len(self._blink.frames) > self._seen
        if not self._is_on or not self._levels.frozen or not is_due:
            return
        levels = self._levels
        if self._taken is not None and (levels.lo, levels.hi) != self._taken:
            self._is_on = False  # a person moved them meanwhile
            return
        middle = self._blink.middle()
        if middle is not None:
            self._seen = loaded
            levels.choose_by(middle)
            self._taken = (levels.lo, levels.hi)
