"""Pixels not to be trusted: bad, hot, unstable, saturated."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.science import _full_kernels as full
from pipeline_core.science import _local_kernels as kernels
from pipeline_core.science.combine import Correction
from pipeline_core.science.local import in_strips, local_median, local_scatter, on_pixels
from pipeline_core.types import Bits, Image, Mask, MaskBit

CELL_PX = 32
"""Side of the cells in which scatter is measured: a thousand pixels give it to 5 %."""


def bad_in_flat(flat: Image, sigma: float, floor: float = 0.1, threads: int = 1) -> Mask:
    """Pixels that answer to light unlike their neighbourhood.

    Parameters
    ----------
    flat : (ny, nx) float32, median 1
    sigma : float
        Threshold in local standard deviations, above and below.
    floor : float
        Pixels with less response are bad whatever surrounds them.
    threads : int

    Returns
    -------
    (ny, nx) bool
        True where bad, also where the flat is not finite.

    Notes
    -----
    The idea of IRAF's ccdmask: deviation from the local 7x7 median against the local percentile scatter.
    Here the median is taken along rows, then columns, and the scatter in cells of 32 px instead of a running
    15x15 box. ``ccdproc.ccdmask`` takes half the distance of the percentiles 30.9 and 69.1 for a sigma,
    and it is half of one: its threshold of 16 is 8 here.
    """
    bad = ~(flat >= np.float32(floor))
    deviant, _ = _deviant(flat, sigma, threads, low=True)
    return bad | deviant


def hot_in_dark(
    dark: Image,
    sigma: float,
    max_fraction: float = 0.02,
    threads: int = 1,
    *,
    uncertainty: Image | None = None,
) -> tuple[Mask, float]:
    """Pixels that stand above their neighbourhood in a master dark.

    Parameters
    ----------
    dark : (ny, nx) float32, ADU
    sigma : float
        Threshold in local standard deviations of the master.
    max_fraction : float
        If more of the chip is above the threshold, it is raised until this part is: a warm chip has no sharp
        border between usual and hot pixels.
    threads : int
    uncertainty : (ny, nx) float32 or None, ADU
        Of the master. Where it is larger than the local scatter, it is the yardstick.

    Returns
    -------
    mask : (ny, nx) bool
    sigma : float
        The threshold used.
    """
    hot, deviation = _deviant(dark, sigma, threads, low=False, uncertainty=uncertainty)
    allowed = int(max_fraction * hot.size)
    if np.count_nonzero(hot) > allowed:
        values = deviation[hot]
        sigma = float(np.partition(values, values.size - allowed - 1)[values.size - allowed - 1])
        hot = deviation > sigma
    return hot, sigma


def unstable_between_darks(
    darks: npt.NDArray[np.float32], floor_variance: float, gain_e_per_adu: float, level_adu: float
) -> Image:
    """How much each pixel scatters from dark to dark, in units of the noise it must have.

    Parameters
    ----------
    darks : (N, ny, nx) float32, ADU
        Or a band of rows; drift of the level removed.
    floor_variance : float, ADU²
        Of a pixel at the group's level, measured.
    gain_e_per_adu : float, e⁻/ADU
        For the Poisson noise of pixels above the level.
    level_adu : float, ADU

    Returns
    -------
    (ny, nx) float32
        Standard deviation without the most deviant value (a cosmic ray is no instability) over the noise;
        about 1 or a little less for good pixels, 0 with fewer than four darks, where it cannot be known.
    """
    out = np.empty(darks.shape[1:], np.float32)
    correction = Correction.none(*darks.shape[:2])
    unstable_in_band(darks, correction, floor_variance, gain_e_per_adu, level_adu, out)
    return out


def unstable_in_band(
    band: npt.NDArray[np.float32] | npt.NDArray[np.uint16],
    correction: Correction,
    floor_variance: float,
    gain_e_per_adu: float,
    level_adu: float,
    out: Image,
    *,
    least: float = 0.0,
    y0: int = 0,
    x_start: int = 0,
) -> None:
    """Do :func:`unstable_between_darks` for a band of rows as it comes from the files. The GIL is released.

    Parameters
    ----------
    band : (N, rows, nx_raw) float32, or uint16 FITS words
    correction : Correction
        Of the whole frames; only its offsets are used.
    floor_variance, gain_e_per_adu, level_adu
        As there.
    out : (rows, nx) float32
        Written.
    least : float
        Pixels that scatter by no more become 0: nearly all of them need no sorting then.
    y0, x_start : int
        Where the band starts, as in :func:`pipeline_core.science.combine.combine_band`.
    """
    is_words = band.dtype == np.uint16
    kernels.scatter_of_rest(
        band if is_words else np.empty((0, 0, 0), np.uint16),
        np.empty((0, 0, 0), np.float32) if is_words else band,
        x_start,
        np.ascontiguousarray(correction.offsets[:, y0 : y0 + out.shape[0]]),
        np.float32(floor_variance),
        np.float32(1 / gain_e_per_adu),
        np.float32(level_adu),
        np.float32(least),
        out,
    )


def saturated_bits(raw: Image | npt.NDArray[np.uint16], saturation_adu: float, *, grow: bool = True) -> Bits:
    """Find saturated pixels in a raw frame, and those that they enclose.

    Parameters
    ----------
    raw : (ny, nx) float32 or uint16, ADU
        As read out: before any correction.
    saturation_adu : float, ADU
        From here on a value says nothing.
    grow : bool
        Then lengthen each run of saturated pixels of a column by one pixel and a quarter of its length at both
        ends: charge runs along columns, and the trail ends below saturation.

    Returns
    -------
    (ny, nx) uint8
        :data:`MaskBit.SATURATED` or 0.

    Notes
    -----
    In the middle of a full star values may be lower than at its rim: with an anti-blooming gate by some percent, and
    by all of it where light gets into the reset level. Such a hole says as little as what surrounds it. A hole is what
    :func:`scipy.ndimage.binary_fill_holes` fills, but no wider and no higher than 64 px, and no larger than the group
    of saturated pixels around it unless all its pixels have nine tenths of the level: the sky between two trails of
    charge, or amid pixels that form a ring by chance, is left.
    """
    bits = np.zeros(raw.shape, np.uint8)
    # Whole numbers reach 1000.5 when they reach 1001.
    limit = (
        np.uint16(min(max(np.ceil(saturation_adu), 0), 65535)) if raw.dtype == np.uint16 else np.float32(saturation_adu)
    )
    if raw.dtype == np.uint16 and saturation_adu > 65535:
        return bits
    bit, rows = np.uint8(MaskBit.SATURATED), np.zeros(len(raw), np.bool_)
    full.mark_full(raw, limit, bit, bits, rows)
    if rows.any():
        full.fill_enclosed(raw, limit, bit, bits, rows)
        if grow:
            full.lengthen_runs(bit, bits, rows)
    return bits


def _deviant(
    image: Image, sigma: float, threads: int, *, low: bool, uncertainty: Image | None = None
) -> tuple[Mask, Image]:
    """Where the image differs from its neighbourhood by more than ``sigma``, and by how many it does."""
    finite = np.isfinite(image)
    if not finite.any():
        raise DataError("cannot look for bad pixels", why="no pixel of the master is finite", hint="look at its frames")
    if not finite.all():
        image = np.where(finite, image, np.float32(np.median(image[finite])))
    deviation = local_median(image, 7, threads)
    np.subtract(image, deviation, out=deviation)
    cells = local_scatter(deviation, CELL_PX, threads)
    # A cell of equal values (a saturated corner, a synthetic frame) has no scatter: the chip's usual one
    # serves.
    usual = float(np.median(cells[cells > 0])) if (cells > 0).any() else 1e-6
    cells = np.where(cells > 0.1 * usual, cells, np.float32(usual))
    mask = np.zeros(image.shape, np.bool_)

    def strip(y0: int, y1: int) -> None:
        noise = on_pixels(cells, CELL_PX, y0, y1, image.shape[1])
        if uncertainty is not None:
            noise = np.fmax(noise, uncertainty[y0:y1])
        part = deviation[y0:y1]
        part /= noise
        mask[y0:y1] = (np.abs(part) if low else part) > np.float32(sigma)

    in_strips(strip, image.shape[0], threads)
    mask &= finite
    return mask, deviation
