"""The search for cosmic-ray hits: L.A.Cosmic pass by pass, each looking for what the one before uncovered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science import _lacosmic_kernels as kernels
from pipeline_core.science.noise_guard import is_doubtful, stand_out, stars_beside
from pipeline_core.science.star_guard import protect_lit_around

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_core.science.round_stars import RoundStars
    from pipeline_core.science.star_guard import StarGuard
    from pipeline_core.types import Image, Mask

Closed = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int32]

WIDEST_WINDOW = 32  # px each way; a hole larger than this has no local level


def detect(
    image: Image,
    variance: Image,
    closed: Closed,
    limits: tuple[np.float32, np.float32, np.float32],
    iterations: int,
    guard: StarGuard | RoundStars | None,
    threads: int,
    *,
    refuse_noise: bool = False,
) -> tuple[Mask, int, npt.NDArray[np.float32]]:
    """Find and replace hits; from the second pass on only where the one before changed pixels.

    Parameters
    ----------
    image : (ny, nx) float32, electrons
        Receives the mean of their good neighbours in place of hits.
    variance : (ny, nx) float32, electrons squared
        Comes back as it was.
    closed : (ny, nx) uint8
        Nonzero where no hit may be; bit 1 where a pixel lends its value to none.
    limits : (sigclip, lower limit beside a hit, objlim)
    iterations : int
        Passes at most.
    guard : StarGuard, RoundStars or None
        Tells stars from hits.
    threads : int
    refuse_noise : bool
        Whether a hit must stand above the noise in plain numbers too.

    Returns
    -------
    hits : (ny, nx) bool
    passes : int
    before : (n,) float32, electrons
        What the hits held, in the order of ``np.nonzero(hits)``.
    """
    ny, nx = image.shape
    hits = np.zeros((ny, nx), np.uint8)
    if min(ny, nx) < 7:
        return hits.view(bool), 0, np.empty(0, np.float32)
    found = np.zeros((ny, nx), np.uint8)
    rows = columns = np.empty(0, np.int32)
    own_variance = before = np.empty(0, np.float32)
    passes = 0
    with ThreadPoolExecutor(max(1, threads)) as pool:

        def in_parts(work: Callable[[int, int], Any], n: int) -> None:
            # Four parts a thread: stars are not spread evenly.
            edges = np.linspace(0, n, min(n, 4 * threads if threads > 1 else 1) + 1).astype(int)
            list(pool.map(work, edges[:-1], edges[1:]))

        possible = _screen(image, variance, limits[0], in_parts)
        for passes in range(1, iterations + 1):  # noqa: B007 - the number of passes is returned
            ys, xs = (np.asarray(at, np.int32) for at in np.nonzero(possible))
            ys *= kernels.CELL_Y
            xs *= kernels.CELL_X

            def look(first: int, last: int, ys: Positions = ys, xs: Positions = xs) -> None:
                kernels.detect_cells(image, variance, closed, ys[first:last], xs[first:last], *limits, found)

            if len(ys):
                in_parts(look, len(ys))
            new_rows, new_columns = kernels.collect(found, hits, ys, xs)
            if guard is not None and len(new_rows):
                is_hit = guard.tell(image, variance, closed, hits, new_rows, new_columns)
                new_rows, new_columns = new_rows[is_hit], new_columns[is_hit]
            if refuse_noise and len(new_rows):
                is_hit = _beyond_doubt(image, variance, closed, hits, new_rows, new_columns, float(limits[0]), guard)
                new_rows, new_columns = new_rows[is_hit], new_columns[is_hit]
            if not len(new_rows):
                break
            hits[new_rows, new_columns] = 1
            own_variance = np.concatenate([own_variance, variance[new_rows, new_columns]])
            before = np.concatenate([before, image[new_rows, new_columns]])
            rows, columns = np.concatenate([rows, new_rows]), np.concatenate([columns, new_columns])
            changed = _replace(image, variance, hits, closed, rows, columns)
            kernels.mark_cells(rows, columns, changed, possible)
    variance[rows, columns] = own_variance
    return hits.view(bool), passes, before[np.lexsort((columns, rows))]


def _beyond_doubt(
    image: Image,
    variance: Image,
    closed: Closed,
    hits: Closed,
    rows: Positions,
    columns: Positions,
    sigclip: float,
    guard: StarGuard | RoundStars | None,
) -> Mask:
    """Suspects that are no star of whatever shape, and stand above the noise in plain numbers."""
    kept = protect_lit_around(image, variance, closed, rows, columns)
    if guard is not None:
        guard.stars += kept
    sigmas = _sigmas_above(image, variance, hits, closed, rows, columns)
    width = None if guard is None else guard.width_px
    beside = _beside_stars(image, variance, hits, closed, rows, columns, sigmas, width, sigclip)
    is_star = closed[rows, columns] & kernels.PROTECTED != 0
    return np.asarray(stand_out(sigmas, hits, rows, columns, sigclip, beside) & ~is_star)


def _screen(
    image: Image, variance: Image, sigclip: np.float32, in_parts: Callable[[Callable[[int, int], Any], int], None]
) -> Mask:
    """Cells in which a hit is possible at all."""
    ny, nx = image.shape
    shape = (-(-ny // kernels.CELL_Y), -(-nx // kernels.CELL_X))
    floors = np.empty(shape, np.float32)
    possible = np.zeros(shape, bool)
    in_parts(lambda first, last: kernels.variance_floors(variance, floors, first, last), shape[0])
    in_parts(lambda first, last: kernels.screen(image, floors, sigclip, possible, first, last), shape[0])
    return possible


def _sigmas_above(
    image: Image, variance: Image, hits: Closed, closed: Closed, rows: Positions, columns: Positions
) -> npt.NDArray[np.float32]:
    """How far suspects are above the mean of their good neighbours, over the noise there; NaN without any."""
    values = np.empty(len(rows), np.float32)
    variances = np.empty(len(rows), np.float32)
    hits[rows, columns] = 1
    kernels.fill(image, variance, hits, closed, rows, columns, WIDEST_WINDOW, values, variances)
    hits[rows, columns] = 0
    return np.asarray((image[rows, columns] - values) / np.sqrt(np.maximum(variances, kernels.FLOOR)))


def _beside_stars(
    image: Image,
    variance: Image,
    hits: Closed,
    closed: Closed,
    rows: Positions,
    columns: Positions,
    sigmas: npt.NDArray[np.float32],
    width_px: float | None,
    sigclip: float,
) -> Mask | None:
    """Suspects that might be noise in a star's aperture; None where the stars' width is not known."""
    if width_px is None:
        return None
    out = np.zeros(len(rows), bool)
    doubtful = np.flatnonzero(is_doubtful(sigmas, sigclip))
    hits[rows, columns] = 1
    out[doubtful] = stars_beside(image, variance, closed, hits, rows[doubtful], columns[doubtful], width_px)
    hits[rows, columns] = 0
    return out


def _replace(
    image: Image, variance: Image, hits: Closed, closed: Closed, rows: Positions, columns: Positions
) -> npt.NDArray[np.bool_]:
    """Write the neighbours' mean over every hit; all of them again, for fewer of their neighbours are good now."""
    values = np.empty(len(rows), np.float32)
    variances = np.empty(len(rows), np.float32)
    if kernels.fill(image, variance, hits, closed, rows, columns, WIDEST_WINDOW, values, variances):
        good = (hits == 0) & ((closed & kernels.MASKED) == 0)
        lonely = np.isnan(values)
        values[lonely] = level_of(image, good)
        variances[lonely] = level_of(variance, good)
    changed = np.empty(len(rows), bool)
    kernels.put(image, variance, rows, columns, values, variances, changed)
    return changed


def level_of(plane: Image, good: Mask) -> np.float32:
    """Return the median of the good pixels; 1 if there are none."""
    values = plane[good]
    # The lower of the two middle values, as the reference takes it.
    middle = (len(values) - 1) // 2
    return np.float32(np.partition(values, middle)[middle]) if len(values) else np.float32(1)
