"""Light where none should be: star images in a dark or bias, stars in a twilight flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.science.components import find_components
from pipeline_core.science.jit import kernel
from pipeline_core.science.robust import median_and_sigma

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

_THRESHOLD = 3.2  # 2 sigma of a 3×3 median after the 3×3 smoothing is 5 sigma of what remains; see count_sources
_FEWEST_PIXELS = 9  # what a median of 3×3 leaves of a clump of hot pixels or a particle track is smaller
_ALIKE = 1.6  # widths of stars of one frame agree within this factor


def count_sources(image: Image, masked: Mask | None = None) -> int:
    """Count star-like sources in a frame that has many single hot pixels and particle hits.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky (level and slow structure) removed, finite.
    masked : (ny, nx) bool, optional
        True where a pixel must not count.

    Returns
    -------
    int
        Sources of at least nine connected pixels, round within a factor 2, of a common width. 0 if fewer than three
        agree.

    Notes
    -----
    A median over 3×3 pixels removes whatever covers fewer than five of nine: hot pixels, pairs of them, tracks one or
    two pixels wide. What a star of FWHM 2 px and more leaves is wide, round, and as wide as the other stars.
    """
    if min(image.shape) < 16:
        return 0
    calm = np.zeros(image.shape, np.float32)
    _median_of_nine(image, calm)
    centre, sigma = median_and_sigma(calm)
    if not sigma > 0.0:
        return 0
    calm -= np.float32(centre)
    found = find_components(calm, np.full((1, 1), _THRESHOLD * sigma, np.float32), masked, min_pixels=_FEWEST_PIXELS)
    a, b = found.axes
    width = np.sqrt(a * b)
    ny, nx = image.shape
    box = found.box
    inside = (box[:, 0] > 2) & (box[:, 2] > 2) & (box[:, 1] < nx - 3) & (box[:, 3] < ny - 3)
    round_ones = inside & (a < 2.0 * b) & (found.masked < 0.3) & (found.length < 80) & (found.peak > 6.0 * sigma)
    # A patch of noise or structure is as bright in the middle as at its rim; a star has a peak.
    round_ones &= found.peak > 1.5 * found.flux / found.pixels
    if round_ones.sum() < 3:
        return 0
    typical = float(np.median(width[round_ones]))
    alike = round_ones & (width < typical * _ALIKE) & (width > typical / _ALIKE)
    count = int(np.count_nonzero(alike))
    return count if count >= 3 and count >= 0.5 * np.count_nonzero(round_ones) else 0


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
