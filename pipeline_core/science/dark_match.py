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

TRAPS = "at one exposure and temperature more is left under a brighter sky, as charge traps would leave it"
"""What speaks for traps in the chip: it is likely, not measured."""
NO_DARK_MENDS = "stack frames that moved"
"""What to do instead. The hottest pixels are masked already: nobody need do that."""
HOLES = "they became holes"
_FEWEST_FRAMES = 5
_RANKS_AGREE = 0.8  # from eight frames on; of fewer, more: by chance once in a hundred nights
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


def grows_with_sky(sky: npt.NDArray[np.float64], fraction: npt.NDArray[np.float64]) -> bool:
    """Tell whether hot pixels exceed their dark the more, the brighter the sky is.

    Parameters
    ----------
    sky : (n,) float64
        Of frames that used the same dark current, any unit.
    fraction : (n,) float64
        Of :func:`dark_residual`; negative where the dark was too weak.

    Notes
    -----
    Dark current does not know of the sky; charge transfer does. On a dark chip the traps that charge passes on its way
    out are empty and hold a part of a hot pixel's charge back; a sky fills them, and more of it arrives (Massey et al.
    2010, MNRAS 401, 371, section 2). The ranks must agree: the loss saturates, it is no straight line.
    """
    if sky.size < _FEWEST_FRAMES or not np.ptp(fraction) > 2.0 * MISFIT or not sky.max() > 1.5 * sky.min():
        return False
    bright, weak = (np.argsort(np.argsort(values)).astype(np.float64) for values in (sky, -fraction))
    return bool(np.corrcoef(bright, weak)[0, 1] > max(_RANKS_AGREE, 1.2 - 0.05 * sky.size))


def dark_flag(fraction: float, error: float, *, with_sky: bool = False) -> Flag | None:
    """Say that the dark did not fit a frame, from what :func:`dark_residual` measured.

    Parameters
    ----------
    fraction, error : float
        Positive: the dark was too strong. NaN says nothing.
    with_sky : bool
        The misfit grows with the sky (:func:`grows_with_sky`), and temperatures do not explain it.

    Returns
    -------
    Flag or None
        A note: the frame is no worse than its calibration, and the mask takes the worst pixels out.
    """
    if not abs(fraction) > max(MISFIT, 5.0 * error):
        return None
    percent = 100 * abs(fraction)
    remedy = "take darks of its temperature and exposure (or of the flat's, if its own dark did not fit)"
    if fraction > 0:
        return Flag("dark too strong", f"dark {percent:.0f} % too strong for hot pixels: {HOLES}; {remedy}", "note")
    # What can be done stands first: where there is little room, the rest is cut.
    weak = f"dark {percent:.0f} % too weak for hot pixels"
    if with_sky:
        return Flag("dark too weak", f"{weak}: {NO_DARK_MENDS}; {TRAPS}: another dark would hardly help", "note")
    return Flag("dark too weak", f"{weak}: {remedy}", "note")


def _around(image: Image, y: npt.NDArray[np.intp], x: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """Return the median of the eight neighbours of each pixel."""
    steps = [(j, i) for j in (-1, 0, 1) for i in (-1, 0, 1) if (j, i) != (0, 0)]
    middle: npt.NDArray[np.float32] = np.median(np.stack([image[y + j, x + i] for j, i in steps]), axis=0)
    return middle
