"""The open night as it becomes: read, decided about, planned, looked at, reduced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from astep_gui.models.folder_watch import FolderWatch
from astep_gui.models.judgements import changed_events
from astep_gui.models.known_night import KnownNight
from astep_gui.models.needs import needs_of, output_problem
from astep_gui.models.planning import Planning
from astep_gui.models.reading_night import decided_recipe, first_shown, reading
from astep_gui.models.short_titles import ShortTitles
from astep_gui.models.survey_watch import SurveyWatch
from pipeline_core.decisions import RECIPE, REFERENCE_REJECTED
from pipeline_core.errors import AstepError, NightError
from pipeline_core.events import Event
from pipeline_core.lists_later import ListsLater
from pipeline_core.logbook import Logbook
from pipeline_core.session import NO_CHOICES, Place, choices_of, find_place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from astep_gui.jobs import Job, Jobs
    from astep_gui.models.planning import Question
    from pipeline_core.kept_looks import QuickLook
    from pipeline_core.measures import QualityRow
    from pipeline_core.plan_types import Plan
    from pipeline_core.reduction_told import Reduction
    from pipeline_core.survey import Survey
    from pipeline_core.types import Night

NEEDS_MS = 250
"""Quick values come in a few at a time; what they need of a person is said anew at most this often."""
DECIDED_MS = 200
"""Whoever goes through frames rejecting decides faster than a night of thousands is planned: that waits for a rest."""
FOLLOW_MS = 1500
"""How often the logbook is asked whether the command line decided something."""
AGAIN_MS = 30_000
"""So long later a logbook is asked again that could not be: one that is locked keeps who asks waiting for seconds."""


class NightModel(KnownNight):
    """State of the night; knows no widgets. Decisions reach it through the logbook only."""

    leaving = pyqtSignal()
    """The night that is open is about to be closed, itself or for another one."""
    night_changed = pyqtSignal()
    """Another night, or none, or its files changed."""
    frames_changed = pyqtSignal(list)
    """Paths whose fields or state changed."""
    quality_changed = pyqtSignal()
    plan_changed = pyqtSignal()
    needs_changed = pyqtSignal()
    survey_changed = pyqtSignal()
    """What a run would make anew is known again."""
    history_changed = pyqtSignal()
    """The logbook holds steps that this window did not make."""
    recipe_changed = pyqtSignal()
    busy = pyqtSignal(str)
    """What is going on in the background, in words; empty when nothing is."""
    said = pyqtSignal(list)
    """Events of background work, for the log."""
    problem = pyqtSignal(object)
    """An AstepError to be shown."""
    _unwritten = pyqtSignal(object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(jobs, parent)
        self._scan: Job | None = None
        self._last_id = 0
        self._trouble = ""
        """With the logbook, as it was told last; empty while it can be asked."""
        self._recipe_trouble = ""
        """Why the night's settings are not known yet; empty once they are."""
        self._unwritten.connect(self.problem)  # said in the thread that writes, shown in the window's
        self.lists = ListsLater(self._unwritten.emit)
        """Brings decisions and their lists to the disk, which may take seconds that no person need see."""
        self.titles = ShortTitles(self)
        self.told_lost: set[str] = set()
        """Rejected references of which it was said already."""
        self.looks_quickly = True
        """Measure science frames in the background when a night opens."""
        self._planning = Planning(jobs, self._to_plan, self)
        self._planning.planned.connect(lambda plan: self._take_plan(plan, None))
        self._planning.failed.connect(lambda error: self._take_plan(None, error))
        self._folders = FolderWatch(jobs, self)
        self._folders.grown.connect(self.refresh)
        self._needs_soon = QTimer(self)
        self._needs_soon.setSingleShot(True)
        self._needs_soon.setInterval(NEEDS_MS)
        self._needs_soon.timeout.connect(self._ask_needs)
        self.looking.due.connect(self.look_quickly)
        self.looking.rows_came.connect(self._take_rows)
        self.looking.begun.connect(self._take_look)
        self.looking.ended.connect(self._end_waiting)
        self.looking.ended.connect(self._take_look)
        self.looking.failed.connect(self._end_waiting)
        self.looking.failed.connect(self.problem)
        self.looking.stopped.connect(self._stop_waiting)
        self.looking.said.connect(self.said)
        self.looking.busy.connect(self.busy)
        self._surveying = SurveyWatch(jobs, self)
        self._surveying.found.connect(self._take_survey)
        self._surveying.failed.connect(self.problem)
        self.listed: Callable[[], Sequence[str]] = list
        """Tells in which order the frames are listed: paths from top to bottom."""
        self.is_running = False
        """A run is on: what it will leave is not known before it ends."""
        self._follow = QTimer(self)
        self._follow.timeout.connect(self.follow_decisions)

    # -- opening ---------------------------------------------------------------------------------------------

    def open(self, folder: Path, output: Path | None = None) -> None:
        """Read a night (or the output of one) in the background, and show it when it is read."""
        try:
            place = find_place(folder, output)
        except AstepError as error:
            self.problem.emit(error)
            return
        is_again = self.place is not None and self.place.night == place.night
        self._read(place, self.raw if is_again else None)

    def refresh(self) -> None:
        """Look into the folder again; only new and changed files are read."""
        if self.place is not None:
            self._read(self.place, self.raw)

    def _read(self, place: Place, previous: Night | None) -> None:
        if self._scan is not None:
            self._scan.cancel()
        job = self._scan = reading(self._jobs, place, previous)
        job.failed.connect(self._folders.tell_again)
        job.heard.connect(self.said)
        job.done.connect(lambda night: self._opened(job, place, night))
        job.failed.connect(lambda error: self.problem.emit(error) if job is self._scan else None)
        job.ended.connect(lambda: self.busy.emit("") if job is self._scan else None)
        self.busy.emit(f"reading {place.night.name}")
        job.start()

    def _opened(self, job: Job, place: Place, night: Night) -> None:
        if job is not self._scan:
            return
        is_new = self.place is None or self.place.night != place.night or self.place.output != place.output
        if is_new:
            self.close()
            self._scan = job
            self._begin_at(place)
        elif self.raw is not None and self.raw.frames == night.frames:
            return
        before, self.raw = self.raw, night
        try:
            self._decide_frames()
        except AstepError as error:
            self._be_in_trouble(error)
            if before is not None:  # a night that grew stays as it was, and what came in is told again
                self.raw = before
                self._folders.tell_again()
                return
            self.night = night  # undecided, until the logbook can be asked
        self._follow.start(AGAIN_MS if self._trouble else FOLLOW_MS)
        self._folders.follow(night)
        self.night_changed.emit()
        self.history_changed.emit()
        self.recipe_changed.emit()
        if self.current not in self.night.by_path if self.night else True:
            self.select([], first_shown(self.frames, self.listed()))
        self._planning.ask_soon()
        if self.looks_quickly:
            self.looking.wait_for_image() if is_new else self.look_quickly()

    def _begin_at(self, place: Place) -> None:
        """Take over the logbook and the settings of another night, later if they cannot be read now."""
        self.place = place
        try:
            if place.has_logbook:
                self.logbook = self._logbook_of(place)
        except AstepError as error:
            self._be_in_trouble(error)
            self._recipe_trouble = str(error)
        else:
            self._take_recipe()

    def close(self) -> None:
        """Show no night."""
        if self.is_open:
            self.leaving.emit()
        self._folders.forget()
        if self._scan is not None:
            self._scan.cancel()
            self._scan = None
            self.busy.emit("")
        self.looking.forget()
        self._surveying.forget()
        self._follow.stop()
        self._planning.forget()
        self._needs_soon.stop()
        if self.logbook is not None:
            self.logbook.close()
        was_open = self.is_open
        self._last_id, self._trouble, self._recipe_trouble = 0, "", ""
        self.told_lost.clear()
        self._clear()
        if was_open:
            self.night_changed.emit()
            self.history_changed.emit()
            self.selection_changed.emit()
            self.needs_changed.emit()
            self.survey_changed.emit()

    # -- decisions -------------------------------------------------------------------------------------------

    def _logbook_of(self, place: Place) -> Logbook:
        return Logbook.open(place.output, place.night, self.lists.soon)

    def writable_logbook(self) -> Logbook:
        """Return the open logbook; the first decision makes the output folder.

        Raises
        ------
        NightError
            If no night is open, or the output cannot be written.
        """
        if self.place is None or self.raw is None:
            raise NightError("no night is open", "there is nothing to decide about", "open a night first")
        if self.logbook is None:
            self.logbook = self._logbook_of(self.place)
            self.logbook.note_frames(self.raw)
        return self.logbook

    def follow_decisions(self, *, is_own: bool = False) -> None:
        """Take over what the logbook says now, whoever wrote it."""
        if self.place is None or self.raw is None:
            return
        before = self._last_id
        try:
            if self.logbook is None:
                if not self.place.has_logbook:
                    return
                self.logbook = self._logbook_of(self.place)
            is_same = self.logbook.last_id() == self._last_id and not self._trouble
            if not is_same:
                self._decide_frames()
            # Last: what is decided in between is told, now and again.
            subjects = [] if is_same else self.logbook.subjects_since(before)
        except AstepError as error:
            self._last_id = before
            self._be_in_trouble(error)
            return
        if RECIPE in subjects or self._recipe_trouble:
            self._take_recipe()
        if is_same:
            return
        if self._trouble:  # it is over
            self._trouble = ""
            self._follow.start(FOLLOW_MS)
        if not is_own:
            self.history_changed.emit()
        self.frames_changed.emit(subjects)
        self._planning.ask_soon(DECIDED_MS)

    def _be_in_trouble(self, error: AstepError) -> None:
        """Ask the logbook again later; its trouble is said once, not every time."""
        self._follow.start(AGAIN_MS)
        if str(error) != self._trouble:
            self._trouble = str(error)
            self.problem.emit(error)

    def _decide_frames(self) -> None:
        """Take over all that is decided, or nothing where the logbook cannot be asked."""
        assert self.raw is not None
        logbook = self.logbook
        if logbook is None:
            self.night, self.choices, self.rejected, self.reference = self.raw, NO_CHOICES, {}, None
        else:
            last_id, night, choices = logbook.last_id(), logbook.apply(self.raw), choices_of(logbook)
            rejected, chosen, before = logbook.rejected(), logbook.references(), self.reference
            self._last_id, self.night, self.choices, self.rejected = last_id, night, choices, rejected
            self.reference = min((path for path in chosen if path not in rejected), default=None)
            self.told_lost &= rejected.keys()
            if before in chosen and before in rejected:
                self._tell_lost({before})
        self.judgements.heed(self.frame)

    # -- recipe and plan -------------------------------------------------------------------------------------

    def _decide_recipe(self) -> None:
        """Take the settings as the last run left them, with what was decided since."""
        if self.place is None:
            return
        recipe = decided_recipe(self.place, self.logbook)
        if recipe != self.recipe:
            self._recipe = recipe
            self.recipe_changed.emit()

    def _take_recipe(self) -> None:
        """Take them over, or as soon as they can be read: until then those that were known hold."""
        try:
            self._decide_recipe()
        except AstepError as error:
            if str(error) != self._recipe_trouble:  # said once
                self.problem.emit(error)
            self._recipe_trouble = str(error)
        else:
            self._recipe_trouble = ""

    def _to_plan(self) -> Question | None:
        return (self.night, self.recipe, self.choices, self.calibration_flags) if self.night is not None else None

    def _take_plan(self, plan: Plan | None, error: AstepError | None) -> None:
        self.plan, self.plan_error = plan, error
        before = self.left_out
        self.left_out = {item.path: item.reason for item in self.plan.left_out} if self.plan else {}
        changed = [path for path in {*before, *self.left_out} if before.get(path) != self.left_out.get(path)]
        self._look_at_needs()  # first: the plan shows beside its warnings what settles them
        self.plan_changed.emit()
        self.frames_changed.emit(changed)
        self.needs_changed.emit()
        self._survey_soon()

    def _survey_soon(self) -> None:
        if self.place is not None and self.raw is not None and not self.is_running:
            self._surveying.look(self.place, self.raw, self.recipe)

    def _take_survey(self, found: Survey) -> None:
        if REFERENCE_REJECTED in found.realigned.values():
            self._tell_lost(found.references & self.rejected.keys())
        self.survey = found
        if not self.is_running:
            self.judgements.remember_run(found.last_run.said_of_frames if found.last_run is not None else {})
        self.survey_changed.emit()

    def _tell_lost(self, paths: Collection[str]) -> None:
        """Say which references are rejected, once; where this window rejects one, its own line says it."""
        for path in sorted(set(paths) - self.told_lost):
            words = f"{self.titles.name(path)}: {REFERENCE_REJECTED}"
            self.said.emit([Event("message", "alignment", text=words)])
        self.told_lost |= set(paths)

    @property
    def references(self) -> frozenset[str]:
        """Frames that others are laid on: the one that a person chose, and those on which alignments stand."""
        standing = self.survey.references if self.survey is not None else frozenset()
        return standing if self.reference is None else standing | {self.reference}

    # -- needs -----------------------------------------------------------------------------------------------

    def _ask_needs(self) -> None:
        if self.night is not None:
            self._look_at_needs()
            self.needs_changed.emit()

    def _look_at_needs(self) -> None:
        if self.night is not None:
            kept, flags = self.choices.kept, self.calibration_flags
            problem = output_problem(self.place.output) if self.place is not None else ""
            rows = self.rows
            if self.awaits_final:  # the first look's suggestions would go, or be others, in a moment
                rows = {path: row for path, row in rows.items() if row.measures.state == "final"}
            self.needs = needs_of(self.night, self.plan, self.rejected, rows, flags, kept, problem)

    # -- quality ---------------------------------------------------------------------------------------------

    @property
    def is_judged_finally(self) -> bool:
        """Whether all science frames that are not rejected have final values: a quick look is of rejected ones."""
        science = (f.path for f in self.frames if f.kind.value == "science" and f.unusable is None)
        final = {path for path, row in self.rows.items() if row.measures.state == "final"}
        return all(path in final or path in self.rejected for path in science)

    def look_quickly(self) -> None:
        """Measure science frames that have no final values, in the background; judge all."""
        if self.place is not None and self.night is not None:
            self.looking.look(self.place, self.night, self.recipe)

    def _end_waiting(self, _told: object) -> None:
        self.awaits_final = False
        self._needs_soon.start()

    def _stop_waiting(self) -> None:
        """Show the frames that no quick look comes to any more as what they are: not measured."""
        self.frames_changed.emit([f.path for f in self.frames if f.kind.value == "science" and f.path not in self.rows])

    def _take_look(self, look: QuickLook) -> None:
        before = self.calibration_flags
        news = self.judgements.take_look(look, self.frame)
        flagged = {*before, *self.calibration_flags}
        if self.calibration_flags != before:
            self._planning.ask_soon()
        self._take_rows(look.rows)
        self.frames_changed.emit(sorted(flagged))
        if news:
            self.said.emit(changed_events(news))

    def _take_rows(self, rows: Iterable[QualityRow]) -> None:
        taken = self.judgements.take_rows(rows, self.frame)
        self.quality_changed.emit()
        self.frames_changed.emit(taken)
        if not self._needs_soon.isActive():
            self._needs_soon.start()

    # -- runs ------------------------------------------------------------------------------------------------

    def begin_run(self) -> None:
        """Forget what failed the last time."""
        failed = list(self.failed)
        self.failed, self.finished = {}, set()
        self.is_running, self.awaits_final = True, False
        self.judgements.run_begins(self.looking.unjudged)
        self.looking.stop()
        self._surveying.forget()
        self.frames_changed.emit(failed)

    def frames_finished(self, paths: Iterable[str]) -> None:
        """Mark frames whose calibrated files are there while the run goes on; failed ones are none of them."""
        fresh = [path for path in paths if self.frame(path) is not None and path not in self.failed]
        self.finished |= set(fresh)
        self.frames_changed.emit(fresh)

    def frame_failed(self, path: str, reason: str) -> None:
        """Mark a frame that could not be reduced."""
        self.failed[path] = reason
        self.frames_changed.emit([path])

    def end_run(self, result: Reduction | None) -> None:
        """Take over what a run made; None when it was stopped."""
        if result is not None:
            self.failed |= {path: reason for path, reason in result.failed if self.frame(path) is not None}
            self.frames_changed.emit(list(self.failed))
            self.refresh()  # the run has read the folder anew: both must know the same frames
        self.is_running, self.awaits_final = False, result is not None
        self.follow_decisions()
        self._planning.ask_soon()  # the masters may be others now: whoever shows steps looks again
        self.looking.wait_after_run()
        self._survey_soon()
