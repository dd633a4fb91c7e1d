"""Whether the subtracted dark fits the frame: what remains of its hot pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.measures import Flag
from pipeline_core.science.robust import MAD_TO_SIGMA, median_and_sigma

if TYPE_CHECKING:
    from pipeline_core.types import Image

MISFIT = 0.03
"""Part of the dark signal: dark current changes by this much in 0.3 °C; less is not worth a word."""

_MOST = 20_000
_FEWEST = 30


def dark_residual(image: Image, dark_minus_bias: Image) -> tuple[float, float]:
    """Measure how much too strong the dark was that a calibrated frame had subtracted.

    Parameters
    ----------
    image : (ny, nx) float32
        Calibrated science frame.
    dark_minus_bias : (ny, nx) float32
        Dark current that was subtracted, in the image's unit.

    Returns
    -------
    fraction, error : float
        0.06: the dark was 6 % too strong; negative: too weak. Both NaN where fewer than 30 hot pixels can tell.

    Notes
    -----
    Excess of hot pixels over the median of their eight neighbours, in the frame against the dark: the slope of a
    straight line through the origin, weighted by sky and dark noise, with points beyond 4 sigma (stars, hits,
    saturated and unsteady pixels) left out.
    """
    nothing = (float("nan"), float("nan"))
    if image.shape != dark_minus_bias.shape or min(image.shape) < 8:
        return nothing
    level, spread = median_and_sigma(dark_minus_bias)
    _, noise = median_and_sigma(image)
    if not (np.isfinite(level) and np.isfinite(noise) and noise > 0.0):
        return nothing
    hot = np.zeros(image.shape, bool)
    # Only pixels whose excess stands over the frame's noise carry weight; a tenth of it is enough in numbers.
    hot[1:-1, 1:-1] = dark_minus_bias[1:-1, 1:-1] > level + max(10.0 * spread, 0.3 * noise)
    y, x = np.nonzero(hot)
    if y.size > _MOST:
        keep = np.argpartition(dark_minus_bias[y, x], -_MOST)[-_MOST:]
        y, x = y[keep], x[keep]
    cause = dark_minus_bias[y, x] - _around(dark_minus_bias, y, x)
    effect = image[y, x] - _around(image, y, x)
    good = np.isfinite(cause) & np.isfinite(effect) & (cause > 0)
    cause, effect = cause[good].astype(np.float64), effect[good].astype(np.float64)
    if cause.size < _FEWEST:
        return nothing
    weight = 1.0 / (1.2 * noise**2 + cause)  # 1.2: the median of eight neighbours is noisy too
    keep = np.ones(cause.size, bool)
    slope = float(np.median(effect / cause))
    scale = 1.0
    for _ in range(10):
        pull = (effect - slope * cause) * np.sqrt(weight)
        scale = max(MAD_TO_SIGMA * float(np.median(np.abs(pull[keep]))), 1e-9)
        new = np.abs(pull) < 4.0 * scale
        if new.sum() < _FEWEST:
            return nothing
        slope = float(np.sum((weight * cause * effect)[new]) / np.sum((weight * cause**2)[new]))
        if (new == keep).all():
            break
        keep = new
    error = scale / float(np.sqrt(np.sum((weight * cause**2)[keep])))
    return -slope, error


def dark_flag(fraction: float, error: float) -> Flag | None:
    """Say that the dark did not fit a frame, from what :func:`dark_residual` measured.

    Parameters
    ----------
    fraction, error : float
        Positive: the dark was too strong. NaN says nothing.

    Returns
    -------
    Flag or None
        A note: the frame is no worse than its calibration, and the mask takes the worst pixels out.
    """
    if not abs(fraction) > max(MISFIT, 5.0 * error):
        return None
    percent = 100 * abs(fraction)
    remedy = "darks of the same temperature and exposure mend it (or the flat's, if its own dark did not fit)"
    if fraction > 0:
        return Flag("dark too strong", f"dark {percent:.0f} % too strong: hot pixels became holes; {remedy}", "note")
    return Flag("dark too weak", f"dark {percent:.0f} % too weak: hot pixels shine through; {remedy}", "note")


def _around(image: Image, y: npt.NDArray[np.intp], x: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """Return the median of the eight neighbours of each pixel."""
    steps = [(j, i) for j in (-1, 0, 1) for i in (-1, 0, 1) if (j, i) != (0, 0)]
    middle: npt.NDArray[np.float32] = np.median(np.stack([image[y + j, x + i] for j, i in steps]), axis=0)
    return middle
