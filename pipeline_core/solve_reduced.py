"""Solving as the last step of a reduction: only where it can succeed, and never in the way of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError
from pipeline_core.solve_night import SolveOptions, chosen_products, solve_frames, why_not_here
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.executor import WorkerPool
    from pipeline_core.solve_night import NightSolution
    from pipeline_core.store import Store
    from pipeline_core.types import Night


def solve_reduced(
    store: Store, night: Night, recipe: Recipe, context: RunContext, pool: WorkerPool, memory_bytes: int | None
) -> tuple[NightSolution | None, str]:
    """Solve what a reduction made, with what is on this machine: the network is not asked.

    Parameters
    ----------
    store : Store
        Its run lock is held.
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
    if recipe.solve.enabled == "never" or not chosen_products(store):
        return None, ""

    def why_not() -> str:
        field, told = _field_arcmin(night, recipe)
        return told or why_not_here(recipe.solve, field)

    options = SolveOptions(memory_bytes=memory_bytes, network=False)
    try:
        return solve_frames(store, recipe.solve, options, context, pool, why_not), ""
    except AstepError as error:
        return None, str(error)


def _field_arcmin(night: Night, recipe: Recipe) -> tuple[float | None, str]:
    """Return the shorter side of the widest frame, or why it is not known."""
    lights = [frame for frame in night.frames if frame.kind is FrameKind.SCIENCE]
    frames = [(frame, frame.shape) for frame in lights if frame.shape is not None]
    scale = recipe.solve.scale_arcsec
    fields = [min(shape) * (scale or frame.pixel_scale_arcsec or 0.0) / 60.0 for frame, shape in frames]
    widest = max(fields, default=0.0)
    if widest > 0.0:
        return widest, ""
    return None, "no header tells the pixel scale; `astep solve OUT --scale ARCSEC` searches with yours"
