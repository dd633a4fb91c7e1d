"""Gain and read noise of a camera, from pairs of flats and pairs of biases."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.types import Image

TILE_PX = 32
"""Side of the tiles: small enough that the flat is even within one."""
MAX_TILES = 400
"""Tiles looked at in each pair: 400,000 pixels give the gain to 0.3 %."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GainEstimate:
    """What the noise of flats and biases says about the camera."""

    gain_e_per_adu: float
    gain_error: float
    """1 sigma, e⁻/ADU, from the scatter between tiles."""
    read_noise_e: float
    read_noise_adu: float
    """With the rounding noise of 0.29 ADU, as it acts."""
    n_pairs: int


def gain_from_pairs(
    flats: Sequence[Image], biases: Sequence[Image], saturation_adu: float = np.inf
) -> GainEstimate:
    """Measure gain and read noise from how pairs of equal frames differ.

    Parameters
    ----------
    flats : sequence of (ny, nx) float32, ADU
        At least two of one filter, raw or overscan-subtracted as the biases are; levels may differ.
    biases : sequence of (ny, nx) float32, ADU
        At least two.
    saturation_adu : float, ADU
        Tiles that reach it are left out.

    Returns
    -------
    GainEstimate

    Raises
    ------
    DataError
        If there are fewer than two of a kind, or the flats hold no Poisson noise that can be measured.

    Notes
    -----
    Janesick (2001), *Scientific Charge-Coupled Devices*, photon transfer: in the difference of two flats the
    fixed pattern cancels, and what is left is read noise and Poisson noise. With ``r`` the ratio of their
    signals in a tile, ``var(a - r b) = (1 + r²) read² + (1 + r) signal_a / gain``. Taken tile by tile, so
    that a gradient, a star or vignetting stays in its tile; the median of the tiles is the answer.
    """
    if len(flats) < 2 or len(biases) < 2:
        raise DataError(
            "cannot measure the gain",
            why=f"it needs two flats of a filter and two biases, and there are {len(flats)} and {len(biases)}",
            hint="take more, or set the gain in the recipe (calibrate.gain_e_per_adu)",
        )
    read_variance = float(np.median([_pair_variance(*pair) for pair in itertools.pairwise(biases)])) / 2
    zero = np.median([_tiles(bias).mean(axis=1) for bias in biases], axis=0)
    gains = np.concatenate(
        [
            _tile_gains(a, b, zero, read_variance, saturation_adu)
            for a, b in zip(flats[::2], flats[1::2], strict=False)
        ]
    )
    if gains.size < 4:
        raise DataError(
            "cannot measure the gain",
            why="the flats scatter no more than the biases, or they are saturated",
            hint="use flats of about half of saturation, or set calibrate.gain_e_per_adu in the recipe",
        )
    gain = float(np.median(gains))
    scatter = 1.4826 * float(np.median(np.abs(gains - gain)))
    read_noise_adu = float(np.sqrt(read_variance))
    return GainEstimate(
        gain_e_per_adu=gain,
        gain_error=float(1.2533 * scatter / np.sqrt(gains.size)),  # sqrt(pi / 2): of a median against a mean
        read_noise_e=read_noise_adu * gain,
        read_noise_adu=read_noise_adu,
        n_pairs=len(flats) // 2,
    )


def clipped_variance(differences: npt.NDArray[np.floating], axis: int = -1) -> npt.NDArray[np.float64]:
    """Variance along an axis, of what lies within 4 sigma of the median; hits and stars do not count.

    Parameters
    ----------
    differences : array
        Finite.
    axis : int

    Returns
    -------
    array of float64
        Two passes: the first sigma is that of the median absolute deviation, which whole-number data make
        coarse, so a quarter ADU is added to it. The 0.1 % that a cut at 4 sigma takes from a Gaussian's
        variance is given back.
    """
    values = np.asarray(differences, np.float64)
    centre = np.median(values, axis=axis, keepdims=True)
    deviation = values - centre
    sigma = 1.4826 * np.median(np.abs(deviation), axis=axis, keepdims=True) + 0.25
    for _ in range(2):
        inside = np.abs(deviation) <= 4 * sigma
        n = np.maximum(inside.sum(axis=axis, keepdims=True), 2)
        mean = np.where(inside, deviation, 0).sum(axis=axis, keepdims=True) / n
        square = np.where(inside, (deviation - mean) ** 2, 0).sum(axis=axis, keepdims=True) / (n - 1)
        sigma = np.sqrt(square) * 1.0005
        deviation -= mean
    return np.asarray(np.squeeze(sigma**2, axis=axis))


def _tiles(image: Image) -> Floats:
    """(tiles, pixels) of whole tiles spread evenly over the image."""
    side = min(TILE_PX, *image.shape)
    ny, nx = image.shape[0] // side, image.shape[1] // side
    chosen = np.unique(np.linspace(0, ny * nx - 1, min(MAX_TILES, ny * nx)).astype(int))
    cut = image[: ny * side, : nx * side].reshape(ny, side, nx, side).swapaxes(1, 2)
    return cut[chosen // nx, chosen % nx].reshape(chosen.size, side * side).astype(np.float64)


def _pair_variance(a: Image, b: Image) -> float:
    """Return the variance of the difference of two biases."""
    return float(np.median(clipped_variance(_tiles(a) - _tiles(b))))


def _tile_gains(a: Image, b: Image, zero: Floats, read_variance: float, saturation_adu: float) -> Floats:
    """Gain from each usable tile of a pair of flats."""
    tiles_a, tiles_b = _tiles(a), _tiles(b)
    usable = (tiles_a.max(axis=1) < saturation_adu) & (tiles_b.max(axis=1) < saturation_adu)
    usable &= np.isfinite(tiles_a).all(axis=1) & np.isfinite(tiles_b).all(axis=1)
    tiles_a, tiles_b, zero = tiles_a[usable], tiles_b[usable], zero[usable]
    signal_a, signal_b = np.median(tiles_a, axis=1) - zero, np.median(tiles_b, axis=1) - zero
    lit = (signal_a > 0) & (signal_b > 0)
    tiles_a, tiles_b, zero, signal_a, signal_b = (
        v[lit] for v in (tiles_a, tiles_b, zero, signal_a, signal_b)
    )
    ratio = signal_a / signal_b
    variance = clipped_variance(tiles_a - zero[:, None] - ratio[:, None] * (tiles_b - zero[:, None]))
    poisson = variance - (1 + ratio**2) * read_variance
    # A tile with too little Poisson noise would give a gain without meaning, of either sign.
    measurable = poisson > 0.5 * read_variance
    return np.asarray(((1 + ratio) * signal_a)[measurable] / poisson[measurable])
