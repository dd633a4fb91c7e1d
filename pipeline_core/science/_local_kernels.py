"""The hot loops that compare a pixel with its neighbourhood: medians, scatter, blocks."""

# A kernel is one loop nest with all its arrays as plain arguments, and numba knows `a if a < b else b` as one
# instruction: the limits on arguments, branches and such expressions are for other code.

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline_core.science._combine_kernels import load, sort_few
from pipeline_core.science.jit import kernel

STRIP = 512  # columns at a time: the strip's few rows stay in the first-level cache


@kernel
def median_of_rows(image: Any, size: Any, network: Any, y0: Any, y1: Any, out: Any) -> None:
    """Take the running median of ``size`` rows, rows ``y0`` to ``y1``; the edge rows are repeated."""
    ny, nx = image.shape
    half = size // 2
    s = np.empty((size, STRIP), np.float32)
    for y in range(y0, y1):
        for x0 in range(0, nx, STRIP):
            m = min(STRIP, nx - x0)
            for j in range(size):
                s[j, :m] = image[min(max(y + j - half, 0), ny - 1), x0 : x0 + m]
            _exchange(s, network, m)
            out[y, x0 : x0 + m] = s[half, :m]


@kernel
def median_of_columns(image: Any, size: Any, network: Any, y0: Any, y1: Any, out: Any) -> None:
    """Take the running median of ``size`` columns, rows ``y0`` to ``y1``; the edge ones are repeated."""
    nx = image.shape[1]
    half = size // 2
    s = np.empty((size, STRIP), np.float32)
    line = np.empty(nx + 2 * half, np.float32)
    for y in range(y0, y1):
        line[half : half + nx] = image[y]
        line[:half] = image[y, 0]
        line[half + nx :] = image[y, nx - 1]
        for x0 in range(0, nx, STRIP):
            m = min(STRIP, nx - x0)
            for j in range(size):
                s[j, :m] = line[x0 + j : x0 + j + m]
            _exchange(s, network, m)
            out[y, x0 : x0 + m] = s[half, :m]


@kernel
def _exchange(s: Any, network: Any, m: Any) -> None:
    for c in range(network.shape[0]):
        low = s[network[c, 0]]
        high = s[network[c, 1]]
        for k in range(m):
            p = low[k]
            q = high[k]
            low[k] = p if p < q else q
            high[k] = q if p < q else p


@kernel
def nth_smallest(values: Any, nth: Any, n: Any) -> Any:
    """Bring the ``nth`` smallest (from 0) of the first ``n`` values to its place and return it.

    Hoare's FIND (1961), which also leaves all smaller ones before it: a third of the time of a sort.
    """
    low, high = 0, n - 1
    while low < high:
        pivot = values[nth]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < nth:
            low = i
        if nth < i:
            high = j
    return values[nth]


@kernel
def cell_scatter(residual: Any, cell: Any, first: Any, last: Any, out: Any) -> None:
    """Take the distance of the 30.9 and 69.1 percentiles in every cell of some rows of cells."""
    ny, nx = residual.shape
    values = np.empty(cell * cell, np.float32)
    for i in range(first, last):
        for j in range(out.shape[1]):
            n = 0
            for y in range(i * cell, min((i + 1) * cell, ny)):
                for x in range(j * cell, min((j + 1) * cell, nx)):
                    v = residual[y, x]
                    if v == v:  # not NaN  # noqa: PLR0124
                        values[n] = v
                        n += 1
            if n < 10:  # too few for a percentile: the caller fills it from its neighbours
                out[i, j] = np.nan
                continue
            # Between the two percentiles lie 0.998 standard deviations of a Gaussian.
            upper = min(n - 1, int(0.691 * n))
            high = nth_smallest(values, upper, n)
            out[i, j] = high - nth_smallest(values, int(0.309 * n), upper + 1)


@kernel
def cell_medians(image: Any, cell: Any, out: Any) -> None:
    """Take the median of every whole cell; ``image`` is finite."""
    n = cell * cell
    values = np.empty(n, np.float32)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for y in range(cell):
                values[y * cell : (y + 1) * cell] = image[i * cell + y, j * cell : (j + 1) * cell]
            upper = nth_smallest(values, n // 2, n)
            if n % 2:
                out[i, j] = upper
                continue
            lower = values[0]  # all before the upper one of the middle two are no larger
            for k in range(1, n // 2):
                lower = max(lower, values[k])
            out[i, j] = np.float32(0.5) * (lower + upper)


@kernel
def bin_frame(
    words: Any, floats: Any, x_start: Any, offsets: Any, base: Any, current: Any, dark_scale: Any,
    saturation: Any, block_px: Any, nx: Any, mean: Any, faint: Any,
) -> None:  # fmt: skip
    """Average blocks of one corrected frame, with and without the highest pixel of each."""
    ny = offsets.shape[0]
    rows, columns = mean.shape
    line = np.empty(nx, np.float32)
    no_blocks = np.empty((0, 0, 0), np.bool_)
    width = columns * block_px
    total = np.empty(width, np.float32)
    highest = np.empty(width, np.float32)
    count = np.empty(width, np.float32)
    for i in range(rows):
        total[:] = 0
        count[:] = 0
        highest[:] = -np.inf
        for row in range(i * block_px, min((i + 1) * block_px, ny)):
            load(
                words, floats, x_start, 0, row, 0, nx, offsets[row], base, current, dark_scale, no_blocks, 1,
                np.float32(1), saturation, line,
            )  # fmt: skip
            # Down the columns first: these loops become vector instructions. NaN is not equal to itself.
            for x in range(nx):
                v = line[x]
                total[x] += v if v == v else np.float32(0)  # noqa: PLR0124
                count[x] += np.float32(v == v)  # noqa: PLR0124
                highest[x] = v if v > highest[x] else highest[x]
        for b in range(columns):
            s = np.float32(0)
            n = np.float32(0)
            h = np.float32(-np.inf)
            for x in range(b * block_px, (b + 1) * block_px):
                s += total[x]
                n += count[x]
                h = max(h, highest[x])
            mean[i, b] = s / n if n > 0 else np.nan
            faint[i, b] = (s - h) / (n - 1) if n > 1 else mean[i, b]


@kernel
def scatter_of_rest(
    words: Any, floats: Any, x_start: Any, offsets: Any, floor: Any, slope: Any, zero: Any, least: Any, out: Any,
) -> None:  # fmt: skip
    """Find the standard deviation of each pixel's values without the most deviant one, in units of its noise.

    Where that is at most ``least`` for certain, ``out`` becomes 0: leaving a value out never adds to the sum of the
    squares about the mean, so that the sum over all values decides most pixels without sorting any.
    """
    n_frames = offsets.shape[0]
    rows, nx = out.shape
    no_image = np.empty((0, 0), np.float32)
    no_blocks = np.empty((0, 0, 0), np.bool_)
    x = np.empty((n_frames, STRIP), np.float32)
    total = np.empty(STRIP, np.float32)
    square = np.empty(STRIP, np.float32)
    few = np.empty(n_frames, np.float32)
    # Rounded sums: what comes near the limit is looked at exactly.
    enough = np.float32(0.999) * least * least * floor * np.float32(n_frames - 2)
    for y in range(rows):
        for x0 in range(0, nx, STRIP):
            m = min(STRIP, nx - x0)
            for f in range(n_frames):
                load(
                    words, floats, x_start, f, y, x0, m, offsets[f, y], no_image, no_image, np.float32(0),
                    no_blocks, 1, np.float32(1), np.inf, x[f],
                )  # fmt: skip
            total[:m] = 0
            square[:m] = 0
            for f in range(n_frames):
                for k in range(m):
                    total[k] += x[f, k] - x[0, k]
            for f in range(n_frames):
                for k in range(m):
                    d = x[f, k] - x[0, k] - total[k] / np.float32(n_frames)
                    square[k] += d * d
            for k in range(m):
                out[y, x0 + k] = 0
                if square[k] < enough:  # not where a value is NaN
                    continue
                n = 0
                for f in range(n_frames):
                    v = x[f, k]
                    if v == v:  # not NaN  # noqa: PLR0124
                        few[n] = v
                        n += 1
                if n >= 4:  # of three values the two that agree say nothing
                    out[y, x0 + k] = scatter_of_sorted_rest(few, n, floor, slope, zero)


@kernel
def scatter_of_sorted_rest(few: Any, n: Any, floor: Any, slope: Any, zero: Any) -> Any:
    """Do one pixel of ``scatter_of_rest``; sorts ``few``."""
    sort_few(few, n)
    centre = few[n // 2]
    # The most deviant value is the lowest or the highest.
    low, high = (1, n) if centre - few[0] > few[n - 1] - centre else (0, n - 1)
    mean = 0.0
    for i in range(low, high):
        mean += few[i] - centre
    mean /= n - 1
    square = 0.0
    for i in range(low, high):
        square += (few[i] - centre - mean) ** 2
    return np.sqrt(square / (n - 2) / (floor + slope * max(centre - zero, 0)))
