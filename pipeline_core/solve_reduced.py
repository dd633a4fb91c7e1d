"""Solving as the last step of a reduction: only where it can succeed, and never in the way of the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError
from pipeline_core.solve_hints import solve_hints
from pipeline_core.solve_means import has_stars_near, make_provider, why_not_here
from pipeline_core.solve_memory import solutions
from pipeline_core.solve_night import SolveOptions, chosen_products, solve_frames
from pipeline_core.solving.index_files import SCALE_UNKNOWN
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.executor import WorkerPool
    from pipeline_core.logbook import Logbook
    from pipeline_core.solve_night import NightSolution
    from pipeline_core.store import Store
    from pipeline_core.types import Frame, Night


_PASSED_OVER = "not searched on the sky"
"""Name under which the logbook remembers frames that could not be searched: a run that was stopped left none."""


def solve_reduced(
    store: Store,
    logbook: Logbook,
    night: Night,
    recipe: Recipe,
    context: RunContext,
    pool: WorkerPool,
    memory_bytes: int | None,
) -> tuple[NightSolution | None, str]:
    """Solve what a reduction made, with what is on this machine: the network is not asked.

    Parameters
    ----------
    store : Store
        Its run lock is held.
    logbook : Logbook
        Of the same output: a person's hints for single frames stand in it.
    night : Night
    recipe : Recipe
    context : RunContext
    pool : WorkerPool
    memory_bytes : int or None

    Returns
    -------
    solution : NightSolution or None
    words : str
        Why nothing was solved; empty if it was, or if nobody wants it.
    """
    calibrated = [product.label for product in chosen_products(store)]
    if recipe.solve.enabled == "never" or not calibrated:
        return None, ""
    rejected = frozenset(logbook.rejected())
    if rejected.issuperset(calibrated):
        return None, "all calibrated frames are rejected"

    hints = solve_hints(logbook)

    def why_not() -> str:
        field, scale, told = _field_arcmin(night, recipe, hints)
        words = told or why_not_here(recipe.solve, field, scale)
        return "" if words and not told and _has_gaia(night, recipe, hints) else words

    options = SolveOptions(memory_bytes=memory_bytes, network=False, retry=False, hints=hints, rejected=rejected)
    logbook.database.remember(_PASSED_OVER, "{}")  # a stop from here on leaves frames that wait
    solved, words = None, ""
    try:
        solved = solve_frames(store, recipe.solve, options, context, pool, why_not)
    except AstepError as error:
        words = str(error)
    known = solutions(store)
    # A rejected frame was not searched for: it waits from the day on which it is accepted.
    over = {p.label: p.key for p in chosen_products(store) if p.label not in known and p.label not in rejected}
    logbook.database.remember(_PASSED_OVER, json.dumps(over))
    return solved, words


def passed_over(store: Store, logbook: Logbook) -> set[str]:
    """Return the frames, as they are calibrated now, for which the last run that ended had no answer at all."""
    over = json.loads(logbook.database.fact(_PASSED_OVER) or "{}")
    return {product.label for product in chosen_products(store) if over.get(product.label) == product.key}


@dataclass(frozen=True, slots=True)
class _Aimed:
    """Where a frame looks, as far as header, recipe and hints tell."""

    shape: tuple[int, int] | None
    scale_arcsec: float | None
    ra_deg: float | None
    dec_deg: float | None


def _has_gaia(night: Night, recipe: Recipe, hints: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether Gaia's stars around any frame are on disk: they do without an index."""
    if recipe.solve.engine != "auto":
        return False
    provider = make_provider(recipe.solve, (), None, network=False)
    aimed = []
    for frame in night.frames:
        if frame.kind is FrameKind.SCIENCE:
            own = hints.get(frame.path, {})
            scale = own.get("scale_arcsec") or recipe.solve.scale_arcsec or frame.pixel_scale_arcsec
            place = own.get("ra_deg", frame.ra_deg), own.get("dec_deg", frame.dec_deg)
            aimed.append(_Aimed(frame.shape, scale, *place))
    return has_stars_near(provider, aimed)


def _field_arcmin(
    night: Night, recipe: Recipe, hints: Mapping[str, Mapping[str, float]]
) -> tuple[float | None, float | None, str]:
    """Return the shorter side of the widest frame and the scale of its pixels, arcsec, or why it is not known."""
    lights = [frame for frame in night.frames if frame.kind is FrameKind.SCIENCE]
    # The lit part is what will be searched: an overscan would make the field look larger than `astep solve` finds it.
    shapes = [(frame, frame.trim.shape if frame.trim is not None else frame.shape) for frame in lights]
    frames = [(frame, shape) for frame, shape in shapes if shape is not None]

    def scale(frame: Frame) -> float:
        own = hints.get(frame.path, {}).get("scale_arcsec")
        return own or recipe.solve.scale_arcsec or frame.pixel_scale_arcsec or 0.0

    widest, its_scale = max(
        ((min(shape) * scale(frame) / 60.0, scale(frame)) for frame, shape in frames), default=(0, 0)
    )
    if widest > 0.0:
        return widest, its_scale, ""
    return None, None, SCALE_UNKNOWN
