"""Bring a frame onto the pixels of another: 8×8-pixel sums that keep flux, places, noise and masks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline_core.science import _warp_kernels as kernels
from pipeline_core.science.jit import side_by_side
from pipeline_core.science.placement import Placement
from pipeline_core.types import Bits, Image, MaskBit

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Floats = npt.NDArray[np.float64]

HOLES = MaskBit.BAD | MaskBit.HOT | MaskBit.UNSTABLE | MaskBit.NO_DATA
"""Pixels with these bits hold nothing of the sky and are left out of every sum. Saturated ones and filled cosmic rays
are summed, and their marks carried."""

_PHASES = 4096  # positions within a pixel: at most 0.12 mpx from the true one
_BAND_LIMIT = 0.33  # cycles a pixel: up to here places are right to a millipixel, and heights to 0.4 %
_AT_ONCE = 256  # pixels whose places are reckoned before they are summed: 5 KB
_BAND = 64  # rows handed to a thread at once
_NO_FLOATS = np.empty((0, 0), np.float32)
_NO_BITS: Bits = np.empty((0, 0), np.uint8)


@dataclass(frozen=True)
class Warped:
    """A frame on the reference's pixels."""

    image: Image
    """NaN where the frame does not reach."""
    variance: Image | None
    bits: Bits | None
    """Marks of the pixels that a value stands on; ``NO_DATA`` where the frame does not reach."""


def warp(
    image: Image,
    placement: Placement,
    shape: tuple[int, int],
    *,
    variance: Image | None = None,
    bits: Bits | None = None,
    threads: int = 1,
) -> Warped:
    """Resample a whole frame onto the reference's pixels.

    Parameters
    ----------
    image : (ny, nx) float32
        What is not finite counts as a hole.
    placement : Placement
        Where the reference's pixels lie in ``image``.
    shape : (ny, nx)
        Of the reference.
    variance : (ny, nx) float32, optional
    bits : (ny, nx) uint8, optional
        :class:`~pipeline_core.types.MaskBit` sums.
    threads : int

    Returns
    -------
    Warped

    Notes
    -----
    Sums over 8×8 pixels, as wide as Lanczos-4 (Duchon 1979, J. Appl. Met. 18, 1016) and with weights like its own,
    mended where it moves stars (:func:`weight_table`), times the area that an output pixel covers: a flat sky, the flux
    of a star and its place all stay. Holes (:data:`HOLES`) are left out and the other weights scaled up; where half of
    the weight or more is missing the mean of what is near stands in, marked.
    Variances are those of single pixels: neighbours share noise afterwards, which no single number can say.

    The flux of a star is kept to 1e-4 where rows stay rows, or nearly: turns by up to some degrees, or these about 90
    and 180. Turned by tens of degrees stars narrower than 3 px are off by up to 3e-4 (FWHM 2.5 px) or 1.6e-3 (2 px), up
    and down with their place. What a pixel gives to all sums together is then not one but ripples, by the weights'
    transform at the places (cos t, sin t) of the output's grid: at 37°, 0.0014 × 0.096, and the star's light at their
    aliases, 0.06 of it for 2 px. The weights of each sum do add up to one, so no scaling of them mends it; giving each
    pixel its share in full would print the ripple, some per cent of it, on a flat sky instead; and eight taps whose
    transform is lower there move stars by some 10 mpx.
    """
    warped = empty(shape, variance=variance is not None, bits=bits is not None)
    warp_rows(image, placement, 0, warped, variance=variance, bits=bits, threads=threads)
    return warped


def empty(shape: tuple[int, int], *, variance: bool = False, bits: bool = False) -> Warped:
    """Return room for a warped frame of ``shape`` (ny, nx), or for a band of one."""
    return Warped(
        np.empty(shape, np.float32),
        np.empty(shape, np.float32) if variance else None,
        np.empty(shape, np.uint8) if bits else None,
    )


def rows_needed(placement: Placement, y0: int, y1: int, nx: int, frame_ny: int) -> tuple[int, int]:
    """Return which rows of a frame rows ``y0`` to ``y1`` of the reference stand on: first, and one past the last.

    Equal numbers mean that the frame does not reach there.
    """
    edge_x, edge_y = np.linspace(0, nx - 1, 17), np.linspace(y0, y1 - 1, 5)
    grid_x, grid_y = np.meshgrid(edge_x, edge_y)
    _, y = placement.moved(grid_x, grid_y)
    # One pixel more than the taps: between grid points distortion bends by far less.
    first, last = (
        int(np.floor(y.min())) - kernels.BEFORE - 1,
        int(np.floor(y.max())) + kernels.TAPS - kernels.BEFORE + 1,
    )
    first, last = max(0, first), min(frame_ny, last)
    return (first, last) if first < last else (0, 0)


def warp_rows(
    image: Image,
    placement: Placement,
    y0: int,
    out: Warped,
    *,
    first_row: int = 0,
    frame_ny: int | None = None,
    variance: Image | None = None,
    bits: Bits | None = None,
    threads: int = 1,
) -> None:
    """Fill rows ``y0`` onwards of the reference from some rows of a frame. The GIL is released.

    Parameters
    ----------
    image : (rows, nx) float32
        Rows ``first_row`` onwards, at least those of :func:`rows_needed`.
    placement : Placement
    y0 : int
        The first row of the reference that ``out`` holds.
    out : Warped
        Filled.
    first_row, frame_ny : int
        Where ``image`` begins, and how many rows the whole frame has.
    variance, bits
        Rows alike.
    threads : int
    """
    _compiled()
    ny = image.shape[0] if frame_ny is None else frame_ny
    _fill(_Rows(image, first_row, ny, variance, bits), placement, y0, out, threads)


@dataclass(frozen=True)
class _Rows:
    """Rows of a frame, with what belongs to them; see :func:`warp_rows`."""

    image: Image
    first_row: int
    frame_ny: int
    variance: Image | None = None
    bits: Bits | None = None


def _fill(given: _Rows, placement: Placement, y0: int, out: Warped, threads: int) -> None:
    # Writable ones: for others numba would compile the kernels once more.
    image = np.require(given.image, np.float32, ["C", "W"])
    variance = _NO_FLOATS if given.variance is None else np.require(given.variance, np.float32, ["C", "W"])
    bits: Bits = _NO_BITS if given.bits is None else np.require(given.bits, np.uint8, ["C", "W"])
    if out.variance is not None and given.variance is None:
        out.variance[:] = np.nan  # nobody knows it
    near: Bits = np.empty(image.shape, np.uint8)
    as_bits, holes = image.view(np.int32), np.uint8(HOLES)

    def mark(start: int) -> bool:
        return bool(kernels.mark_near(image, as_bits, bits, holes, near, start, min(start + _BAND, len(image))))

    if not any(_each(mark, len(image), threads)):
        near = _NO_BITS
    ny, nx = out.image.shape
    x_poly, y_poly, area_poly = _row_polynomials(placement, y0, ny, nx)
    u0, du = -placement.centre[0] / placement.reach, 1 / placement.reach

    def band(start: int) -> None:
        rows = slice(start, min(start + _BAND, ny))
        kernels.sum_rows(
            image, variance, bits, near, np.uint8(MaskBit.NO_DATA), given.first_row, given.frame_ny,
            x_poly[rows], y_poly[rows], area_poly[rows], u0, du, weight_table(), _squares(),
            np.empty((4, _AT_ONCE), np.int32), np.empty(_AT_ONCE, np.float32),
            out.image[rows],
            _NO_FLOATS if out.variance is None or not variance.size else out.variance[rows],
            _NO_BITS if out.bits is None else out.bits[rows],
        )  # fmt: skip

    _each(band, ny, threads)


def _each(work: Callable[[int], T], ny: int, threads: int) -> list[T]:
    """Do a work for the first row of every band of ``ny`` rows."""
    starts = range(0, ny, _BAND)
    if threads <= 1 or len(starts) == 1:
        return [work(start) for start in starts]
    with ThreadPoolExecutor(threads, thread_name_prefix="warp") as pool:
        return list(pool.map(work, starts))


@cache
def weight_table() -> npt.NDArray[np.float32]:
    """Return the eight weights for each of 4097 positions within a pixel; rows sum to 1.

    Notes
    -----
    Of all weights that keep a flat sky flat and the centre of light in its place (zeroth and first moment), those with
    the least error over the spatial frequencies up to a third of a cycle a pixel, where stars of 2 px and wider have
    their light: the general least-squares fractional delay (Laakso et al. 1996, IEEE Signal Process. Mag. 13, 30). They
    are close to those of Lanczos-4, which moves the centre of light by up to 15 mpx and what a profile fit finds by
    -4 to 14 mpx, according to the star's width; these by less than 1 mpx.
    """
    within = np.arange(_PHASES + 1) / _PHASES
    offset = np.arange(kernels.TAPS) - kernels.BEFORE - within[:, None]
    node, share = np.polynomial.legendre.leggauss(24)
    wave, counts = np.pi * _BAND_LIMIT * (node + 1.0), share / 2.0
    square = np.zeros((_PHASES + 1, kernels.TAPS + 2, kernels.TAPS + 2))
    apart = offset[0][:, None] - offset[0][None, :]
    square[:, :-2, :-2] = np.cos(apart[..., None] * wave) @ counts
    square[:, :-2, -2] = square[:, -2, :-2] = 1.0
    square[:, :-2, -1] = square[:, -1, :-2] = offset
    right = np.zeros((_PHASES + 1, kernels.TAPS + 2))
    right[:, :-2] = np.cos(offset[..., None] * wave) @ counts
    right[:, -2] = 1.0
    weight = np.linalg.solve(square, right[:, :, None])[:, :-2, 0]
    table: npt.NDArray[np.float32] = weight.astype(np.float32)
    return table


@cache
def _squares() -> npt.NDArray[np.float32]:
    squares: npt.NDArray[np.float32] = np.square(weight_table())
    return squares


@cache
def _compiled() -> None:
    """Compile the sums so that eight go into one instruction: twice as fast, and not what numba does unasked."""
    with side_by_side():
        _fill(_Rows(np.zeros((2, 2), np.float32), 0, 2), Placement.identity((2, 2)), 0, empty((2, 2)), 1)


def _row_polynomials(placement: Placement, y0: int, ny: int, nx: int) -> tuple[Floats, Floats, Floats]:
    """Return each row's place (cubics of u) and its pixels' area (a quartic), lowest power first."""
    v = (np.arange(y0, y0 + ny) - placement.centre[1]) / placement.reach
    both = np.zeros((2, ny, 4))
    k = 0
    for total in range(placement.order + 1):
        for q in range(total + 1):
            both[0, :, total - q] += placement.x_terms[k] * v**q
            both[1, :, total - q] += placement.y_terms[k] * v**q
            k += 1
    # Of a cubic map the area is a quartic along a row: five places fix it.
    x = np.linspace(0.0, max(nx - 1, 4), 5)
    u = (x - placement.centre[0]) / placement.reach
    covered = placement.area(x[None, :], np.arange(y0, y0 + ny)[:, None].astype(float))
    area = np.linalg.solve(np.vander(u, 5, increasing=True), covered.T).T
    return both[0], both[1], np.ascontiguousarray(area)
