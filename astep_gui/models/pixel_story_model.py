"""Why this pixel: its equation with numbers, and its raw value all night; both computed in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.background import Background
from astep_gui.models.trim_offset import trim_offset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline_core.config import Recipe
    from pipeline_core.errors import AstepError
    from pipeline_core.events import RunContext
    from pipeline_core.measures import QualityRow
    from pipeline_core.plan import Plan
    from pipeline_core.steps import PixelStory
    from pipeline_core.types import Frame, Night


class PixelStoryModel(QObject):
    """The pixel that was pointed at."""

    changed = pyqtSignal()
    frame_asked = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path: str | None = None
        self.x = self.y = 0
        """0-based in the raw frame."""
        self.story: PixelStory | None = None
        self.values: list[tuple[str, float]] = []
        """Path → raw value, ADU, in time order."""
        self.group = ""
        """Whose values they are: frames of one pointing, filter and exposure."""
        self.error: AstepError | None = None
        self._night: tuple[Night, Plan, Recipe, Path] | None = None
        self._rows: Sequence[QualityRow] = ()
        self._background = Background("one pixel", self)
        self._background.told.connect(self._arrived)
        self._background.done.connect(lambda *_: self.changed.emit())
        self._background.failed.connect(self._fail)

    @property
    def is_busy(self) -> bool:
        """Whether something is still being computed."""
        return self._background.is_busy

    def set_night(self, night: Night, plan: Plan, recipe: Recipe, output: Path, rows: Sequence[QualityRow]) -> None:
        """Take the night as decided."""
        self._night, self._rows = (night, plan, recipe, output), rows

    def ask(self, path: str, x: int, y: int, *, is_trimmed: bool = False) -> None:
        """Ask for the story of a pixel of a frame, 0-based in the raw frame, or in the trimmed one."""
        if self._night is None:
            return
        night, plan, recipe, output = self._night
        if path not in night.by_path:
            return  # of a night that was just opened, whose plan is not known yet
        rows = self._rows
        if is_trimmed and path in night.by_path:
            dx, dy = trim_offset(plan, night.by_path[path])
            x, y = x + dx, y + dy
        self.path, self.x, self.y = path, x, y
        self.group = _group_words(night.by_path[path])
        self.story, self.values, self.error = None, [], None

        def work(context: RunContext, tell: Callable[[object], None]) -> None:
            from pipeline_core.on_demand import science_tasks, task_of  # noqa: PLC0415 - numba
            from pipeline_core.star_track import follow_pixel, sources_of  # noqa: PLC0415
            from pipeline_core.steps import pixel_story  # noqa: PLC0415

            task = task_of(science_tasks(night, recipe, output), path)
            context.check()
            tell(pixel_story(task, output, x, y))
            tell(list(follow_pixel(sources_of(night, plan, rows, path), x, y, context)))

        self._background.ask((path, x, y), work)
        self.changed.emit()

    def close(self) -> None:
        """Stop computing, and wait for the thread."""
        self._background.close()

    def _arrived(self, _key: object, piece: PixelStory | list[tuple[str, float]]) -> None:
        if isinstance(piece, list):
            self.values = piece
        else:
            self.story = piece
        self.changed.emit()

    def _fail(self, _key: object, error: AstepError) -> None:
        self.error = error
        self.changed.emit()


def _group_words(frame: Frame) -> str:
    """Return "M 5, R, 90 s": what the frames have in common."""
    exposure = f"{frame.exposure_s:g} s" if frame.exposure_s is not None else ""
    return ", ".join(filter(None, (frame.object, frame.filter, exposure)))
