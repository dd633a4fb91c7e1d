"""The stars inside an index file as a reference: always at hand where solving is, good to a third of an arcsecond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.catalogues.reference import ReferenceStars, Source
from pipeline_core.io.index_file import stars_within

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_EPOCH = 2000.0
_POSITION_MAS = 60.0
"""Median error of a Tycho-2 position at its mean epoch (Høg et al. 2000, A&A 355, L27)."""
_MOTION_MAS = 12.0
"""Of one axis a year: typical of stars of magnitude 9 to 12; the index holds no proper motions."""


def index_reference(
    paths: Sequence[Path], ra_deg: float, dec_deg: float, radius_deg: float, limit: float | None = None
) -> ReferenceStars | None:
    """Return the stars inside a cone of the index that has most of them.

    Parameters
    ----------
    paths : sequence of Path
        Index files.
    ra_deg, dec_deg, radius_deg : float
    limit : float, optional
        Faintest magnitude.

    Returns
    -------
    ReferenceStars or None
        None where no index has a star there.
    """
    best = None
    for path in paths:
        stars = stars_within(path, ra_deg, dec_deg, radius_deg)
        if len(stars.ra_deg) and (best is None or len(stars.ra_deg) > len(best[1].ra_deg)):
            best = path, stars
    if best is None:
        return None
    path, stars = best
    count = len(stars.ra_deg)
    nothing = np.full(count, np.nan)
    source = Source(
        source_name(path.name),
        f"index:{_stem(path.name)}",
        stars.band or "unknown",
        reportable=False,
        words="positions good to about 0.3″ (no proper motions): solved, not for reporting",
    )
    found = ReferenceStars(
        stars.ra_deg, stars.dec_deg, nothing, nothing, stars.magnitude, nothing,
        np.full(count, _POSITION_MAS), np.full(count, _MOTION_MAS), _EPOCH, source,
    )  # fmt: skip
    return found if limit is None else found.pick(~(found.magnitude > limit))


def source_name(file: str) -> str:
    """Return what the stars of an index file of this name are called: "Tycho-2 (index-tycho2-07)"."""
    return f"Tycho-2 ({_stem(file)})" if "tycho2" in file.lower() else f"stars of {_stem(file)}"


def _stem(file: str) -> str:
    return file.partition(".")[0]
