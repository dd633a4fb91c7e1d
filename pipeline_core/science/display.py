"""Frames as they are shown: 16-bit codes, a pyramid of means, levels, and the table from codes to colours.

A frame is turned into codes once; whatever is changed afterwards (levels, stretch, colours) changes a table of 65,536
entries only, and whatever is drawn costs the pixels of the screen, not those of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.types import Bits

Codes = npt.NDArray[np.uint16]
"""(ny, nx); value = zero + scale × code."""
Stretch = Literal["linear", "asinh", "log", "sqrt", "power", "midtone"]
STRETCHES: tuple[Stretch, ...] = get_args(Stretch)

_LAST = 65535
_SAMPLE = 1 << 18  # pixels that stand for the frame: its median to 0.25 % of the noise
_SMALLEST_SIDE = 256  # of the coarsest level: smaller than any view


@dataclass(frozen=True, slots=True)
class Coded:
    """A frame as codes."""

    pyramid: tuple[Codes, ...]
    """Full size, then each level half of the one before by 2×2 means."""
    zero: float
    scale: float
    """In the frame's unit: value = zero + scale × code."""
    holds_no_data: bool
    """Whether code 0 means that nothing is known."""


@dataclass(frozen=True, slots=True)
class SkyLevel:
    """What most pixels of a frame say, in its unit."""

    sky: float
    """Median."""
    sigma: float
    """Robust standard deviation about it."""
    lowest: float
    highest: float
    """Of all pixels."""


def coded(image: npt.NDArray[Any]) -> Coded:
    """Turn a frame into codes with their pyramid.

    Parameters
    ----------
    image : (ny, nx) uint16 or floating, any unit
        NaN where nothing is known.

    Returns
    -------
    Coded
        uint16 frames are their own codes. Others are divided evenly between their lowest and highest value, but no
        coarser than an eighth of the sky's noise: values beyond what then fits take the last code.
    """
    if image.dtype == np.uint16:
        return Coded(mean_pyramid(image), 0.0, 1.0, holds_no_data=False)
    level = sky_level(image)
    if not np.isfinite(level.sky):
        return Coded(mean_pyramid(np.zeros(image.shape, np.uint16)), 0.0, 1.0, holds_no_data=True)
    low, span = level.lowest, level.highest - level.lowest
    steps = _LAST - 1  # code 0 is kept for pixels without a value
    finest = level.sigma / 8.0
    if finest > 0.0 and span > steps * finest:
        # Of what does not fit, more lies above the sky (stars, hot pixels) than below it.
        low = max(low, level.sky - 0.125 * steps * finest)
        span = min(level.highest - low, steps * finest)
    scale = span / steps if span > 0.0 else 1.0
    codes = np.empty(image.shape, np.uint16)
    holds_no_data = False
    for rows in _bands(image.shape):  # temporaries of a band stay in the processor's cache
        part = (image[rows] - np.float32(low)) * np.float32(1.0 / scale) + np.float32(1.5)
        known = np.isfinite(part)
        if not known.all():
            holds_no_data = True
            part = np.where(known, part, np.float32(0.0))
            np.clip(part, 1.0, _LAST, out=part)
            part[~known] = 0.0
        else:
            np.clip(part, 1.0, _LAST, out=part)
        codes[rows] = part
    return Coded(mean_pyramid(codes, holds_no_data=holds_no_data), low - scale, scale, holds_no_data)


def mean_pyramid(codes: Codes, *, holds_no_data: bool = False) -> tuple[Codes, ...]:
    """Return codes at full size, half, a quarter and so on, each by 2×2 means.

    Parameters
    ----------
    codes : (ny, nx) uint16
    holds_no_data : bool
        Pixels of code 0 do not count, and a mean of none is 0.
    """
    levels = [codes]
    while min(levels[-1].shape) // 2 >= _SMALLEST_SIDE:
        levels.append(_halved(levels[-1], holds_no_data=holds_no_data))
    return tuple(levels)


def _halved(codes: Codes, *, holds_no_data: bool) -> Codes:
    ny, nx = codes.shape[0] // 2, codes.shape[1] // 2
    out = np.empty((ny, nx), np.uint16)
    for rows in _bands((ny, nx)):
        below = codes[2 * rows.start : 2 * rows.stop : 2]
        above = codes[2 * rows.start + 1 : 2 * rows.stop : 2]
        corners = [half[:, offset : 2 * nx : 2] for half in (below, above) for offset in (0, 1)]
        total = corners[0].astype(np.uint32)
        for corner in corners[1:]:
            total += corner
        if holds_no_data:
            count = np.zeros(total.shape, np.uint32)
            for corner in corners:
                count += corner > 0
            out[rows] = (total + count // 2) // np.maximum(count, 1)
        else:
            total += 2
            total >>= 2
            out[rows] = total
    return out


def bit_pyramid(bits: Bits, levels: int) -> tuple[Bits, ...]:
    """Return mask bits at full size, half, a quarter …: a coarse pixel has every bit that one of its pixels has."""
    pyramid = [bits]
    while len(pyramid) < levels and min(pyramid[-1].shape) > 1:
        fine = pyramid[-1]
        ny, nx = fine.shape[0] // 2 * 2, fine.shape[1] // 2 * 2
        rows = fine[0:ny:2, :nx] | fine[1:ny:2, :nx]
        pyramid.append(rows[:, 0::2] | rows[:, 1::2])
    return tuple(pyramid)


def sky_level(image: npt.NDArray[Any]) -> SkyLevel:
    """Measure the sky of a frame from an even sample of its pixels; all NaN where no pixel is finite."""
    values = sample(image)
    if not values.size:
        return SkyLevel(np.nan, np.nan, np.nan, np.nan)
    median = float(np.median(values))
    quarters = np.percentile(values, [25.0, 75.0])
    sigma = float(quarters[1] - quarters[0]) / 1.349  # of a normal distribution
    if image.dtype.kind in "ui":
        lowest, highest = float(image.min()), float(image.max())
    else:
        lowest, highest = float(np.nanmin(image)), float(np.nanmax(image))
        if not np.isfinite(lowest + highest):
            finite = image[np.isfinite(image)]
            lowest, highest = float(finite.min()), float(finite.max())
    return SkyLevel(median, sigma, lowest, highest)


def sample(image: npt.NDArray[Any], most: int = _SAMPLE) -> npt.NDArray[np.float64]:
    """Return an even sample of the finite pixels of a frame.

    Notes
    -----
    The steps across and along are kept odd, so that a detector whose even and odd columns differ is sampled on both.
    """
    step = int(np.ceil(np.sqrt(max(1.0, image.size / most))))
    step += 1 - step % 2 if step > 1 else 0
    values = image[step // 2 :: step, step // 2 :: step].astype(np.float64, copy=False).ravel()
    return values[np.isfinite(values)]


def auto_levels(level: SkyLevel) -> tuple[float, float]:
    """Return levels that show the sky as a dark grey and faint stars above it: sky − 2 σ to sky + 30 σ.

    Notes
    -----
    With an asinh stretch a star of 5 σ is then clearly seen. Of a frame without noise (a synthetic one, a mask) all
    values are shown; where some are lower than nearly all (what the removal of cosmic rays took off), nearly all are
    grey.
    """
    if not np.isfinite(level.sky):
        return 0.0, 1.0
    low = max(level.sky - 2.0 * level.sigma, level.lowest)
    high = min(level.sky + 30.0 * level.sigma, level.highest)
    if level.sigma <= 0.0 or high <= low:
        low, high = level.lowest, level.highest
        if low < level.sky:
            high = max(high, 2.0 * level.sky - low)
    return low, high if high > low else low + 1.0


def change_levels(level: SkyLevel, values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return levels for what a step changed: four sigma to both sides, up to twelve where pixels stand out.

    Parameters
    ----------
    level : SkyLevel
    values : (n,) float64
        Finite pixels (:func:`sample`).

    Notes
    -----
    What a dark takes off a hot pixel lies far below the rest, and what other steps do may lie above: on each side the
    levels reach as far as all but one pixel in a thousand. Beyond twelve sigma nobody takes a pixel for noise, and if
    the levels reached to the hottest, noise and lukewarm pixels would be all one grey. Levels made for sky and stars
    end two sigma below the middle, where a hot pixel is as black as noise.
    """
    if not values.size or not level.sigma > 0.0:
        return auto_levels(level)
    least, most = (float(v) for v in np.percentile(values, [0.1, 99.9]))
    below, above = (float(np.clip(far / level.sigma, 4.0, 12.0)) for far in (level.sky - least, most - level.sky))
    low, high = level.sky - below * level.sigma, level.sky + above * level.sigma
    return max(low, level.lowest), min(high, level.highest)


def percentile_levels(values: npt.NDArray[np.float64], percent: float) -> tuple[float, float]:
    """Return the levels between which the given percentage of a sample lies, as much left out below as above."""
    if not values.size:
        return 0.0, 1.0
    outside = (100.0 - percent) / 2.0
    low, high = (float(v) for v in np.percentile(values, [outside, 100.0 - outside]))
    return low, high if high > low else low + 1.0


def zscale(values: npt.NDArray[np.float64], contrast: float = 0.25, most: int = 1000) -> tuple[float, float]:
    """Return IRAF's zscale levels.

    Parameters
    ----------
    values : (n,) float64
        Finite pixels (:func:`sample`), in the order of the frame.
    contrast : float
        The slope of the sorted values is divided by it.
    most : int
        Of the sample, evenly spaced.

    Notes
    -----
    Tody, D., IRAF's display task: a line is fitted to the sorted sample, values more than 2.5 σ off it and their
    neighbours are left out, up to five times; if more than half of them is, the sample's own range is taken.
    """
    if not values.size:
        return 0.0, 1.0
    ordered = np.sort(values[:: max(1, int(values.size / most))][:most])
    n = ordered.size
    lowest, highest = float(ordered[0]), float(ordered[-1])
    if n < 5:
        return lowest, highest if highest > lowest else lowest + 1.0
    slope = _slope_without_outliers(ordered)
    if slope is not None:
        slope /= contrast
        middle = float(np.median(ordered))
        centre = (n - 1) // 2
        low, high = max(lowest, middle - (centre - 1) * slope), min(highest, middle + (n - centre) * slope)
    else:
        low, high = lowest, highest
    return low, high if high > low else low + 1.0


def _slope_without_outliers(ordered: npt.NDArray[np.float64]) -> float | None:
    """Fit a line to sorted values; None if fewer than half of them lie on it."""
    n = ordered.size
    at = np.arange(n, dtype=np.float64)
    good = np.ones(n, bool)
    grow = max(1, int(n * 0.01))
    fewest = max(5, n // 2)
    line = np.zeros(2)
    kept_before = n + 1
    for _ in range(5):
        kept = int(good.sum())
        if kept >= kept_before or kept < fewest:
            break
        line = np.polyfit(at[good], ordered[good], 1)
        off = ordered - np.polyval(line, at)
        limit = 2.5 * float(off[good].std())
        good = np.abs(off) <= limit
        good = ~np.convolve(~good, np.ones(grow, bool), mode="same").astype(bool)
        kept_before = kept
    return float(line[0]) if int(good.sum()) >= fewest else None


def stretched(part: npt.NDArray[np.float64], stretch: Stretch) -> npt.NDArray[np.float64]:
    """Bend 0 … 1 to 0 … 1.

    Parameters
    ----------
    part : float64
        Where a value lies between the levels.
    stretch : Stretch
        asinh: linear below a tenth (Lupton et al. 2004, PASP 116, 133); log: over three decades, as DS9's; power: the
        square; midtone: PixInsight's transfer function with a quarter at the middle.
    """
    u = np.clip(part, 0.0, 1.0)
    bent: npt.NDArray[np.float64]
    match stretch:
        case "linear":
            bent = u
        case "asinh":
            bent = np.arcsinh(10.0 * u) / np.arcsinh(10.0)
        case "log":
            bent = np.log1p(1000.0 * u) / np.log(1001.0)
        case "sqrt":
            bent = np.sqrt(u)
        case "power":
            bent = u * u
        case "midtone":
            m = 0.25
            bent = (m - 1.0) * u / ((2.0 * m - 1.0) * u - m)
    return bent


def colour_table(
    zero: float,
    scale: float,
    low: float,
    high: float,
    stretch: Stretch,
    colours: npt.NDArray[np.uint8],
    *,
    inverted: bool = False,
    no_data: tuple[int, int, int] | None = None,
) -> npt.NDArray[np.uint32]:
    """Return the colour of each code.

    Parameters
    ----------
    zero, scale : float
        Of the codes: value = zero + scale × code.
    low, high : float
        Values shown as the first and the last colour.
    stretch : Stretch
    colours : (256, 3) uint8
        Red, green, blue, from low to high.
    inverted : bool
        The colours in the opposite order.
    no_data : (red, green, blue), optional
        Colour of code 0, if it means that nothing is known.

    Returns
    -------
    (65536,) uint32
        0xffrrggbb.
    """
    r, g, b = (colours[:, k].astype(np.uint32) for k in range(3))
    packed: npt.NDArray[np.uint32] = (0xFF000000 | (r << 16) | (g << 8) | b).astype(np.uint32)
    if inverted:
        packed = packed[::-1]
    values = zero + scale * np.arange(_LAST + 1, dtype=np.float64)
    part: npt.NDArray[np.float64] = (values - low) / (high - low if high != low else 1.0)
    table: npt.NDArray[np.uint32] = packed[(stretched(part, stretch) * 255.0 + 0.5).astype(np.intp)]
    if no_data is not None:
        table[0] = 0xFF000000 | (no_data[0] << 16) | (no_data[1] << 8) | no_data[2]
    return table


def histogram(
    values: npt.NDArray[np.float64], low: float, high: float, bins: int = 256
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Count a sample between two values.

    Parameters
    ----------
    values : (n,) float64
        Finite.
    low, high : float
    bins : int
        At most; of whole numbers (raw counts) each bin holds equally many, or a comb would show.

    Returns
    -------
    edges : (m + 1,) float64
    counts : (m,) int64
    """
    if not high > low:
        high = low + 1.0
    if values.size and np.array_equal(values[:2000], np.rint(values[:2000])):
        step = max(1.0, np.ceil((high - low) / bins))
        edges = np.arange(np.floor(low) - 0.5, high + step, step)
    else:
        edges = np.linspace(low, high, bins + 1)
    # By their number and not by the edges, for which numpy sorts all values: that takes four times as long.
    counts, edges = np.histogram(values, edges.size - 1, (edges[0], edges[-1]))
    return edges, counts


def histogram_range(level: SkyLevel, saturation: float | None = None) -> tuple[float, float]:
    """Return the values worth showing in a histogram: from below the sky to well above it."""
    if not np.isfinite(level.sky):
        return 0.0, 1.0
    width = level.sigma if level.sigma > 0.0 else max(1.0, 0.01 * abs(level.sky))
    low = max(level.lowest, level.sky - 10.0 * width)
    high = min(level.highest, level.sky + 60.0 * width)
    if saturation is not None and saturation <= level.sky + 90.0 * width:
        high = max(high, 1.02 * saturation)
    return low, high if high > low else low + 1.0


def overlay_colours(crop: Bits, colours: dict[int, tuple[int, int, int]], alpha: int = 200) -> npt.NDArray[np.uint32]:
    """Colour mask bits for laying over an image.

    Parameters
    ----------
    crop : (ny, nx) uint8
        :class:`~pipeline_core.types.MaskBit` sums.
    colours : {bit: (red, green, blue)}
        The bits shown, most important last.
    alpha : int
        Opacity, 0 to 255.

    Returns
    -------
    (ny, nx) uint32
        0xaarrggbb with colours multiplied by their opacity; 0 where no shown bit is set.
    """
    table = np.zeros(256, np.uint32)
    every = np.arange(256)
    for bit, (red, green, blue) in colours.items():
        r, g, b = (c * alpha // 255 for c in (red, green, blue))
        table[(every & bit) > 0] = (alpha << 24) | (r << 16) | (g << 8) | b
    return table[crop]


def _bands(shape: tuple[int, ...], pixels: int = 1 << 18) -> list[slice]:
    """Cut rows into bands of about so many pixels."""
    step = max(1, pixels // max(1, shape[1]))
    return [slice(start, min(start + step, shape[0])) for start in range(0, shape[0], step)]
