"""Solve a night: every calibrated frame of an output gets its place on the sky, in the logbook and in its header."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline_core import journal
from pipeline_core.errors import UsageError
from pipeline_core.events import Event
from pipeline_core.executor import make_executor, usable_cores
from pipeline_core.lock import RunLock
from pipeline_core.logbook import Logbook
from pipeline_core.opened_night import calibrated_task
from pipeline_core.runner import run
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.solve_hints import solve_hints
from pipeline_core.solve_means import engines_for, make_provider
from pipeline_core.solve_memory import SolveMemory
from pipeline_core.solve_tasks import SOLVE, STARS, compile_kernels, stars_task
from pipeline_core.solving.engine import EngineError
from pipeline_core.solving.frame_solver import FrameSolver
from pipeline_core.solving.index_files import find_indexes, serving
from pipeline_core.solving.result import FrameSolution
from pipeline_core.solving.wanted import SolverOptions, Wanted
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
    from pipeline_core.store_lines import Product


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
    """Only these frames, rejected ones too; all that are not rejected if empty."""
    rejected: frozenset[str] = frozenset()
    """Frames that nobody needs a place of, by path; :func:`solve_output` takes them from the logbook."""
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
    left_out: int = 0
    """Frames that were not looked at because they are rejected."""

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
        If the folder holds no calibrated frame, or rejected ones only.
    EngineError
        If nothing can solve on this machine.
    Cancelled
        If the person stopped it; what was solved stays.
    """
    from pipeline_core.solved_depth import renew_quality  # noqa: PLC0415 - it stands on this module's solutions

    with RunLock(output), Logbook.open(output) as logbook:
        context = journal.into_file(context, output / "log.jsonl")
        store = Store(output, logbook.database)
        options = replace(options, hints=solve_hints(logbook), rejected=frozenset(logbook.rejected()))
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
    chosen = chosen_products(store, options.patterns)
    if not chosen:
        raise UsageError(
            f"nothing to solve in {store.output}", "it holds no calibrated frame", "run `astep reduce NIGHT` first"
        )
    products = [product for product in chosen if options.patterns or product.label not in options.rejected]
    if not products:
        raise UsageError(
            f"nothing to solve in {store.output}", "all its calibrated frames are rejected",
            "accept frames, or name those that are to be solved all the same",
        )  # fmt: skip
    night = NightSolution(store.output, left_out=len(chosen) - len(products))
    job = _Job(store, settings, options, context, night)
    try:
        todo = job.without_altered(job.take_known(products))
        if todo:
            if why_not is not None and (words := why_not()):
                raise EngineError(words)
            report = run(
                [stars_task(product, settings) for product in todo],
                store,
                pool,
                context,
                memory_bytes=options.memory_bytes,
                warm_up=partial(compile_kernels, context),
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
        self.memory = SolveMemory(store, settings, options.hints, context, night.warnings)
        self.indexes: list[IndexFile] = []
        self.provider = self.memory.provider
        self._last: dict[tuple[int, int], TanSip] = {}
        self._solver: FrameSolver | None = None
        self._said: set[str | None] = set()
        """Reasons that were told."""

    def close(self) -> None:
        """End the engines."""
        if self._solver is not None:
            self._solver.close()

    def take_known(self, products: Sequence[Product]) -> list[Product]:
        """Keep what earlier runs solved; return the frames that are to be solved (again)."""
        known = self.memory.take(products, force=self.options.force, retry=self.options.retry)
        self.night.frames += known.frames
        self._last = known.last
        return known.todo

    def without_altered(self, products: Sequence[Product]) -> list[Product]:
        """Pass over the frames whose file was changed before its stars were listed: what it shows now is not ours."""
        ours = []
        for product in products:
            stars = stars_task(product, self.settings)
            if self.store.fresh(stars) is None and self.store.fresh(calibrated_task(product)) is None:
                reason = "its file was changed since it was made: `astep reduce` makes it again"
                self.night.frames.append(FrameSolution(product.label, solved=False, reason=reason))
            else:
                ours.append(product)
        return ours

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
        waiting: list[Product] = []
        again: list[Product] = []
        for product in self.context.track("plate solutions", order):
            one = wanted[product.label]
            solver = self._engine(wanted.values())
            knew = solver.knows(one.shape)
            frame = self._searched(solver, one)
            self._note(product, frame)
            if frame.solved:
                again += waiting
                waiting.clear()
            elif not knew or solver.spared:
                waiting.append(product)
        for product in again:  # before one was solved, from which they may be predicted now
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
        knows = self._solver is not None and frame.shape is not None and self._solver.knows(frame.shape)
        kept = self.memory.note(product, frame, knows_camera=knows)
        self.night.frames.append(kept)
        if not kept.solved and kept.reason not in self._said:
            # The end of the pass names each reason with the number of its frames.
            self._said.add(kept.reason)
            words = f"{kept.path}: not solved: {kept.reason}"
            self.context.emit(Event("message", SOLVE, text=words, path=kept.path))

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
