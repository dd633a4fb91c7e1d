"""What a reference catalogue gives: stars, their motion, and what they are good for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science.catalogue_match import SkyStars
from pipeline_core.science.proper_motion import at_epoch
from pipeline_core.science.tan_sip import separation_deg

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Source:
    """Where stars came from."""

    name: str
    """As a person reads it: "Gaia DR3", "Tycho-2 (index-tycho2-07)"."""
    release: str
    """Short and stable, for keys and file names: "gaia-dr3"."""
    band: str
    """Of the magnitudes."""
    reportable: bool
    """Whether positions measured against it may be reported to the MPC."""
    words: str = ""
    """What to know about it."""


@dataclass(frozen=True, slots=True)
class ReferenceStars:
    """Catalogue stars at the catalogue's epoch, brightest first."""

    ra_deg: Floats
    dec_deg: Floats
    pm_ra_mas: Floats
    """mas a year, cos δ included; NaN where unknown."""
    pm_dec_mas: Floats
    magnitude: Floats
    colour: Floats
    """BP - RP, mag; NaN where unknown."""
    sigma_mas: Floats
    """Error of one axis at the catalogue's epoch."""
    sigma_pm_mas: Floats
    """mas a year; where the motion is unknown, the motion that stars usually have."""
    epoch: float
    """Julian year of the positions."""
    source: Source

    def __len__(self) -> int:
        return len(self.ra_deg)

    def pick(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice) -> ReferenceStars:
        """Return some of the stars."""
        return with_columns({name: getattr(self, name)[which] for name in COLUMNS}, self.epoch, self.source)

    def within(self, ra_deg: float, dec_deg: float, radius_deg: float) -> ReferenceStars:
        """Return the stars inside a cone."""
        return self.pick(separation_deg(ra_deg, dec_deg, self.ra_deg, self.dec_deg) <= radius_deg)

    def at(self, year: float | None) -> SkyStars:
        """Return where the stars stand in a Julian year; None: at the catalogue's epoch, the date being unknown."""
        years = 0.0 if year is None else year - self.epoch
        ra, dec = at_epoch(self.ra_deg, self.dec_deg, self.pm_ra_mas, self.pm_dec_mas, years)
        error = np.hypot(np.nan_to_num(self.sigma_mas), np.nan_to_num(self.sigma_pm_mas) * years)
        return SkyStars(ra, dec, self.magnitude, error / 1000.0)


COLUMNS = ("ra_deg", "dec_deg", "pm_ra_mas", "pm_dec_mas", "magnitude", "colour", "sigma_mas", "sigma_pm_mas")


def joined(parts: list[ReferenceStars]) -> ReferenceStars:
    """Put stars of one source together, brightest first."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    order = np.argsort(columns["magnitude"], kind="stable")
    return with_columns({name: column[order] for name, column in columns.items()}, parts[0].epoch, parts[0].source)


def with_columns(columns: Mapping[str, Floats], epoch: float, source: Source) -> ReferenceStars:
    """Build stars from named columns (see :data:`COLUMNS`)."""
    return ReferenceStars(**{name: columns[name] for name in COLUMNS}, epoch=epoch, source=source)
