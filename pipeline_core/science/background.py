"""The sky of one frame: its level on a coarse mesh, its tilt, its noise."""

# Compiled loops take their arguments by position and are one loop each.
# ruff: noqa: C901, FBT001, PLR0912
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.jit import kernel

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

_NO_MASK = np.zeros((1, 1), np.bool_)
_SAMPLES = 32  # pixels along each side of a tile: 1024 a tile fix its level to 0.04 sigma
_STRUCTURED = 0.5  # scatter of the mesh after its plane, in sigma of a pixel; an ordinary sky stays below 0.1
_MEDIAN_ERROR = 1.2533  # standard error of a median of n normal values, in sigma / sqrt(n)


@dataclass(frozen=True, slots=True)
class SkyMesh:
    """Level and noise of the sky on a grid of tiles."""

    level: npt.NDArray[np.float32]
    """(my, mx) image unit; NaN where a tile had too few pixels."""
    sigma: npt.NDArray[np.float32]
    """(my, mx) pixel-to-pixel standard deviation."""
    smooth: npt.NDArray[np.float32]
    """(my, mx) level, filled and usually median-filtered over 3×3 tiles: what is subtracted."""
    shape: tuple[int, int]
    """(ny, nx) of the image."""
    samples: int
    """Pixels looked at in a tile."""

    @property
    def background(self) -> float:
        """Median level; NaN without any sky."""
        return float(np.nanmedian(self.level)) if np.isfinite(self.level).any() else float("nan")

    @property
    def noise(self) -> float:
        """Median pixel-to-pixel standard deviation; NaN without any sky."""
        return float(np.nanmedian(self.sigma)) if np.isfinite(self.sigma).any() else float("nan")


@dataclass(frozen=True, slots=True)
class SkyPlane:
    """The tilt of the sky over the frame."""

    centre: float
    """Level of the plane in the middle of the frame."""
    rise_x: float
    """From the left to the right border, image unit."""
    rise_y: float
    """From the lowest to the highest row, image unit."""
    angle_deg: float
    """Direction in which the sky brightens, counter-clockwise from +x."""
    rms: float
    """Scatter of the mesh after the plane, the sampling noise of the tiles taken out."""

    @property
    def peak_to_valley(self) -> float:
        """Difference between the brightest and the faintest corner."""
        return abs(self.rise_x) + abs(self.rise_y)


def sky_mesh(
    image: npt.NDArray[Any],
    masked: Mask | None = None,
    saturated: Mask | None = None,
    *,
    tile: int | None = None,
    smooth: bool = True,
) -> SkyMesh:
    """Measure the sky on a grid of tiles, stars and hits clipped away.

    Parameters
    ----------
    image : (ny, nx) any real type
        Values that are not finite do not count.
    masked, saturated : (ny, nx) bool, optional
        True where the pixel must not count.
    tile : int, optional
        Side of a tile, px. Default: 128 for large frames, smaller ones keep at least about 8×8 tiles of 32 px.
    smooth : bool
        Whether the subtracted level is the median of 3×3 tiles; not where stars are masked and ridges must stay.

    Returns
    -------
    SkyMesh

    Notes
    -----
    Each tile is sampled evenly (32×32 pixels), sorted, and cut at 3 sigma about its median until nothing changes;
    sigma comes from the fainter half, which stars do not reach. Whole-number images are dithered by half
    a unit, else a sky of 2 ADU noise would be known to whole ADU only.
    """
    ny, nx = image.shape
    side = tile or int(np.clip(min(ny, nx) // 8, 32, 128))
    my, mx = max(1, round(ny / side)), max(1, round(nx / side))
    step = max(1, side // _SAMPLES)
    level = np.empty((my, mx), np.float32)
    sigma = np.empty((my, mx), np.float32)
    _tile_statistics(
        image,
        _NO_MASK if masked is None else masked,
        masked is not None,
        _NO_MASK if saturated is None else saturated,
        saturated is not None,
        step,
        _is_whole(image),
        level,
        sigma,
    )
    samples = max(1, (ny // my // step) * (nx // mx // step))
    filled = _filled(level)
    return SkyMesh(level, sigma, _smooth(filled) if smooth else filled, (ny, nx), samples)


def sky_plane(mesh: SkyMesh) -> SkyPlane | None:
    """Fit a plane to the mesh.

    Parameters
    ----------
    mesh : SkyMesh

    Returns
    -------
    SkyPlane or None
        None with fewer than four measured tiles.

    Notes
    -----
    Least squares with tiles beyond 4 robust sigma left out: a galaxy or a bright star is no tilt.
    """
    my, mx = mesh.level.shape
    v, u = np.meshgrid((np.arange(my) + 0.5) / my - 0.5, (np.arange(mx) + 0.5) / mx - 0.5, indexing="ij")
    good = np.isfinite(mesh.level)
    if good.sum() < 4 or my < 2 or mx < 2:
        return None
    z = mesh.level[good].astype(np.float64)
    terms = np.stack([np.ones(z.size), u[good], v[good]], axis=1)
    keep = np.ones(z.size, bool)
    solution = np.zeros(3)
    rest = z
    for _ in range(5):
        solution = np.linalg.lstsq(terms[keep], z[keep], rcond=None)[0]
        rest = z - terms @ solution
        spread = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
        new = np.abs(rest) <= max(4.0 * spread, 1e-12)
        if new.sum() < 4 or (new == keep).all():
            break
        keep = new
    sampling = _MEDIAN_ERROR * mesh.noise / np.sqrt(mesh.samples)
    scatter = float(np.mean(rest[keep] ** 2))
    rms = float(np.sqrt(max(0.0, scatter - sampling**2)))
    ny, nx = mesh.shape
    centre, rise_x, rise_y = (float(value) for value in solution)
    return SkyPlane(centre, rise_x, rise_y, float(np.degrees(np.arctan2(rise_y / ny, rise_x / nx))), rms)


def without_sky(
    image: npt.NDArray[Any], mesh: SkyMesh, masked: Mask | None = None, saturated: Mask | None = None
) -> Image:
    """Subtract the smooth sky; pixels that must not count take the mean of their good neighbours.

    Parameters
    ----------
    image : (ny, nx) any real type
    mesh : SkyMesh
        Of the same image.
    masked : (ny, nx) bool, optional
        True where the pixel must not count. Without a good neighbour, or where the value is not finite, it becomes 0.
    saturated : (ny, nx) bool, optional
        True where the pixel is full: it keeps its value even if masked, or a bright star would become a ring.

    Returns
    -------
    (ny, nx) float32, the image's unit
    """
    out = np.empty(image.shape, np.float32)
    _subtract(
        image,
        mesh.smooth,
        _NO_MASK if masked is None else masked,
        masked is not None,
        _NO_MASK if saturated is None else saturated,
        saturated is not None,
        out,
    )
    return out


def is_structured(mesh: SkyMesh, plane: SkyPlane | None) -> bool:
    """Whether the sky varies from tile to tile by so much that tiles of this size cannot follow it."""
    # Within a tile it then varies as much again: stars on a slope of half a sigma are measured wrong.
    return plane is not None and mesh.noise > 0.0 and plane.rms > _STRUCTURED * mesh.noise


def _is_whole(image: npt.NDArray[Any]) -> bool:
    """Whether the values are whole numbers."""
    if image.dtype.kind in "iu":
        return True
    sample = image[:: max(1, image.shape[0] // 32), :: max(1, image.shape[1] // 32)]
    sample = sample[np.isfinite(sample)]
    return bool(sample.size) and bool((sample == np.rint(sample)).all()) and bool(np.ptp(sample) > 0)


def _filled(level: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Fill tiles without sky from their neighbours."""
    if not np.isfinite(level).any():
        return np.zeros_like(level)
    filled = level.copy()
    while not np.isfinite(filled).all():
        around = _neighbours(filled)
        known = np.isfinite(around).any(axis=0) & ~np.isfinite(filled)
        filled[known] = np.nanmedian(around[:, known], axis=0)
    return filled


def _smooth(filled: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Take the median of 3×3 tiles."""
    if min(filled.shape) < 3:
        return filled
    smoothed: npt.NDArray[np.float32] = np.median(_neighbours(filled), axis=0).astype(np.float32)
    # The median of a border tile and its copies would flatten a tilt there: borders keep their own level.
    smoothed[0], smoothed[-1], smoothed[:, 0], smoothed[:, -1] = filled[0], filled[-1], filled[:, 0], filled[:, -1]
    return smoothed


def _neighbours(grid: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(9, my, mx): each tile with its eight neighbours, borders repeated."""
    my, mx = grid.shape
    padded = np.pad(grid, 1, mode="edge")
    return np.stack([padded[j : j + my, i : i + mx] for j in range(3) for i in range(3)])


@kernel
def _tile_statistics(
    image: Any,
    masked: Any,
    use_masked: bool,
    full: Any,
    use_full: bool,
    step: int,
    dither: bool,
    level: Any,
    sigma: Any,
) -> None:
    ny, nx = image.shape
    my, mx = level.shape
    values = np.empty((ny // my // step + 3) * (nx // mx // step + 3), np.float32)
    for j in range(my):
        for i in range(mx):
            y0, y1 = j * ny // my, (j + 1) * ny // my
            x0, x1 = i * nx // mx, (i + 1) * nx // mx
            n = 0
            seen = 0
            for y in range(y0 + step // 2, y1, step):
                # Rows are staggered: a bad column must not meet every sample of its tile.
                for x in range(x0 + (y // step * 3) % step, x1, step):
                    seen += 1
                    if use_masked and masked[y, x]:
                        continue
                    if use_full and full[y, x]:
                        continue
                    value = np.float32(image[y, x])
                    if np.isfinite(value):
                        if dither:
                            value += np.float32(
                                ((y * 7919 + x * 104729) * 2654435761 % 4294967296) / 4294967296.0 - 0.5
                            )
                        values[n] = value
                        n += 1
            if n < 12 or 4 * n < seen:
                level[j, i] = np.nan
                sigma[j, i] = np.nan
                continue
            window = np.sort(values[:n])
            low, high = 0, n
            middle = np.float32(0.0)
            spread = np.float32(0.0)
            for _ in range(10):
                count = high - low
                middle = 0.5 * (window[low + (count - 1) // 2] + window[low + count // 2])
                spread = middle - window[low + int(0.15866 * (count - 1))]
                if spread <= 0.0:
                    spread = window[low + int(0.84134 * (count - 1))] - middle
                new_low = np.searchsorted(window, middle - 3.0 * spread)
                new_high = np.searchsorted(window, middle + 3.0 * spread, side="right")
                if (new_low == low and new_high == high) or new_high - new_low < 8:
                    break
                low, high = new_low, new_high
            level[j, i] = middle
            if dither:
                spread = np.float32(np.sqrt(np.maximum(spread * spread - 1.0 / 12.0, 0.0)))
            sigma[j, i] = spread


@kernel
def _subtract(
    image: Any,
    mesh: Any,
    masked: Any,
    use_masked: bool,
    full: Any,
    use_full: bool,
    out: Any,
) -> None:
    ny, nx = image.shape
    my, mx = mesh.shape
    column = np.empty(nx, np.int64)
    weight = np.empty(nx, np.float32)
    for x in range(nx):
        place = min(max((x + 0.5) * mx / nx - 0.5, 0.0), mx - 1.0)
        column[x] = min(int(place), max(mx - 2, 0))
        weight[x] = place - column[x]
    row = np.empty(mx + 1, np.float32)
    for y in range(ny):
        place = min(max((y + 0.5) * my / ny - 0.5, 0.0), my - 1.0)
        j = min(int(place), max(my - 2, 0))
        part = np.float32(place - j)
        k = min(j + 1, my - 1)
        for i in range(mx):
            row[i] = mesh[j, i] + part * (mesh[k, i] - mesh[j, i])
        row[mx] = row[mx - 1]
        for x in range(nx):
            i = column[x]
            value = np.float32(image[y, x]) - (row[i] + weight[x] * (row[i + 1] - row[i]))
            out[y, x] = value if np.isfinite(value) else np.float32(0.0)
    if not use_masked:
        return
    for y in range(ny):
        for x in range(nx):
            if not masked[y, x] or (use_full and full[y, x]):
                continue
            total = np.float32(0.0)
            n = 0
            for j in range(max(y - 1, 0), min(y + 2, ny)):
                for i in range(max(x - 1, 0), min(x + 2, nx)):
                    if not masked[j, i]:
                        total += out[j, i]
                        n += 1
            out[y, x] = total / n if n > 0 else 0.0
