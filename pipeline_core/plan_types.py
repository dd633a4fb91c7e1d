"""What a plan says: masters, science frames, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.grouping import Geometry
    from pipeline_core.types import Section


@dataclass(frozen=True)
class Choices:
    """What a person (or a rule) decided beyond the frames' own fields."""

    rejected: Mapping[str, str] = field(default_factory=dict)
    """Night-relative path → reason."""
    kept: frozenset[str] = frozenset()
    """Calibration frames that stay in their master although a check speaks against them."""
    forced: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Path → {"bias" | "dark" | "flat": master's name, or "none"}."""


NO_CHOICES = Choices()


@dataclass(frozen=True)
class MasterPlan:
    """One master frame to make."""

    name: str
    kind: str
    """bias, dark, flat or mask."""
    frames: tuple[str, ...]
    geometry: Geometry
    filter: str | None = None
    exposure_s: float | None = None
    temperature_c: float | None = None
    holds_bias: bool = False
    bias: str | None = None
    """Master bias it needs."""
    dark: str | None = None
    """Master dark it needs."""
    flat: str | None = None
    """Master flat it needs (masks)."""
    dark_scales: tuple[float, ...] = ()
    """Flats: for each frame the part of the dark current to subtract, 0 for the bias alone."""
    is_flatdark: bool = False
    equation: str = ""
    warnings: tuple[str, ...] = ()
    is_ready: bool = False
    """An existing master that a person named; its file is brought to our form, nothing is combined."""


@dataclass(frozen=True)
class SciencePlan:
    """How one science frame will be calibrated."""

    path: str
    group: str
    bias: str | None
    dark: str | None
    flat: str | None
    mask: str | None
    dark_scale: float
    bias_in_dark: bool
    equation: str
    warnings: tuple[str, ...]
    unwanted: tuple[str, ...] = ()
    """Of bias, dark and flat those that a person chose to go without."""


@dataclass(frozen=True)
class LeftOut:
    """A frame that takes no part, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """All that will be done."""

    masters: tuple[MasterPlan, ...]
    science: tuple[SciencePlan, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    bytes_needed: int
    overscan: Mapping[Geometry, tuple[Section, Section | None]]
    """Geometry → (overscan, trim) that apply to all its frames; absent where none is used."""
    trims: Mapping[Geometry, Section]
    groups: Mapping[str, tuple[str, ...]]
    """Science group → its frames, in time order."""
    unforced: Plan | None = None
    """The same without a person's choices of masters, which tells what the night misses; None where there are none."""

    def master(self, name: str | None) -> MasterPlan | None:
        """Return a master by name."""
        return next((m for m in self.masters if m.name == name), None)
