"""Connected groups of pixels above the sky, with their moments."""

# Compiled loops take their arguments by position and are one loop each.
# ruff: noqa: C901, FBT001, PLR0912, PLR0915, PLR0917
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.jit import kernel

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

_NO_MASK = np.zeros((1, 1), np.bool_)
_MOST = 250_000  # groups at most: beyond it the threshold is in the noise, and is raised
_COLUMNS = 15
SMOOTHED_NOISE = 0.375
"""Noise left by the 3×3 smoothing (1 2 1)⊗(1 2 1)/16, in units of the pixel noise."""


@dataclass(frozen=True, slots=True)
class Components:
    """Groups of connected (8 neighbours) pixels, one entry each, in no order."""

    pixels: npt.NDArray[np.float64]
    flux: npt.NDArray[np.float64]
    """Sum of the smoothed pixels above the threshold."""
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    """Centre of light, 0-based px."""
    xx: npt.NDArray[np.float64]
    yy: npt.NDArray[np.float64]
    xy: npt.NDArray[np.float64]
    """Second moments of the light above the threshold, px², the smoothing's own width taken out."""
    peak: npt.NDArray[np.float64]
    """Highest smoothed pixel."""
    raw_peak: npt.NDArray[np.float64]
    """Highest pixel before smoothing."""
    box: npt.NDArray[np.int64]
    """(n, 4): x0, x1, y0, y1, inclusive."""
    saturated: npt.NDArray[np.bool_]
    """Whether any pixel of the group is saturated."""
    masked: npt.NDArray[np.float64]
    """Part of the group's pixels that is masked."""

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def length(self) -> npt.NDArray[np.float64]:
        """Diagonal of the box around each group, px."""
        diagonal: npt.NDArray[np.float64] = np.hypot(
            self.box[:, 1] - self.box[:, 0] + 1.0, self.box[:, 3] - self.box[:, 2] + 1.0
        )
        return diagonal

    @property
    def axes(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Semi-axes (a, b) as standard deviations of the light, px."""
        mean, half = 0.5 * (self.xx + self.yy), np.hypot(0.5 * (self.xx - self.yy), self.xy)
        return np.sqrt(np.maximum(mean + half, 0.02)), np.sqrt(np.maximum(mean - half, 0.02))

    def pick(self, which: npt.NDArray[Any]) -> Components:
        """Return some of the groups: a bool or integer index."""
        return Components(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def find_components(
    image: Image,
    threshold: npt.NDArray[np.float32],
    masked: Mask | None = None,
    saturated: Mask | None = None,
    *,
    min_pixels: int = 5,
) -> Components:
    """Find what stands out of the sky.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed, finite.
    threshold : (my, mx) float32
        On a mesh over the frame, compared with the image smoothed by (1 2 1)⊗(1 2 1)/16.
    masked, saturated : (ny, nx) bool, optional
        Only noted in the groups that hold such pixels.
    min_pixels : int
        Smaller groups are dropped.

    Returns
    -------
    Components
        A frame with more than 250,000 groups is tried again with twice the threshold, eight times at most.
    """
    level = threshold.astype(np.float32)
    table = np.empty((0, _COLUMNS))
    for _ in range(8):
        count, table = _label(
            image,
            level,
            _NO_MASK if masked is None else masked,
            masked is not None,
            _NO_MASK if saturated is None else saturated,
            saturated is not None,
            _MOST,
        )
        if count >= 0:
            break
        level *= np.float32(2.0)
    table = table[table[:, 0] >= min_pixels]
    pixels, flux = table[:, 0], table[:, 1]
    x, y = table[:, 2] / flux, table[:, 3] / flux
    xx = table[:, 4] / flux - x * x - 0.5  # 0.5 px²: variance of the (1 2 1)/4 smoothing
    yy = table[:, 5] / flux - y * y - 0.5
    xy = table[:, 6] / flux - x * y
    return Components(
        pixels, flux, x, y, xx, yy, xy, table[:, 7], table[:, 8], table[:, 9:13].astype(np.int64),
        table[:, 13] > 0, table[:, 14] / np.maximum(pixels, 1.0),
    )  # fmt: skip


@kernel
def _root(parent: Any, label: int) -> int:
    while parent[label] != label:
        parent[label] = parent[parent[label]]
        label = parent[label]
    return label


@kernel
def _label(
    image: Any,
    threshold: Any,
    masked: Any,
    use_masked: bool,
    full: Any,
    use_full: bool,
    most: int,
) -> tuple[int, Any]:
    """Label runs of a row against the runs of the row before; sums are merged at the end."""
    ny, nx = image.shape
    my, mx = threshold.shape
    size = 1024
    sums = np.zeros((size, _COLUMNS))
    parent = np.empty(size, np.int64)
    count = 0
    column = np.zeros(nx + 2, np.float32)
    smooth = np.empty(nx, np.float32)
    limit = np.empty(nx, np.float32)
    starts = np.empty((2, nx // 2 + 2), np.int64)
    ends = np.empty((2, nx // 2 + 2), np.int64)
    labels = np.empty((2, nx // 2 + 2), np.int64)
    stretches = (nx + 31) // 32
    lit = np.zeros(stretches, np.int64)
    runs_before = 0
    tile_row = -1
    for y in range(ny):
        j = y * my // ny
        if j != tile_row:
            tile_row = j
            for x in range(nx):
                limit[x] = threshold[j, x * mx // nx]
        up = image[max(y - 1, 0)]
        here = image[y]
        down = image[min(y + 1, ny - 1)]
        for x in range(nx):
            column[x + 1] = up[x] + np.float32(2.0) * here[x] + down[x]
        column[0] = column[1]
        column[nx + 1] = column[nx]
        for x in range(nx):
            smooth[x] = (column[x] + np.float32(2.0) * column[x + 1] + column[x + 2]) * np.float32(0.0625)
        now, before = y % 2, 1 - y % 2
        runs = 0
        first = 0
        # Most of a frame is sky: stretches of 32 px without a bright one are found quickly and passed over.
        for k in range(stretches):
            bright = 0
            for x in range(32 * k, min(32 * k + 32, nx)):
                bright += smooth[x] > limit[x]
            lit[k] = bright
        x = 0
        while x < nx:
            if lit[x >> 5] == 0:
                x = ((x >> 5) + 1) << 5
                continue
            if not smooth[x] > limit[x]:
                x += 1
                continue
            start = x
            while x < nx and smooth[x] > limit[x]:
                x += 1
            end = x - 1
            while first < runs_before and ends[before, first] < start - 1:
                first += 1
            label = -1
            k = first
            while k < runs_before and starts[before, k] <= end + 1:
                other = _root(parent, labels[before, k])
                if label < 0:
                    label = other
                elif other != label:
                    low, high = min(label, other), max(label, other)
                    parent[high] = low
                    label = low
                k += 1
            if label < 0:
                if count == most:
                    return -1, sums[:0]
                if count == size:
                    size *= 2
                    grown = np.zeros((size, _COLUMNS))
                    grown[:count] = sums
                    sums = grown
                    more = np.empty(size, np.int64)
                    more[:count] = parent
                    parent = more
                label = count
                parent[label] = label
                sums[label, 9] = nx
                sums[label, 11] = ny
                count += 1
            row = sums[label]
            for i in range(start, end + 1):
                s = float(smooth[i])
                row[0] += 1.0
                row[1] += s
                row[2] += s * i
                row[3] += s * y
                row[4] += s * i * i
                row[5] += s * y * y
                row[6] += s * i * y
                row[7] = max(row[7], s)
                row[8] = max(row[8], float(here[i]))
                if use_full and full[y, i]:
                    row[13] += 1.0
                if use_masked and masked[y, i]:
                    row[14] += 1.0
            row[9] = min(row[9], float(start))
            row[10] = max(row[10], float(end))
            row[11] = min(row[11], float(y))
            row[12] = max(row[12], float(y))
            starts[now, runs] = start
            ends[now, runs] = end
            labels[now, runs] = label
            runs += 1
        runs_before = runs
    alive = 0
    for label in range(count):
        root = _root(parent, label)
        if root != label:
            a, b = sums[root], sums[label]
            for c in range(7):
                a[c] += b[c]
            a[7] = max(a[7], b[7])
            a[8] = max(a[8], b[8])
            a[9] = min(a[9], b[9])
            a[10] = max(a[10], b[10])
            a[11] = min(a[11], b[11])
            a[12] = max(a[12], b[12])
            a[13] += b[13]
            a[14] += b[14]
        else:
            alive += 1
    out = np.empty((alive, _COLUMNS))
    k = 0
    for label in range(count):
        if parent[label] == label:
            out[k] = sums[label]
            k += 1
    return alive, out
