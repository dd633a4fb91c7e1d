"""The stars of the image that is shown, for the marks around them: found when they are asked for, off the thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.latest import LatestWork
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from astep_gui.models.frame_images import ShownImage


class StarMarks(QObject):
    """Follows the shown image while it is switched on."""

    found = pyqtSignal(object)
    """(n, 2) x, y of the stars of the image that is shown, 0-based; None while they are not known."""
    failed = pyqtSignal(object)
    """AstepError."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on = False
        self._shown: ShownImage | None = None
        self._known: tuple[object, npt.NDArray[np.float64]] | None = None
        self._work = LatestWork(self)
        self._work.done.connect(self._take)
        self._work.failed.connect(self.failed)

    def set_on(self, on: bool) -> None:  # noqa: FBT001 - a slot of a checkable action
        """Look for stars, or do not."""
        if on != self._on:
            self._on = on
            self._look()

    def show_image(self, shown: ShownImage) -> None:
        """Take note of the image that is shown."""
        self._shown = shown
        self._look()

    def close(self) -> None:
        """End the thread."""
        self._work.close()

    def _look(self) -> None:
        shown = self._shown
        if not self._on or shown is None or shown.reduction > 1 or shown.stars is not None:
            self._work.forget()
            return
        if self._known is not None and self._known[0] == shown.key:
            self.found.emit(self._known[1])
            return
        self.found.emit(None)  # no rings of another frame over this one
        self._work.run(lambda: (shown.key, _places(shown)))

    def _take(self, answer: tuple[object, npt.NDArray[np.float64]]) -> None:
        self._known = answer
        if self._shown is not None and answer[0] == self._shown.key:
            self.found.emit(answer[1])


def _places(shown: ShownImage) -> npt.NDArray[np.float64]:
    from pipeline_core.science.star_places import star_places  # noqa: PLC0415 - numba after the first paint

    full = masked = None
    if shown.mask is not None:
        full = (shown.mask & MaskBit.SATURATED) != 0
        masked = (shown.mask != 0) & ~full
    elif shown.saturation is not None:
        full = shown.image >= shown.saturation
    return star_places(shown.image, masked, full).places
