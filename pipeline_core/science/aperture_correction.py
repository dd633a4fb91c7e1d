"""Aperture correction: all of the stars' light over that in a small aperture (Stetson 1990; Howell 2006, ch. 5.4).

A star list's aperture grows with the frame's own FWHM: it keeps neighbours and noise out. Where pixels and optics, not
the seeing, make the wings of the stars, the share of the light in it is another in each frame: on a chip with stars of
1.3 to 2.8 px, 81 % to 92 %. Compared must be all of the light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.profile import light_in_circles
from pipeline_core.science.registration import predicted_by_neighbours
from pipeline_core.science.robust import MAD_TO_SIGMA, weighted_median

if TYPE_CHECKING:
    from pipeline_core.types import Image

Floats = npt.NDArray[np.float64]

LISTED_FWHM = 1.5
"""Radius of a star list's aperture."""
WHOLE_FWHM, WHOLE_PX = 3.0, 8.0
"""Radius that holds all of the light: a Moffat profile of beta 3 has a hundredth beyond three FWHM; and the wings that
do not shrink with the FWHM end at some 8 px, where curves of growth of sharp frames run level with those of others."""
_CERTAIN = 0.02  # a worse correction would do more harm than the aperture
_SCATTER = 0.03  # what neighbours and the flat do to any star, however bright
_FEWEST, _PIXELS = 12, 1e5  # of wide stars fewer are enough: 20 ms a frame at most
_BESIDE = 5  # frames of like width that speak for one; on either side, for what is usual


def whole_radius_px(fwhm_px: float) -> float:
    """Return the radius within which a star's light counts as all of it.

    The frame's own width alone decides: whether somebody rejected other frames before changes nothing. Frames up to
    2.7 px wide are all measured in one aperture; a wider one, out of focus or at low altitude, in that which holds the
    same share of its light. No wider than that: neighbours come in, and what ice scatters farther is lost.
    """
    return max(WHOLE_FWHM * fwhm_px, WHOLE_PX)


def aperture_correction(
    image: Image, x_px: npt.NDArray[Any], y_px: npt.NDArray[Any], fwhm_px: float, noise: float
) -> float | None:
    """Return the stars' light within :func:`whole_radius_px` over that in the star list's aperture.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed.
    x_px, y_px : (n,)
        Isolated stars, brightest first.
    fwhm_px : float
        Of the frame.
    noise : float
        Standard deviation of the sky, image unit.

    Returns
    -------
    float or None
        Some 1.1 for Moffat profiles; None where the stars tell it to no better than 2 %.

    Notes
    -----
    The sky comes from a ring around each star, beyond the wings. The median, weighted by what each star knows, passes
    over neighbours in the wide circle.
    """
    near_radius, whole_radius = LISTED_FWHM * fwhm_px, whole_radius_px(fwhm_px)
    inner, outer = 1.4 * whole_radius, 2.1 * whole_radius
    ny, nx = image.shape
    room = (x_px > outer + 1) & (x_px < nx - outer - 2) & (y_px > outer + 1) & (y_px < ny - outer - 2)
    most = np.flatnonzero(room)[: max(_FEWEST, int(_PIXELS / outer**2))]
    x_px, y_px = x_px[most], y_px[most]
    if not most.size:
        return None
    near, whole, error = light_in_circles(image, x_px, y_px, near_radius, whole_radius, (inner, outer), noise)
    middle, uncertain = np.nan, np.inf
    for _ in range(3):
        good = np.isfinite(near) & np.isfinite(whole) & (near > 8.0 * error)
        if good.sum() < 3:
            return None
        growth = whole[good] / near[good]
        weight = 1.0 / ((error / near[good]) ** 2 + _SCATTER**2)
        middle = weighted_median(growth, weight)
        pull = max(MAD_TO_SIGMA * float(np.median(np.abs(growth - middle) * np.sqrt(weight))), 1.0)
        uncertain = 1.25 * pull / np.sqrt(weight.sum())
        # Among many neighbours, under curtains of light, the sky is known less well than its noise says: so much the
        # more must bright stars tell.
        error = error * pull
    return middle if uncertain < _CERTAIN else None


def corrections(own: Floats, fwhm_px: Floats) -> tuple[Floats, Floats]:
    """Return what the fluxes of each frame of a group are multiplied with: own, and usual for its width.

    Parameters
    ----------
    own : (n,) float
        From :func:`aperture_correction`; NaN where a frame has none.
    fwhm_px : (n,) float

    Returns
    -------
    whole : (n,) float
        A frame without its own has the median of the five of most like width; 1 everywhere where no frame has one:
        corrected frames are never compared with others.
    usual : (n,) float
        What frames of like width let expect (a line through five narrower and five wider ones). Light that ice, dew
        or a trail spread beyond the aperture is no more in it than before: it counts as lost.
    """
    known = np.flatnonzero(np.isfinite(own))
    if not known.size:
        return np.ones(own.size), np.ones(own.size)
    whole = own.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.log(fwhm_px)
    for k in np.flatnonzero(~np.isfinite(own)).tolist():
        # NaN sorts last: a frame without a width has no stars either.
        beside = known[np.argsort(np.abs(width[known] - width[k]), kind="stable")[:_BESIDE]]
        whole[k] = np.median(own[beside])
    usual = whole.copy()
    order = known[np.argsort(width[known], kind="stable")]
    expected = predicted_by_neighbours(width[order], whole[order], _BESIDE)
    for at, value in enumerate(expected.tolist()):
        if np.isfinite(value):
            # A frame far wider than all others: their line, lengthened to it, may lead anywhere.
            near = whole[order[max(at - _BESIDE, 0) : at + _BESIDE + 1]]
            usual[order[at]] = np.clip(value, near.min(), near.max())
    return whole, usual
