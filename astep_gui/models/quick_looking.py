"""The quick look at the open night: its frames measured roughly in the background, once there is something to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from astep_gui.models.preparing import prepare

if TYPE_CHECKING:
    from astep_gui.jobs import Job, Jobs
    from pipeline_core.config import Recipe
    from pipeline_core.events import Event, RunContext
    from pipeline_core.kept_looks import QuickLook
    from pipeline_core.measures import QualityRow
    from pipeline_core.session import Place
    from pipeline_core.stage import Made
    from pipeline_core.types import Night

JOB = "quick look"
"""What the core calls it in its events."""
AFTER_IMAGE_MS = 150
"""From the first image to the look: it is painted by then, and the panels have settled."""
LATEST_MS = 3000
"""A night whose first image does not come is looked at all the same."""
AFTER_RUN_MS = 800
"""From the end of a run to the look: what the run made is found and shown first. All at once, in threads that share
one interpreter, made the window stop for as long as all of them took."""


class QuickLooking(QObject):
    """One look at a time; what was measured once is known until another night opens."""

    due = pyqtSignal()
    """The look that waited for the first image may begin."""
    rows_came = pyqtSignal(list)
    """QualityRows measured so far, not yet judged."""
    begun = pyqtSignal(object)
    """QuickLook: what is known of an earlier run or look, judged."""
    ended = pyqtSignal(object)
    """QuickLook: all of them, judged."""
    failed = pyqtSignal(object)
    """AstepError."""
    stopped = pyqtSignal()
    """The look that was on is none any more: it was cancelled, or failed."""
    said = pyqtSignal(list)
    """Events, for the log."""
    progressed = pyqtSignal()
    """:attr:`words` say something else."""
    busy = pyqtSignal(str)
    """What must be done before the first look of all; empty when it is done."""

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        self._known: dict[str, Made] = {}
        self._first: dict[str, str] = {}
        """What was said of the raw frames, kept once the night has a logbook."""
        self.unjudged: set[str] = set()
        """Frames that were measured, and not compared with their group yet: nothing is said for or against them."""
        self._is_preparing = False
        self._done = self._total = 0
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.timeout.connect(self.due)

    @property
    def is_on(self) -> bool:
        """Whether a look waits for its turn, or is at work."""
        return self._wait.isActive() or (self._job is not None and self._job.is_running)

    @property
    def words(self) -> str:
        """How far a look is that is at work, and what comes of it; empty when none is."""
        if not self.is_on:
            return ""
        return f"{self.counted or 'quick look begins'} · verdicts follow"

    @property
    def counted(self) -> str:
        """How far it is: "quick look 12 of 33"; empty before the first frame, and when it is over."""
        counts = self.is_on and self._total and not self._is_preparing
        return f"{JOB} {self._done} of {self._total}" if counts else ""

    def wait_for_image(self) -> None:
        """Begin when the first image is shown; its kernels would hold up the painting of it."""
        self._wait.start(LATEST_MS)

    def wait_after_run(self) -> None:
        """Begin when what a run made has been shown."""
        self._wait.start(AFTER_RUN_MS)

    def image_is_shown(self) -> None:
        """Take note that there is something to see now."""
        if self._wait.isActive() and self._wait.interval() == LATEST_MS:
            self._wait.start(AFTER_IMAGE_MS)

    def look(self, place: Place, night: Night, recipe: Recipe) -> None:
        """Measure the science frames that have no final values, and judge all; an earlier look ends."""
        self._drop()
        known, first = self._known, self._first

        def work(context: RunContext) -> object:
            tell = job.told.emit
            if not known:  # the first look at this night
                from pipeline_core.kept_looks import last_known  # noqa: PLC0415 - reads a table

                tell(last_known(place, night))
            prepare(context, tell)
            from pipeline_core.quick_look import quick_look  # noqa: PLC0415 - imports every kernel

            return quick_look(place, night, recipe, context, lambda rows: tell(list(rows)), known, first)

        job = self._job = self._jobs.job(JOB, work)
        job.heard.connect(self.said)
        job.heard.connect(lambda events: self._count(events) if job is self._job else None)
        job.told.connect(lambda told: self._hear(told) if job is self._job else None)
        job.done.connect(lambda found: self._judged(found) if job is self._job else None)
        job.failed.connect(lambda error: self._fail(error) if job is self._job else None)
        job.start()
        self.progressed.emit()

    def _count(self, events: list[Event]) -> None:
        """Take note of how many frames were looked at."""
        counted = [event for event in events if event.job == JOB and event.kind in {"started", "progress"}]
        if counted:
            self._done, self._total = counted[-1].done, counted[-1].total
            self.progressed.emit()

    def stop(self) -> None:
        """Look no more: a run measures better, or a newer look begins."""
        was_on = self.is_on
        self._drop()
        if was_on:
            self.progressed.emit()

    def _drop(self) -> None:
        self._wait.stop()
        self._done = self._total = 0
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self._prepares("")
            self.stopped.emit()

    def forget(self) -> None:
        """Stop, and forget what was measured: another night opens."""
        self.stop()
        self._known, self._first, self.unjudged = {}, {}, set()

    def _hear(self, told: list[QualityRow] | str | QuickLook) -> None:
        if isinstance(told, str):
            self._prepares(told)
        elif isinstance(told, list):
            self.unjudged |= {row.path for row in told}
            self.rows_came.emit(told)
        else:
            self.begun.emit(told)

    def _judged(self, found: QuickLook) -> None:
        self.unjudged = set()
        self.ended.emit(found)
        self.progressed.emit()

    def _fail(self, error: object) -> None:
        self.failed.emit(error)
        self.stopped.emit()
        self.progressed.emit()

    def _prepares(self, words: str) -> None:
        """Say what goes on, and when it is over."""
        if words or self._is_preparing:
            self._is_preparing = bool(words)
            self.busy.emit(words)
