"""A pixel and its neighbourhood: what is usual around it, and by how much that scatters."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science import _local_kernels as kernels
from pipeline_core.science.combine import median_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_core.types import Image


def local_median(image: Image, size: int = 7, threads: int = 1) -> Image:
    """Take the running median along rows, then along columns.

    Parameters
    ----------
    image : (ny, nx) float32, finite
    size : int
        Odd. Defects up to ``size // 2`` pixels wide do not reach the result.
    threads : int

    Returns
    -------
    (ny, nx) float32

    Notes
    -----
    The median of medians is not the median of the square, but it is as blind to a bad pixel or a bad column,
    keeps edges (two amplifiers), and takes a hundredth of the time.
    """
    network = median_network(size)
    across, out = np.empty_like(image), np.empty_like(image)
    in_strips(
        lambda a, b: kernels.median_of_columns(image, size, network, a, b, across), image.shape[0], threads
    )
    in_strips(lambda a, b: kernels.median_of_rows(across, size, network, a, b, out), image.shape[0], threads)
    return out


def local_scatter(residual: Image, cell: int = 32, threads: int = 1) -> Image:
    """Find the standard deviation of the usual pixels of each cell, from the percentiles around the middle.

    Parameters
    ----------
    residual : (ny, nx) float32
        Without its local level; NaN where not to be used.
    cell : int, px
    threads : int

    Returns
    -------
    (ny / cell, nx / cell), rounded up, float32
        Median of each cell and its eight neighbours: one odd cell has no word. NaN if there is no usable cell
        around.

    Notes
    -----
    The percentiles 30.9 and 69.1 are IRAF ccdmask's choice: hit pixels hardly move them.
    """
    ny, nx = residual.shape
    cells = np.empty((-(-ny // cell), -(-nx // cell)), np.float32)
    in_strips(lambda a, b: kernels.cell_scatter(residual, cell, a, b, cells), cells.shape[0], threads)
    padded = np.pad(cells, 1, mode="edge")
    around = np.stack(
        [padded[j : j + cells.shape[0], i : i + cells.shape[1]] for j in range(3) for i in range(3)]
    )
    known = np.isfinite(around)
    filled = np.sort(np.where(known, around, np.inf), axis=0)
    middle = np.maximum(known.sum(axis=0) - 1, 0) // 2
    result = np.take_along_axis(filled, middle[None], axis=0)[0]
    return np.where(np.isfinite(result), result, np.nan).astype(np.float32)


def on_pixels(cells: Image, cell: int, y0: int, y1: int, nx: int) -> Image:
    """Repeat the value of each cell over its pixels, for rows ``y0`` to ``y1``: (y1 - y0, nx)."""
    rows = cells[np.arange(y0, y1) // cell]
    return np.repeat(rows, cell, axis=1)[:, :nx]


def in_strips(work: Callable[[int, int], None], ny: int, threads: int) -> None:
    """Call ``work(y0, y1)`` for strips that together are ``ny`` rows, on ``threads`` threads."""
    n_strips = max(1, min(threads * 4, ny // 16))
    edges = [ny * i // n_strips for i in range(n_strips + 1)]
    if threads <= 1 or n_strips == 1:
        work(0, ny)
        return
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(work, a, b) for a, b in itertools.pairwise(edges)]:
            future.result()
