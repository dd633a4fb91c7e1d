"""Two frames to be compared: both read in the background, shown when both are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from astep_gui.models.blink_turn import Turn
    from astep_gui.models.frame_images import Loader, ShownImage
    from pipeline_core.events import RunContext

    Source = tuple[Hashable, Loader, ShownImage | None]
    """Key, loader, and the image where it is in memory already."""


class FramePair(QObject):
    """Reads two frames; the newest wish wins."""

    arrived = pyqtSignal(object, object)
    """Two ShownImages."""
    failed = pyqtSignal(object)
    """AstepError."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background("two frames", self)
        self._background.done.connect(lambda _key, pair: self.arrived.emit(*pair))
        self._background.failed.connect(lambda _key, error: self.failed.emit(error))

    def ask(self, first: Source, second: Source) -> None:
        """Ask for two frames."""
        self._background.ask((first[0], second[0]), lambda context, _tell: _read(first, second, context))

    def turn(self, first: ShownImage, second: ShownImage, turn: Turn) -> None:
        """Ask for the second of two images turned onto the first."""
        self._background.ask((first.key, second.key, turn), lambda _context, _tell: (first, turn(second)))

    def cancel(self) -> None:
        """Want none any more."""
        self._background.cancel()

    def close(self) -> None:
        """End the thread."""
        self._background.close()


def _read(first: Source, second: Source, context: RunContext) -> tuple[ShownImage, ShownImage]:
    one = _shown(first, context.check)
    return one, _shown(second, context.check)


def _shown(source: Source, check: Callable[[], None]) -> ShownImage:
    from astep_gui.models.frame_images import shown_image  # noqa: PLC0415 - numba after the first paint

    check()
    key, loader, kept = source
    return kept if kept is not None else shown_image(key, loader())
