"""How deep a frame is: its zero point from stars of known magnitude, and what follows from it.

The zero point is the magnitude of a star that gives one electron a second, all of its light counted. From it come the
faintest star at five sigma, the brightness of the sky, and how much of the light an ideal clear night would have let
through.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SOLAR_COLOUR = 0.82
"""BP - RP of the Sun (Casagrande & VandenBerg 2018, MNRAS 479, L102): the zero point is that of such a star."""

_FEWEST = 5
_FEWEST_FOR_COLOUR = 20
_LEAST_SPREAD = 0.25  # mag: standard deviation of the colours below which no slope can be seen
_FLOOR_MAG = 0.01  # flat field, scintillation, variable stars
_CUT = 4.0  # sigma of Tukey's biweight
_SNR = 5.0
# Noise-equivalent area of a Gaussian star, 4 pi sigma² (King 1983, PASP 95, 163), in FWHM².
_AREA_FWHM2 = 4.0 * math.pi / (8.0 * math.log(2.0))
# Light of a Moffat profile of beta 3 beyond 1.5 FWHM, where no halo was measured: 9 %.
USUAL_CORRECTION = 1.10


@dataclass(frozen=True, slots=True)
class ZeroPoint:
    """The zero point of one frame."""

    magnitude: float
    """Of a star of solar colour that gives 1 e⁻/s in all."""
    error_mag: float
    """One sigma, from the scatter of the stars."""
    stars: int
    """That agree."""
    scatter_mag: float
    """Of one star, robust."""
    colour_term: float
    """Catalogue minus instrument magnitude, a mag of BP - RP."""
    colour_fitted: bool
    """Whether this frame's stars gave the colour term; else it was given, or is 0."""


def fit_zero_point(
    flux_e: Floats,
    error: Floats,
    magnitude: Floats,
    colour: Floats,
    *,
    exposure_s: float,
    aperture_correction: float = 1.0,
    magnitude_error: Floats | None = None,
    colour_term: float | None = None,
) -> ZeroPoint | None:
    """Fit the zero point of a frame to stars of known magnitude.

    Parameters
    ----------
    flux_e : (n,) float
        Electrons of each star in its aperture, sky removed.
    error : (n,) float
        Relative errors.
    magnitude, colour : (n,) float
        Of the catalogue; colours (BP - RP) may be NaN.
    exposure_s : float
    aperture_correction : float
        All of a star's light over that in the aperture.
    magnitude_error : (n,) float, optional
        Of the catalogue.
    colour_term : float, optional
        Known for this instrument and filter; fitted where it is not and twenty stars of different colour allow it.

    Returns
    -------
    ZeroPoint or None
        None with fewer than five usable stars, or where they do not agree within a magnitude.

    Notes
    -----
    ``m = zp - 2.5 log10(correction * flux / t) + c (colour - 0.82)``, by weighted least squares with Tukey's biweight:
    variable stars, blends and false matches lose their weight.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        instrument = -2.5 * np.log10(np.where(flux_e > 0, flux_e, np.nan) * aperture_correction / exposure_s)
    offset = magnitude - instrument
    catalogue = np.zeros(offset.shape) if magnitude_error is None else np.nan_to_num(magnitude_error)
    sigma = np.sqrt(np.square(1.0857 * error) + np.square(catalogue) + _FLOOR_MAG**2)
    good = np.isfinite(offset) & np.isfinite(sigma) & (error < 0.2)
    if good.sum() < _FEWEST or not exposure_s > 0:
        return None
    redness = colour - SOLAR_COLOUR
    known = good & np.isfinite(redness)
    fits_colour = (
        colour_term is None and known.sum() >= _FEWEST_FOR_COLOUR and float(np.std(redness[known])) > _LEAST_SPREAD
    )
    if fits_colour:
        good = known  # a star without a colour would pull the slope
    elif colour_term:
        offset = offset - colour_term * np.nan_to_num(redness)
        # What the colour would have corrected is not known for these.
        sigma = np.where(np.isfinite(redness), sigma, np.hypot(sigma, abs(colour_term) * 0.3))
    terms = np.column_stack([np.ones(good.sum()), redness[good] if fits_colour else np.zeros(good.sum())])
    solved, scatter, keep, error_mag = _robust(terms[:, : 2 if fits_colour else 1], offset[good], sigma[good])
    if keep < _FEWEST or scatter > 1.0:
        return None
    slope = float(solved[1]) if fits_colour else float(colour_term or 0.0)
    return ZeroPoint(float(solved[0]), error_mag, keep, scatter, slope, fits_colour)


def _robust(terms: Floats, value: Floats, sigma: Floats) -> tuple[Floats, float, int, float]:
    """Return the coefficients, the scatter of one value, how many count, and the error of the first coefficient."""
    solved: Floats = np.zeros(terms.shape[1])
    solved[0] = np.median(value)
    scale = max(1.4826 * float(np.median(np.abs(value - solved[0]) / sigma)), 1.0)
    keep: Floats = np.ones(value.size)
    covariance: Floats = np.eye(terms.shape[1])
    for _ in range(30):
        pull = (value - terms @ solved) / sigma
        scale = max(1.4826 * float(np.median(np.abs(pull))), 0.3)
        keep = np.asarray(np.square(np.maximum(1.0 - np.square(pull / (_CUT * scale)), 0.0)), float)
        weight = keep / sigma**2
        covariance = np.asarray(np.linalg.pinv((terms * weight[:, None]).T @ terms), float)
        new = covariance @ (terms.T @ (weight * value))
        done = float(np.abs(new - solved).max()) < 1e-6
        solved = new
        if done:
            break
    used = keep > 0
    off = np.abs(value[used] - terms[used] @ solved)
    scatter = 1.4826 * float(np.median(off)) if used.any() else math.inf
    # The stars' own scatter, where it is larger than their errors say, is what makes the mean uncertain.
    return solved, scatter, int(used.sum()), float(math.sqrt(covariance[0, 0])) * max(scale, 1.0)


def limiting_magnitude(
    zero_point_mag: float, noise_e: float, fwhm_px: float, exposure_s: float, snr: float = _SNR
) -> float:
    """Return the magnitude of a star that stands out ``snr`` times from its noise, by fitting its profile.

    Parameters
    ----------
    zero_point_mag : float
    noise_e : float
        Sky noise of one pixel, e⁻.
    fwhm_px : float
    exposure_s : float
    snr : float

    Notes
    -----
    The CCD equation ``F = snr sqrt(F + n noise²)`` with the noise-equivalent area n of a Gaussian star, solved for F.
    """
    pixels = _AREA_FWHM2 * fwhm_px**2
    flux = 0.5 * (snr**2 + math.sqrt(snr**4 + 4.0 * snr**2 * pixels * noise_e**2))
    return zero_point_mag - 2.5 * math.log10(flux / exposure_s)


def sky_brightness(
    zero_point_mag: float, background_e: float, exposure_s: float, pixel_scale_arcsec: float
) -> float | None:
    """Return the brightness of the sky, mag/arcsec²; None where the background is not positive.

    Parameters
    ----------
    zero_point_mag : float
    background_e : float
        Of one pixel, e⁻, bias and dark removed.
    exposure_s, pixel_scale_arcsec : float
    """
    if not background_e > 0 or not exposure_s > 0 or not pixel_scale_arcsec > 0:
        return None
    return zero_point_mag - 2.5 * math.log10(background_e / exposure_s / pixel_scale_arcsec**2)


@dataclass(frozen=True, slots=True)
class Extinction:
    """The clear sky of a night: ``zp = above_mag - k X``."""

    above_mag: float
    """Zero point above the atmosphere."""
    k_mag: float
    """Extinction, mag an air mass."""
    k_error_mag: float
    """NaN where the slope was not measured but assumed."""
    clear: npt.NDArray[np.bool_]
    """(n,) frames that the line stands on."""

    def expected(self, airmass: Floats) -> Floats:
        """Return the zero point of a clear frame at these air masses."""
        return self.above_mag - self.k_mag * airmass


def fit_extinction(zero_point_mag: Floats, airmass: Floats, error_mag: Floats, *, usual_k_mag: float) -> Extinction:
    """Fit the clear sky's extinction to the zero points of a night.

    Parameters
    ----------
    zero_point_mag, airmass, error_mag : (n,) float
        One a frame, of one filter; NaN where not measured.
    usual_k_mag : float
        Taken where the air mass changes too little to measure it (less than 0.3), or the stars say nonsense.

    Returns
    -------
    Extinction

    Notes
    -----
    Cloud only dims. The line is therefore drawn through the upper edge: frames far below it are let go again and
    again until those left scatter alike on both sides.
    """
    known = np.isfinite(zero_point_mag) & np.isfinite(airmass)
    sigma = np.hypot(np.where(np.isfinite(error_mag), error_mag, 0.05), 0.01)
    clear = known.copy()
    k, k_error = usual_k_mag, math.nan
    above = math.nan
    for _ in range(10):
        if not clear.any():
            break
        x, z, w = airmass[clear], zero_point_mag[clear], 1.0 / sigma[clear] ** 2
        k, k_error = usual_k_mag, math.nan
        if clear.sum() >= 5 and float(np.ptp(x)) > 0.3:
            mean = np.average(x, weights=w)
            spread = float(np.sum(w * np.square(x - mean)))
            slope = -float(np.sum(w * (x - mean) * (z - np.average(z, weights=w)))) / spread
            if 0.0 < slope < 1.5:  # a slope outside is cloud that grew with the hour
                k, k_error = slope, 1.0 / math.sqrt(spread)
        above = float(np.average(z + k * x, weights=w))
        off = zero_point_mag - (above - k * airmass)
        best = float(np.percentile(off[clear], 80))
        width = max(1.4826 * float(np.median(np.abs(off[clear] - np.median(off[clear])))), 0.02)
        again = known & (off > best - 3.0 * min(width, 0.1))
        if (again == clear).all():
            break
        clear = again
    return Extinction(above, k, k_error, clear)


def absolute_transparency(zero_point_mag: Floats, airmass: Floats, extinction: Extinction) -> Floats:
    """Return how much of what a clear sky lets through reached each frame: 1 is clear, whatever the air mass."""
    transparency: Floats = 10.0 ** (0.4 * (zero_point_mag - extinction.expected(airmass)))
    return transparency
