"""What a run would do now: which masters and frames it would make anew, why, and what stands already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline_core.align_night import realigned, standing_references, unplaced
from pipeline_core.io.output_names import rejected_product
from pipeline_core.journal import was_broken_off
from pipeline_core.lock import holder
from pipeline_core.logbook import Logbook
from pipeline_core.noise_summary import NoiseSummary, noise_summary
from pipeline_core.planned import planned_with
from pipeline_core.report_state import night_state
from pipeline_core.run_record import RunRecord, last_run
from pipeline_core.session import choices_of
from pipeline_core.solve_memory import solutions
from pipeline_core.solve_reduced import passed_over
from pipeline_core.stage import Task, identity
from pipeline_core.store import Store
from pipeline_core.verdicts import SCIENCE_STAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.config import Recipe
    from pipeline_core.session import Place
    from pipeline_core.types import Night

Standing = Literal["up to date", "changed", "not made"]


@dataclass(frozen=True)
class MasterState:
    """A master or mask of the plan, and how it stands."""

    name: str
    kind: str
    """bias, dark, flat or mask."""
    filter: str | None
    exposure_s: float | None
    frames: tuple[str, ...]
    state: Standing
    why: str
    """Why a run would make it; empty when it is up to date."""
    product: str
    """Output-relative path."""
    task: Task


@dataclass(frozen=True)
class Survey:
    """An output folder beside its night, as decided now."""

    masters: tuple[MasterState, ...] = ()
    stale: Mapping[str, str] = field(default_factory=dict)
    """Science frames a run would calibrate: path → why."""
    new: frozenset[str] = frozenset()
    """Those of them that were never calibrated."""
    unjudged: tuple[str, ...] = ()
    """Calibrated science frames whose final quality is missing or of before."""
    moves: tuple[str, ...] = ()
    """Science frames whose file would move to or from ``rejected/``."""
    unaligned: tuple[str, ...] = ()
    """Measured science frames, rejected ones too, that no alignment has looked at yet: a run was stopped before it."""
    realigned: Mapping[str, str] = field(default_factory=dict)
    """Pointings that would be placed on another reference: name → why."""
    unsolved: tuple[str, ...] = ()
    """Calibrated frames not searched on the sky, where others of the night were: a run was stopped amid it."""
    calibrated: Mapping[str, str] = field(default_factory=dict)
    """Science frames that were calibrated once: path → output-relative file, as it lies now."""
    steps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What was done to those whose file a run would leave as it is: path → step → why it did nothing, "" if it did."""
    noise: NoiseSummary | None = None
    """Before and after, of the calibrated frames that are not rejected: those that a run sums up."""
    warnings: tuple[str, ...] = ()
    """What the last run that ended warned of."""
    solved: tuple[int, int] | None = None
    """Frames on the sky, of how many that were searched; None where none was."""
    sky_words: str = ""
    """Why the last run solved nothing; empty if it did, or need not."""
    was_broken_off: bool = False
    """The last run began and never ended: the next one goes on."""
    last_run: RunRecord | None = None
    """What the run that ended last did and took."""
    state: str = ""
    """Of all that a report shows: :func:`pipeline_core.report_state.reports_of` tells by it which ones are old."""
    references: frozenset[str] = frozenset()
    """Frames that others were laid on, rejected since or not."""

    @property
    def is_reduced(self) -> bool:
        """Whether some frame was calibrated here before."""
        return bool(self.calibrated)

    @property
    def is_up_to_date(self) -> bool:
        """Whether a run would make nothing and move nothing."""
        waiting = any(master.state != "up to date" for master in self.masters)
        frames = self.stale or self.unjudged or self.moves or self.unaligned or self.unsolved
        return not (waiting or frames or self.realigned)


def survey(place: Place, night: Night, recipe: Recipe) -> Survey:
    """Say what a run would do, by the keys of the run itself.

    Parameters
    ----------
    place : Place
    night : Night
        As scanned; decisions are applied here.
    recipe : Recipe

    Returns
    -------
    Survey
        Empty where nothing was ever decided or made: then all is new.

    Notes
    -----
    Only reads, so that a run that goes on meanwhile is not disturbed. Calibration frames that were not measured yet are
    taken for good ones, so a first run may leave out one that is listed here.
    """
    from pipeline_core.stages.science import steps_done  # noqa: PLC0415 - heavy: with the tasks it is there

    if not place.has_logbook:
        return Survey()
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        tasks = planned_with(store, logbook.apply(night), choices_of(logbook), recipe)
        rejected = logbook.rejected()
        known = {product.name: product for product in store.products()}
        why: dict[str, str] = {}

        def reason(task: Task) -> str:
            """Why a task would be done, "" if it would not."""
            name = identity(task)
            if name not in why:
                why[name] = _reason(task)
            return why[name]

        def _reason(task: Task) -> str:
            renewed = [s.label for s in task.inputs.values() if isinstance(s, Task) and reason(s)]
            product = known.get(identity(task))
            if product is None:
                return "it was not made yet"
            if product.key != task.key:
                return f"{' and '.join(renewed)} changed" if renewed else "made from other frames or settings"
            is_there = product.location is None or store.file(product.location).is_file()
            return "" if is_there else "its file is gone"

        masters = tuple(
            MasterState(
                plan.name,
                plan.kind,
                plan.filter,
                plan.exposure_s if plan.kind in {"dark", "flat"} else None,
                plan.frames,
                _standing(reason(task), is_known=identity(task) in known),
                reason(task),
                task.product or "",
                task,
            )
            for plan in tasks.plan.masters
            for task in (tasks.tasks.masters[plan.name],)
        )
        stale = {path: words for path, task in tasks.tasks.science.items() if (words := reason(task))}
        unjudged = [path for path, task in tasks.tasks.quality.items() if path not in stale and reason(task)]
        made = [product for product in known.values() if product.stage == SCIENCE_STAGE and product.location]
        moves = [
            product.label
            for product in made
            if product.location != (rejected_product(product.name) if product.label in rejected else product.name)
            and product.label in night.by_path
        ]
        here = [product.label for product in made if product.label in night.by_path and product.label not in stale]
        used = {path for path in tasks.tasks.science if path not in rejected}  # a rule's are calibrated all the same
        steps = {path: steps_done(tasks.tasks.science[path].settings) for path in here if path in tasks.tasks.science}
        waiting = unplaced(tasks.night, store) if recipe.align.enabled else set()
        on_sky, references = solutions(store), frozenset(standing_references(store))
        # Frames that are calibrated anew are measured anew, and aligned with all that: it is not said twice.
        is_settled = recipe.align.enabled and not (stale or unjudged or waiting)
        anew = realigned(tasks.night, tasks.plan.trims, store, logbook, recipe) if is_settled else {}
        # Nothing needs the place of a rejected frame: a night is not unfinished for it.
        searched = {*on_sky, *rejected} if on_sky and recipe.solve.enabled != "never" else set()
        searched |= passed_over(store, logbook) if searched else set()
        warnings, _left_out = logbook.told()
        sky_words = logbook.told_of_sky()
        ended = last_run(logbook.database)
        state = night_state(night, logbook, store)
        found = [on_sky[path].solved for path in on_sky if path in night.by_path and path not in rejected]
    return Survey(
        masters,
        stale,
        frozenset(path for path in stale if identity(tasks.tasks.science[path]) not in known),
        tuple(unjudged),
        tuple(moves),
        tuple(path for path in here if path in waiting),
        anew,
        tuple(path for path in here if path not in searched) if searched else (),
        {product.label: product.location for product in made if product.location and product.label in night.by_path},
        steps,
        noise_summary({one.label: one.made for one in made if one.label in used}, tasks.night.by_path),
        tuple(warnings),
        (sum(found), len(found)) if found else None,
        sky_words,
        holder(place.output) is None and was_broken_off(place.output),
        ended,
        state,
        references,
    )


def _standing(reason: str, *, is_known: bool) -> Standing:
    if not reason:
        return "up to date"
    return "changed" if is_known else "not made"


def calibrated_file(place: Place, path: str) -> Path | None:
    """Return where the calibrated file of a science frame lies now, None if there is none; a run may be on."""
    return calibrated_files(place, [path]).get(path)


def calibrated_files(place: Place, paths: Sequence[str]) -> dict[str, Path]:
    """Return where the calibrated files of science frames lie now; of those that have one. A run may be on."""
    if not place.has_logbook:
        return {}
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        # One question for all: each goes through all products, of 5,000 frames for 40 s.
        found = store.products(SCIENCE_STAGE, paths[0] if len(paths) == 1 else None)
        made = {product.label: product.location for product in reversed(found)}
        return {path: store.file(location) for path in paths if (location := made.get(path)) is not None}
