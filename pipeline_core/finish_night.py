"""What follows once the frames of a night are calibrated and measured: judged, aligned, solved, their depth known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline_core.align_night import align_frames, realigned, unplaced
from pipeline_core.depth_night import known_depths
from pipeline_core.findings import Finding, finding_of
from pipeline_core.night_quality import Judged, write_quality
from pipeline_core.verdicts import move_products

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.executor import WorkerPool
    from pipeline_core.logbook import Logbook
    from pipeline_core.measures import Flag
    from pipeline_core.plan import Plan
    from pipeline_core.science.depth import Depth
    from pipeline_core.solve_night import NightSolution
    from pipeline_core.solving.result import FrameSolution
    from pipeline_core.stage import Made
    from pipeline_core.store import Store
    from pipeline_core.types import Night


@dataclass(frozen=True)
class Measured:
    """The measured frames of a night, and what was decided about them."""

    night: Night
    plan: Plan
    made: Mapping[str, Made]
    """Path → what the frame's quality task reported."""
    keys: Mapping[str, str]
    """Path → key of that task."""
    flags: Mapping[str, tuple[Flag, ...]]
    """Of the calibration frames."""


@dataclass(frozen=True)
class Finished:
    """What came of it."""

    suggested: int
    """Frames that are flagged and that nobody has rejected or accepted."""
    findings: tuple[Finding, ...]
    sky: NightSolution | None
    """Where the frames look; None where they could not be solved."""
    sky_words: str
    """Why nothing was solved; empty if it was, or need not be."""
    judged: int = 0
    """Frames that were judged anew."""
    realigned: Mapping[str, str] = field(default_factory=dict)
    """Pointings that were placed on another reference: name → why."""
    aligned: int = 0
    """Frames that were laid on their reference for the first time, or for which no place was found."""
    searched: int = 0
    """Frames that got an answer to where they look: the first one, or a place after a search in vain."""
    placed: int = 0
    """Those of them that were found."""
    moved: int = 0
    """Calibrated files that were moved to where the verdicts on their frames say."""


def finish_night(
    measured: Measured,
    recipe: Recipe,
    store: Store,
    logbook: Logbook,
    context: RunContext,
    pool: WorkerPool,
    memory_bytes: int | None,
) -> Finished:
    """Judge the frames, move what is rejected, align, solve where an index is at hand, and measure the depth.

    Parameters
    ----------
    measured : Measured
    recipe : Recipe
    store, logbook
        Open, of the same output; the run lock is held.
    context, pool, memory_bytes
        Of the run.

    Notes
    -----
    The table is written before anything that may take long, and once more where a depth became known or the alignment
    moved: a run that is stopped meanwhile leaves a table without it.
    """
    from pipeline_core.solve_memory import solutions  # noqa: PLC0415 - heavy
    from pipeline_core.solve_reduced import solve_reduced  # noqa: PLC0415 - heavy
    from pipeline_core.solved_depth import solved_depths  # noqa: PLC0415 - heavy

    depths = known_depths(store)
    judged = _judge(measured, recipe, store, logbook, depths)
    anew = judged.anew
    files = move_products(store.output, logbook)
    moved = _moved(measured, recipe, store, logbook)
    waiting = unplaced(measured.night, store) & measured.made.keys() if recipe.align.enabled else set()
    unaligned = _align(measured, recipe, store, logbook, context)
    answers = solutions(store)
    sky, sky_words = solve_reduced(store, logbook, measured.night, recipe, context, pool, memory_bytes)
    after = solved_depths(measured.night, measured.made, measured.keys, store, recipe.solve, context)
    if after != depths or logbook.references():  # shifts are counted from those, as they are aligned now
        judged = _judge(measured, recipe, store, logbook, after)
        files += move_products(store.output, logbook)
    new = _answered(answers, solutions(store))
    not_solved = map(finding_of, sky.warnings if sky is not None else ())
    findings = (*judged.findings, *unaligned, *not_solved)
    return Finished(
        judged.suggested,
        findings,
        sky,
        sky_words,
        judged=anew or judged.anew,
        realigned=moved,
        aligned=len(waiting),
        searched=len(new),
        placed=sum(one.solved for one in new),
        moved=files,
    )


def _answered(before: Mapping[str, FrameSolution], now: Mapping[str, FrameSolution]) -> list[FrameSolution]:
    """Return the answers that were not there before; a place that is found once more is no news."""
    return [one for path, one in now.items() if path not in before or (one.solved and not before[path].solved)]


def _judge(measured: Measured, recipe: Recipe, store: Store, logbook: Logbook, depths: Mapping[str, Depth]) -> Judged:
    rejected = logbook.rejected()
    aside = [p for p in store.products("quality") if p.label in rejected and p.label in measured.night.by_path]
    made = {p.label: p.made for p in aside} | dict(measured.made)
    keys = {p.label: p.key for p in aside} | dict(measured.keys)
    return write_quality(
        store.output, measured.night, measured.plan, made, measured.flags, recipe, logbook, keys, depths
    )


def _moved(measured: Measured, recipe: Recipe, store: Store, logbook: Logbook) -> dict[str, str]:
    """Return which pointings are about to be placed on another reference, as the survey told before the run."""
    if not recipe.align.enabled or not measured.made:
        return {}
    return realigned(measured.night, measured.plan.trims, store, logbook, recipe)


def _align(
    measured: Measured, recipe: Recipe, store: Store, logbook: Logbook, context: RunContext
) -> tuple[Finding, ...]:
    """Place the frames of each pointing on one reference; say how many have no place."""
    if not recipe.align.enabled or not measured.made:
        return ()
    aligned = align_frames(measured.night, measured.plan.trims, store, logbook, recipe, context)
    counted = [one for one in aligned.counted if one.path in measured.made]
    lost = [one for one in counted if not one.aligned]
    if not lost:
        return ()
    what = f"{len(lost)} of {len(counted)} measured frames are not aligned"
    hint = f"`astep align {store.output}` says why"
    return (Finding(what, "stacks and blinking do without them", hint, tuple(one.path for one in lost)),)
