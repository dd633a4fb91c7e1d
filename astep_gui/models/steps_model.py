"""The steps of the frame that is shown: computed in the background by the code of the run, the latest kept."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from astep_gui.models.frame_images import ShownImage
    from pipeline_core.config import Recipe
    from pipeline_core.errors import AstepError
    from pipeline_core.events import RunContext
    from pipeline_core.on_demand import ShownSteps
    from pipeline_core.science.frame_steps import Step
    from pipeline_core.stage import Task
    from pipeline_core.types import Image, Night

KEPT_BYTES = 512 << 20
"""Steps of about one frame of 4096², of many small ones."""

NAMES = ("raw", "overscan", "trim", "bias", "dark", "flat", "gain", "mask", "cosmic")
WORDS = {
    "raw": "Raw",
    "overscan": "− overscan",
    "trim": "Trimmed",
    "bias": "− bias",
    "dark": "− dark",
    "flat": "÷ flat",
    "gain": "× gain",
    "mask": "Masked",
    "cosmic": "− cosmic rays",
}


@dataclass(frozen=True, slots=True)
class StepEntry:
    """One step as the rail shows it."""

    name: str
    words: str
    note: str
    """Why it did nothing; empty where it did its work, or is not computed yet."""
    can_be_shown: bool
    has_difference: bool


@dataclass(frozen=True)
class _Answer:
    path: str
    shown: ShownImage
    steps: ShownSteps


class StepsModel(QObject):
    """Which step of which frame is shown."""

    changed = pyqtSignal()
    """Other entries, another choice, busy or not, or an error."""
    arrived = pyqtSignal(object)
    """ShownImage of the chosen step."""
    pair_arrived = pyqtSignal(object, object)
    """Two ShownImages of one frame, to be compared."""
    masters_asked = pyqtSignal()
    """The masters are to be made, so that the later steps can be shown."""
    closed = pyqtSignal()
    """No step is chosen any more: the frame itself is to be shown."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path: str | None = None
        self.chosen: str | None = None
        """Name of a step; None while the frame itself is shown."""
        self.difference = False
        self.error: AstepError | None = None
        self._peeks = False
        self._early: object = None
        """Key of the image that was shown before the later steps were done."""
        self._steps: dict[str, ShownSteps] = {}
        """Of the frame that is shown; the thread keeps more of them."""
        self._work: _StepsOfFrames | None = None
        self._background = Background("steps", self)
        self._background.told.connect(self._take_early)
        self._background.done.connect(self._take)
        self._background.failed.connect(self._fail)
        self._background.busy_changed.connect(lambda _: self.changed.emit())

    @property
    def is_busy(self) -> bool:
        """Whether a step is being computed."""
        return self._background.is_busy

    @property
    def is_trimmed(self) -> bool:
        """Whether the chosen step is past the trimming: its pixels are counted from the trimmed frame's corner."""
        return self.chosen is not None and NAMES.index(self.chosen) >= NAMES.index("trim")

    @property
    def missing(self) -> AstepError | None:
        """Why the later steps cannot be shown: a master is not made yet."""
        found = self._steps.get(self.path or "")
        return found.missing if found is not None else None

    def set_night(self, night: Night, recipe: Recipe, output: Path) -> None:
        """Take the night as decided, and the recipe; called again whenever the plan or the masters changed."""
        self._background.cancel()
        self._steps = {}
        self._work = _StepsOfFrames(night, recipe, output)
        if self.chosen is not None:
            self._ask()

    def set_frame(self, path: str | None) -> None:
        """Follow the frame that is shown; the chosen step stays chosen."""
        if path == self.path:
            return
        self.path = path
        self.error = None
        self._steps = {}
        if self.chosen is not None and path is not None:
            self._ask()
        self.changed.emit()

    def choose(self, name: str | None) -> None:
        """Show a step, or the frame itself again."""
        self.chosen = name
        self.error = None
        if name is None:
            self.difference = False
            self._background.cancel()
            self.closed.emit()
        else:
            if not self._entry(name).has_difference:
                self.difference = False
            self._ask()
        self.changed.emit()

    def step_by(self, by: int) -> None:
        """Go to the next step that did something, or back."""
        names = [entry.name for entry in self.entries() if entry.can_be_shown and not entry.note]
        if names:
            at = names.index(self.chosen) if self.chosen in names else (0 if by > 0 else len(names)) - (by > 0)
            self.choose(names[min(max(at + by, 0), len(names) - 1)])

    def set_difference(self, on: bool) -> None:  # noqa: FBT001 - a switch
        """Show what the step changed instead of what it left."""
        if self.chosen is not None and on != self.difference:
            self.difference = on
            self._ask()
            self.changed.emit()

    def peek(self, on: bool) -> None:  # noqa: FBT001 - a switch
        """Show the step before for as long as a key is held."""
        if self.chosen is not None and on != self._peeks:
            self._peeks = on
            self._ask()

    def ask_pair(self, first: str, second: str) -> None:
        """Ask for two steps of the frame; :attr:`pair_arrived` answers."""
        work, path = self._work, self.path
        if work is None or path is None:
            return

        def both(context: RunContext, _tell: object) -> tuple[_Answer, _Answer]:
            one = work.answer(path, first, difference=False, check=context.check)
            return one, work.answer(path, second, difference=False, check=context.check)

        self._background.ask(path, both)

    def before(self, name: str) -> str:
        """Return the last step before one that did something; the first has none and is its own."""
        entries = self.entries()
        index = next(k for k, entry in enumerate(entries) if entry.name == name)
        return next((e.name for e in reversed(entries[:index]) if not e.note), name)

    def entries(self) -> list[StepEntry]:
        """Return all steps in their order."""
        return [self._entry(name) for name in NAMES]

    def close(self) -> None:
        """Stop computing, and wait for the thread."""
        self._background.close()

    def _entry(self, name: str) -> StepEntry:
        found = self._steps.get(self.path or "")
        if found is None:
            return StepEntry(name, WORDS[name], "", can_be_shown=True, has_difference=name != "raw")
        step = next((step for step in found.steps.steps if step.name == name), None)
        if step is None:
            return StepEntry(name, WORDS[name], "", can_be_shown=False, has_difference=False)
        changes = name != "raw" and found.steps.difference(name) is not None
        return StepEntry(name, WORDS[name], step.note, can_be_shown=True, has_difference=changes)

    def _ask(self) -> None:
        work, path, name = self._work, self.path, self.chosen
        if work is None or path is None or name is None:
            return
        wanted = self.before(name) if self._peeks else name
        difference = self.difference and not self._peeks
        self._early = None
        self._background.ask(
            path, lambda context, tell: work.answer(path, wanted, difference=difference, check=context.check, tell=tell)
        )

    def _take_early(self, _key: object, shown: ShownImage) -> None:
        self._early = shown.key
        self.arrived.emit(shown)

    def _take(self, _key: object, answer: _Answer | tuple[_Answer, _Answer]) -> None:
        self.error = None
        if isinstance(answer, tuple):
            self._steps = {answer[0].path: answer[0].steps}
            self.pair_arrived.emit(answer[0].shown, answer[1].shown)
        else:
            self._steps = {answer.path: answer.steps}
            if answer.shown.key != self._early:  # else it is shown already
                self.arrived.emit(answer.shown)
            self._early = None
        self.changed.emit()

    def _fail(self, _key: object, error: AstepError) -> None:
        self.error = error
        self.changed.emit()


class _StepsOfFrames:
    """Computes and keeps steps; used by one thread only."""

    def __init__(self, night: Night, recipe: Recipe, output: Path) -> None:
        self._night, self._recipe, self._output = night, recipe, output
        self._tasks: Mapping[str, Task] | None = None
        self._kept: OrderedDict[str, ShownSteps] = OrderedDict()

    def answer(
        self,
        path: str,
        name: str,
        *,
        difference: bool,
        check: Callable[[], None],
        tell: Callable[[object], None] | None = None,
    ) -> _Answer:
        """Return one step, ready to be shown; tell of it as soon as it is there, before the later ones are done."""

        def seen(step: Step) -> None:
            check()
            if tell is not None and step.name == name and not difference:
                tell(_shown(path, step, step.image, WORDS[name], changed=False))

        steps = self._steps_of(path, seen)
        check()
        known = {step.name: step for step in steps.steps.steps}
        step = known.get(name) or steps.steps.steps[-1]
        changed = steps.steps.difference(step.name) if difference else None
        if changed is not None:
            words = f"what “{WORDS[step.name]}” changed"
            return _Answer(path, _shown(path, step, changed, words, changed=True), steps)
        return _Answer(path, _shown(path, step, step.image, WORDS[step.name], changed=False), steps)

    def _steps_of(self, path: str, seen: Callable[[Step], None]) -> ShownSteps:
        from pipeline_core.executor import usable_cores  # noqa: PLC0415 - after the window is painted
        from pipeline_core.on_demand import science_tasks, steps_as_far_as_possible, task_of  # noqa: PLC0415 - numba

        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        if self._tasks is None:
            self._tasks = science_tasks(self._night, self._recipe, self._output)
        found = steps_as_far_as_possible(
            task_of(self._tasks, path), self._output, threads=min(4, usable_cores()), seen=seen
        )
        self._kept[path] = found
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return found


def _shown(path: str, step: Step, image: Image, words: str, *, changed: bool) -> ShownImage:
    from astep_gui.models.frame_images import Loaded, shown_image  # noqa: PLC0415 - numba

    loaded = Loaded(f"{path.rsplit('/', 1)[-1]} · {words}", image, step.unit, step.mask)
    return shown_image(("step", path, step.name, changed), loaded)


def _bytes(found: ShownSteps) -> int:
    return sum({id(step.image): step.image.nbytes for step in found.steps.steps}.values())
