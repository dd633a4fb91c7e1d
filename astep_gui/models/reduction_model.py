"""The run of a night in the background: how far it is, how long it takes, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from PyQt6.QtCore import QObject, pyqtSignal

from pipeline_core.errors import NightError
from pipeline_core.name_words import counted
from pipeline_core.verdicts import SCIENCE_STAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astep_gui.jobs import Job, Jobs
    from astep_gui.models.night_model import NightModel
    from pipeline_core.events import Event, RunContext
    from pipeline_core.plan_types import Plan
    from pipeline_core.reduce import RunOptions
    from pipeline_core.reduction_told import Reduction
    from pipeline_core.survey import Survey


GAIN = "gain and read noise"
MEASURED_FIRST = frozenset({GAIN, "quality of calibration frames"})
"""Stages after which the plan is made anew, so that what follows is not counted yet while they are on."""


@dataclass
class StageProgress:
    """How far one stage of the run is."""

    name: str
    done: int = 0
    total: int = 0
    failed: int = 0
    cached: int = 0
    """What was up to date before."""
    state: Literal["waiting", "running", "finished", "stopped"] = "waiting"


_NONE = StageProgress("")


class ReductionModel(QObject):
    """One run at a time, of the open night."""

    changed = pyqtSignal()
    """Running or not, how far, what is stale."""
    said = pyqtSignal(list)
    begun = pyqtSignal()
    finished = pyqtSignal(object)
    """A Reduction."""
    cancelled = pyqtSignal()
    problem = pyqtSignal(object)

    def __init__(self, night: NightModel, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._jobs = jobs
        self._job: Job | None = None
        self.done = 0
        self.total = 0
        self.eta_s: float | None = None
        self.is_stopping = False
        self.is_blocked = False
        """While the night is solved, aligned or stacked: one run at a time writes into the results."""
        self.stage = ""
        self.stages: dict[str, StageProgress] = {}
        """Of the run that is on, or of the last one, in the order in which they began."""
        self._before, self._leg_done, self._expected, self._calibration = 0, 0, 0, 0
        self._is_timed = False
        self._leg = (0, True)
        """Tasks of the part of the run that is on, and whether only calibration frames are measured in it."""
        self.only: str | None = None
        """The part that the run that is on was asked for; None for a whole run."""
        self.result: Reduction | None = None
        """Of the last run of this night in this window."""
        self._left: list[str] | None = None
        """What the run left to be done, as the first survey after it told: what failed, what is not solved."""
        night.survey_changed.connect(self._survey_came)
        night.night_changed.connect(self._another_night)

    def _another_night(self) -> None:
        if self.result is not None and (self._night.place is None or self._night.place.output != self.result.output):
            self.result = None
            self.stages = {}
            self.changed.emit()

    @property
    def is_running(self) -> bool:
        """Whether a run is going on."""
        return self._job is not None

    @property
    def is_overtaken(self) -> bool:
        """Whether decisions since the run's end wait to be followed: what it says of itself is of before them."""
        survey = self._night.survey
        if self.is_running or self.result is None or self._left is None or survey is None:
            return False
        return not survey.is_up_to_date and waiting_reasons(survey, most=len(self._night.frames)) != self._left

    def _survey_came(self) -> None:
        if self.result is not None and self._left is None and not self.is_running and self._night.survey is not None:
            self._left = waiting_reasons(self._night.survey, most=len(self._night.frames))
        self.changed.emit()

    @property
    def words(self) -> str:
        """What the button says: "Cancel · 34/200 · 2 min left", "Cancel · alignment 1/3"."""
        if not self.is_running:
            return waiting_words(self._night.survey)
        if self.is_stopping:
            return "Stopping…"
        parts = ["Cancel"]
        if self.total:
            parts.append(self.how_far("/"))
        if self.eta_s is not None:
            parts.append(duration_words(self.eta_s))
        return " · ".join(parts)

    def how_far(self, of: str) -> str:
        """Say how far the run is: "34/200", or where it is once all that is counted together is done.

        Parameters
        ----------
        of : str
            Between the two numbers: "/", " of ".
        """
        if self.done < self.total:
            return f"{self.done}{of}{self.total}"
        last = self.stages.get(self.stage, _NONE)  # frames are placed on each other, found on the sky, judged once more
        return f"{last.name} {last.done}{of}{last.total}" if last.done < last.total else "finishing"

    def start(self, options: RunOptions | None = None) -> None:
        """Reduce what is stale. Does nothing while a run goes on or no night is open."""
        place, recipe = self._night.place, self._night.recipe
        if self.is_running or place is None:
            return
        if self.is_blocked:
            why = "the night is being solved, aligned or stacked, and one run at a time writes into the results"
            self.problem.emit(NightError("cannot reduce now", why, "wait until it ends, or cancel it in the dock Sky"))
            return

        def work(context: RunContext) -> Reduction:
            from pipeline_core.reduce import RunOptions, reduce_night  # noqa: PLC0415 - not before it is asked for

            self._night.lists.flush()
            # Masters in a worker too: combining here would make the window stutter.
            wanted = options or RunOptions(masters_inside=False)
            return reduce_night(place, recipe, replace(wanted, said_of_frames=said), context)

        self.done = self.total = 0
        self.eta_s, self.is_stopping, self.stage = None, False, ""
        self.stages, self.result, self._left = {}, None, None
        self._before, self._leg, self._leg_done = 0, (0, True), 0
        self.only = options.only if options is not None else None
        self._expected = self._products_expected()
        self._calibration = self._calibration_expected()
        self._is_timed = self._night.survey is not None and self._night.survey.is_reduced
        self.begun.emit()
        self._night.begin_run()
        said = self._night.judgements.said_before_run
        job = self._job = self._jobs.job("reducing", work)
        job.heard.connect(self._hear)
        job.done.connect(self._finish)
        job.failed.connect(self._fail)
        job.cancelled.connect(self._stop)
        job.start()
        self.changed.emit()

    def cancel(self) -> None:
        """Stop at the next checkpoint; what is finished stays."""
        if self._job is not None:
            self._job.cancel()
            self.is_stopping = True
            self.changed.emit()

    def _hear(self, events: Iterable[Event]) -> None:
        heard = list(events)
        for event in heard:
            if event.data.get("run_total"):
                self._reckon(event)
            if event.kind in {"started", "progress"}:
                self.stage = event.job
                if not event.data.get("run_total"):
                    self.eta_s = None  # of what is counted by itself no rest was reckoned
            self._count(event)
            if event.kind == "progress" and event.job == SCIENCE_STAGE:
                self._night.frames_finished(event.data.get("labels", ()))
            if event.level == "error" and event.path is not None:
                self._night.frame_failed(event.path, event.text)
        self.said.emit(heard)
        self.changed.emit()

    def _reckon(self, event: Event) -> None:
        """Say how far the whole is: calibration frames are measured first, which the core reckons by itself."""
        done, total = event.data["run_done"], event.data["run_total"]
        if (total, event.job in MEASURED_FIRST) != self._leg or done < self._leg_done:
            self._before += self._leg[0]
            self._leg = (total, event.job in MEASURED_FIRST)
        self._leg_done = done
        to_come = self._expected if self._leg[1] else 0
        to_come += self._calibration if event.job == GAIN else 0
        self.done, self.total = self._before + done, self._before + total + to_come
        # The core reckons with stages it has timed before; in a first run the longest is not among them at first.
        knows = self._expected == 0 or self._is_timed or self.stages.get(SCIENCE_STAGE, _NONE).done > 0
        self.eta_s = event.data.get("eta_s") if knows and not to_come else None

    def _products_expected(self) -> int:
        """Count masters, calibrations and judgements that a run would do, as far as can be told before it."""
        plan, survey = self._night.plan, self._night.survey
        if self.only not in {None, "masters"}:
            return 0
        if self.only == "masters":
            known = {master.name: master.state for master in survey.masters} if survey is not None else {}
            return sum(known.get(master.name) != "up to date" for master in plan.masters) if plan is not None else 0
        if survey is not None and survey.is_reduced:
            masters = sum(master.state != "up to date" for master in survey.masters)
            return masters + 2 * len(survey.stale) + len(survey.unjudged)
        return len(plan.masters) + 2 * len(plan.science) if plan is not None else 0

    def _calibration_expected(self) -> int:
        """Count calibration frames that are measured first; later runs know them already."""
        plan, survey = self._night.plan, self._night.survey
        if plan is None or (survey is not None and survey.masters and survey.is_reduced):
            return 0
        return len({path for master in plan.masters if not master.is_ready for path in master.frames})

    def _count(self, event: Event) -> None:
        """Note how far a stage is; messages of the run as a whole belong to none."""
        if event.kind == "message" or not event.total:
            return
        stage = self.stages.setdefault(event.job, StageProgress(event.job))
        stage.done, stage.total = event.done, event.total
        stage.cached = int(event.data.get("cached", stage.cached))
        stage.failed += event.kind == "failed"
        is_done = event.kind == "finished" or event.done >= event.total
        stage.state = "finished" if is_done else "stopped" if event.kind == "cancelled" else "running"

    def _finish(self, result: Reduction) -> None:
        self._job = None
        self.result = result
        self._night.end_run(result)
        self.changed.emit()
        self.finished.emit(result)

    def _fail(self, error: object) -> None:
        self._job = None
        self._end_stages()
        self._night.end_run(None)
        self.changed.emit()
        self.problem.emit(error)

    def _end_stages(self) -> None:
        """Keep what was done; of a stage that had only begun, "0/1" says nothing any more."""
        self.stages = {name: stage for name, stage in self.stages.items() if stage.done}
        for stage in self.stages.values():
            if stage.state == "running":
                stage.state = "stopped"

    def _stop(self) -> None:
        self._job = None
        self._end_stages()
        self._night.end_run(None)
        self.changed.emit()
        self.cancelled.emit()


def waiting_words(survey: Survey | None) -> str:
    """Say what a click on the button would do: reduce the night, or only what changed since the last time."""
    if survey is None or not survey.is_reduced:
        return "Reduce night"
    if survey.is_up_to_date:
        return "Up to date"
    changed, moved = len(survey.stale), len(survey.moves)
    if changed:
        what = "new" if changed == len(survey.new) else "changed"
        words = f"{counted(changed, 'frame')} {what}"
    elif moved:
        words = f"{counted(moved, 'verdict')} changed"
    elif any(master.state != "up to date" for master in survey.masters):
        words = "Masters changed"
    elif survey.unjudged:
        words = "Judge anew"
    elif survey.unaligned:
        words = f"{len(survey.unaligned)} not aligned"
    elif survey.realigned:
        words = "Reference changed"
    else:
        words = f"{len(survey.unsolved)} not solved"
    return f"{words}: update"


def first_run_words(plan: Plan, survey: Survey | None) -> str:
    """Say what a run would make of a night no frame of which is calibrated yet; masters may be there from a cut run."""
    frames = f"calibrates {counted(len(plan.science), 'frame')}"
    masters = survey.masters if survey is not None and survey.masters else None
    ready = sum(master.state == "up to date" for master in masters) if masters is not None else 0
    to_make = len(masters) - ready if masters is not None else len(plan.masters)
    words = f"makes {counted(to_make, 'master')} and {frames}" if to_make else frames
    return f"{words}; {ready} master{' is' if ready == 1 else 's are'} up to date" if ready else words


def waiting_reasons(survey: Survey, most: int = 6) -> list[str]:
    """Say what would be made anew, and why, a line each; frames of one reason together."""
    lines = [f"{m.name}: {m.why}" for m in survey.masters if m.state != "up to date"]
    by_reason: dict[str, list[str]] = {}
    for path, why in survey.stale.items():
        by_reason.setdefault(why, []).append(path)
    lines += [
        f"{paths[0].rsplit('/', 1)[-1] if len(paths) == 1 else f'{len(paths)} frames'}: {why}"
        for why, paths in by_reason.items()
    ]
    if survey.moves:
        lines.append(f"{_files(survey.moves)} to or from rejected/, nothing is computed")
    if survey.unjudged:
        lines.append(f"to be judged anew: {len(survey.unjudged)}")
    if survey.unaligned:
        lines.append(f"to be placed on their reference: {len(survey.unaligned)}")
    lines += [f"{pointing} is aligned anew: {why}" for pointing, why in survey.realigned.items()]
    if survey.unsolved:
        lines.append(f"to be found on the sky: {len(survey.unsolved)}")
    return [*lines[:most], f"and {len(lines) - most} more"] if len(lines) > most else lines


def _files(paths: Sequence[str]) -> str:
    return "a calibrated file moves" if len(paths) == 1 else f"{len(paths)} calibrated files move"


def duration_words(seconds: float) -> str:
    """Say how long the rest takes, as exactly as it is known."""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 90:
        return f"{round(seconds / 5) * 5:.0f} s left"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min left"
    return f"{seconds / 3600:.1f} h left"
