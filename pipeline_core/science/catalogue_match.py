"""Frame stars and catalogue stars, brought together: from a rough solution to a refined one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.science.astrometric_fit import AstrometricFit, fit_astrometry

if TYPE_CHECKING:
    from pipeline_core.science.tan_sip import TanSip

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

_ROUNDS = ((1, 1.0), (2, 0.5), (3, 0.25))  # order, part of the first radius
_PREDICTED_PX = 8.0
_TIGHTEST_PX = 1.5  # two stars closer than this are one


@dataclass(frozen=True)
class FrameStars:
    """Stars of one frame for astrometry, brightest first; pixels 0-based in the calibrated frame."""

    x_px: Floats
    y_px: Floats
    flux: Floats
    sigma_px: Floats
    """Measuring error of one axis."""
    saturated: npt.NDArray[np.bool_]
    """Good to find the field by, not to measure it by."""

    def __len__(self) -> int:
        return len(self.x_px)

    def pick(self, which: npt.NDArray[np.bool_] | Indices | slice) -> FrameStars:
        """Return some of the stars."""
        return FrameStars(
            self.x_px[which], self.y_px[which], self.flux[which], self.sigma_px[which], self.saturated[which]
        )

    def as_lists(self) -> dict[str, list[float]]:
        """Return plain lists for JSON: positions to 0.001 px."""
        return {
            "x_px": np.round(self.x_px, 3).tolist(),
            "y_px": np.round(self.y_px, 3).tolist(),
            "flux": np.round(self.flux, 1).tolist(),
            "sigma_px": np.round(self.sigma_px, 4).tolist(),
            "saturated": self.saturated.astype(int).tolist(),
        }

    @classmethod
    def from_lists(cls, lists: dict[str, list[float]]) -> FrameStars:
        """Rebuild from :meth:`as_lists`."""
        x, y, flux, sigma = (np.asarray(lists[name], np.float64) for name in ("x_px", "y_px", "flux", "sigma_px"))
        return cls(x, y, flux, sigma, np.asarray(lists["saturated"], bool))


@dataclass(frozen=True)
class SkyStars:
    """Catalogue stars at the frame's epoch, brightest first."""

    ra_deg: Floats
    dec_deg: Floats
    magnitude: Floats
    sigma_arcsec: Floats
    """Error of one axis of the position at this epoch."""

    def __len__(self) -> int:
        return len(self.ra_deg)

    def pick(self, which: npt.NDArray[np.bool_] | Indices | slice) -> SkyStars:
        """Return some of the stars."""
        return SkyStars(self.ra_deg[which], self.dec_deg[which], self.magnitude[which], self.sigma_arcsec[which])


@dataclass(frozen=True)
class Matched:
    """Pairs of stars and the solution they give."""

    frame: Indices
    """(n,) index into the frame's stars."""
    sky: Indices
    """(n,) index into the catalogue's."""
    fit: AstrometricFit


def in_frame(sky: SkyStars, solution: TanSip, shape: tuple[int, int], margin_px: float = 0.0) -> Indices:
    """Return the catalogue stars that lie in a frame of (ny, nx) pixels, brightest first."""
    x, y = solution.to_pixel(sky.ra_deg, sky.dec_deg)
    with np.errstate(invalid="ignore"):
        inside = (x > -margin_px) & (y > -margin_px) & (x < shape[1] + margin_px) & (y < shape[0] + margin_px)
    return np.flatnonzero(inside)


def pair(
    x_px: Floats, y_px: Floats, other_x_px: Floats, other_y_px: Floats, radius_px: float
) -> tuple[Indices, Indices]:
    """Pair points that are each other's nearest, and nearer than ``radius_px``."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - heavy

    nothing = np.zeros(0, np.intp)
    if not len(x_px) or not len(other_x_px):
        return nothing, nothing
    here, there = np.stack([x_px, y_px], axis=1), np.stack([other_x_px, other_y_px], axis=1)
    distance, nearest = cKDTree(there).query(here, distance_upper_bound=radius_px)
    _, back = cKDTree(here).query(there)
    first = np.flatnonzero(np.isfinite(distance))
    mutual = first[back[nearest[first]] == first]
    return mutual, nearest[mutual].astype(np.intp)


def refine(
    stars: FrameStars,
    sky: SkyStars,
    rough: TanSip,
    shape: tuple[int, int],
    *,
    radius_px: float = 12.0,
    order: int = 3,
    distortion: tuple[Floats, Floats] | None = None,
) -> Matched | None:
    """Match and fit in rounds: few bright stars and a wide radius first, all stars and a tight one last.

    Parameters
    ----------
    stars : FrameStars
    sky : SkyStars
    rough : TanSip
        Right to about ``radius_px`` in the frame.
    shape : (ny, nx)
    radius_px : float
    order : int
        Of the final fit, lowered where stars are few.
    distortion : (A, B), optional
        Fixed distortion of these optics.

    Returns
    -------
    Matched or None
        None with too few pairs.
    """
    reference = ((shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0)
    solution, found = rough, None
    # From a prediction the shape of the frame is known: one round will do.
    plan = _ROUNDS if radius_px > _PREDICTED_PX else ((order, 1.0),)
    for step_order, part in plan:
        radius = max(_TIGHTEST_PX, radius_px * part)
        inside = in_frame(sky, solution, shape, radius)
        # Chance pairs grow with both lists: a wide radius wants few stars.
        most = max(12, int(0.02 * shape[0] * shape[1] / radius**2))
        most = min(most, max(len(inside), 12) * 2, max(len(stars), 12) * 2)
        chosen, listed = np.arange(min(len(stars), most)), inside[:most]
        found = _fit_pairs(stars, sky, solution, chosen, listed, reference, radius, min(order, step_order), distortion)
        if found is None:
            return None
        solution = found.fit.solution
    assert found is not None
    scatter_px = max(found.fit.rms_arcsec / solution.scale_arcsec, 0.1)
    inside = in_frame(sky, solution, shape, _TIGHTEST_PX)
    last = _fit_pairs(
        stars, sky, solution, np.arange(len(stars)), inside, reference, max(_TIGHTEST_PX, 5.0 * scatter_px), order,
        distortion,
    )  # fmt: skip
    return last or found


def _fit_pairs(
    stars: FrameStars,
    sky: SkyStars,
    solution: TanSip,
    chosen: Indices,
    listed: Indices,
    reference: tuple[float, float],
    radius: float,
    order: int,
    distortion: tuple[Floats, Floats] | None,
    rounds: int = 12,
) -> Matched | None:
    x, y = solution.to_pixel(sky.ra_deg[listed], sky.dec_deg[listed])
    ours, theirs = pair(stars.x_px[chosen], stars.y_px[chosen], x, y, radius)
    frame, other = chosen[ours], listed[theirs]
    fit = fit_astrometry(
        stars.x_px[frame],
        stars.y_px[frame],
        sky.ra_deg[other],
        sky.dec_deg[other],
        reference,
        order=order,
        sigma_px=stars.sigma_px[frame],
        catalogue_arcsec=sky.sigma_arcsec[other],
        distortion=distortion,
        rounds=rounds,
    )
    return None if fit is None else Matched(frame, other, fit)
