"""The steps of the frame that is shown: computed in the background by the code of the run, the latest kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.background import Background
from astep_gui.models.memory_budget import MemoryBudget
from astep_gui.models.preparing import Preparing, prepare_first
from astep_gui.models.step_words import WORDS
from astep_gui.models.steps_work import StepsOfFrames
from pipeline_core.grouping import Geometry
from pipeline_core.science.frame_steps import BIAS_IN_DARK, STEPS, missing_words
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.steps_work import Answer, FoundSteps
    from pipeline_core.config import Recipe
    from pipeline_core.errors import AstepError
    from pipeline_core.events import RunContext
    from pipeline_core.plan import Plan, SciencePlan
    from pipeline_core.types import Frame, Night

_OF_KIND = {
    FrameKind.SCIENCE: STEPS,
    FrameKind.BIAS: ("raw", "overscan", "trim", "master"),
    FrameKind.DARK: ("raw", "overscan", "trim", "master", "mask"),
    FrameKind.FLATDARK: ("raw", "overscan", "trim", "master"),
    FrameKind.FLAT: ("raw", "overscan", "trim", "dark", "level", "master", "mask"),
}
"""What happens to a frame of each kind: none of it to others."""


@dataclass(frozen=True, slots=True)
class StepEntry:
    """One step as the rail shows it."""

    name: str
    words: str
    note: str
    """Why it did nothing; empty where it did its work, or is not computed yet."""
    can_be_shown: bool
    has_difference: bool
    is_known: bool = False
    """Whether it was computed, here or by the last run: before, the note is what the plan says."""

    @property
    def state(self) -> Literal["done", "idle", "missing", "waiting"]:
        """Whether it did something, had nothing to do, needs a master, or was not computed yet."""
        if self.note:
            return "idle"
        if not self.can_be_shown:
            return "missing"
        return "done" if self.is_known else "waiting"


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
    failed = pyqtSignal()
    """The step cannot be shown (:attr:`error` says why): the frame itself is to be shown."""
    delayed = pyqtSignal()
    """The kernels are prepared first (:attr:`preparing`), for a minute: the frame itself is to be shown meanwhile."""
    closed = pyqtSignal()
    """No step is chosen any more: the frame itself is to be shown."""

    def __init__(self, parent: QObject | None = None, *, budget: MemoryBudget | None = None) -> None:
        super().__init__(parent)
        self._budget = budget or MemoryBudget(parent=self)
        self.path: str | None = None
        self.chosen: str | None = None
        """Name of a step; None while the frame itself is shown."""
        self.difference = False
        self.error: AstepError | None = None
        self._peeks = False
        self._night: Night | None = None
        self._recipe: Recipe | None = None
        self._plan: Plan | None = None
        self._words: dict[str, str] = {}
        self._done: Mapping[str, Mapping[str, str]] = {}
        """What the last run did to its frames."""
        self.preparing = ""
        """What must be done once before any step can be computed, in words."""
        self.reached = ""
        """The step that was computed last, while others are still to come."""
        self._early: object = None
        """Key of the image that was shown before the later steps were done."""
        self._steps: dict[str, FoundSteps] = {}
        """Of the frame that is shown; the pixels are kept where they are computed."""
        self._work: StepsOfFrames | None = None
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
    def is_on(self) -> bool:
        """Whether a step is shown: a frame that has none is shown as it is, whatever was chosen for the last one."""
        return self.chosen is not None and self.path is not None and self.error is None

    @property
    def shows_difference(self) -> bool:
        """Whether the chosen step has a difference that can be shown."""
        return self.chosen in self.names() and self._entry(self.chosen or "").has_difference

    @property
    def words(self) -> str:
        """What the chosen step did, in a sentence; empty while that is not known."""
        return self._words.get(self.chosen or "", "") if self.path in self._steps else ""

    @property
    def missing(self) -> AstepError | None:
        """Why the later steps cannot be shown: a master is not made yet."""
        found = self._steps.get(self.path or "")
        return found.missing if found is not None else None

    @property
    def why_nothing_before(self) -> str:
        """Why there is no step before the chosen one to be seen, or to differ from; empty where there is one."""
        if self.path is None:
            return "no frame with steps is shown"
        if self.chosen is None:
            return "choose a step over the image first (Shift+→)"
        if self.missing is not None and not self._entry(self.chosen).can_be_shown:
            return f"the step {WORDS[self.chosen]} is not there yet: {self.missing.why}; “Make the masters” makes it"
        return "Raw is the first step: there is none before it" if self.chosen == "raw" else ""

    @property
    def why_no_difference(self) -> str:
        """Why the chosen step has no difference that can be shown; empty where it has one."""
        if (why := self.why_nothing_before) or self.shows_difference:
            return why
        note = self._entry(self.chosen or "").note
        return f"the step {WORDS[self.chosen or '']} has no difference to show" + (f": {note}" if note else "")

    def set_night(self, night: Night, recipe: Recipe, output: Path, plan: Plan | None = None) -> None:
        """Take the night as decided, and the recipe; called again whenever the plan or the masters changed.

        Parameters
        ----------
        night : Night
        recipe : Recipe
        output : Path
            Where the masters lie.
        plan : Plan, optional
            Tells which steps will have nothing to do before they are computed.
        """
        self._forget_work()
        self._night, self._recipe, self._plan = night, recipe, plan
        self._work = StepsOfFrames(night, recipe, output, self._budget)
        if self.chosen is not None:
            self._ask()
        self.changed.emit()

    def set_done(self, done: Mapping[str, Mapping[str, str]]) -> None:
        """Take note of what the last run did: path → step → why it did nothing, empty where it did its work."""
        was, self._done = self._done.get(self.path or ""), done
        if done.get(self.path or "") != was:
            self.changed.emit()

    def forget_night(self) -> None:
        """Compute nothing until a night is told: frames of another one may be asked for before its plan is known."""
        self._forget_work()
        self._night = self._plan = None
        self._done = {}

    def _forget_work(self) -> None:
        self._background.cancel()
        self._steps = {}
        if self._work is not None:
            self._work.close()
            self._work = None

    def set_frame(self, path: str | None) -> None:
        """Follow the frame that is shown; the chosen step stays chosen."""
        if path == self.path:
            return
        self.path = path
        self.error = None
        self._steps = {}
        if self.chosen is not None and self.chosen not in self.names():
            self.chosen, self.difference = None, False  # a dark has no cosmic-ray step: it is shown as it is
        if self.chosen is not None and path is not None:
            self._ask()
        self.changed.emit()

    def names(self) -> tuple[str, ...]:
        """Return the steps of the frame that is shown; those of science frames where none is."""
        frame = self._frame()
        return STEPS if frame is None else _OF_KIND.get(frame.kind, ())

    @staticmethod
    def has_steps(frame: Frame | None) -> bool:
        """Tell whether anything is done to a frame."""
        return frame is not None and frame.unusable is None and frame.kind in _OF_KIND

    def choose(self, name: str | None) -> None:
        """Show a step, or the frame itself again."""
        self.chosen = name
        self.error = None
        if name is None:
            self.difference = False
            self._background.cancel()
            self.closed.emit()
        else:
            if not self._entry(name).has_difference or name not in self.names():
                self.difference = False
            self._ask()
        self.changed.emit()

    def step_by(self, by: int) -> None:
        """Go to the next step that did something, or back."""
        every, names = self.names(), [e.name for e in self.entries() if e.can_be_shown and not e.note]
        if self.chosen not in every:
            wanted = names[:1] if by > 0 else names[-1:]
        else:  # it may be one that waits for its master, or that did nothing
            at = every.index(self.chosen)
            wanted = [n for n in names if every.index(n) > at][:1] if by > 0 else []
            wanted = [n for n in names if every.index(n) < at][-1:] if by < 0 else wanted
        if wanted:
            self.choose(wanted[0])

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

    def ask_pair(self, first: str, second: str, other: str | None = None) -> None:
        """Ask for two steps of the frame, or for one step of it and one of another; :attr:`pair_arrived` answers.

        Parameters
        ----------
        first, second : str
            Names of steps.
        other : str, optional
            The frame whose second step it is; the shown one unless given.
        """
        work, path = self._work, self.path
        if work is None or path is None:
            return

        def both(context: RunContext, tell: Callable[[object], None]) -> tuple[Answer, Answer]:
            prepare_first(context, tell)
            one = work.answer(path, first, difference=False, check=context.check)
            return one, work.answer(other or path, second, difference=False, check=context.check)

        self._background.ask(path, both)

    def before(self, name: str) -> str:
        """Return the last step before one that did something; the first has none and is its own."""
        entries = self.entries()
        index = next(k for k, entry in enumerate(entries) if entry.name == name)
        return next((e.name for e in reversed(entries[:index]) if not e.note), name)

    def entries(self) -> list[StepEntry]:
        """Return all steps in their order."""
        return [self._entry(name) for name in self.names()]

    def close(self) -> None:
        """Stop computing, and wait for the thread."""
        self._background.close()

    def _entry(self, name: str) -> StepEntry:
        found = self._steps.get(self.path or "")
        if found is None:
            done = self._done.get(self.path or "", {})
            note = done[name] if name in done else self._foretold(name)
            changes = name not in {"raw", "gain", "level", "trim", "mask"} and not note
            return StepEntry(name, WORDS[name], note, can_be_shown=True, has_difference=changes, is_known=name in done)
        step = next((step for step in found.steps if step.name == name), None)
        if step is None:
            return StepEntry(name, WORDS[name], self._foretold(name), can_be_shown=False, has_difference=False)
        # A mask marks pixels, it changes none.
        changes = name not in {"raw", "mask"} and step.has_difference
        return StepEntry(name, WORDS[name], step.note, can_be_shown=True, has_difference=changes, is_known=True)

    def _frame(self) -> Frame | None:
        return self._night.by_path.get(self.path or "") if self._night is not None else None

    def _foretold(self, name: str) -> str:
        """Say why a step will have nothing to do, as far as the plan tells."""
        plan, frame, recipe = self._plan, self._frame(), self._recipe
        if plan is None or frame is None or frame.shape is None or recipe is None:
            return ""
        geometry = Geometry.of(frame)
        science = self._planned(plan, frame, geometry)
        idle = {
            "overscan": "no overscan is used" if geometry not in plan.overscan else "",
            "trim": "the whole chip is lit" if geometry not in plan.trims and not frame.pedestal_adu else "",
        }
        if science is not None:
            missing = partial(missing_words, unwanted=science.unwanted)
            idle |= {
                "bias": BIAS_IN_DARK if science.bias_in_dark else "" if science.bias else missing("bias"),
                "dark": "" if science.dark else missing("dark"),
                "flat": "" if science.flat else missing("flat"),
                "cosmic": "" if recipe.cosmic.enabled else "switched off in the recipe",
            }
        return idle.get(name, "")

    def _planned(self, plan: Plan, frame: Frame, geometry: Geometry) -> SciencePlan | None:
        """Return what is planned for a frame; of one that is left out, what would be: the plan of one that is alike."""
        found = next((s for s in plan.science if s.path == frame.path), None)
        if found is not None or self._night is None or frame.kind is not FrameKind.SCIENCE:
            return found
        wanted = (geometry, frame.filter, frame.exposure_s)
        others = ((s, self._night.by_path.get(s.path)) for s in plan.science)
        return next(
            (s for s, f in others if f and f.shape and (Geometry.of(f), f.filter, f.exposure_s) == wanted), None
        )

    def _is_known(self, path: str) -> bool:
        return self._night is not None and path in self._night.by_path

    def _ask(self) -> None:
        work, path, name = self._work, self.path, self.chosen
        if work is None or path is None or name is None or not self._is_known(path):
            return
        wanted = self.before(name) if self._peeks else name
        difference = self.difference and not self._peeks
        self._early, self.reached, self.preparing = None, "", ""

        def answer(context: RunContext, tell: Callable[[object], None]) -> Answer:
            prepare_first(context, tell)
            return work.answer(path, wanted, difference=difference, check=context.check, tell=tell)

        self._background.ask(path, answer)

    def _take_early(self, _key: object, shown: ShownImage | str | Preparing) -> None:
        if isinstance(shown, Preparing):
            begins = bool(shown.words) and not self.preparing
            self.preparing = shown.words
            self.changed.emit()
            if begins:
                self.delayed.emit()
            return
        if isinstance(shown, str):
            self.reached = shown
            self.changed.emit()
            return
        self._early = shown.key
        self.arrived.emit(shown)

    def _take(self, _key: object, answer: Answer | tuple[Answer, Answer]) -> None:
        self.error = None
        if isinstance(answer, tuple):
            self._steps, self._words = {answer[0].path: answer[0].steps}, answer[0].words
            self.pair_arrived.emit(answer[0].shown, answer[1].shown)
        else:
            self._steps, self._words = {answer.path: answer.steps}, answer.words
            if answer.shown.key != self._early:  # else it is shown already
                self.arrived.emit(answer.shown)
            self._early = None
        self.changed.emit()

    def _fail(self, _key: object, error: AstepError) -> None:
        self.error = error
        self.changed.emit()
        self.failed.emit()
