"""Stacking: aligned frames of one field become one deeper frame, without what single frames carry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.science import _stack_kernels as kernels

if TYPE_CHECKING:
    from pipeline_core.types import Image

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint16]
Method = Literal["mean", "median"]

# Seeing changes the light in a star's core from frame to frame by about this part; a clip that does not know takes
# the sharpest frames' cores away.
_OWN_SCATTER = 0.15
# A frame of less weight than this part of the best one's brings more faults than signal: thick cloud.
LEAST_WEIGHT = 0.02


@dataclass(frozen=True, slots=True)
class FrameWeights:
    """How frames are brought to one level, and what each counts; (N,) each."""

    scale: Floats
    """Multiplies a frame once its sky is removed: its stars then have the light they have in the best frame."""
    weight: Floats
    """In the mean: one over the sky's variance after scaling, 1 for the best frame; 0 for frames to leave out."""


def frame_weights(flux_ratio: Floats, noise: Floats) -> FrameWeights:
    """Weigh frames by how much light comes through and how noisy their sky is.

    Parameters
    ----------
    flux_ratio : (N,) float
        Light of the same stars, relative to any one frame; NaN counts as the median.
    noise : (N,) float
        Sky noise of a pixel, the image's unit.

    Raises
    ------
    DataError
        If no frame has a noise.
    """
    known = np.isfinite(flux_ratio) & (flux_ratio > 0)
    ratio = np.where(known, flux_ratio, np.median(flux_ratio[known]) if known.any() else 1.0)
    usable = np.isfinite(noise) & (noise > 0)
    if not usable.any():
        raise DataError("cannot weigh frames", "the sky noise of none is known", "run `astep reduce` again")
    # Sky noise over the light that comes through: what a star of one brightness stands out against.
    weight = np.where(usable, np.square(ratio / np.where(usable, noise, 1.0)), 0.0)
    best = int(np.argmax(weight))
    weight /= weight[best]
    return FrameWeights(ratio[best] / ratio, np.where(weight >= LEAST_WEIGHT, weight, 0.0))


@dataclass(frozen=True)
class Stacked:
    """Aligned frames together."""

    image: Image
    """NaN where no frame reaches."""
    variance: Image
    count: Counts
    """Frames used in each pixel."""


def combine_aligned(
    stack: npt.NDArray[np.float32],
    noise: Floats,
    gain_e: Floats,
    weight: Floats,
    *,
    method: Method = "mean",
    sigma: float = 5.0,
    threads: int = 1,
) -> Stacked:
    """Combine frames that lie on the same pixels.

    Parameters
    ----------
    stack : (N, ny, nx) float32
        Sky removed and scaled to one level; NaN where a value is not to be used.
    noise : (N,) float
        Sky noise of a pixel after scaling.
    gain_e : (N,) float
        Electrons per unit after scaling, for the stars' own noise.
    weight : (N,) float
        In the mean.
    method : {"mean", "median"}
        The mean of the values within ``sigma`` of the median, or the median of all.
    sigma : float
        Against sky and Poisson noise, and 15 % of a pixel's light: as much as seeing changes the core of a star.
        Whatever lies within three times of how the pixel scatters anyway stays, few largest deviations (one and a
        tenth of the frames, never half of them) aside: the wings of stars change more than their cores.
    threads : int

    Returns
    -------
    Stacked
        The variance is that of independent pixels.

    Raises
    ------
    DataError
        Without any frame.
    """
    n_frames, ny, nx = stack.shape
    if n_frames == 0:
        raise DataError("cannot stack frames", "there are none", "align them first, and accept some")
    out = Stacked(np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32), np.empty((ny, nx), np.uint16))
    floor, slope = np.square(noise).astype(np.float32), (1.0 / gain_e).astype(np.float32)
    given = (floor, slope, weight.astype(np.float32), np.float32(_OWN_SCATTER), np.float32(sigma), method == "median")

    def band(rows: slice) -> None:
        kernels.combine_pixels(stack[:, rows], *given, out.image[rows], out.variance[rows], out.count[rows])

    step = max(1, -(-ny // max(1, threads)))
    parts = [slice(start, min(start + step, ny)) for start in range(0, ny, step)]
    if len(parts) == 1:
        band(parts[0])
        return out
    with ThreadPoolExecutor(len(parts), thread_name_prefix="stack") as pool:
        list(pool.map(band, parts))
    return out
