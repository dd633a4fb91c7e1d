"""From raw counts to electrons: each correction of a CCD frame, as the textbook writes it.

A raw pixel is ``raw = bias + (dark_rate * t + response * light) / gain``. Read from the bottom up, the functions
here undo one term each. They work on float32 images of one trimmed geometry and write into their first argument,
because a 4096² frame is 64 MB and a night has hundreds of them.

Source: Howell (2006), *Handbook of CCD Astronomy*, chapter 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask


def subtract_level(image: Image, level: Image | float) -> Image:
    """Subtract a bias, a dark that holds the bias, or a constant pedestal, in place.

    Parameters
    ----------
    image : (ny, nx) float32, ADU
    level : (ny, nx) float32 or number, ADU

    Returns
    -------
    (ny, nx) float32, ADU
        The same array.
    """
    np.subtract(image, np.float32(level) if isinstance(level, float) else level, out=image)
    return image


def divide_by_flat(image: Image, flat: Image, floor: float) -> Mask:
    """Divide by the response of each pixel, in place, where the response is trustworthy.

    Parameters
    ----------
    image : (ny, nx) float32
    flat : (ny, nx) float32, median 1
    floor : float
        Pixels with less response, or none known (NaN), are left undivided: the quotient would be noise.

    Returns
    -------
    (ny, nx) bool
        True where the pixel was not divided.
    """
    undivided = ~(flat >= np.float32(floor))  # also true for NaN
    np.divide(image, flat, out=image, where=~undivided)
    return undivided


def to_electrons(image: Image, gain_e_per_adu: float) -> Image:
    """Multiply ADU by the gain, in place.

    Parameters
    ----------
    image : (ny, nx) float32, ADU
    gain_e_per_adu : float, e⁻/ADU

    Returns
    -------
    (ny, nx) float32, e⁻
        The same array.
    """
    image *= np.float32(gain_e_per_adu)
    return image


def pixel_variance(
    collected_e: Image, flat: Image | None, read_noise_e: float, gain_e_per_adu: float, floor: float
) -> Image:
    """Variance of a calibrated pixel from what it collected: Poisson, read-out and rounding.

    Parameters
    ----------
    collected_e : (ny, nx) float32, e⁻
        Light and dark current of the pixel, before the flat; overwritten with the result.
    flat : (ny, nx) float32 or None
        The division by the response divides the noise too.
    read_noise_e : float, e⁻
    gain_e_per_adu : float, e⁻/ADU
    floor : float
        Pixels below it were not divided by the flat.

    Returns
    -------
    (ny, nx) float32, e⁻²
        The same array.

    Notes
    -----
    Rounding to whole ADU adds gain²/12 (Janesick 2001, eq. 2.16). Negative counts are noise around nothing: their
    Poisson term is zero.
    """
    np.maximum(collected_e, np.float32(0), out=collected_e)
    collected_e += np.float32(read_noise_e**2 + gain_e_per_adu**2 / 12)
    if flat is not None:
        for _ in range(2):
            np.divide(collected_e, flat, out=collected_e, where=flat >= np.float32(floor))
    return collected_e


def total_uncertainty(
    variance: Image,
    image_e: Image,
    *,
    gain_e_per_adu: float,
    dark_uncertainty_adu: Image | None,
    flat: Image | None,
    flat_uncertainty: Image | None,
    floor: float,
) -> Image:
    """One-sigma uncertainty of calibrated pixels with the noise of the masters.

    Parameters
    ----------
    variance : (ny, nx) float32, e⁻²
        Of the pixel itself (:func:`pixel_variance`).
    image_e : (ny, nx) float32, e⁻
        Calibrated image; a flat's relative error acts on all the light of the pixel.
    gain_e_per_adu : float, e⁻/ADU
    dark_uncertainty_adu : (ny, nx) float32 or None, ADU
        Of the bias or dark (already scaled) that was subtracted.
    flat, flat_uncertainty : (ny, nx) float32 or None
    floor : float
        Pixels with a lower response were not divided.

    Returns
    -------
    (ny, nx) float32, e⁻
    """
    total = variance.copy()
    if dark_uncertainty_adu is not None:
        term = dark_uncertainty_adu * np.float32(gain_e_per_adu)
        if flat is not None:
            np.divide(term, flat, out=term, where=flat >= np.float32(floor))
        total += term * term
    if flat is not None and flat_uncertainty is not None:
        divided = flat >= np.float32(floor)
        term = image_e * flat_uncertainty
        np.divide(term, flat, out=term, where=divided)
        term[~divided] = 0
        total += term * term
    np.sqrt(total, out=total)
    return total
