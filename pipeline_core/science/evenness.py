"""How even a frame is: how much its sky differs from place to place, whatever stars are in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.science.robust import MAD_TO_SIGMA, pixel_noise

if TYPE_CHECKING:
    import numpy.typing as npt

TILES = 16
"""Tiles along each side: coarse enough that stars do not fill one, fine enough for vignetting and dust rings."""
_SAMPLES = 24
"""Pixels along a tile's side that are looked at: its level is then known to 1.1/24 of the pixel noise."""


def tile_scatter(image: npt.NDArray[Any], tiles: int = TILES) -> float:
    """Return the scatter of the levels of square tiles.

    Parameters
    ----------
    image : (ny, nx) any real type
        Values that are not finite do not count.
    tiles : int
        Along each side; fewer where the image has not so many pixels.

    Returns
    -------
    float
        Normal-equivalent median absolute deviation of the tiles' levels, in the image's unit; NaN where no pixel
        counts. 4 ms for 4096².

    Notes
    -----
    A tile's level is the mean of the middle half of its pixels: stars do not count, as with a median, but a median of
    whole numbers is a whole number. Where the sky of a raw frame differs by a few counts from place to place, the
    scatter of medians is up to a third off, and cannot be set beside that of the calibrated frame.
    """
    ny, nx = image.shape
    rows, columns = min(tiles, ny), min(tiles, nx)
    height, width = ny // rows, nx // columns
    step_y, step_x = max(1, height // _SAMPLES), max(1, width // _SAMPLES)
    cut = image[: rows * height, : columns * width]
    blocks = cut.reshape(rows, height, columns, width)[:, ::step_y, :, ::step_x]
    values = np.moveaxis(blocks, 1, 2).reshape(rows * columns, -1).astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    values = values[~np.isnan(values).all(axis=1)]
    if not values.size:
        return float("nan")
    levels = _middle_half_means(values)
    return MAD_TO_SIGMA * float(np.median(np.abs(levels - np.median(levels))))


def _middle_half_means(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the mean between the quartiles of each row; NaN does not count."""
    ordered = np.sort(values, axis=1)  # NaN comes last
    known = np.count_nonzero(~np.isnan(values), axis=1)[:, None]
    rank = np.arange(values.shape[1])
    middle = (rank >= known // 4) & (rank < known - known // 4)
    sums = np.where(middle, ordered, 0.0).sum(axis=1, dtype=np.float64)
    means: npt.NDArray[np.float64] = sums / middle.sum(axis=1)
    return means


def noise_of(image: npt.NDArray[Any]) -> tuple[float, float]:
    """Return pixel-to-pixel noise and the scatter from place to place, in the image's unit."""
    return pixel_noise(image), tile_scatter(image)


def told_noise(
    raw_adu: tuple[float, float],
    calibrated: tuple[float, float],
    gain_e_per_adu: float | None,
    *,
    flattened: bool,
) -> dict[str, Any] | None:
    """Put the noise before and after the calibration beside each other, in one unit.

    Parameters
    ----------
    raw_adu, calibrated : (pixel, place)
        Of :func:`noise_of`; the second in electrons where the gain is known, else in ADU.
    gain_e_per_adu : float or None
    flattened : bool
        Whether the frame was divided by a flat.

    Returns
    -------
    dict or None
        ``unit`` ("electron" or "adu"), ``pixel_raw``, ``pixel_calibrated``, ``tile_raw``, ``tile_calibrated``,
        ``flattened``; None where one of them cannot be told.
    """
    before = [value * (gain_e_per_adu or 1.0) for value in raw_adu]
    values = [float(value) for pair in zip(before, calibrated, strict=True) for value in pair]
    if not np.isfinite(values).all():
        return None
    names = ("pixel_raw", "pixel_calibrated", "tile_raw", "tile_calibrated")
    told = {name: round(value, 4) for name, value in zip(names, values, strict=True)}
    return {"unit": "adu" if gain_e_per_adu is None else "electron", **told, "flattened": flattened}
