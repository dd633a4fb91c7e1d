"""How a frame stands in the end: the one rule of the night's sentence, the report, exports and the window's list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.measures import CAUSES, NOT_JUDGED, gravest_cause, gravest_flag

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pipeline_core.measures import Flag, QualityRow

REJECTED, ACCEPTED, GOOD, SUSPECT, BAD = "rejected", "accepted", "good", "suspect", "bad"
NOT_MEASURED = "not measured"
ACCEPTED_WORDS = "accepted by a person"
"""What "accepted" means, wherever there is room to say it."""
USABLE = frozenset({GOOD, ACCEPTED})
"""Frames to go on with: nothing speaks against them, or a person looked and took them."""
OTHER_REASONS = "other reasons"
"""Of a frame that was rejected without a word, and that nothing speaks against."""
LONGEST_REASON = 24
"""Letters of a reason that may stand in a line as it is; a longer one is a sentence."""


def standing_of(flags: Iterable[Flag], *, is_rejected: bool, is_kept: bool, is_measured: bool = True) -> str:
    """Return how a frame stands.

    A person's word comes first: a frame that a person accepted is "accepted", whatever is said of it, or could not be
    said. It counts as usable beside the good ones, and is never counted as good: the program did not find it so.

    Parameters
    ----------
    flags : iterable of Flag
        What is said of it.
    is_rejected : bool
        A person or a rule rejected it.
    is_kept : bool
        A person accepted it.
    is_measured : bool
        There are figures to judge it by.

    Returns
    -------
    str
        "rejected"; "accepted" (by a person); "bad", "suspect"; "not judged", "not measured"; else "good": in use alone
        makes no frame good.
    """
    if is_rejected:
        return REJECTED
    if is_kept:
        return ACCEPTED
    flags = list(flags)
    worst = gravest_flag(flags)
    if worst is not None:
        return worst.severity
    if any(flag.cause == NOT_JUDGED for flag in flags):
        return NOT_JUDGED
    return GOOD if is_measured else NOT_MEASURED


def standing(path: str, row: QualityRow | None, rejected: Collection[str], kept: Collection[str]) -> str:
    """Return how a science frame stands, see :func:`standing_of`.

    Parameters
    ----------
    path : str
    row : QualityRow or None
        None where it has none: nobody measured it.
    rejected, kept : collections of str
        Paths of frames that were rejected, and that a person accepted.
    """
    return standing_of(
        row.flags if row is not None else (),
        is_rejected=path in rejected,
        is_kept=path in kept,
        is_measured=row is not None and row.measures.state != "none",
    )


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
