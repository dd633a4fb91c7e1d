"""Combining frames of one kind into a master, without the hits that single frames carry.

The default rule compares each value of a pixel with the **median** of all frames against the noise that a CCD
must have: read-out, Poisson and rounding. It knows nothing of how the frames scatter, so a single hit among
three frames is found as surely as one among fifty. (A pass of 3 sigma about the mean cannot reject anything
among ten frames or fewer: one value deviates by at most ``(N - 1) / sqrt(N)`` population sigmas, 2.85 for N =
10.)

Pixels that really scatter by more than the model, like hot pixels that switch between two levels, must not
lose half of their frames. Cosmic rays are rare: among N frames at most ``2 + N // 10`` values of a pixel, and
always a minority, can be hits. The next largest deviation is therefore the pixel's own, and whatever lies
within three times of it stays. Such a pixel's uncertainty comes from its scatter.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.science import _combine_kernels as kernels

if TYPE_CHECKING:
    from pipeline_core.types import Image, Rows

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.uint8]
ClipMethod = Literal["noise", "ccdproc", "none"]

ROUNDING_VARIANCE = 1 / 12
"""ADU²: the variance of rounding to whole numbers (Janesick 2001, eq. 2.16)."""
_NEVER = 1e30  # squared threshold that no value reaches; an infinite one would make 0 * inf
_NO_IMAGE = np.empty((0, 0), np.float32)
_NO_BLOCKS = np.empty((0, 0, 0), np.bool_)
_NO_WORDS = np.empty((0, 0, 0), np.uint16)
_NO_FLOATS = np.empty((0, 0, 0), np.float32)


@dataclass(frozen=True)
class Combined:
    """A master: what the frames of a group say together."""

    image: Image
    """NaN where no frame had a usable value."""
    uncertainty: Image
    """1 sigma of the master, in the unit of the image."""
    n_used: Counts
    """Frames that were used in each pixel, 255 for 255 or more."""

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Combined:
        """Room for a master of ``shape`` (ny, nx)."""
        return cls(np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.uint8))

    def rows(self, y0: int, y1: int) -> Combined:
        """Return a band of rows, sharing the memory."""
        return Combined(self.image[y0:y1], self.uncertainty[y0:y1], self.n_used[y0:y1])


@dataclass(frozen=True)
class NoiseModel:
    """Variance of a value v of frame f: ``floor[f] + slope[f] * max(v - zero, 0)``, in the master's unit."""

    floor: Floats
    """(N,) what a pixel at ``zero`` scatters by: read-out, rounding and the Poisson noise of ``zero``
    itself."""
    slope: Floats
    """(N,) added variance per unit of signal above ``zero``: 1 / gain, times the frame's scale."""
    zero: float = 0.0


@dataclass(frozen=True)
class Clip:
    """How values are rejected: ``noise`` (default), ``ccdproc`` (one pass about the mean) or ``none``."""

    method: ClipMethod = "noise"
    sigma: float = 5.0


@dataclass(frozen=True)
class Correction:
    """What is done to each of N frames before its values are compared.

    ``(raw - offsets[f, y] - base - dark_scale[f] * current) * scale[f]``
    """

    offsets: Floats
    """(N, ny) per row: overscan level, pedestal, drift of the frame's level; ADU."""
    scale: Floats
    """(N,)."""
    weight: Floats
    """(N,) in the mean. One number per frame and not per pixel: weights that follow the noise of the pixel
    itself would prefer its low values."""
    dark_scale: Floats
    """(N,) part of ``current`` to subtract."""
    base: Rows | None = None
    """(ny, nx) subtracted from all: bias, or dark that holds it; ADU."""
    current: Rows | None = None
    """(ny, nx) dark current of the exposure of the dark; ADU."""
    blocked: npt.NDArray[np.bool_] | None = None
    """(N, ny / block_px, nx / block_px), rounded up: True where a star stands in that frame."""
    block_px: int = 4
    saturation_adu: float = np.inf
    """Raw values from here on are not used."""

    @classmethod
    def none(cls, n_frames: int, ny: int) -> Correction:
        """Frames as they are."""
        one, nought = np.ones(n_frames, np.float32), np.zeros(n_frames, np.float32)
        return cls(np.zeros((n_frames, ny), np.float32), one, one, nought)


def noise_model(
    n_frames: int,
    read_noise_adu: float,
    gain_e_per_adu: float,
    scale: Floats | None = None,
    zero: float = 0.0,
) -> NoiseModel:
    """Return the noise that a CCD must have, for frames multiplied by ``scale``.

    Parameters
    ----------
    n_frames : int
    read_noise_adu : float, ADU
        Without the rounding, which is added.
    gain_e_per_adu : float, e⁻/ADU
    scale : (N,) float32 or None
    zero : float
        Level without light, in the unit of the master.

    Returns
    -------
    NoiseModel

    Notes
    -----
    A value ``v = s * raw`` of a frame that was multiplied by s has the variance
    ``s² read_noise² + s² raw / gain = s² read_noise² + s v / gain`` (Howell 2006, §4.4).
    """
    s = np.ones(n_frames, np.float32) if scale is None else scale
    floor = s * s * np.float32(read_noise_adu**2 + ROUNDING_VARIANCE)
    return NoiseModel(floor.astype(np.float32), (s / np.float32(gain_e_per_adu)).astype(np.float32), zero)


def combine(
    stack: npt.NDArray[np.float32],
    clip: Clip,
    noise: NoiseModel | None = None,
    correction: Correction | None = None,
) -> Combined:
    """Combine frames that are in memory.

    Parameters
    ----------
    stack : (N, ny, nx) float32
        NaN where a value is not to be used.
    clip : Clip
        One or two frames are never clipped: nothing says which one is wrong.
    noise : NoiseModel or None
        Needed by the ``noise`` method.
    correction : Correction or None
        Offset, dark and scale of each frame; None: as they are.

    Returns
    -------
    Combined
        The (weighted) mean of the values that agree.

    Raises
    ------
    DataError
        If there is no frame, or the noise method has no noise model.
    """
    n_frames, ny, nx = stack.shape
    out = Combined.empty((ny, nx))
    combine_band(stack, correction or Correction.none(n_frames, ny), clip, noise, out)
    return out


def combine_band(
    band: npt.NDArray[np.float32] | npt.NDArray[np.uint16],
    correction: Correction,
    clip: Clip,
    noise: NoiseModel | None,
    out: Combined,
    *,
    y0: int = 0,
    x_start: int = 0,
) -> None:
    """Combine a band of rows of all frames into ``out``. The GIL is released.

    Parameters
    ----------
    band : (N, rows, nx_raw) float32, or uint16 holding FITS words as they lie in the file (big-endian, offset
    32768) correction : Correction
        Of the whole frame.
    clip, noise
        As in :func:`combine`.
    out : Combined
        The band's rows of the master: (rows, nx).
    y0 : int
        First row of the band in the master, a multiple of ``correction.block_px`` where stars are blocked.
    x_start : int
        Raw column where the master starts.
    """
    if band.shape[0] == 0:
        raise DataError("cannot combine frames", why="there are none", hint="add frames to the group")
    ny = out.image.shape[0]
    words, floats = (band, _NO_FLOATS) if band.dtype == np.uint16 else (_NO_WORDS, band)
    blocked = _NO_BLOCKS
    if correction.blocked is not None:
        first = y0 // correction.block_px
        blocked = np.ascontiguousarray(correction.blocked[:, first : first - (-ny // correction.block_px) + 1])
    given = (
        words, floats, x_start, np.ascontiguousarray(correction.offsets[:, y0 : y0 + ny]),
        _NO_IMAGE if correction.base is None else correction.base[y0 : y0 + ny],
        _NO_IMAGE if correction.current is None else correction.current[y0 : y0 + ny],
        correction.dark_scale, blocked, correction.block_px, correction.scale,
        float(correction.saturation_adu), correction.weight,
    )  # fmt: skip
    room = (out.image, out.uncertainty, out.n_used)
    if clip.method == "noise":
        if noise is None:
            raise DataError(
                "cannot clip against the noise",
                why="no noise model is given",
                hint="give gain and read noise",
            )
        network = median_network(band.shape[0])
        kernels.noise_clipped(
            *given,
            noise.floor,
            noise.slope,
            np.float32(noise.zero),
            np.float32(clip.sigma**2),
            network,
            *room,
        )
    else:
        kernels.mean_clipped(*given, float(clip.sigma**2) if clip.method == "ccdproc" else _NEVER, *room)


def corrected(band: Floats, correction: Correction, y0: int = 0) -> Floats:
    """Return a band of rows (N, rows, nx) with the correction applied, for engines other than our kernels."""
    rows = np.s_[y0 : y0 + band.shape[1]]
    out = band - correction.offsets[:, rows, None]
    out[band >= correction.saturation_adu] = np.nan
    if correction.base is not None:
        out -= correction.base[rows]
    if correction.current is not None:
        out -= correction.dark_scale[:, None, None] * correction.current[rows]
    out *= correction.scale[:, None, None]
    if correction.blocked is not None:
        step = correction.block_px
        y, x = np.arange(y0, y0 + band.shape[1]) // step, np.arange(band.shape[2]) // step
        out[correction.blocked[:, y[:, None], x[None, :]]] = np.nan
    return np.asarray(out, np.float32)


def combine_by_ccdproc(stack: Floats, clip: Clip) -> Combined:
    """Combine frames with ccdproc itself: the slow reference, for those who want its very arithmetic.

    Parameters
    ----------
    stack : (N, ny, nx) float32
        Corrected and scaled; NaN where a value is not to be used.
    clip : Clip
        ccdproc knows no noise model: every method but ``none`` is one pass of ``sigma`` about the mean.

    Returns
    -------
    Combined
    """
    from astropy.nddata import CCDData  # noqa: PLC0415 - only who asks for ccdproc waits for it
    from ccdproc import Combiner  # noqa: PLC0415

    hidden = ~np.isfinite(stack)
    combiner = Combiner([CCDData(image, mask=mask, unit="adu") for image, mask in zip(stack, hidden, strict=True)])
    if clip.method != "none":
        combiner.sigma_clipping(low_thresh=clip.sigma, high_thresh=clip.sigma, func="mean", dev_func="std")
        # Its clipping works on hidden values too, and may un-hide none of them.
        combiner.data_arr.mask |= hidden
    result = combiner.average_combine()
    n_used = np.minimum((~np.ma.getmaskarray(combiner.data_arr)).sum(axis=0), 255).astype(np.uint8)
    empty = n_used == 0
    return Combined(
        np.where(empty, np.nan, result.data).astype(np.float32),
        np.where(empty, np.nan, result.uncertainty.array).astype(np.float32),
        n_used,
    )


@functools.cache
def median_network(n: int) -> npt.NDArray[np.int32]:
    """Return the comparisons that bring the median of ``n`` values to the middle.

    Parameters
    ----------
    n : int
        Number of values.

    Returns
    -------
    (C, 2) int32
        Pairs (low, high): after exchanging each where needed, in order, the middle holds the median.

    Notes
    -----
    Batcher's odd-even merge sort (Knuth, TAOCP 3, §5.3.4, algorithm M) without the comparisons that the
    middle does not depend on. The same comparisons for every pixel: no branch, so that eight pixels go at
    once.
    """
    pairs: list[tuple[int, int]] = []
    p = 1
    while p < n:
        k = p
        while k >= 1:
            for j in range(k % p, n - k, 2 * k):
                pairs.extend(
                    (i + j, i + j + k) for i in range(min(k, n - j - k)) if (i + j) // (2 * p) == (i + j + k) // (2 * p)
                )
            k //= 2
        p *= 2
    needed = {n // 2, (n - 1) // 2}
    useful: list[tuple[int, int]] = []
    for low, high in reversed(pairs):
        if low in needed or high in needed:
            needed |= {low, high}
            useful.append((low, high))
    return np.array(useful[::-1], np.int32).reshape(-1, 2)
