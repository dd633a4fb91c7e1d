"""Cosmic-ray settings tried on what is seen of a frame: asked for while they are edited, answered in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from astep_gui.models.background import Background
from astep_gui.models.preparing import Preparing, prepare_first
from astep_gui.models.window_words import in_window
from pipeline_core.types import MaskBit, Section

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from astep_gui.models.frame_images import ShownImage
    from pipeline_core.config import Recipe
    from pipeline_core.cosmic_preview import CosmicGround, CosmicPreview
    from pipeline_core.errors import AstepError
    from pipeline_core.events import RunContext
    from pipeline_core.types import Night

WAIT_MS = 180
"""After the last key: a number is rarely finished with its first digit."""
MOST_PX = 1024
"""Side of the part: more would not be seen in hits of a pixel, and takes longer."""


class CosmicPreviewModel(QObject):
    """What the settings would do to a part of one frame."""

    changed = pyqtSignal()
    """Other words, or busy or not."""
    arrived = pyqtSignal(object, object)
    """Two ShownImages of the part: as it was, with the hits as its mask, and cleaned."""

    def __init__(self, night: Night, output: Path, path: str, part: Section, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = _Source(night, output, path)
        self.part = part
        self._recipe: Recipe | None = None
        self.words = ""
        """"hits: 31 (84 pixels) · stars touched: 0 of 24", or why there is nothing to tell."""
        self.preparing = ""
        """What must be done once before anything can be tried, in words."""
        self.is_warning = False
        """Whether stars would be touched, or something failed."""
        self._background = Background("cosmic-ray preview", self)
        self._background.told.connect(self._hear)
        self._background.done.connect(self._take)
        self._background.failed.connect(self._fail)
        self._background.busy_changed.connect(lambda _: self.changed.emit())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.timeout.connect(self._ask)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being computed."""
        return self._background.is_busy or self._timer.isActive()

    @property
    def has_settings(self) -> bool:
        """Whether there are settings that can be tried."""
        return self._recipe is not None

    def set_recipe(self, recipe: Recipe) -> None:
        """Try these settings; others within a moment take their place."""
        if self._recipe is not None and recipe.cosmic == self._recipe.cosmic:
            return
        self._recipe = recipe
        self._timer.start()
        self.changed.emit()

    def set_nothing(self) -> None:
        """There are no settings to try now: what was found with earlier ones stands for nothing."""
        self._recipe, self.words, self.is_warning = None, "", False
        self._timer.stop()
        self._background.cancel()
        self.changed.emit()

    def close(self) -> None:
        """End the thread."""
        self._timer.stop()
        self._background.close()

    def _ask(self) -> None:
        recipe, source, part = self._recipe, self._source, self.part
        if recipe is None:
            return

        def answer(context: RunContext, tell: Callable[[object], None]) -> object:
            prepare_first(context, tell)
            return source.answer(recipe, part, context)

        self.preparing = ""
        self._background.ask("part", answer)

    def _hear(self, _key: object, told: Preparing) -> None:
        self.preparing = told.words
        self.changed.emit()

    def _take(self, _key: object, answer: tuple[CosmicPreview, ShownImage, ShownImage]) -> None:
        if self._recipe is None:
            return  # of settings that are gone
        preview, marked, cleaned = answer
        self.words, self.is_warning = preview.words, preview.touched > 0
        self.arrived.emit(marked, cleaned)
        self.changed.emit()

    def _fail(self, _key: object, error: AstepError) -> None:
        self.words = in_window(" · ".join(part for part in (error.what, error.why, error.hint) if part))
        self.is_warning = True
        self.changed.emit()


class _Source:
    """The frame as far as the cosmic-ray step, computed once; used by one thread only."""

    def __init__(self, night: Night, output: Path, path: str) -> None:
        self._night, self._output, self._path = night, output, path
        self._ground: CosmicGround | None = None

    def answer(
        self, recipe: Recipe, part: Section, context: RunContext
    ) -> tuple[CosmicPreview, ShownImage, ShownImage]:
        from pipeline_core.cosmic_preview import cosmic_ground, cosmic_preview  # noqa: PLC0415 - numba
        from pipeline_core.executor import usable_cores  # noqa: PLC0415
        from pipeline_core.on_demand import night_tasks, task_of  # noqa: PLC0415
        from pipeline_core.science.frame_cosmic import CosmicChoices  # noqa: PLC0415

        threads = min(4, usable_cores())
        if self._ground is None:
            tasks = night_tasks(self._night, recipe, self._output).science
            task = task_of(tasks, self._path)
            self._ground = cosmic_ground(task, self._output, threads=threads, check=context.check)
        ground = self._ground
        ny, nx = ground.image.shape
        inside = Section(min(part.y0, ny - 1), min(part.y1, ny), min(part.x0, nx - 1), min(part.x1, nx))
        choices = CosmicChoices(**recipe.cosmic.model_dump(exclude={"enabled"})) if recipe.cosmic.enabled else None
        preview = cosmic_preview(ground, inside, choices, threads=threads)
        return preview, *_shown(preview, ground.unit)


def _shown(preview: CosmicPreview, unit: str) -> tuple[ShownImage, ShownImage]:
    from astep_gui.models.frame_images import Loaded, shown_image  # noqa: PLC0415 - numba

    bits = preview.hits.astype("uint8") * MaskBit.COSMIC
    return (
        shown_image(("hits", id(preview)), Loaded("Hits marked", preview.before, unit, bits, shows_mask=True)),
        shown_image(("cleaned", id(preview)), Loaded("Hits removed", preview.cleaned, unit)),
    )


def part_of(left: float, top: float, right: float, bottom: float, shape: tuple[int, int]) -> Section:
    """Return the part of a frame that is seen, at most :data:`MOST_PX` a side around its middle.

    Parameters
    ----------
    left, top, right, bottom : float
        What is seen, px of the frame; top is the lower y.
    shape : (ny, nx)
    """
    sides = []
    for low, high, size in ((top, bottom, shape[0]), (left, right, shape[1])):
        first, last = max(0, int(low)), min(size, int(high) + 1)
        if last - first > MOST_PX:
            middle = (first + last) // 2
            first, last = middle - MOST_PX // 2, middle + MOST_PX // 2
        sides.append((first, max(last, first + 1)))
    return Section(*sides[0], *sides[1])
