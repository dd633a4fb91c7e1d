"""One star as a person points at it: its profile, and the Moffat fit that the quality table uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.science.one_star import sharpest_star_px
from pipeline_core.science.psf import fit_moffats
from pipeline_core.science.regions import SEARCH_PX, RadialProfile, star_near

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline_core.types import Mask

_HALF_PX = 40  # of the stamp: the fit looks at most 24 px around the star
_PEAK_SIGMAS = 5.0  # of the sky's noise, of the brightest pixel
_FLUX_SIGMAS = 8.0  # of all light together, for a wide image whose pixels are all below that
_FLAT_PART = 0.93  # of the highest pixel: a flat top is above this all over
_FLAT_PIXELS = 5  # a star of 2 px that lies on the corner of four pixels has four equal ones
_FLAT_SHARE = 0.35  # of the pixels above half: 0.14 in a Moffat profile of β = 3 and 0.15 in a Gaussian
_FLAT_SIGMAS = 50.0  # a fainter star's top is as flat as its noise
_FULL_SHARE = 0.5  # of saturation: a flat top below is a star out of focus. Wells hold less than the converter counts
_BOUNDS = (1.11, 59.0)  # of β: beyond, the fit sits on its own; a Gaussian does so too, and is fitted well
_BOUND_SIGMAS = 100.0  # a fainter star is at a bound by its noise
_BOUND_LEFT = 0.05  # of the light, that a fit on a bound may leave: a true Gaussian of 100 sigma leaves 0.03
_MOST_LEFT = 0.2  # of the light, that a fit may leave: nine tenths of the stars of Jason 069 leave less than 0.12
_TRIES = 12  # peaks near the place that are looked at; a warm chip may have as many hot pixels there


@dataclass(frozen=True, slots=True)
class StarReading:
    """A star's profile and fit."""

    profile: RadialProfile
    fwhm_px: float
    """Of the fit; NaN where it failed (a saturated star, a galaxy)."""
    beta: float
    """Of the fit: below 2.5 much light in the wings, above 10 nearly a Gaussian."""
    ellipticity: float
    """1 − b/a."""
    amplitude: float
    """Of a circular profile of that width through the star's light."""
    is_saturated: bool
    is_flat: bool = False
    """Its top is as flat as that of no star's profile, though the saturation level that is known is not reached."""
    is_doubtful: bool = False
    """The fit leaves much of the light, or sits on a bound of β and is none of that profile."""


def read_star(
    image: npt.NDArray[Any],
    x_px: float,
    y_px: float,
    *,
    masked: Mask | None = None,
    saturation: float | None = None,
    gain: float = 1.0,
    reach_px: float = SEARCH_PX,
    usual_fwhm_px: float | None = None,
    full: Mask | None = None,
) -> StarReading | None:
    """Measure the star nearest to a place.

    Parameters
    ----------
    image : (ny, nx) uint16 or floating
    x_px, y_px : float
        0-based.
    masked : (ny, nx) bool, optional
    saturation : float, optional
        In the image's unit.
    gain : float
        Electrons per image unit.
    reach_px : float
        How far from there the star may lie.
    usual_fwhm_px : float, optional
        Of the frame's stars, where it is known: what is much sharper is none.
    full : (ny, nx) bool, optional
        Pixels that were saturated in the raw frame, whatever their value is now.

    Returns
    -------
    StarReading or None
        None where no star is: nothing but noise, hot pixels and hits.
    """
    others: list[tuple[float, float]] = []
    for _ in range(_TRIES):
        profile = star_near(image, x_px, y_px, masked, reach_px=reach_px, but_not=others)
        if profile is None:
            return None
        sharpest = sharpest_star_px(usual_fwhm_px)
        is_full = full is not None and _is_full(profile, full if masked is None else full & ~masked)
        level = 0.0 if is_full else saturation
        reading = _read(image, profile, level, gain, sharpest) if _stands_out(profile) else None
        if reading is not None:
            return reading
        others.append((profile.peak_x_px, profile.peak_y_px))
    return None


def _stands_out(profile: RadialProfile) -> bool:
    """Tell whether a peak is more than noise that a person's eye, or a smoothed image, made a star of."""
    if profile.peak >= _PEAK_SIGMAS * profile.noise:
        return True
    pixels = np.count_nonzero(profile.radius_px <= profile.aperture_px)
    return profile.flux >= _FLUX_SIGMAS * profile.noise * float(np.sqrt(pixels))


def _is_full(profile: RadialProfile, full: Mask) -> bool:
    """Tell whether a pixel of the star's core was saturated."""
    reach = max(1.5, 0.5 * profile.rough_fwhm_px)
    y, x = (slice(max(0, int(at - reach)), int(at + reach) + 2) for at in (profile.y_px, profile.x_px))
    rows, columns = np.ogrid[y, x]
    part = full[y, x]
    near = np.hypot(rows[: part.shape[0]] - profile.y_px, columns[:, : part.shape[1]] - profile.x_px) <= reach
    return bool(np.any(part & near))


def is_flat_topped(profile: RadialProfile, saturation: float | None) -> bool:
    """Tell whether the top of a star is a plateau: its well was full, below the level that the header calls saturation.

    Parameters
    ----------
    profile : RadialProfile
    saturation : float or None
        In the image's unit, where it is known: tops far below it are left alone.

    Notes
    -----
    The wells of Jason's camera are full at 61,300 to 64,000 ADU, each at its own level: pixels count as equal within
    7 %. Measured on its frame 069: 0.6 to 0.8 of the pixels above half in its two full stars, 0.35 at most (and two
    pixels) in all others.
    """
    if profile.peak < _FLAT_SIGMAS * profile.noise:
        return False
    if saturation is not None and profile.peak + profile.sky < _FULL_SHARE * saturation:
        return False
    light = np.sort(profile.value[profile.radius_px <= profile.aperture_px])[::-1]
    at_top, above_half = (np.count_nonzero(light > part * light[0]) for part in (_FLAT_PART, 0.5))
    return bool(at_top >= max(_FLAT_PIXELS, _FLAT_SHARE * above_half))


def _read(
    image: npt.NDArray[Any],
    profile: RadialProfile,
    saturation: float | None,
    gain: float,
    sharpest_px: float,
) -> StarReading | None:
    """Fit a star; None where the fit says that it is none."""
    x0, y0 = max(0, round(profile.x_px) - _HALF_PX), max(0, round(profile.y_px) - _HALF_PX)
    stamp = image[y0 : y0 + 2 * _HALF_PX + 1, x0 : x0 + 2 * _HALF_PX + 1].astype(np.float32)
    stamp = np.where(np.isfinite(stamp), stamp - np.float32(profile.sky), np.float32(0.0))
    fit = fit_moffats(
        np.ascontiguousarray(stamp),
        np.array([profile.x_px - x0]),
        np.array([profile.y_px - y0]),
        profile.rough_fwhm_px,
        noise=max(profile.noise, 1e-6),
        gain=gain,
    )
    fwhm, beta = float(fit.fwhm_px[0]), float(fit.beta[0])
    saturated = saturation is not None and profile.peak + profile.sky >= 0.98 * saturation
    if fwhm < sharpest_px and not saturated:
        return None
    is_flat = not saturated and is_flat_topped(profile, saturation)
    good = np.isfinite(fwhm) and fwhm < 40.0 and float(fit.residual[0]) < 0.6 and not saturated
    if not good:
        nan = float("nan")
        return StarReading(profile, nan, nan, nan, nan, saturated, is_flat)
    xx, yy, xy = (float(v) for v in fit.ellipse[0])
    axes = np.sqrt(np.maximum(np.linalg.eigvalsh(np.array([[xx, xy], [xy, yy]])), 1e-12))
    k = 2.0 ** (1.0 / beta) - 1.0
    shape = (1.0 + k * (2.0 * profile.radius_px / fwhm) ** 2) ** -beta
    near = profile.radius_px < 1.5 * fwhm
    amplitude = float((shape[near] * profile.value[near]).sum() / max(float((shape[near] ** 2).sum()), 1e-12))
    is_bound = profile.peak >= _BOUND_SIGMAS * profile.noise and not _BOUNDS[0] < beta < _BOUNDS[1]
    is_doubtful = float(fit.residual[0]) > (_BOUND_LEFT if is_bound else _MOST_LEFT)
    return StarReading(profile, fwhm, beta, float(1.0 - axes[0] / axes[1]), amplitude, saturated, is_flat, is_doubtful)
