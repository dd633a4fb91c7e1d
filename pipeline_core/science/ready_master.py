"""A master made elsewhere, brought to our form: ADU, and the bias in every dark.

Programs differ in what they leave in a master. Ours and most others keep the bias in a dark; ccdproc scripts and
IRAF often take it off first. Siril writes 16-bit counts as parts of 1. What the header does not say, the pixels do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.errors import DataError
from pipeline_core.science.robust import median_and_sigma

if TYPE_CHECKING:
    from pipeline_core.types import Image

FULL_SCALE_ADU = 65535.0
"""What Siril writes as 1: the largest 16-bit count."""

WITHOUT_BIAS = 0.5
"""A dark at less than this part of the bias level has had the bias taken off: dark current only ever adds."""
WITH_BIAS = 0.95
"""A dark above this part of the bias level holds it: camera levels drift by some percent from night to night."""
NEGATIVE = 0.01
"""Cameras add their bias so that no pixel reads below zero: with more such pixels it has been taken off."""
AFTER_OVERSCAN_ADU = 50.0
"""A bias farther from zero than this has its overscan level in it; what the overscan leaves is a few ADU."""


def in_adu(image: Image, *, by_siril: bool) -> tuple[Image, float]:
    """Return a master of biases or darks in ADU.

    Parameters
    ----------
    image : (ny, nx) float32
        As read; NaN where there is no value.
    by_siril : bool
        Its header names Siril, whose 32-bit files hold parts of 65,535.

    Returns
    -------
    image : (ny, nx) float32, ADU
    scale : float
        What the pixels were multiplied by.

    Raises
    ------
    DataError
        If the pixels lie between 0 and 1 and nobody says what 1 stands for.
    """
    known = image[np.isfinite(image)]
    # Not the very largest: one hot pixel may be above full scale after a combine.
    low, high = (float(np.percentile(known, p)) for p in (1.0, 99.0)) if known.size else (0.0, 0.0)
    between = low >= 0.0 and 0.0 < high <= 1.0
    if between and by_siril:
        return image * np.float32(FULL_SCALE_ADU), FULL_SCALE_ADU
    if between:
        raise DataError(
            "the master is not in ADU",
            why=f"its pixels lie between {low:.3g} and {high:.3g}: some programs write parts of full scale",
            hint="save it from its program as 16 bit, or multiply it by the full scale (65535) first",
        )
    return image, 1.0


def holds_bias(dark: Image, bias_level_adu: float | None) -> bool:
    """Tell by its level whether a master dark holds the bias.

    Parameters
    ----------
    dark : (ny, nx) float32, ADU
    bias_level_adu : float or None
        Median of the master bias; None where there is none.

    Returns
    -------
    bool
        True also where nothing can tell: near a bias of zero (its overscan was subtracted) both are alike.

    Raises
    ------
    DataError
        If the level lies between that of a dark with and one without the bias.
    """
    level, spread = median_and_sigma(dark)
    if bias_level_adu is None:
        known = dark[np.isfinite(dark)]
        return bool(np.count_nonzero(known < 0) < NEGATIVE * known.size)
    if bias_level_adu < max(5 * spread, AFTER_OVERSCAN_ADU):
        return True
    part = level / bias_level_adu
    if WITHOUT_BIAS <= part < WITH_BIAS:
        raise DataError(
            "it cannot be told whether the master dark holds the bias",
            why=f"its level is {level:.1f} ADU and that of the bias {bias_level_adu:.1f} ADU",
            hint="write the card HOLDBIAS = T or F into its header, or take darks of the same camera settings",
        )
    return part >= WITH_BIAS


def check_overscan_is_off(bias: Image) -> None:
    """Refuse a trimmed master bias that still holds the level which the frames lose with their overscan.

    Parameters
    ----------
    bias : (ny, nx) float32, ADU

    Raises
    ------
    DataError
    """
    level, _ = median_and_sigma(bias)
    if abs(level) > AFTER_OVERSCAN_ADU:
        raise DataError(
            "the master bias does not fit the frames",
            why=f"its level is {level:.1f} ADU: its overscan was cut off without being subtracted, that of the "
            "frames is subtracted",
            hint="set overscan.use = 'never' in the recipe, or take the master out and use raw biases",
        )
