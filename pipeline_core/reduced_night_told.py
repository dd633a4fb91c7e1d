"""A night that was just reduced, in a sentence: read from what the run has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError
from pipeline_core.logbook import Logbook
from pipeline_core.night_told import told_night
from pipeline_core.quality_table import read_with_calibration
from pipeline_core.scan import scan_night

if TYPE_CHECKING:
    from pipeline_core.events import RunContext
    from pipeline_core.night_told import NightTold
    from pipeline_core.reduction_told import Reduction


def reduced_night_told(reduction: Reduction, context: RunContext) -> NightTold | None:
    """Put a night that was reduced into a sentence.

    Parameters
    ----------
    reduction : Reduction
        With its plan.
    context : RunContext
        Headers come from the cache that the run has filled.

    Returns
    -------
    NightTold or None
        None after a part of a run, which judges nothing; and where the night or the table of the run cannot be read
        any more, which is said: the run has done its work all the same.
    """
    table = reduction.output / "quality.ecsv"
    if reduction.plan is None or not table.is_file():
        return None
    try:
        rows, calibration = read_with_calibration(table)
        with Logbook.read_only(reduction.output) as logbook:
            root = logbook.night
            if root is None:
                return None
            night = logbook.apply(scan_night(root, context))
            rejected, kept = logbook.rejected(), logbook.kept()
    except AstepError as error:
        context.say("quality", f"how good the night is cannot be told: {error}", level="warning")
        return None
    return told_night(rows, night, reduction.plan, rejected, frozenset(kept), calibration)
