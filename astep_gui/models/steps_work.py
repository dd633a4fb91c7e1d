"""The work behind the steps rail: steps of science and calibration frames, the latest kept; used by one thread only."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from astep_gui.models.step_words import DEEDS, deed_words
from pipeline_core.types import FrameKind, Section

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.header_facts import HeaderFacts
    from pipeline_core.config import Recipe
    from pipeline_core.on_demand import ShownSteps
    from pipeline_core.science.frame_steps import Step
    from pipeline_core.stage import Task
    from pipeline_core.tasks import NightTasks
    from pipeline_core.types import Image, Night

KEPT_BYTES = 512 << 20
"""Steps of about one frame of 4096², of many small ones."""


@dataclass(frozen=True)
class Answer:
    """One step, ready to be shown, and all steps that were found on the way."""

    path: str
    shown: ShownImage
    steps: ShownSteps
    words: dict[str, str]
    """Step → what it did, in a sentence."""


class StepsOfFrames:
    """Computes and keeps steps."""

    def __init__(self, night: Night, recipe: Recipe, output: Path) -> None:
        self._night, self._recipe, self._output = night, recipe, output
        self._tasks: NightTasks | None = None
        self._kept: OrderedDict[str, ShownSteps] = OrderedDict()
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
            if tell is not None and step.name == name and not difference:
                tell(self._shown(path, step, step.image, DEEDS[name], changed=False))

        steps = self._steps_of(path, seen)
        check()
        known = {step.name: step for step in steps.steps.steps}
        step = known.get(name) or steps.steps.steps[-1]
        changed = steps.steps.difference(step.name) if difference else None
        words = self._words_of(path, steps)
        if changed is not None:
            title = "its master − this frame" if step.name == "master" else f"what “{DEEDS[step.name]}” changed"
            return Answer(path, self._shown(path, step, changed, title, changed=True), steps, words)
        return Answer(path, self._shown(path, step, step.image, DEEDS[step.name], changed=False), steps, words)

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

        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        task = self._task(path)
        if self._night.by_path[path].kind is FrameKind.SCIENCE:
            found = steps_as_far_as_possible(task, self._output, threads=min(4, usable_cores()), seen=seen)
        else:
            found = calibration_steps(self._tasks_of_night().masters, path, self._output, seen=seen)
        self._kept[path] = found
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > KEPT_BYTES:
            self._words.pop(self._kept.popitem(last=False)[0], None)
        return found

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
        if path not in self._words:
            task, steps = self._task(path), found.steps.steps
            before = (None, *steps[:-1])
            self._words[path] = {s.name: deed_words(s, b, task) for s, b in zip(steps, before, strict=True)}
        return self._words[path]


def _bytes(found: ShownSteps) -> int:
    return sum({id(step.image): step.image.nbytes for step in found.steps.steps}.values())
