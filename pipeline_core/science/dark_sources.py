"""Light where none should be: star images in a dark or bias, stars in a twilight flat."""

# Compiled loops take their arguments by position and are one loop each.
# ruff: noqa: PLW3301
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.science.components import find_components
from pipeline_core.science.jit import kernel
from pipeline_core.science.robust import median_and_sigma, pixel_noise

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

_THRESHOLD = 3.5  # sigma of the 3×3 median: twelve connected pixels above it are no noise
_OF_NINE = 0.408  # the median of nine normal values scatters by so much of what one does
_FEWEST_PIXELS = 12  # what a median of 3×3 leaves of clumps of hot pixels and of thick tracks is mostly smaller
_THINNEST = 0.75  # px: ... and thinner; a star of FWHM 2.2 px has a minor axis (standard deviation) of 0.9
_ALIKE = 1.8  # widths of stars of one frame agree within this factor


def count_sources(image: Image, calm: Image, masked: Mask | None = None) -> int:
    """Count star-like sources in a frame that has many single hot pixels and particle hits.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky (level and slow structure) removed, finite.
    calm : (ny, nx) float32
        The same after :func:`median_of_nine`.
    masked : (ny, nx) bool, optional
        True where a pixel must not count.

    Returns
    -------
    int
        Sources of at least twelve connected pixels, at most four times as long as wide (ghosts of drifting stars are
        long), of a common width. 0 if fewer than four agree.

    Notes
    -----
    A median over 3×3 pixels removes whatever covers fewer than five of nine: hot pixels, pairs of them, tracks one or
    two pixels wide. What a star of FWHM 2 px and more leaves is wide, and as wide as the other stars.
    Sharper stars than that go unnoticed.

    The scatter is not less than what pixel-to-pixel noise leaves of itself: of quiet electronics most counts are the
    same whole number, their median deviation is next to nothing, and every third pixel would stand out.
    """
    if min(image.shape) < 16:
        return 0
    centre, sigma = median_and_sigma(calm[1 : -1 : 1 + calm.shape[0] // 1024])
    noise = pixel_noise(image, None if masked is None else ~masked)
    sigma = max(sigma, _OF_NINE * noise) if noise > 0.0 else sigma
    if not sigma > 0.0:
        return 0
    threshold = np.full((1, 1), centre + _THRESHOLD * sigma, np.float32)
    found = find_components(calm, threshold, masked, min_pixels=_FEWEST_PIXELS)
    a, b = found.axes
    width = np.sqrt(a * b)
    ny, nx = image.shape
    box = found.box
    inside = (box[:, 0] > 2) & (box[:, 2] > 2) & (box[:, 1] < nx - 3) & (box[:, 3] < ny - 3)
    shaped = inside & (a < 4.0 * b) & (b > _THINNEST) & (found.masked < 0.3) & (found.length < 80)
    # A patch of noise or structure is as bright in the middle as at its rim; a star has a peak.
    shaped &= found.peak > 1.5 * found.flux / found.pixels
    if shaped.sum() < 4:
        return 0
    typical = float(np.median(width[shaped]))
    alike = shaped & (width < typical * _ALIKE) & (width > typical / _ALIKE)
    count = int(np.count_nonzero(alike))
    return count if count >= 4 and count >= 0.5 * np.count_nonzero(shaped) else 0


def median_of_nine(image: Image) -> Image:
    """Return the median over 3×3 pixels (ny, nx), 0 on the border pixels."""
    out = np.zeros(image.shape, np.float32)
    _median_of_nine(image, out)
    return out


@kernel
def count_above(image: Any, calm: Any, threshold: float) -> int:
    """Count the pixels of ``image`` that exceed ``calm`` by more than ``threshold``."""
    count = 0
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            count += image[y, x] - calm[y, x] > threshold
    return count


@kernel
def _median_of_nine(image: Any, out: Any) -> None:
    """Median of 3×3 pixels from sorted columns: max of the lows, middle of the middles, min of the highs."""
    ny, nx = image.shape
    low = np.empty(nx, np.float32)
    middle = np.empty(nx, np.float32)
    high = np.empty(nx, np.float32)
    for y in range(1, ny - 1):
        a, b, c = image[y - 1], image[y], image[y + 1]
        for x in range(nx):
            small, big = min(a[x], b[x]), max(a[x], b[x])
            low[x] = min(small, c[x])
            middle[x] = max(small, min(big, c[x]))
            high[x] = max(big, c[x])
        row = out[y]
        for x in range(1, nx - 1):
            lows = max(low[x - 1], max(low[x], low[x + 1]))
            highs = min(high[x - 1], min(high[x], high[x + 1]))
            small, big = min(middle[x - 1], middle[x]), max(middle[x - 1], middle[x])
            middles = max(small, min(big, middle[x + 1]))
            row[x] = max(min(lows, middles), min(max(lows, middles), highs))
