"""Solve a night: every calibrated frame of an output gets its place on the sky, in the logbook and in its header."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from pipeline_core import journal
from pipeline_core.errors import AstepError, NightError, UsageError
from pipeline_core.events import Event
from pipeline_core.executor import make_executor, usable_cores
from pipeline_core.io.header_update import card_of, update_header
from pipeline_core.io.wcs_cards import SOLUTION_KEY, put_solution
from pipeline_core.lock import RunLock
from pipeline_core.logbook import Logbook
from pipeline_core.opened_night import calibrated_task
from pipeline_core.runner import run
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.solve_hints import SEARCHED_WITH, solve_hints
from pipeline_core.solve_means import engines_for, make_provider
from pipeline_core.solving.at_hand import AtHand
from pipeline_core.solving.engine import EngineError
from pipeline_core.solving.frame_solver import FrameSolver, SolverOptions, Wanted
from pipeline_core.solving.index_files import find_indexes, serving
from pipeline_core.solving.result import FrameSolution
from pipeline_core.stage import Stage, Task, digest, remembered
from pipeline_core.store import Store
from pipeline_core.verdicts import SCIENCE_STAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline_core.config import Recipe, SolveSettings
    from pipeline_core.events import RunContext
    from pipeline_core.executor import WorkerPool
    from pipeline_core.io.index_file import IndexFile
    from pipeline_core.science.tan_sip import TanSip
    from pipeline_core.stage import Made
    from pipeline_core.store import Product

STARS = "stars for solving"
"""Name of the stage that lists them."""
SOLVE = "plate solution"
"""Name under which solutions stand in the store."""
_VERSION = 1
_HEADER, _PIXELS = "header_of", "pixels_of"
"""What a solution notes: when the file was made whose header holds it, and the key of the pixels it was found in."""
_STOOD_ON, _IN_VAIN = "index_files", "in_vain_with"
"""And the index files, with signatures, that it stands on; or with what at hand no solution was found."""
_ANEW_IN_VAIN = "anew_in_vain"
"""And what was asked for, with what at hand, and why not, when it was to be found anew and was not."""


@dataclass(frozen=True)
class SolveOptions:
    """How to run; what is solved and how stands in the recipe."""

    workers: int | None = None
    memory_bytes: int | None = None
    executor: str = "processes"
    force: bool = False
    retry: bool = True
    """Whether frames that were searched in vain are searched again though nothing has changed since."""
    network: bool = True
    """Whether Gaia's archive may be asked, if the recipe allows it."""
    patterns: tuple[str, ...] = ()
    """Only these frames; all if empty."""
    hint: Mapping[str, float] = field(default_factory=dict)
    """A person's own ``ra_deg``, ``dec_deg``, ``scale_arcsec``, instead of the header's."""
    hints: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The same for single frames, by path, with ``radius_deg``; see :mod:`pipeline_core.solve_hints`."""


@dataclass
class NightSolution:
    """What came of it."""

    output: Path
    frames: list[FrameSolution] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def solved(self) -> int:
        """Frames on the sky."""
        return sum(frame.solved for frame in self.frames)


def solve_output(output: Path, recipe: Recipe, options: SolveOptions, context: RunContext) -> NightSolution:
    """Solve the calibrated frames of an output folder, and measure their depth for the quality table.

    Parameters
    ----------
    output : Path
    recipe : Recipe
    options : SolveOptions
    context : RunContext

    Returns
    -------
    NightSolution

    Raises
    ------
    UsageError
        If the folder holds no calibrated frame.
    EngineError
        If nothing can solve on this machine.
    Cancelled
        If the person stopped it; what was solved stays.
    """
    from pipeline_core.solved_depth import renew_quality  # noqa: PLC0415 - it stands on this module's solutions

    with RunLock(output), Logbook.open(output) as logbook:
        context = journal.into_file(context, output / "log.jsonl")
        store = Store(output, logbook.database)
        options = replace(options, hints=solve_hints(logbook))
        cores = options.workers or usable_cores()
        with make_executor(options.executor, cores, 1) as pool:
            night = solve_frames(store, recipe.solve, options, context, pool)
        night.warnings += renew_quality(store, logbook, recipe, context)
        return night


def solve_frames(
    store: Store,
    settings: SolveSettings,
    options: SolveOptions,
    context: RunContext,
    pool: WorkerPool,
    why_not: Callable[[], str] | None = None,
) -> NightSolution:
    """Solve the calibrated frames of an open store; hold its run lock.

    ``why_not`` is asked once, and only if a frame is not solved yet: words from it are raised as an EngineError.
    """
    begun = time.perf_counter()
    products = chosen_products(store, options.patterns)
    if not products:
        raise UsageError(
            f"nothing to solve in {store.output}", "it holds no calibrated frame", "run `astep reduce NIGHT` first"
        )
    night = NightSolution(store.output)
    job = _Job(store, settings, options, context, night)
    try:
        todo = job.without_altered(job.take_known(products))
        if todo:
            if why_not is not None and (words := why_not()):
                raise EngineError(words)
            report = run(
                [_stars_task(product, settings) for product in todo],
                store,
                pool,
                context,
                memory_bytes=options.memory_bytes,
                warm_up=partial(_compile, context),
            )
            made = report.made.get(STARS, {})
            job.run([product for product in todo if product.label in made], made)
            lost = {failure.label: failure.reason for failure in (*report.failed, *report.skipped)}
            night.frames += [
                FrameSolution(
                    product.label, solved=False, reason=lost.get(product.label, "its stars could not be listed")
                )
                for product in todo
                if product.label not in made
            ]
    finally:
        job.close()
    night.frames.sort(key=lambda frame: frame.path)
    night.seconds = time.perf_counter() - begun
    return night


def chosen_products(store: Store, patterns: Sequence[str] = ()) -> list[Product]:
    """Return the calibrated frames that are there, of all or of the named ones."""
    from fnmatch import fnmatchcase  # noqa: PLC0415 - the only use

    products = [
        product
        for product in store.products(SCIENCE_STAGE)
        if product.location is not None and store.file(product.location).is_file()
    ]
    if not patterns:
        return products

    def is_named(label: str, pattern: str) -> bool:
        return label == pattern or fnmatchcase(label if "/" in pattern else label.rsplit("/", 1)[-1], pattern)

    for pattern in patterns:
        if not any(is_named(product.label, pattern) for product in products):
            raise UsageError(
                f"no calibrated frame matches {pattern!r}", "patterns are globs on the night-relative path, or on the "
                "file name", "list the frames with `astep quality OUT`"
            )  # fmt: skip
    return [p for p in products if any(is_named(p.label, pattern) for pattern in patterns)]


def solutions(store: Store) -> dict[str, FrameSolution]:
    """Return what is known of each frame's place on the sky, by its night-relative path.

    Only of frames as they are calibrated now: one that was made anew since, trimmed otherwise perhaps, has none until
    it is solved again.
    """
    now = {product.label: product.key for product in store.products(SCIENCE_STAGE)}
    return {
        product.label: FrameSolution.from_made(product.made)
        for product in store.products(SOLVE)
        if product.made.get(_PIXELS) == now.get(product.label, "")
    }


def _stars_task(product: Product, settings: SolveSettings) -> Task:
    from pipeline_core.stages.solve import FIND_STARS  # noqa: PLC0415 - heavy

    calibrated = calibrated_task(product)
    chosen = {"path": product.label, "max_stars": settings.max_stars}
    return Task(FIND_STARS, None, chosen, {"calibrated": calibrated}, product.label)


def _compile(context: RunContext) -> None:
    """Compile the star kernels once, before workers need them."""
    from pipeline_core import warm_up  # noqa: PLC0415 - heavy

    if warm_up.is_first_time(science=True):
        context.say("kernels", "compiling the number crunching for this machine: once, about a minute")
    warm_up.unless_stopped(context, warm_up.warm_up_science)


class _Job:
    """One pass over the frames, in the order of their times."""

    def __init__(
        self,
        store: Store,
        settings: SolveSettings,
        options: SolveOptions,
        context: RunContext,
        night: NightSolution,
    ) -> None:
        self.store = store
        self.settings = settings
        self.options = options
        self.context = context
        self.night = night
        self.indexes: list[IndexFile] = []
        self.provider = make_provider(settings, (), context, network=False)
        self.at_hand = AtHand(settings, self.provider.cache)
        self._last: dict[tuple[int, int], TanSip] = {}
        """Of the frames that earlier runs solved, the last of each shape."""
        self._solver: FrameSolver | None = None
        self._said: set[str | None] = set()
        """Reasons that were told."""

    def close(self) -> None:
        """End the engines."""
        if self._solver is not None:
            self._solver.close()

    def take_known(self, products: Sequence[Product]) -> list[Product]:
        """Keep what earlier runs solved; return the frames that are to be solved (again)."""
        todo, in_vain = [], []
        for product in products:
            task = self._task(product)
            made = None if self.options.force else self.store.fresh(task)
            frame = self._still_best(made)
            if frame is None and (vain := self._searched_in_vain(product, task, made)) is not None:
                in_vain.append((product, *vain))
                continue
            if made is None or frame is None:
                todo.append(product)
                continue
            # Made again since: its header lost the solution.
            if made.get(_HEADER) != product.when_utc or made.get(_PIXELS) != product.key:
                self._keep(product, task, frame)
            self.night.frames.append(frame)
            if frame.solution is not None and frame.shape is not None:
                self._last[frame.shape] = frame.solution
        for product, frame, key, why in in_vain:
            if key != self.at_hand.key(knows_camera=frame.shape in self._last):
                todo.append(product)  # an index came since, say, or a neighbour was solved
            elif frame.solved:
                self.night.frames.append(self._stays(product, self._earlier[product.label], why))
            else:
                self.night.frames.append(frame)
        return todo

    def _searched_in_vain(
        self, product: Product, task: Task, made: Made | None
    ) -> tuple[FrameSolution, str, str] | None:
        """Return what a search in vain left of a frame, with what at hand it was, and why; None: search it."""
        if self.options.retry or self.options.force:
            return None
        if made is not None and _IN_VAIN in made:
            return FrameSolution.from_made(made), made[_IN_VAIN], ""
        before = self._earlier.get(product.label)
        asked, key, why = before.made.get(_ANEW_IN_VAIN, ("", "", "")) if before is not None else ("", "", "")
        return (FrameSolution.from_made(before.made), key, why) if before is not None and asked == task.key else None

    def without_altered(self, products: Sequence[Product]) -> list[Product]:
        """Pass over the frames whose file was changed before its stars were listed: what it shows now is not ours."""
        ours = []
        for product in products:
            stars = _stars_task(product, self.settings)
            if self.store.fresh(stars) is None and self.store.fresh(calibrated_task(product)) is None:
                reason = "its file was changed since it was made: `astep reduce` makes it again"
                self.night.frames.append(FrameSolution(product.label, solved=False, reason=reason))
            else:
                ours.append(product)
        return ours

    def _still_best(self, made: Made | None) -> FrameSolution | None:
        """Return what an earlier run found, unless this one could do better."""
        frame = FrameSolution.from_made(made) if made is not None else None
        if frame is None or frame.solution is None or frame.shape is None:
            return None
        if made is not None and self.at_hand.was_replaced(made.get(_STOOD_ON, {})):
            return None
        if frame.reference is not None and frame.reference.startswith("Gaia"):
            return frame
        ra, dec = frame.solution.centre(frame.shape)
        better = self.provider.has_better_than_index(ra, dec, frame.solution.radius_deg(frame.shape) + 0.15)
        return None if better else frame

    def run(self, products: Sequence[Product], made: Mapping[str, Made]) -> None:
        """Solve frames, and write their headers."""
        self.indexes, problems = find_indexes(self.settings.indexes)
        self.night.warnings += problems
        self.provider = make_provider(self.settings, self.indexes, self.context, network=self.options.network)
        wanted = {product.label: self._wanted(product.label, made[product.label]) for product in products}
        # What the scale is known of leads: the night's other frames are predicted from it.
        order = sorted(
            products, key=lambda p: (wanted[p.label].scale_arcsec is None, wanted[p.label].year or 0.0, p.label)
        )
        early: list[Product] = []
        for product in self.context.track("plate solutions", order):
            one = wanted[product.label]
            solver = self._engine(wanted.values())
            knew = solver.knows(one.shape)
            frame = self._searched(solver, one)
            self._note(product, frame)
            if not frame.solved and not knew:
                early.append(product)
        for product in early:  # before any of the night was solved: now there is one to predict them from
            one = wanted[product.label]
            solver = self._engine(wanted.values())
            if solver.knows(one.shape):
                self.night.frames = [frame for frame in self.night.frames if frame.path != product.label]
                self._note(product, self._searched(solver, one))
        self.night.warnings += self.provider.notes

    def _searched(self, solver: FrameSolver, one: Wanted) -> FrameSolution:
        radius = self.options.hints.get(one.path, {}).get("radius_deg", self.settings.radius_deg)
        solver.options = replace(solver.options, radius_deg=radius)
        return solver.solve(one, self.context)

    def _note(self, product: Product, frame: FrameSolution) -> None:
        """Keep what came of a frame; a search in vain takes no earlier solution away."""
        before = None if frame.solved else self._earlier.get(product.label)
        # A frame that is tried twice has the last word.
        said = self.night.warnings
        self.night.warnings = [words for words in said if not words.startswith(self._not_anew(product))]
        if before is not None:
            why = frame.reason or ""
            note = [self._task(product).key, self._at_hand_for(frame), why]
            known = remembered(_STAGE, None, product.label, before.key)
            self.store.finish(known, None, None, {**before.made, _ANEW_IN_VAIN: note}, before.seconds)
            frame = self._stays(product, before, why)
        else:
            self._keep(product, self._task(product), frame)
        self.night.frames.append(frame)
        if not frame.solved and frame.reason not in self._said:
            # The end of the pass names each reason with the number of its frames.
            self._said.add(frame.reason)
            words = f"{frame.path}: not solved: {frame.reason}"
            self.context.emit(Event("message", SOLVE, text=words, path=frame.path))

    def _stays(self, product: Product, before: Product, why: str) -> FrameSolution:
        """Return the solution that a frame had, and say that it stays."""
        self.night.warnings.append(f"{self._not_anew(product)}{why}")
        frame = FrameSolution.from_made(before.made)
        self._write(product, frame, before.key)
        return frame

    @staticmethod
    def _not_anew(product: Product) -> str:
        return f"{product.label}: not solved anew, its earlier solution stays: "

    def _at_hand_for(self, frame: FrameSolution) -> str:
        knows = self._solver is not None and frame.shape is not None and self._solver.knows(frame.shape)
        return self.at_hand.key(knows_camera=knows)

    @cached_property
    def _earlier(self) -> dict[str, Product]:
        """Solutions that this pass began with, of frames as they are calibrated now."""
        current = solutions(self.store)
        return {row.label: row for row in self.store.products(SOLVE) if row.label in current and row.made["solved"]}

    def _keep(self, product: Product, task: Task, frame: FrameSolution) -> None:
        """Write a frame's header, then note its solution: killed in between, it is solved again."""
        made = frame.as_made() | {_PIXELS: product.key, SEARCHED_WITH: dict(self.options.hints.get(product.label, {}))}
        if frame.solution is None:
            made[_IN_VAIN] = self._at_hand_for(frame)
        else:
            made[_STOOD_ON] = self.at_hand.stood_on(frame)
            if self._write(product, frame, task.key):
                made[_HEADER] = product.when_utc
        self.store.finish(task, None, None, made, frame.seconds)

    def _engine(self, wanted: Iterable[Wanted]) -> FrameSolver:
        """Return the solver of the night, with the indexes that serve any of its frames."""
        if self._solver is None:
            fields = {
                min(one.shape) * one.scale_arcsec / 60.0 if one.scale_arcsec is not None else None for one in wanted
            }
            fit: dict[Path, None] = {}
            for field_arcmin in sorted(field for field in fields if field is not None):
                fit |= dict.fromkeys(index.path for index in serving(self.indexes, field_arcmin))
            if None in fields or not fit:
                fit |= dict.fromkeys(index.path for index in self.indexes)
            engines, beside = engines_for(self.settings, list(fit), self.provider, wanted)
            options = SolverOptions(
                self.settings.scale_tolerance, self.settings.radius_deg, self.settings.time_limit_s, self.settings.order
            )
            self._solver = FrameSolver(engines, self.provider, self.indexes, options, beside)
            for shape, solution in self._last.items():
                self._solver.remember(solution, shape)
        return self._solver

    def _wanted(self, label: str, made: Made) -> Wanted:
        facts = dict(made["header"])
        facts |= {name: value for name, value in self.options.hint.items() if value is not None}
        if self.settings.scale_arcsec is not None and "scale_arcsec" not in self.options.hint:
            facts["scale_arcsec"] = self.settings.scale_arcsec
        own = self.options.hints.get(label, {})
        facts |= {name: value for name, value in own.items() if name != "radius_deg"}
        return Wanted(label, FrameStars.from_lists(made["stars"]), (made["shape"][0], made["shape"][1]), **facts)

    def _task(self, product: Product) -> Task:
        settings = self.settings.model_dump(include={"order", "catalogue", "faintest_mag", "scale_arcsec"})
        if own := self.options.hints.get(product.label):  # a solution found elsewhere than a person says now is old
            settings["hint"] = dict(own)
        return Task(_STAGE, None, settings, {"stars": _stars_task(product, self.settings)}, product.label)

    def _write(self, product: Product, frame: FrameSolution, key: str) -> bool:
        """Put the solution into the calibrated file's header, unless it is there; False if it could not be."""
        assert frame.solution is not None, "only of solved frames"
        path = self.store.path(calibrated_task(product))
        name = digest(key, frame.reference, frame.solution.as_plain())
        try:
            if card_of(path, SOLUTION_KEY) == name:
                return True
            if self.store.fresh(calibrated_task(product)) is None:  # what someone else wrote must not become ours
                raise NightError(
                    f"the solution is not written into {path.name}",
                    "the file was changed since it was made",
                    "run `astep reduce` to make it again; the solution is kept",
                )
            shape = frame.shape or (0, 0)
            solution = frame.solution
            facts = frame.facts(name)
            self.store.rewrite(
                product.name,
                lambda place: update_header(place, lambda header: put_solution(header, solution, shape, facts)),
            )
        except AstepError as error:
            self.night.warnings.append(str(error))
            self.context.say(SOLVE, str(error), level="warning", path=product.label)
            return False
        return True


def _in_order(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Refuse: solutions are found one after the other, each from the last, by this job and no worker."""
    del settings, inputs, out, threads
    raise UsageError(
        "cannot solve a frame by itself", "a night is solved in the order of time", "use `astep solve OUT`"
    )


_STAGE = Stage(SOLVE, _VERSION, _in_order)
