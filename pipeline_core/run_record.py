"""What the last run of a night did, took and cost: kept with the products, so that it can be told another day."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.io.database import Database

_FACT = "last run"
"""Name under which the logbook remembers it."""


_PAIRS = ("saturated", "saturated_before")


@dataclass(frozen=True)
class RunRecord:
    """One run that ended by itself."""

    ended_utc: str
    """ISO 8601, to the second."""
    seconds: float
    peak_memory_mb: float
    counts: Mapping[str, int] = field(default_factory=dict)
    """Science frames: done, cached, failed, left_out."""
    masters: Mapping[str, str] = field(default_factory=dict)
    """Name → "made", "up to date" or "failed"."""
    only: str | None = None
    """The part that was asked for; None for a whole run."""
    proposed_saturation_adu: float | None = None
    """Where wells fill, if below what is taken for full."""
    full_well: Mapping[str, Any] | None = None
    """By what that is seen: :class:`pipeline_core.well_check.FullWell`; None for runs of earlier versions."""
    saturated: tuple[int, int] | None = None
    """Pixels masked as saturated, and frames that have some."""
    saturated_before: tuple[int, int] | None = None
    """The same as the run before counted them."""
    findings: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """:class:`pipeline_core.findings.Finding`, of what the run warned of."""
    said_of_frames: Mapping[str, str] = field(default_factory=dict)
    """What was said of each frame when it began: which verdicts it changed can be told another day."""


def note_run(database: Database, record: RunRecord) -> None:
    """Remember the run that ended last."""
    database.remember(_FACT, json.dumps(asdict(record)))


def last_run(database: Database) -> RunRecord | None:
    """Return the run that ended last; None where none did since such records are kept, or it cannot be read."""
    told = database.fact(_FACT)
    if told is None:
        return None
    try:
        facts = json.loads(told)
        pairs = {name: tuple(facts[name]) for name in _PAIRS if facts.get(name) is not None}  # JSON knows lists only
        return RunRecord(**{**facts, **pairs})
    except (ValueError, TypeError, AttributeError):  # of a later version: what it says is not ours to guess
        return None
