"""What solving consists of, as tasks: the list of a frame's stars, and its place on the sky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_core.errors import UsageError
from pipeline_core.opened_night import calibrated_task
from pipeline_core.stage import Stage, Task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline_core.config import SolveSettings
    from pipeline_core.events import RunContext
    from pipeline_core.stage import Made
    from pipeline_core.store_lines import Product

STARS = "stars for solving"
"""Name of the stage that lists them."""
SOLVE = "plate solution"
"""Name under which solutions stand in the store."""


def stars_task(product: Product, settings: SolveSettings) -> Task:
    """Return the task that lists the stars of a calibrated frame."""
    from pipeline_core.stages.solve import FIND_STARS  # noqa: PLC0415 - heavy

    calibrated = calibrated_task(product)
    chosen = {"path": product.label, "max_stars": settings.max_stars}
    return Task(FIND_STARS, None, chosen, {"calibrated": calibrated}, product.label)


def solve_task(product: Product, settings: SolveSettings, hint: Mapping[str, float] | None) -> Task:
    """Return the task of solving a calibrated frame: its key changes when another answer may be right."""
    chosen = settings.model_dump(include={"order", "catalogue", "faintest_mag", "scale_arcsec"})
    if hint:  # a solution found elsewhere than a person says now is old
        chosen["hint"] = dict(hint)
    return Task(SOLVE_STAGE, None, chosen, {"stars": stars_task(product, settings)}, product.label)


def compile_kernels(context: RunContext) -> None:
    """Compile the star kernels once, before workers need them."""
    from pipeline_core import warm_up  # noqa: PLC0415 - heavy

    if warm_up.is_first_time(science=True):
        context.say("kernels", warm_up.first_time_words(science=True))
    warm_up.unless_stopped(context, warm_up.warm_up_science)


def _in_order(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Refuse: solutions are found one after the other, each from the last, by this job and no worker."""
    del settings, inputs, out, threads
    raise UsageError(
        "cannot solve a frame by itself", "a night is solved in the order of time", "use `astep solve OUT`"
    )


SOLVE_STAGE = Stage(SOLVE, 1, _in_order)
