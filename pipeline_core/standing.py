"""How a science frame stands in the end: good, suspect, bad, not judged, or decided about by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.measures import CAUSES, NOT_JUDGED, gravest_cause, gravest_flag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pipeline_core.measures import QualityRow

REJECTED, ACCEPTED, GOOD, SUSPECT, BAD = "rejected", "accepted", "good", "suspect", "bad"
NOT_MEASURED = "not measured"
OTHER_REASONS = "other reasons"
"""Of a frame that was rejected without a word, and that nothing speaks against."""
LONGEST_REASON = 24
"""Letters of a reason that may stand in a line as it is; a longer one is a sentence."""


def standing(row: QualityRow, rejected: Collection[str], kept: Collection[str]) -> str:
    """Return how a frame stands.

    Parameters
    ----------
    row : QualityRow
    rejected, kept : collections of str
        Paths of frames that were rejected, and that a person accepted.

    Returns
    -------
    str
        "rejected"; "accepted": a person did, although something speaks against it; "bad", "suspect"; "not judged",
        "not measured"; else "good": in use alone makes no frame good.
    """
    if row.path in rejected:
        return REJECTED
    worst = gravest_flag(row.flags)
    if worst is not None:
        return ACCEPTED if row.path in kept else worst.severity
    if row.path in kept:
        return GOOD
    if any(flag.cause == NOT_JUDGED for flag in row.flags):
        return NOT_JUDGED
    return NOT_MEASURED if row.measures.state == "none" else GOOD


def cause_of(row: QualityRow, rejected: Mapping[str, str]) -> str:
    """Return what a frame is rejected for, or what weighs most against it; empty where nothing does.

    Parameters
    ----------
    row : QualityRow
    rejected : mapping of str to str
        Path → reason: one of :data:`~pipeline_core.measures.CAUSES`, a rule of the recipe, or a person's own words.
    """
    found = gravest_cause(row.flags)
    return cause_of_rejection(rejected[row.path], found) if row.path in rejected else found


def cause_of_rejection(reason: str, found: str = "") -> str:
    """Return in a few words what a frame is rejected for.

    Parameters
    ----------
    reason : str
        As it was given.
    found : str
        What weighs most against the frame by itself; empty where nothing does, or nobody measured it.
    """
    reason = reason.strip()
    first = reason.partition(":")[0]
    if first in CAUSES and first != "rule":
        return first
    if found:
        return found
    return reason if reason and first != "rule" and len(reason) <= LONGEST_REASON else OTHER_REASONS
