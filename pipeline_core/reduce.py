"""Reduce a night: scan, check the calibration frames, plan, make what is stale, judge, and write it all down.

This is the one job behind ``astep reduce`` and the window's button.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from pipeline_core import __version__, journal
from pipeline_core.errors import AstepError, NightError
from pipeline_core.events import Cancelled, Event
from pipeline_core.executor import ThreadWorkers, WorkerPool, make_executor, usable_cores
from pipeline_core.faults import FaultError, trace_of
from pipeline_core.findings import Finding, documents
from pipeline_core.io.atomic import write_text
from pipeline_core.judge_calibration import calibration_measures, hard_words, judge_calibration
from pipeline_core.lock import RunLock
from pipeline_core.logbook import Logbook
from pipeline_core.memory import memory_budget, task_bytes, workers_within
from pipeline_core.night_memory import check_memory, driver_bytes, frame_bytes
from pipeline_core.noise_summary import noise_summary
from pipeline_core.plan import Choices, Plan, build_plan
from pipeline_core.plan_words import check_disk, run_warnings
from pipeline_core.recipe_file import RECIPE_FILE, recipe_changes, recipe_toml, with_changes
from pipeline_core.reduction_told import Reduction
from pipeline_core.run_record import RunRecord, last_run, note_run
from pipeline_core.runner import RunReport, run
from pipeline_core.scan import scan_night
from pipeline_core.session import Place, check_output, choices_of
from pipeline_core.store import Store
from pipeline_core.tasks import (
    CameraFacts,
    NightTasks,
    TaskBuilder,
    calibration_quality_tasks,
    without_stars,
)
from pipeline_core.types import FrameKind, Night
from pipeline_core.verdicts import move_products
from pipeline_core.well_check import full_wells, known_well, masked_as_full

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.config import Recipe
    from pipeline_core.events import Level, RunContext
    from pipeline_core.grouping import Geometry
    from pipeline_core.measures import Flag
    from pipeline_core.stage import Task

MEASURE_CALIBRATION, MEASURE_SCIENCE, MEASURE_GAIN = "quality of calibration frames", "quality", "gain and read noise"
"""Names of the stages whose reports are judged here."""

CALIBRATE_SCIENCE = "science frames"
"""Name of the stage that needs most kernels."""

Only = Literal["calibration-quality", "masters", "science"]
_Kind = Literal["started", "message", "finished", "failed", "cancelled"]


@dataclass(frozen=True)
class RunOptions:
    """How to run, as opposed to what: none of it changes a pixel."""

    workers: int | None = None
    memory_bytes: int | None = None
    executor: str = "processes"
    force: bool = False
    only: Only | None = None
    said_of_frames: Mapping[str, str] = field(default_factory=dict)
    """Path → what a person was told of the frame so far ("cloud", "good"): kept with what the run says of it."""
    masters_inside: bool = True
    """Combine masters in this process, which starts at once; a window lets a worker do it and stays fluid."""


def reduce_night(place: Place, recipe: Recipe, options: RunOptions, context: RunContext) -> Reduction:
    """Reduce one night into its output folder; only what changed since the last time is made again.

    Parameters
    ----------
    place : Place
    recipe : Recipe
    options : RunOptions
    context : RunContext

    Returns
    -------
    Reduction

    Raises
    ------
    UsageError
        If a person allowed less memory than one frame needs.
    NightError
        If the night has no usable frame, the output cannot be written or is in use by another run, or the disk is full.
    FaultError
        If the program itself failed; where it did stands in ``log.jsonl``.
    Cancelled
        If the person stopped it; what was finished stays.

    Notes
    -----
    A decision made while the run is on (by another process, in the window) counts: before it ends, the run plans
    anew and makes what the decision changed.
    """
    check_output(place)
    night = scan_night(place.night, context)
    if options.executor in {"processes", "threads"} and options.only not in {"calibration-quality", "masters"}:
        check_memory(night, recipe, options.memory_bytes, context, processes=options.executor == "processes")
    _make_folder(place.output)
    with RunLock(place.output), Logbook.open(place.output, place.night) as logbook:
        reducer = _Reducer(place, night, recipe, options, context, logbook)
        with reducer.pool:
            return reducer.run()


class _Reducer:
    """One run, step by step."""

    def __init__(
        self,
        place: Place,
        night: Night,
        recipe: Recipe,
        options: RunOptions,
        context: RunContext,
        logbook: Logbook,
    ) -> None:
        self.place = place
        self.recipe = recipe
        self.options = options
        self.context = journal.into_file(context, place.output / journal.DIARY)
        self.logbook = logbook
        logbook.note_frames(night)
        self.scanned = night
        self._heed_decisions()
        self.store = Store(place.output, logbook.database)
        self.result = Reduction(place.output, said_of_frames=options.said_of_frames)
        self.started = time.monotonic()
        self.pool = self._make_pool()
        self._compiled: set[bool] = set()
        self._force = options.force
        self._made_now: set[str] = set()
        self.measured: Mapping[Geometry, CameraFacts] = {}

    def run(self) -> Reduction:
        """Reduce, and tell the diary how it began and how it ended."""
        self._tell("started", f"astep {__version__}, {len(self.night.frames)} frames of {self.place.night}")
        try:
            self._settle_recipe()
            # Before anything is made: a run that was killed goes on with the same recipe.
            write_text(self.place.output / RECIPE_FILE, recipe_toml(self.recipe))
            self._reduce_until_settled()
        except Cancelled:
            self._tell("cancelled", "stopped by the person; what was finished stays")
            raise
        except AstepError as error:
            self._tell("failed", str(error))
            raise
        except Exception as error:
            fault = FaultError("reduce the night", error, self.place.output / "log.jsonl")
            self._tell("failed", str(fault), trace=trace_of(error))
            raise fault from error
        for words in self.result.warnings:
            self._tell("message", words)
        left_out = [(item.path, item.reason) for item in self.result.left_out]
        warned, left = self.logbook.told()
        self.result.said_before = frozenset(set(warned) & set(self.result.warnings)) | (set(left) & set(left_out))
        self.logbook.note_told(self.result.warnings, left_out, self.result.sky_words)
        counts = ", ".join(f"{number} {state}" for state, number in self.result.counts.items())
        self.result.seconds = time.monotonic() - self.started
        self._note_run()
        self._tell("finished", f"science frames: {counts}; {self.result.seconds:.1f} s")
        return self.result

    def _note_run(self) -> None:
        result = self.result
        ended = datetime.now(UTC).isoformat(timespec="seconds")
        # Not rounded: whoever tells it another day says what was said on this one.
        took, memory_mb = result.seconds, result.peak_memory_mb
        well, before = result.full_well, last_run(self.logbook.database)
        # A run that made masters only counted no pixels: the next one is compared with what was counted last.
        counted = before.saturated if result.saturated is None and before is not None else result.saturated
        record = RunRecord(
            ended,
            took,
            memory_mb,
            result.counts,
            result.masters,
            self.options.only,
            result.proposed_saturation_adu,
            full_well=well.document() if well is not None else None,
            saturated=counted,
            saturated_before=result.saturated_before,
            findings=documents(result.findings),
            said_of_frames=result.said_of_frames,
        )
        note_run(self.logbook.database, record)

    def _tell(self, kind: _Kind, text: str, **data: str) -> None:
        levels: dict[str, Level] = {"message": "warning", "failed": "error"}
        self.context.note(Event(kind, journal.RUN, text=text, level=levels.get(kind, "info"), data=dict(data)))

    def _reduce_until_settled(self) -> None:
        """Reduce; once more as long as a person decided something meanwhile. What still stands is cached then."""
        while True:
            self._reduce_once()
            self._force = False
            news = [decision for decision in self.logbook.changes_since(self.seen) if decision.source != "rule"]
            if not news:
                return
            self.context.say("decisions", f"decided during the run: {news[-1].label}; following it")
            self._heed_decisions()
            self.recipe = with_changes(self.recipe, self.logbook.recipe_changes())
            write_text(self.place.output / RECIPE_FILE, recipe_toml(self.recipe))
            before = self.result
            self.result = Reduction(
                self.place.output,
                peak_memory_mb=before.peak_memory_mb,
                realigned=before.realigned,
                aligned=before.aligned,
                searched=before.searched,
                placed=before.placed,
                moved=before.moved,
                said_of_frames=before.said_of_frames,
            )

    def _settle_recipe(self) -> None:
        """Let a recipe that was named win over settings decided before: the next run must not fall back to them."""
        decided = with_changes(self.recipe, self.logbook.recipe_changes())
        changes = recipe_changes(decided, self.recipe)
        if changes:
            self.logbook.decide_recipe(changes, {}, source="import", label="the recipe that was named")
            self._heed_decisions()

    def _heed_decisions(self) -> None:
        self.seen = self.logbook.last_id()
        self.night = self.logbook.apply(self.scanned)
        self.choices: Choices = choices_of(self.logbook)

    def _reduce_once(self) -> None:
        """Run all steps that were asked for."""
        first = build_plan(self.night, self.recipe, self.choices)
        if not first.masters and not first.science:
            raise NightError(
                f"nothing can be done with {self.place.night}",
                "no usable calibration or science frame was found",
                "look at `astep scan NIGHT`, and set kinds with `astep set NIGHT kind=science PATTERN`",
            )
        self.measured, of_gain = self._measure_gain(first)
        checks = calibration_quality_tasks(self.night, first, self.recipe, self.measured)
        report = self._check_frames(checks)
        flags = self._judge_calibration(report)
        set_aside = {path: words for path, words in hard_words(flags).items() if path not in self.choices.kept}
        set_aside |= {failure.label: failure.reason for failure in report.failed if failure.label in checks}
        plan = build_plan(self.night, self.recipe, self.choices, set_aside)
        self.result.plan = plan
        self.result.left_out = plan.left_out
        self.result.findings = run_warnings(self.night, plan, self.recipe, self.measured, of_gain)
        self.result.counts["left_out"] = sum(
            1 for item in plan.left_out if self.night.by_path[item.path].kind is FrameKind.SCIENCE
        )
        if self.options.only == "calibration-quality":
            self.result.did_something = bool(report.done or report.cached)
        else:
            self._make_products(plan, flags)

    def _check_frames(self, checks: Mapping[str, Task]) -> RunReport:
        """Measure the calibration frames; a science frame that goes away meanwhile only tells them no stars."""
        report = self._run_inside(list(checks.values()))
        alone = [without_stars(checks[lost.label]) for lost in report.skipped]
        if alone:
            again = self._run_inside(alone)
            report.failed += again.failed
            report.done += again.done
            for stage, made in again.made.items():
                report.made.setdefault(stage, {}).update(made)
        return report

    def _measure_gain(self, plan: Plan) -> tuple[dict[Geometry, CameraFacts], list[Finding]]:
        from pipeline_core.gain_check import gain_tasks, judged_gain  # noqa: PLC0415 - needs the kernels

        tasks = gain_tasks(self.night, plan, self.recipe)
        report = self._run_inside(list(tasks.values()))
        return judged_gain(self.night, tasks, report.made.get(MEASURE_GAIN, {}), self.recipe)

    def _judge_calibration(self, report: RunReport) -> dict[str, tuple[Flag, ...]]:
        measures = calibration_measures(report.made.get(MEASURE_CALIBRATION, {}))
        frames = [frame for frame in self.night.frames if frame.path in measures]
        return judge_calibration(frames, measures, self.recipe.flat)

    def _make_products(self, plan: Plan, flags: Mapping[str, tuple[Flag, ...]]) -> None:
        tasks = TaskBuilder(self.night, plan, self.recipe, self.measured).build()
        check_disk(self.place.output, plan, tasks)
        wanted = list(tasks.masters.values())
        if self.options.only != "masters":
            wanted += list(tasks.science.values())
        if self.options.only is None:
            wanted += list(tasks.quality.values())
        report = self._run(wanted)
        self._count(tasks, report)
        calibrated = report.made.get(CALIBRATE_SCIENCE, {})
        self.result.noise = noise_summary(calibrated, self.night.by_path)
        wells = full_wells(self.night, calibrated, self.recipe)
        self.result.findings += tuple(well.finding for well in wells)
        self.result.full_well = wells[0] if wells and not wells[0].others_hold_more else None
        if self.options.only == "masters" and (before := last_run(self.logbook.database)) is not None:
            self.result.full_well = known_well(before)  # no science frame was looked at
            self.result.saturated = before.saturated
        if self.options.only is not None:
            self.result.moved += move_products(self.place.output, self.logbook)
            return
        from pipeline_core.finish_night import Measured, finish_night  # noqa: PLC0415 - heavy: not for masters alone

        made = report.made.get(MEASURE_SCIENCE, {})
        measured = Measured(self.night, plan, made, {path: tasks.quality[path].key for path in made}, flags)
        finished = finish_night(
            measured, self.recipe, self.store, self.logbook, self.context, self.pool, self.options.memory_bytes
        )
        self.result.flagged, self.result.judged = finished.suggested, finished.judged
        self.result.realigned = {**self.result.realigned, **finished.realigned}
        self.result.aligned += finished.aligned
        self.result.searched += finished.searched
        self.result.placed += finished.placed
        self.result.moved += finished.moved
        self.result.sky, self.result.sky_words = finished.sky, finished.sky_words
        self._count_rejected_by_rule(tasks, report)
        rejected = self.logbook.rejected()  # by rules too, which have spoken by now
        used = {path: told for path, told in calibrated.items() if path not in rejected}
        self.result.noise = noise_summary(used, self.night.by_path)
        self.result.saturated = masked_as_full(used)
        before = last_run(self.logbook.database)
        self.result.saturated_before = before.saturated if before is not None else None
        self.result.findings += finished.findings

    def _run_inside(self, tasks: Sequence[Task]) -> RunReport:
        """Do short tasks in threads of this process: starting workers would take longer than the work."""
        if self.options.executor != "processes" or not self.options.masters_inside:
            return self._run(tasks)
        with ThreadWorkers(self.pool.workers, self.pool.threads) as threads:
            return self._run(tasks, threads)

    def _run(self, tasks: Sequence[Task], pool: WorkerPool | None = None) -> RunReport:
        report = run(
            tasks,
            self.store,
            pool or self.pool,
            self.context,
            memory_bytes=self.options.memory_bytes,
            force=self._force,
            bytes_per_task=self._task_bytes,
            inline_wide=self.options.masters_inside,
            warm_up=partial(self._compile, tasks),
        )
        self.result.peak_memory_mb = max(self.result.peak_memory_mb, report.peak_memory_mb)
        return report

    def _compile(self, tasks: Sequence[Task]) -> None:
        """Compile the kernels once, here, before workers need them; later runs find them in the user's cache."""
        from pipeline_core import warm_up  # noqa: PLC0415 - heavy

        science = _has_science(tasks)
        if science in self._compiled:
            return
        self._compiled.add(science)
        if not warm_up.is_first_time(science=science):
            return
        begun = time.monotonic()
        self.context.say("kernels", warm_up.first_time_words(science=science))
        kernels = warm_up.warm_up_science if science else warm_up.warm_up_calibration
        if self.options.executor == "processes" and not self.options.masters_inside:
            warm_up.in_worker(self.context, kernels, self.pool)
        else:
            warm_up.unless_stopped(self.context, kernels)
        self.context.say("kernels", warm_up.compiled_words(time.monotonic() - begun, science=science))

    def _make_pool(self) -> WorkerPool:
        """Start the workers that fit into cores and memory; one pool serves all steps of the run."""
        cores = usable_cores()
        wanted = self.options.workers or cores
        free = memory_budget(self.options.memory_bytes) - driver_bytes(self.night)
        fitting = workers_within(free, frame_bytes(self.night, self.recipe), wanted)
        return make_executor(self.options.executor, fitting, max(1, cores // fitting))

    def _task_bytes(self, task: Task) -> int:
        return task_bytes(task) if task.stage.wide else frame_bytes(self.night, self.recipe)

    def _count(self, tasks: NightTasks, report: RunReport) -> None:
        """Count science frames; name what failed, a master once and each frame that waited for it."""
        lost = {failure.task.key: failure.reason for failure in (*report.failed, *report.skipped)}
        cached = {task.key for task in report.cached}
        self._made_now |= {task.key for task in report.done}
        done = self._made_now
        self.result.masters = {
            name: "failed" if task.key in lost else ("made" if task.key in done else "up to date")
            for name, task in tasks.masters.items()
        }
        self.result.failed += [(name, lost[task.key]) for name, task in tasks.masters.items() if task.key in lost]
        for path, task in tasks.science.items():
            if task.key in lost:
                self.result.failed.append((path, lost[task.key]))
                self.result.counts["failed"] += 1
            elif task.key in done:
                self.result.counts["done"] += 1
            elif task.key in cached:
                self.result.counts["cached"] += 1
        unmeasured = [
            path for path, task in tasks.quality.items() if task.key in lost and tasks.science[path].key not in lost
        ]
        self.result.findings += tuple(
            Finding(f"the quality of {path} could not be measured", lost[tasks.quality[path].key], paths=(path,))
            for path in unmeasured
        )
        self.result.did_something = bool(done or cached)

    def _count_rejected_by_rule(self, tasks: NightTasks, report: RunReport) -> None:
        """Count each frame once: what a rule rejects is calibrated, to be judged, and left out all the same."""
        lost = {failure.task.key for failure in (*report.failed, *report.skipped)}
        for path in self.logbook.rejected_by_rule():
            task = tasks.science.get(path)
            if task is not None and task.key not in lost:
                self.result.counts["done" if task.key in self._made_now else "cached"] -= 1
                self.result.counts["left_out"] += 1


def _has_science(tasks: Sequence[Task]) -> bool:
    """Whether science frames are among the tasks: masters need a few of the kernels only."""
    return any(task.stage.name in {CALIBRATE_SCIENCE, MEASURE_SCIENCE} for task in tasks)


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NightError(
            f"cannot make the output folder {output}",
            error.strerror or str(error),
            "name another place with -o",
        ) from error
