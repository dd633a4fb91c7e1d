"""What came of a reduction: counts, what was made, judged, aligned, solved and moved, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline_core.decisions import REFERENCE_REJECTED
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline_core.findings import Finding
    from pipeline_core.noise_summary import NoiseSummary
    from pipeline_core.plan import LeftOut, Plan
    from pipeline_core.solve_night import NightSolution
    from pipeline_core.well_check import FullWell


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
    findings: tuple[Finding, ...] = ()
    """What a person should know, in the parts of a sentence."""
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
    full_well: FullWell | None = None
    """Where wells fill, if below what is taken for full, and by what it is seen: a person may set the recipe to it."""
    saturated: tuple[int, int] | None = None
    """Pixels masked as saturated, and frames that have some; None where it is not known of all."""
    saturated_before: tuple[int, int] | None = None
    """The same as the run before counted them."""
    said_of_frames: Mapping[str, str] = field(default_factory=dict)
    """What was said of each frame when the run began."""
    noise: NoiseSummary | None = None
    """Before and after, of the calibrated science frames."""
    did_something: bool = False
    plan: Plan | None = None
    sky: NightSolution | None = None
    """Where the frames look; None where they could not be solved."""
    sky_words: str = ""
    """Why nothing was solved; empty if it was, or need not be."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know, a line each."""
        return tuple(one.words for one in self.findings)

    @property
    def proposed_saturation_adu(self) -> float | None:
        """Where wells fill, if below what is taken for full."""
        return self.full_well.level_adu if self.full_well is not None else None

    @property
    def saturated_words(self) -> str:
        """How many pixels are masked as saturated, and how many the run before masked; empty where none ever was."""
        return saturated_words(self.saturated, self.saturated_before)

    @property
    def aligned_words(self) -> str:
        """That frames were aligned, or pointings anew and why; empty where none was."""
        past = {REFERENCE_REJECTED: "the reference was rejected"}  # what was to come is done now
        why = dict.fromkeys(past.get(words, words) for words in self.realigned.values())
        if why:
            return f"aligned anew: {', '.join(why)}"
        return f"{counted(self.aligned, 'frame')} aligned" if self.aligned else ""

    @property
    def searched_words(self) -> str:
        """How many frames were searched on the sky, and found; empty where none was."""
        if not self.searched:
            return ""
        of = f"{self.placed} of " if self.placed < self.searched else ""
        return f"{of}{counted(self.searched, 'frame')} solved"

    @property
    def moved_words(self) -> str:
        """How many files were moved, and where; empty where none was."""
        return f"{counted(self.moved, 'calibrated file')} moved to or from rejected/" if self.moved else ""


def saturated_words(now: tuple[int, int] | None, before: tuple[int, int] | None) -> str:
    """Return "801 pixels masked as saturated in 14 frames (0 before)".

    Parameters
    ----------
    now, before : (pixels, frames) or None
        Of a run, and of the one before it; None where it is not known.

    Returns
    -------
    str
        Empty where nothing is known, and where there never was any.
    """
    if now is None or not (now[0] or (before is not None and before[0])):
        return ""
    pixels, frames = now
    words = f"{pixels:,} pixel{'' if pixels == 1 else 's'} masked as saturated"
    words += f" in {counted(frames, 'frame')}" if frames else ""
    return f"{words} ({before[0]:,} before)" if before is not None and before != now else words
