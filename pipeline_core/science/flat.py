"""Flat fields: what the sky looks like when the sky is even."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.science.flat_stars import BLOCK_PX
from pipeline_core.science.robust import median_and_sigma

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.science.combine import Combined
    from pipeline_core.science.flat_stars import FlatFrame
    from pipeline_core.types import Image, Mask


def normalised(flat: Image, valid: Mask) -> tuple[Image, float]:
    """Scale a flat so that its valid pixels have median 1, in place.

    Parameters
    ----------
    flat : (ny, nx) float32
        Bias- and dark-free exposure of an evenly lit field.
    valid : (ny, nx) bool
        True where the pixel may count (not bad, not saturated, no star).

    Returns
    -------
    flat : (ny, nx) float32, dimensionless
        The same array.
    level : float
        What it was divided by.

    Raises
    ------
    DataError
        If no pixel is valid, or their median is not positive.

    Notes
    -----
    The median, not the mean: a few dust rings or stars must not set the level.
    """
    if not valid.any():
        raise DataError("flat has no valid pixel", why="every pixel is masked", hint="look at the frames of this flat")
    level, _ = median_and_sigma(flat, None if valid.all() else valid)
    if not level > 0:
        raise DataError(
            "flat holds no light",
            why=f"the median of its pixels is {level:.4g} after its dark was subtracted",
            hint="check that these frames are flats and that the dark fits their exposure",
        )
    flat *= np.float32(1 / level)
    return flat, level


def inverse_variance_weights(levels: npt.NDArray[np.float64], read_noise_adu: float, gain_e_per_adu: float) -> Image:
    """Weight of each flat after it was scaled to a common level: brighter flats know more.

    Parameters
    ----------
    levels : (N,) float, ADU
    read_noise_adu : float, ADU
    gain_e_per_adu : float, e⁻/ADU

    Returns
    -------
    (N,) float32, mean 1

    Notes
    -----
    The relative variance of a flat of level L is ``(read² + L / gain) / L²``: nearly 1 / L. One weight per
    frame, at its median level: a weight per pixel would prefer the pixel's low values.
    """
    weights = levels**2 / (read_noise_adu**2 + levels / gain_e_per_adu)
    return np.asarray(weights / weights.mean(), np.float32)


@dataclass(frozen=True)
class Illumination:
    """How one flat was lit, against the others of its filter."""

    tilt_percent: float
    """Peak to valley of the plane through its ratio to the group, percent."""
    tilt_angle_deg: float
    """Where it is brighter, counter-clockwise from +x."""
    rms: float
    """Scatter of that ratio over the frame, tilt included, as a fraction."""


def illuminations(frames: Sequence[FlatFrame]) -> list[Illumination]:
    """Compare the illumination of each flat with the median of all.

    Parameters
    ----------
    frames : sequence of FlatFrame

    Returns
    -------
    list of Illumination
        For one flat alone there is nothing to compare: zeros.
    """
    stack = np.stack([f.mesh / f.level_adu for f in frames])
    usual = np.median(stack, axis=0)
    rows, columns = usual.shape
    y, x = np.mgrid[:rows, :columns]
    # From -1/2 to 1/2 over the frame, so that the coefficients are edge to edge.
    x = (x + 0.5) / columns - 0.5
    y = (y + 0.5) / rows - 0.5
    design = np.stack([np.ones(usual.size), x.ravel(), y.ravel()], axis=1)
    result = []
    for mesh in stack:
        ratio = (mesh / np.where(usual > 0, usual, np.nan)).ravel()
        good = np.isfinite(ratio)
        if good.sum() < 3:
            result.append(Illumination(0.0, 0.0, 0.0))
            continue
        (_, a, b), *_ = np.linalg.lstsq(design[good], ratio[good], rcond=None)
        tilt = 100 * float(abs(a) + abs(b))
        result.append(Illumination(tilt, float(np.degrees(np.arctan2(b, a))), float(np.std(ratio[good]))))
    return result


def fill_hidden(master: Combined, hidden: npt.NDArray[np.bool_]) -> int:
    """Interpolate pixels that a star hid in every flat from their surroundings, in place.

    Parameters
    ----------
    master : Combined
        Its ``n_used`` stays 0 in those pixels, and their uncertainty is how much pixels differ from their
        surroundings.
    hidden : (by, bx) bool
        Blocks of ``BLOCK_PX`` that were blocked in every flat.

    Returns
    -------
    int
        Pixels that were filled. None are where the flat has no value at all.
    """
    image = master.image
    if not hidden.any() or not np.isfinite(image).any():
        return 0
    ny, nx = image.shape
    spread = _pixel_spread(image)
    filled = 0
    for by, bx in zip(*np.nonzero(hidden), strict=True):
        box = np.s_[by * BLOCK_PX : min((by + 1) * BLOCK_PX, ny), bx * BLOCK_PX : min((bx + 1) * BLOCK_PX, nx)]
        empty = master.n_used[box] == 0
        radius = 3 * BLOCK_PX
        while empty.any():
            y0, x0 = max(0, by * BLOCK_PX - radius), max(0, bx * BLOCK_PX - radius)
            around = np.s_[y0 : (by + 1) * BLOCK_PX + radius, x0 : (bx + 1) * BLOCK_PX + radius]
            known = image[around][master.n_used[around] > 0]
            if known.size >= 30:
                image[box][empty] = np.median(known)
                master.uncertainty[box][empty] = spread
                filled += int(empty.sum())
                break
            if radius > max(ny, nx):
                break
            radius *= 2
    return filled


def _pixel_spread(image: Image) -> float:
    """Scatter of pixels against their neighbours: what an interpolated pixel may be wrong by."""
    step = max(1, image.shape[0] // 256)
    difference = np.diff(image[::step], axis=1)
    difference = difference[np.isfinite(difference)]
    return float(1.4826 * np.median(np.abs(difference)) / np.sqrt(2)) if difference.size else 0.0
