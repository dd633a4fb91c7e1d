"""A frame that is to be placed on the sky: what its header says, and how it may be searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline_core.science.catalogue_match import FrameStars


@dataclass(frozen=True, slots=True)
class Wanted:
    """One frame to be solved, and what its header says."""

    path: str
    stars: FrameStars
    shape: tuple[int, int]
    scale_arcsec: float | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    year: float | None = None
    """Julian year of mid-exposure; None when not known."""
    time_note: str | None = None
    """What is wrong with the time, in words."""


@dataclass(frozen=True, slots=True)
class SolverOptions:
    """How to search and fit."""

    scale_tolerance: float = 0.03
    radius_deg: float = 1.5
    time_limit_s: float = 20.0
    order: int = 3
