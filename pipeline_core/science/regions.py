"""What a part of a frame says: along a line, in a box or circle, around a star."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.types import Mask

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[Any]
"""(ny, nx) uint16 or floating; NaN where nothing is known."""

SEARCH_PX = 12.0
"""How far from a click a star may lie."""
_SAME_PX = 1.5  # peaks nearer than this to each other are one
_STAMP_PX = 28  # half the side of what is looked at around it
_DETECTION_SIGMA = 5.0  # of the smoothed sky
_SHARPEST = 0.30  # smoothed over raw peak: 0.25 for a single hot pixel, 0.40 for a star of FWHM 1.3 px


@dataclass(frozen=True, slots=True)
class RegionStatistics:
    """Pixels of a region, in the frame's unit; NaN where it holds none."""

    pixels: int
    masked: int
    """Left out of all figures: masked, or without a value."""
    mean: float
    median: float
    std: float
    minimum: float
    maximum: float
    total: float


@dataclass(frozen=True, slots=True)
class RadialProfile:
    """Light of one star by distance from its centre."""

    x_px: float
    y_px: float
    """Centre, 0-based."""
    radius_px: Floats
    value: Floats
    """One entry a pixel, nearest first; sky removed, the frame's unit."""
    sky: float
    noise: float
    """Of the sky around it: median and standard deviation."""
    peak: float
    """Highest pixel above the sky."""
    flux: float
    """Sky removed, in a circle of three half-light widths, at least 4 px."""
    rough_fwhm_px: float
    """From the area above half of the peak: the first guess of a fit."""
    aperture_px: float
    """Radius of that circle."""
    peak_x_px: float
    peak_y_px: float
    """The peak that was taken for it, 0-based: the centre of light may lie beside it."""


def line_profile(image: Pixels, x0: float, y0: float, x1: float, y1: float) -> tuple[Floats, Floats]:
    """Return the values along a line, interpolated between pixels.

    Parameters
    ----------
    image : (ny, nx)
    x0, y0, x1, y1 : float
        Ends, 0-based.

    Returns
    -------
    distance_px : (n,) float64
        From the first end, about one a pixel.
    value : (n,) float64
        NaN outside the frame.
    """
    length = float(np.hypot(x1 - x0, y1 - y0))
    part = np.linspace(0.0, 1.0, max(2, int(np.ceil(length)) + 1))
    x, y = x0 + part * (x1 - x0), y0 + part * (y1 - y0)
    ny, nx = image.shape
    inside = (x >= 0) & (y >= 0) & (x <= nx - 1) & (y <= ny - 1)
    left = np.clip(np.floor(x).astype(int), 0, max(0, nx - 2))
    low = np.clip(np.floor(y).astype(int), 0, max(0, ny - 2))
    right, high = np.minimum(left + 1, nx - 1), np.minimum(low + 1, ny - 1)
    fx, fy = x - left, y - low
    value = np.zeros(x.shape)
    for rows, columns, weight in (
        (low, left, (1 - fx) * (1 - fy)),
        (low, right, fx * (1 - fy)),
        (high, left, (1 - fx) * fy),
        (high, right, fx * fy),
    ):
        # A pixel without a value must not hurt where its weight is nothing.
        value += np.where(weight > 0.0, weight * image[rows, columns].astype(np.float64), 0.0)
    return part * length, np.where(inside, value, np.nan)


def box_statistics(
    image: Pixels, x0: float, y0: float, x1: float, y1: float, masked: Mask | None = None
) -> RegionStatistics:
    """Describe the pixels whose centres lie in a box with the given opposite corners (0-based)."""
    rows, columns = _cut(image.shape, min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    return _described(image[rows, columns], None if masked is None else masked[rows, columns], None)


def circle_statistics(
    image: Pixels, x_px: float, y_px: float, radius_px: float, masked: Mask | None = None
) -> RegionStatistics:
    """Describe the pixels whose centres lie in a circle (0-based)."""
    rows, columns = _cut(image.shape, x_px - radius_px, y_px - radius_px, x_px + radius_px, y_px + radius_px)
    y, x = np.ogrid[rows, columns]
    inside = (x - x_px) ** 2 + (y - y_px) ** 2 <= radius_px**2
    return _described(image[rows, columns], None if masked is None else masked[rows, columns], inside)


def line_statistics(value: Floats) -> RegionStatistics:
    """Describe the values along a line, as :func:`line_profile` gives them."""
    return _described(value, None, None)


def pixels_by_kind(mask: npt.NDArray[np.uint8]) -> dict[int, int]:
    """Count the pixels of each kind of a mask.

    Parameters
    ----------
    mask : (ny, nx) uint8
        Sums of bits (:class:`~pipeline_core.types.MaskBit`).

    Returns
    -------
    dict of int to int
        Each of the eight bits → pixels that hold it; one pixel may be of several kinds.
    """
    counts, every = np.bincount(mask.ravel(), minlength=256), np.arange(256)
    return {1 << k: int(counts[(every & (1 << k)) > 0].sum()) for k in range(8)}


def _cut(shape: tuple[int, ...], x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
    top, right = min(shape[0], int(np.floor(y1)) + 1), min(shape[1], int(np.floor(x1)) + 1)
    bottom, left = max(0, int(np.ceil(y0))), max(0, int(np.ceil(x0)))
    return slice(bottom, max(bottom, top)), slice(left, max(left, right))


def _described(part: Pixels, masked: Mask | None, inside: Mask | None) -> RegionStatistics:
    chosen = np.ones(part.shape, bool) if inside is None else inside
    good = chosen & np.isfinite(part)
    if masked is not None:
        good &= ~masked
    values = part[good].astype(np.float64)
    left_out = int(np.count_nonzero(chosen)) - values.size
    if not values.size:
        nan = float("nan")
        return RegionStatistics(0, left_out, nan, nan, nan, nan, nan, 0.0)
    return RegionStatistics(
        values.size,
        left_out,
        float(values.mean()),
        float(np.median(values)),
        float(values.std(ddof=1)) if values.size > 1 else 0.0,
        float(values.min()),
        float(values.max()),
        float(values.sum()),
    )


def star_near(
    image: Pixels,
    x_px: float,
    y_px: float,
    masked: Mask | None = None,
    *,
    reach_px: float = SEARCH_PX,
    but_not: Sequence[tuple[float, float]] = (),
) -> RadialProfile | None:
    """Find the star nearest to a place, and its light by distance from its centre.

    Parameters
    ----------
    image : (ny, nx)
    x_px, y_px : float
        Where a person pointed, 0-based.
    masked : (ny, nx) bool, optional
        Pixels that do not count, but for saturated ones: their star is one.
    reach_px : float
        How far from there the star may lie.
    but_not : sequence of (x, y)
        Places, 0-based, where something else than a star was found.

    Returns
    -------
    RadialProfile or None
        None where no star is: nothing stands out of the sky by 5 sigma of the smoothed sky, or it is one hot pixel.
    """
    rows, columns = _cut(image.shape, x_px - _STAMP_PX, y_px - _STAMP_PX, x_px + _STAMP_PX, y_px + _STAMP_PX)
    stamp = image[rows, columns].astype(np.float64)
    if min(stamp.shape, default=0) < 7:
        return None
    known = np.isfinite(stamp)
    if masked is not None:
        known &= ~masked[rows, columns]
    if np.count_nonzero(known) < 30:
        return None
    sky, noise = _sky_of(stamp[known])
    light = np.where(known, stamp - sky, 0.0)
    smooth = _smoothed(light)
    smooth_noise = max(_scatter(smooth[known]), 1e-9)
    x, y = x_px - columns.start, y_px - rows.start
    others = [(there_x - columns.start, there_y - rows.start) for there_x, there_y in but_not]
    found = _nearest_peak(smooth, light, (x, y), _DETECTION_SIGMA * smooth_noise, reach_px, others)
    if found is None:
        return None
    top = float(smooth[found])
    cx, cy = _centre(smooth, found, 0.5 * top)
    grid_y, grid_x = np.indices(light.shape)
    distance = np.hypot(grid_x - cx, grid_y - cy)
    peak = float(light[distance < 2.5].max(initial=0.0))
    around = distance < 15.0
    area = float(np.count_nonzero((light > 0.5 * peak) & (distance < 12.0) & _one_piece(light > 0.5 * peak, found)))
    fwhm = max(1.0, 2.0 * np.sqrt(max(area, 1.0) / np.pi))
    aperture = max(4.0, 1.5 * fwhm)
    near = around & known & (distance < max(8.0, 3.0 * fwhm))
    order = np.argsort(distance[near])
    return RadialProfile(
        float(cx + columns.start),
        float(cy + rows.start),
        distance[near][order],
        light[near][order],
        sky,
        noise,
        peak,
        float(light[distance <= aperture].sum()),
        fwhm,
        aperture,
        float(found[1] + columns.start),
        float(found[0] + rows.start),
    )


def moffat_curve(radius_px: Floats, fwhm_px: float, beta: float, amplitude: float) -> Floats:
    """Return a circular Moffat profile (Moffat 1969, A&A 3, 455) at given radii."""
    k = 2.0 ** (1.0 / beta) - 1.0
    curve: Floats = amplitude * (1.0 + k * (2.0 * radius_px / fwhm_px) ** 2) ** -beta
    return curve


def _sky_of(values: Floats) -> tuple[float, float]:
    """Median and scatter without the stars: three rounds of leaving out what is 3 sigma above or below."""
    kept = values
    for _ in range(3):
        level, sigma = float(np.median(kept)), _scatter(kept)
        inside = np.abs(kept - level) <= 3.0 * sigma
        if not sigma > 0.0 or np.count_nonzero(inside) < 20:
            break
        kept = kept[inside]
    return float(np.median(kept)), _scatter(kept)


def _scatter(values: Floats) -> float:
    low, high = np.percentile(values, [25.0, 75.0])
    return float(high - low) / 1.349


def _smoothed(light: Floats) -> Floats:
    """Weigh each pixel with its neighbours: 1 2 1 both ways."""
    padded = np.pad(light, 1, mode="edge")
    rows = padded[:-2] + 2.0 * padded[1:-1] + padded[2:]
    smooth: Floats = (rows[:, :-2] + 2.0 * rows[:, 1:-1] + rows[:, 2:]) / 16.0
    return smooth


def _nearest_peak(
    smooth: Floats,
    light: Floats,
    at: tuple[float, float],
    limit: float,
    reach_px: float,
    but_not: Sequence[tuple[float, float]],
) -> tuple[int, int] | None:
    """Return the (row, column) of the peak nearest to a place that is a star's."""
    x, y = at
    inner = smooth[1:-1, 1:-1]
    highest = np.ones(inner.shape, bool)
    raw = np.full(inner.shape, -np.inf)
    for dy in (0, 1, 2):
        for dx in (0, 1, 2):
            part = slice(dy, dy + inner.shape[0]), slice(dx, dx + inner.shape[1])
            highest &= inner >= smooth[part]
            raw = np.maximum(raw, light[part])  # noise moves the smoothed peak off a hot pixel
    rows, columns = np.nonzero(highest & (inner > limit) & (inner > _SHARPEST * raw))
    rows, columns = rows + 1, columns + 1
    distance = np.hypot(columns - x, rows - y)
    if not distance.size:
        return None
    # Of a bright star and a bump of noise on its wing the star is meant: near peaks compete with their light.
    meant = distance <= reach_px
    for other_x, other_y in but_not:
        meant &= np.hypot(columns - other_x, rows - other_y) > _SAME_PX
    near = np.flatnonzero(meant)
    if not near.size:
        return None
    best = near[np.argmin(distance[near] / (1.0 + np.log10(smooth[rows[near], columns[near]] / limit)))]
    return int(rows[best]), int(columns[best])


def _centre(smooth: Floats, peak: tuple[int, int], floor: float) -> tuple[float, float]:
    """Centre of light of the pixels above half of the peak, (x, y), within 8 px."""
    row, column = peak
    y0, x0 = max(0, row - 8), max(0, column - 8)
    part = smooth[y0 : row + 9, x0 : column + 9]
    weight = np.where(_one_piece(part > floor, (row - y0, column - x0)), part - 0.5 * floor, 0.0)
    total = float(weight.sum())
    if not total > 0.0:
        return float(column), float(row)
    y, x = np.indices(part.shape)
    return float((weight * x).sum() / total + x0), float((weight * y).sum() / total + y0)


def _one_piece(above: Mask, start: tuple[int, int]) -> Mask:
    """Return the pixels of ``above`` that hang together with a start."""
    piece = np.zeros_like(above)
    piece[start] = True
    while True:
        grown = piece.copy()
        grown[1:] |= piece[:-1]
        grown[:-1] |= piece[1:]
        grown[:, 1:] |= piece[:, :-1]
        grown[:, :-1] |= piece[:, 1:]
        grown &= above
        grown[start] = True
        if np.array_equal(grown, piece):
            return piece
        piece = grown
