"""The work behind the steps rail: steps of science and calibration frames, the latest kept; worked at by one thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from astep_gui.models.step_words import DEEDS, STEP_WORDS, deed_words
from pipeline_core.types import FrameKind, Section

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.header_facts import HeaderFacts
    from astep_gui.models.memory_budget import MemoryBudget
    from pipeline_core.config import Recipe
    from pipeline_core.errors import NightError
    from pipeline_core.on_demand import ShownSteps
    from pipeline_core.science.frame_steps import Step
    from pipeline_core.stage import Task
    from pipeline_core.tasks import NightTasks
    from pipeline_core.types import Image, Night


@dataclass(frozen=True, slots=True)
class FoundStep:
    """What is said of a step that was computed; its pixels stay with :class:`StepsOfFrames`."""

    name: str
    note: str
    """Why it did nothing; empty where it did its work."""
    has_difference: bool
    """Whether what it changed can be shown."""


@dataclass(frozen=True, slots=True)
class FoundSteps:
    """The steps of a frame, as far as they could be computed."""

    steps: tuple[FoundStep, ...]
    missing: NightError | None
    """Why the later ones are not there."""


@dataclass(frozen=True)
class Answer:
    """One step, ready to be shown, and all steps that were found on the way."""

    path: str
    shown: ShownImage
    steps: FoundSteps
    words: dict[str, str]
    """Step → what it did, in a sentence."""


class StepsOfFrames:
    """Computes and keeps steps: those of one frame of 4096² are half a gigabyte, whose room is shared with others."""

    def __init__(self, night: Night, recipe: Recipe, output: Path, budget: MemoryBudget) -> None:
        self._budget = budget
        self._share = budget.join(self._give, "steps")
        self._lock = threading.Lock()
        self._night, self._recipe, self._output = night, recipe, output
        self._tasks: NightTasks | None = None
        self._kept: OrderedDict[str, ShownSteps] = OrderedDict()
        self._beside: dict[str, frozenset[str]] = {}
        """Of frames some of whose steps are missing: the masters that were there when the others were computed."""
        self._is_closed = False
        self._words: dict[str, dict[str, str]] = {}
        self._header: tuple[str, HeaderFacts] | None = None

    def answer(
        self,
        path: str,
        name: str,
        *,
        difference: bool,
        check: Callable[[], None],
        tell: Callable[[object], None] | None = None,
    ) -> Answer:
        """Return one step, ready to be shown; tell of it as soon as it is there, before the later ones are done."""

        def seen(step: Step) -> None:
            check()
            if tell is not None:
                tell(step.name)  # a sign of life: a first frame may take half a minute
            if tell is not None and step.name == name and not difference:
                tell(self._shown(path, step, step.image, DEEDS[name], changed=False))

        steps = self._steps_of(path, seen)
        check()
        known = {step.name: step for step in steps.steps.steps}
        step = known.get(name) or steps.steps.steps[-1]
        # What another step changed is no answer: before the masters are made, the last that is there is shown as it is.
        changed = steps.steps.difference(step.name) if difference and step.name == name else None
        words = self._words_of(path, steps)
        if changed is not None:
            title = (
                "its master − this frame"
                if step.name == "master"
                else f"change: {STEP_WORDS.get(step.name, DEEDS[step.name])}"
            )
            return Answer(path, self._shown(path, step, changed, title, changed=True), _found(steps), words)
        shown = self._shown(path, step, step.image, DEEDS[step.name], changed=False)
        return Answer(path, shown, _found(steps), words)

    def close(self) -> None:
        """Keep nothing any more: another night, or the same with other masters."""
        self._share.leave()
        with self._lock:
            self._is_closed = True
            self._kept.clear()
            self._beside.clear()

    def _tasks_of_night(self) -> NightTasks:
        from pipeline_core.on_demand import night_tasks  # noqa: PLC0415 - numba

        if self._tasks is None:
            self._tasks = night_tasks(self._night, self._recipe, self._output)
        return self._tasks

    def _task(self, path: str) -> Task:
        from pipeline_core.calibration_steps import master_of  # noqa: PLC0415 - numba
        from pipeline_core.on_demand import task_of  # noqa: PLC0415

        tasks = self._tasks_of_night()
        if self._night.by_path[path].kind is FrameKind.SCIENCE:
            return task_of(tasks.science, path)
        return master_of(tasks.masters, path)

    def _steps_of(self, path: str, seen: Callable[[Step], None]) -> ShownSteps:
        from pipeline_core.calibration_steps import calibration_steps  # noqa: PLC0415 - numba
        from pipeline_core.executor import usable_cores  # noqa: PLC0415
        from pipeline_core.on_demand import steps_as_far_as_possible  # noqa: PLC0415

        there = self._masters_there()
        with self._lock:
            if (kept := self._kept.get(path)) is not None and (kept.missing is None or self._beside[path] == there):
                self._kept.move_to_end(path)
                return kept
            self._kept.pop(path, None)  # a master has come since
        task = self._task(path)
        self._make_room()
        if self._night.by_path[path].kind is FrameKind.SCIENCE:
            found = steps_as_far_as_possible(task, self._output, threads=min(4, usable_cores()), seen=seen)
        else:
            found = calibration_steps(self._tasks_of_night().masters, path, self._output, seen=seen)
        with self._lock:
            if not self._is_closed:  # meanwhile
                self._kept[path], self._beside[path] = found, there
        self._share.keep(*self._held())
        return found

    def _masters_there(self) -> frozenset[str]:
        """Return the masters of the night whose files are there now: a run makes them one after another."""
        products = (task.product for task in self._tasks_of_night().masters.values())
        return frozenset(product for product in products if product and (self._output / product).is_file())

    def _make_room(self) -> None:
        """Forget what would be too much beside the next frame, whose steps are about as large as another one's."""
        with self._lock:
            if not self._kept:
                return
            coming = max(map(_bytes, self._kept.values()))  # some may lack the steps that need a master
            while self._kept and sum(map(_bytes, self._kept.values())) + coming > self._budget.most_bytes:
                self._kept.popitem(last=False)
        self._share.gave(*self._held())

    def _give(self) -> None:
        """Forget the steps of the frame that was looked at longest ago; in the window's thread."""
        with self._lock:
            if self._kept:
                self._kept.popitem(last=False)
        self._share.gave(*self._held())

    def _held(self) -> tuple[int, int]:
        with self._lock:
            return len(self._kept), sum(map(_bytes, self._kept.values()))

    def _shown(self, path: str, step: Step, image: Image, words: str, *, changed: bool) -> ShownImage:
        from astep_gui.models.frame_images import Loaded, shown_image  # noqa: PLC0415 - numba

        frame = self._night.by_path[path]
        gain = self._task(path).settings.get("gain_e_per_adu") if step.unit == "electron" else 1.0
        saturation = None if frame.saturation_adu is None or gain is None else frame.saturation_adu * gain
        is_raw, overscan = step.name in {"raw", "overscan"}, self._task(path).settings["overscan"]
        loaded = Loaded(
            f"{frame.name} · {words}",
            image,
            step.unit,
            step.mask,
            self._facts(path, is_raw=is_raw),
            saturation if step.unit and not changed else None,
            shows_mask=step.name == "mask" and not changed,
            unlit=(Section(*overscan),) if is_raw and overscan else (),
        )
        return shown_image(("step", path, step.name, changed), loaded)

    def _facts(self, path: str, *, is_raw: bool) -> HeaderFacts:
        """Read what the header says; the sky lies elsewhere in a trimmed frame."""
        from astep_gui.models.header_facts import header_facts  # noqa: PLC0415 - astropy
        from pipeline_core.io.fits_file import read_layout  # noqa: PLC0415

        if self._header is None or self._header[0] != path:
            header, _, _ = read_layout(self._night.file(path))
            scale = self._night.by_path[path].pixel_scale_arcsec
            self._header = (path, header_facts(header, pixel_scale_arcsec=scale))
        facts, trim = self._header[1], self._task(path).settings["trim"]
        if is_raw or not trim or facts.sky is None:
            return facts
        return replace(facts, sky=facts.sky.cut(trim[2], trim[0]))

    def _words_of(self, path: str, found: ShownSteps) -> dict[str, str]:
        steps = found.steps.steps
        if len(self._words.get(path, ())) != len(steps):  # more of them since the masters came
            task = self._task(path)
            before = (None, *steps[:-1])
            self._words[path] = {
                s.name: deed_words(s, b, task, self._output) for s, b in zip(steps, before, strict=True)
            }
        return self._words[path]


def _found(steps: ShownSteps) -> FoundSteps:
    told = (FoundStep(s.name, s.note, steps.steps.has_difference(s.name)) for s in steps.steps.steps)
    return FoundSteps(tuple(told), steps.missing)


def _bytes(found: ShownSteps) -> int:
    """Return the memory of all images and masks; several steps may share one."""
    arrays = [array for step in found.steps.steps for array in (step.image, step.mask) if array is not None]
    return sum({id(array): array.nbytes for array in arrays}.values())
