"""Solving, aligning and stacking in the background: one at a time, how far, how long, and stopped at a word."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from astep_gui.models.reduction_model import duration_words
from pipeline_core.errors import NightError
from pipeline_core.events import WAITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from astep_gui.jobs import Job, Jobs, Work
    from astep_gui.models.night_model import NightModel
    from astep_gui.models.reduction_model import ReductionModel
    from pipeline_core.events import Event, RunContext
    from pipeline_core.stack_night import NightStacks

_SECOND_MS = 1000
_WORTH_SAYING_S = 1.0
"""What is waited for less than this is gone before it is read."""
_FEW = 3
"""So many frames are solved in threads: starting processes would take longer than the work."""


class SkyWork(QObject):
    """Runs what writes to the output; holds back while the night is reduced, and the other way round."""

    changed = pyqtSignal()
    """Running or not, how far."""
    said = pyqtSignal(list)
    finished = pyqtSignal(str)
    """What came of it, in words."""
    cancelled = pyqtSignal()
    problem = pyqtSignal(object)

    def __init__(self, night: NightModel, run: ReductionModel, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._run = run
        self._jobs = jobs
        self._job: Job | None = None
        self._begun = 0.0
        self._part = ""
        self.title = ""
        self.done = 0
        self.total = 0
        self.eta_s: float | None = None
        self.is_stopping = False
        self._started = 0.0
        self._waits: dict[str, float] = {}
        """What is waited for, and since when."""
        self._clock = QTimer(self)
        self._clock.setInterval(_SECOND_MS)
        self._clock.timeout.connect(self.changed)  # a clock that stands still looks like a program that does

    @property
    def is_held(self) -> bool:
        """Whether something writes into the results, here or the run: nothing else may begin then."""
        return self.is_running or self._run.is_running

    @property
    def is_running(self) -> bool:
        """Whether something is being done."""
        return self._job is not None

    @property
    def words(self) -> str:
        """How far it is: "Solving the night · 34/59 plate solutions"."""
        if not self.is_running:
            return ""
        if self.is_stopping:
            return f"{self.title} · stopping"
        parts = [self.title]
        if self.total:
            parts.append(f"{self.done}/{self.total} {self._part}")  # the count before what gives way
        return " · ".join(parts)

    @property
    def time_words(self) -> str:
        """How long it has taken, and how long the rest takes: "1 min 12 s so far · 20 s left"."""
        if not self.is_running:
            return ""
        so_far = f"{passed_words(time.monotonic() - self._started)} so far"
        if self.eta_s is None or not self.done or self.is_stopping:
            return so_far
        return f"{so_far} · {duration_words(self.eta_s)}"

    @property
    def wait_words(self) -> str:
        """What it waits for, once that takes a while: "waits for Gaia's archive: 3 catalogue tiles, 14 s"."""
        now = time.monotonic()
        long = [(what, now - since) for what, since in self._waits.items() if now - since >= _WORTH_SAYING_S]
        if not self.is_running or not long:
            return ""
        what, seconds = long[-1]
        return f"waits for {what}, {passed_words(seconds)}"

    def solve(self, paths: Sequence[str] = (), *, force: bool = False) -> None:
        """Solve these frames, or all that are not solved yet."""
        place, recipe = self._night.place, self._night.recipe
        if place is None:
            return

        def work(context: RunContext) -> str:
            from pipeline_core.solve_night import SolveOptions, solve_output  # noqa: PLC0415 - heavy

            executor = "threads" if 0 < len(paths) <= _FEW else "processes"
            options = SolveOptions(executor=executor, force=force, patterns=tuple(paths))
            return solved_words(solve_output(place.output, recipe, options, context))

        name = "this frame" if len(paths) == 1 else f"{len(paths)} frames" if paths else "the night"
        self._start(f"Solving {name}", work)

    def fetch(self) -> None:
        """Bring Gaia's stars around the night's frames to the disk."""
        place = self._night.place
        if place is None:
            return

        def work(context: RunContext) -> str:
            from pipeline_core.fetch_catalogue import fetch_night  # noqa: PLC0415 - heavy

            return fetched_words(fetch_night(place.output if place.has_logbook else place.night, context))

        self._start("Fetching Gaia's stars", work)

    def align(self) -> None:
        """Align the night."""
        place, recipe = self._night.place, self._night.recipe
        if place is None:
            return

        def work(context: RunContext) -> str:
            from pipeline_core.align_night import align_night  # noqa: PLC0415 - heavy

            found = align_night(place, recipe, context)
            good = [one for one in found.counted if one.aligned]
            lost = [f"{one.path.rpartition('/')[2]}: {one.reason}" for one in found.counted if not one.aligned]
            words = f"{len(good)} of {len(found.counted)} frames aligned on {len(found.references)} reference" + (
                "s" if len(found.references) != 1 else ""
            )
            return words + (f"; not aligned: {lost[0]}" + (f" and {len(lost) - 1} more" if len(lost) > 1 else "")
                            if lost else "")  # fmt: skip

        self._start("Aligning the night", work, self._aligned)

    def _aligned(self, words: str) -> None:
        """Show the shifts that the quality table counts from the chosen reference now."""
        if self._night.looks_quickly:
            self._night.look_quickly()
        self.finished.emit(words)

    def stack(self) -> None:
        """Stack the accepted frames of each group."""
        place, recipe = self._night.place, self._night.recipe
        if place is None:
            return

        def work(context: RunContext) -> str:
            from pipeline_core.stack_night import StackOptions, stack_night  # noqa: PLC0415 - heavy

            return stacked_words(stack_night(place, recipe, StackOptions(), context))

        self._start("Stacking", work)

    def add_index(self, files: Sequence[Any]) -> None:
        """Copy index files into the user's folder."""

        def work(context: RunContext) -> str:
            from pipeline_core.solving.add_index import add_indexes  # noqa: PLC0415 - heavy

            added = add_indexes(files, context)
            return "added: " + ", ".join(path.name for path in added)

        self._start("Adding indexes", work)

    def cancel(self) -> None:
        """Stop at the next checkpoint; what is finished stays."""
        if self._job is not None:
            self._job.cancel()
            self.is_stopping = True
            self.changed.emit()

    def _start(self, title: str, work: Work, done: Callable[[str], object] | None = None) -> None:
        if self.is_running:
            return
        if self._run.is_running:
            why = "the night is being reduced, and one run at a time writes into the results"
            self.problem.emit(NightError(f"cannot begin: {title.lower()}", why, "wait until it ends, or cancel it"))
            return
        self.title, self._part = title, ""
        self.done = self.total = 0
        self.eta_s, self.is_stopping = None, False
        self._begun = self._started = time.monotonic()
        self._waits = {}
        self._clock.start()
        job = self._job = self._jobs.job(title.lower(), work)
        job.heard.connect(self._hear)
        job.done.connect(self._end(done or self.finished.emit))
        job.failed.connect(self._end(self.problem.emit))
        job.cancelled.connect(self._end(self.cancelled.emit))
        job.start()
        self.changed.emit()

    def _end(self, tell: Callable[..., object]) -> Callable[..., None]:
        def end(*result: object) -> None:
            self._job = None
            self._clock.stop()
            self._waits = {}
            self._night.follow_decisions()
            self.changed.emit()
            tell(*result)

        return end

    def _hear(self, events: Iterable[Event]) -> None:
        heard = list(events)
        for event in heard:
            if WAITS in event.data:
                if event.kind == "started":
                    self._waits[event.job] = time.monotonic()
                else:
                    self._waits.pop(event.job, None)
            if event.kind not in {"started", "progress"} or not event.total:
                continue
            if event.job != self._part:
                self._part, self._begun = event.job, time.monotonic()
            self.done, self.total = event.done, event.total
            self.eta_s = event.data.get("eta_s")
            if self.eta_s is None and event.done:
                self.eta_s = (time.monotonic() - self._begun) / event.done * (event.total - event.done)
        self.said.emit(heard)
        self.changed.emit()


def stacked_words(night: NightStacks) -> str:
    """Say what came of stacking: how many groups, which frames had to stay out, what was removed."""
    made = [stack for stack in night.stacks if stack.file is not None]
    lost = [f"{stack.group}: {stack.reason}" for stack in night.stacks if stack.file is None]
    # That rejected frames are left out is what a person rejects them for.
    out = [one for stack in made for one in stack.left_out if not one[1].startswith("rejected")]
    more = f" and {len(out) - 1} more" if len(out) > 1 else ""
    without = [f"without {out[0][0].rpartition('/')[2]}{more}: {out[0][1]}"] if out else []
    gone = [f"removed {file.name}: its group has no frame to stack any more" for file in night.removed]
    return "; ".join([f"{len(made)} of {len(night.stacks)} groups stacked", *without, *lost[:1], *gone])


def solved_words(night: Any) -> str:
    """Say what came of a solve: how many, and why the first of the others is not."""
    lost = [frame for frame in night.frames if not frame.solved]
    words = f"{night.solved} of {len(night.frames)} frame{'s' if len(night.frames) != 1 else ''} solved"
    if night.left_out:
        words += f" · {night.left_out} rejected left out"
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        words += f"; not solved: {lost[0].path.rpartition('/')[2]}{more}: {lost[0].reason}"
    # A search in vain does not cost the solution that was there; who asked for it is told.
    told = [words_of.partition(": ") for words_of in night.warnings]
    kept = [f"{path.rpartition('/')[2]}: {why}" for path, _, why in told if "earlier solution stays" in why]
    return "; ".join([*kept, words])


def fetched_words(fetched: Any) -> str:
    """Say what of the catalogue is on the disk now, and why the rest is not."""
    words = f"{fetched.there} of {fetched.tiles} catalogue tile{'s' if fetched.tiles != 1 else ''} are here"
    words += f", {fetched.size_bytes / 1e6:.1f} MB in all"
    if fetched.there == fetched.tiles:
        return f"{words}: solve again, and frames are compared with Gaia's stars"
    why = f": {fetched.failed[0]}" if fetched.failed else ""
    return f"{words}; the rest did not come{why}"


def passed_words(seconds: float) -> str:
    """Say how long something has taken: "14 s", "3 min 5 s", "1 h 20 min"."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
