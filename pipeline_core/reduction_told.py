"""What came of a reduction: counts, what was made, judged, aligned, solved and moved, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline_core.decisions import REFERENCE_REJECTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline_core.noise_summary import NoiseSummary
    from pipeline_core.plan import LeftOut, Plan
    from pipeline_core.solve_night import NightSolution


@dataclass
class Reduction:
    """What came of it."""

    output: Path
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("done", "cached", "failed", "left_out"), 0))
    """Science frames."""
    masters: dict[str, str] = field(default_factory=dict)
    """Name → "made" or "up to date"."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    said_before: frozenset[str | tuple[str, str]] = frozenset()
    """Of the warnings and of the (path, reason) left out: those that the last run here said as well."""
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    flagged: int = 0
    judged: int = 0
    """Frames that were judged anew."""
    realigned: Mapping[str, str] = field(default_factory=dict)
    """Pointings that were placed on another reference: name → why."""
    aligned: int = 0
    """Frames that an alignment looked at for the first time: a run before was stopped ahead of it."""
    searched: int = 0
    """Frames that got an answer to where on the sky they look, for the first time or after a search in vain."""
    placed: int = 0
    """Those of them that were found."""
    moved: int = 0
    """Calibrated files that were moved because their frames were rejected or accepted."""
    proposed_saturation_adu: float | None = None
    """Where wells fill, if below what is taken for full: a person may set the recipe to it."""
    noise: NoiseSummary | None = None
    """Before and after, of the calibrated science frames."""
    did_something: bool = False
    plan: Plan | None = None
    sky: NightSolution | None = None
    """Where the frames look; None where they could not be solved."""
    sky_words: str = ""
    """Why nothing was solved; empty if it was, or need not be."""

    @property
    def aligned_words(self) -> str:
        """That frames were aligned, or pointings anew and why; empty where none was."""
        past = {REFERENCE_REJECTED: "the reference was rejected"}  # what was to come is done now
        why = dict.fromkeys(past.get(words, words) for words in self.realigned.values())
        if why:
            return f"aligned anew: {', '.join(why)}"
        return f"{self.aligned} frame{'' if self.aligned == 1 else 's'} aligned" if self.aligned else ""

    @property
    def searched_words(self) -> str:
        """How many frames were searched on the sky, and found; empty where none was."""
        if not self.searched:
            return ""
        of = f"{self.placed} of " if self.placed < self.searched else ""
        return f"{of}{self.searched} frame{'' if self.searched == 1 else 's'} solved"

    @property
    def moved_words(self) -> str:
        """How many files were moved; empty where none was."""
        return f"{self.moved} calibrated file{'' if self.moved == 1 else 's'} moved" if self.moved else ""
