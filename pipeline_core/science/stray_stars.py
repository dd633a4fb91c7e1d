"""Light of known stars where none should be: the night's stars sought in a dark, all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.robust import MAD_TO_SIGMA, pixel_noise, weighted_median

if TYPE_CHECKING:
    from pipeline_core.measures import StarList
    from pipeline_core.types import Image

FEWEST_STARS = 6
_MOST_STARS = 200
_REACH = 24  # px: so far the field may have wandered between the science frame and the dark
_HOTTEST = 4.0  # sigma: a hot pixel counts no more than that
_BRIGHTEST = 5.0  # times the middle one: no star counts more, or one bright star and one hot clump would decide


@dataclass(frozen=True, slots=True)
class StrayLight:
    """Light of the stars of a science frame found in another frame."""

    fraction: float
    """Of the stars' light, about."""
    sigma: float
    """How far the sum over the stars stands out from the same sum at other shifts."""
    stars: int
    """Stars whose places were looked at."""


def stray_starlight(bare: Image, stars: StarList, fwhm_px: float) -> StrayLight | None:
    """Look for the stars of a science frame in a frame without light.

    Parameters
    ----------
    bare : (ny, nx) float32
        Level and slow structure removed, finite.
    stars : StarList
        Of a science frame of the same chip, places in pixels of ``bare``, light in its unit.
    fwhm_px : float
        Of that science frame.

    Returns
    -------
    StrayLight or None
        None where fewer than six stars lie far enough inside the frame, or the frame has no noise.

    Notes
    -----
    The frame is convolved with the stars' profile (a matched filter), and its values at the stars' places are summed,
    for every shift of the field up to 24 px. Where each star stands 2 sigma out of the noise, none is detected by
    itself; twenty of them together stand out by 9. Hot pixels are cut at 4 sigma: they scatter the sums of all shifts
    alike, and the height of the best is measured by that scatter.
    """
    noise = pixel_noise(bare)  # no median deviation: of quiet electronics most counts are the same whole number
    ny, nx = bare.shape
    inside = (stars.x_px > _REACH) & (stars.x_px < nx - 1 - _REACH)
    inside &= (stars.y_px > _REACH) & (stars.y_px < ny - 1 - _REACH) & (stars.flux > 0.0)
    chosen = np.flatnonzero(inside)[:_MOST_STARS]  # brightest first
    if chosen.size < FEWEST_STARS or not noise > 0.0:
        return None
    x, y = (np.rint(place[chosen]).astype(np.intp) for place in (stars.x_px, stars.y_px))
    flux = stars.flux[chosen]
    weight = np.minimum(flux / np.median(flux), _BRIGHTEST)
    filtered = _matched(np.clip(bare / np.float32(noise), -_HOTTEST, _HOTTEST), fwhm_px)
    side = 2 * _REACH + 1
    total = np.zeros((side, side))
    for column, row, share in zip(x, y, weight, strict=True):
        total += share * filtered[row - _REACH : row + _REACH + 1, column - _REACH : column + _REACH + 1]
    middle = float(np.median(total))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(total - middle)))
    if not spread > 0.0:
        return None
    j, i = np.unravel_index(int(np.argmax(total)), total.shape)
    sigma = float((total[j, i] - middle) / spread)
    found = _matched(bare, fwhm_px)[y + j - _REACH, x + i - _REACH]
    # Light of a star from the peak of the filtered frame: the profile's square sums to 1 / (4 pi sigma²).
    light = found * 4.0 * np.pi * (fwhm_px / 2.3548) ** 2
    return StrayLight(weighted_median(light / flux, flux), sigma, int(chosen.size))


def _matched(image: npt.NDArray[Any], fwhm_px: float) -> npt.NDArray[np.float32]:
    """Convolve with a Gaussian of the stars' width."""
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415 - heavy, and few frames need it

    filtered: npt.NDArray[np.float32] = gaussian_filter(image, fwhm_px / 2.3548, mode="nearest", truncate=3.0)
    return filtered
