"""Thumbnails: a frame at the size of a stamp, with the sky grey and its stars white."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_BELOW, _ABOVE = 3.0, 30.0  # sigma of the binned sky: black, and white
_SOFTENING = 6.0  # sigma: linear below, logarithmic above


def binned(image: npt.NDArray[Any], size: int) -> npt.NDArray[np.float32]:
    """Average blocks of pixels until the longer side has at most ``size``; blocks without data are NaN."""
    ny, nx = image.shape
    block = max(1, -(-max(ny, nx) // size))
    my, mx = max(1, ny // block), max(1, nx // block)
    cut = image[: my * block, : mx * block]
    if cut.shape != (my * block, mx * block):
        return image.astype(np.float32)
    blocks = cut.reshape(my, block, mx, block)
    if image.dtype.kind == "u":
        means: npt.NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
        return means
    known = np.isfinite(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, 0.0).sum(axis=(1, 3), dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan).astype(np.float32)


def thumbnail(image: npt.NDArray[Any], size: int = 160) -> npt.NDArray[np.uint8]:
    """Make a small grey picture of a frame.

    Parameters
    ----------
    image : (ny, nx) uint16 or float32, any unit
        NaN where there is no data.
    size : int
        Pixels of the longer side.

    Returns
    -------
    (my, mx) uint8
        High y at the top, as pictures are shown.
    """
    small = binned(image, size)
    finite = small[np.isfinite(small)]
    if not finite.size:
        return np.zeros(small.shape, np.uint8)
    sky = float(np.median(finite))
    sigma = 1.4826 * float(np.median(np.abs(finite - sky))) or float(finite.std()) or 1.0
    depth = (np.nan_to_num(small, nan=sky) - sky) / sigma
    low, high = np.arcsinh(-_BELOW / _SOFTENING), np.arcsinh(_ABOVE / _SOFTENING)
    scaled = (np.arcsinh(depth / _SOFTENING) - low) / (high - low)
    codes: npt.NDArray[np.uint8] = np.rint(255.0 * np.clip(scaled, 0.0, 1.0)).astype(np.uint8)
    return codes[::-1]
