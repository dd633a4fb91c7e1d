"""Sharp stars: told from cosmic-ray hits by their shape.

Below about 2 px FWHM the Laplacian of a star is as strong as a hit's; no threshold parts them. Their shapes do: light
that came through the telescope is spread as the point-spread function spreads it, wherever in the pixel the star lies.
Each suspect peak is therefore explained twice, as a star (a Moffat of any height at any place in the pixel) and as a
hit (the flagged pixels may have any value, the others are sky); the explanation with the smaller chi-square is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.science import _star_kernels as kernels

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

BETA = 3.0
"""Of the Moffat: between pure turbulence (4.8) and the broad wings of real optics (2.5)."""
HALF = 2  # the test looks at 5×5 pixels: all the light that matters below 2.5 px FWHM
PHASES = np.linspace(-0.5, 0.5, 9)  # 1/8 px steps: the nearest is at most 1/16 px off
STRETCHES = (0.75, 0.86, 1.0, 1.15)  # a measured width may read a quarter high, and varies over the field

_LIT_WING_PX = np.float32(1.6)  # as :class:`StarGuard` has it for stars of 2 px
_WIDTHS_PX = np.geomspace(1.0, 8.0, 19)  # 12 % apart
_WIDTH_HALF = 5
_WIDTH_PHASES = np.linspace(-0.5, 0.5, 5)
_ENOUGH_STARS = 400
_BAND, _EACH = 128, 4  # rows; of a large frame every fourth band is looked at first


class StarGuard:
    """Tells stars from hits on one frame, and remembers the stars it found.

    Parameters
    ----------
    fwhm_px : float
        Width of the frame's stars; may be up to a quarter too large or an eighth too small.
    """

    def __init__(self, fwhm_px: float) -> None:
        self.stars = 0
        self.width_px = fwhm_px
        # Moffat: 2 F / (pi alpha²) (r / alpha)^-6 falls to half a sigma at r = (4 alpha⁴ F / (pi sigma))^(1/6).
        alpha = fwhm_px / (2 * np.sqrt(2 ** (1 / BETA) - 1))
        self._wing_px = np.float32((4 * alpha**4 / np.pi) ** (1 / 6))
        self._bank = star_images([fwhm_px * stretch for stretch in STRETCHES], PHASES, HALF)

    def tell(
        self,
        image: Image,
        variance: Image,
        closed: npt.NDArray[np.uint8],
        hits: npt.NDArray[np.uint8],
        rows: npt.NDArray[np.int32],
        columns: npt.NDArray[np.int32],
    ) -> Mask:
        """Judge suspects.

        Parameters
        ----------
        image, variance : (ny, nx) float32, electrons and electrons squared
        closed : (ny, nx) uint8
            Bit 1 on pixels that have no value to trust. The cores of stars receive
            bit 2: no hit is looked for there again.
        hits : (ny, nx) uint8
            Nonzero on hits of earlier passes.
        rows, columns : (n,) int32
            The new suspects.

        Returns
        -------
        (n,) bool
            True for a hit.
        """
        hits[rows, columns] = 1
        self.stars += int(
            kernels.protect_stars(image, variance, closed, hits, rows, columns, self._bank, self._wing_px)
        )
        hits[rows, columns] = 0
        return np.asarray(closed[rows, columns] & kernels.PROTECTED == 0)


def protect_lit_around(
    image: Image,
    variance: Image,
    closed: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int32],
    columns: npt.NDArray[np.int32],
) -> int:
    """Keep bright peaks that have light on all their sides, whatever shape the frame's stars have.

    Parameters
    ----------
    image, variance : (ny, nx) float32, electrons and electrons squared
    closed : (ny, nx) uint8
        Bit 1 on pixels that have no value to trust. The cores of stars receive bit 2.
    rows, columns : (n,) int32
        Suspects that are no star by the frame's own width.

    Returns
    -------
    int
        Peaks that were kept.

    Notes
    -----
    A bright star is known so well that a drawn-out or trailed image is many sigma off every round Moffat, and a frame
    with few stars tells no width at all. But a particle's charge ends with its track: it lights two of a peak's sides,
    not all eight neighbours and most of the ring of pixels beyond.
    """
    return int(kernels.protect_lit_around(image, variance, closed, rows, columns, _LIT_WING_PX))


def star_images(widths_px: npt.ArrayLike, phases: npt.NDArray[np.float64], half: int) -> npt.NDArray[np.float32]:
    """Return Moffat stars of unit flux, integrated over square pixels.

    Parameters
    ----------
    widths_px : (k,) float
        FWHM.
    phases : (m,) float, px
        Offsets of the star from the middle of its pixel, in x and in y.
    half : int
        The window has ``2 * half + 1`` pixels a side.

    Returns
    -------
    (k, m * m, (2 * half + 1)**2) float32
    """
    steps = 7  # midpoints within a pixel: the sum is right to 0.5 % of the peak at 1.3 px
    fine = (np.arange((2 * half + 1) * steps) + 0.5) / steps - half - 0.5
    side = 2 * half + 1
    out = []
    for width in np.atleast_1d(np.asarray(widths_px, float)):
        alpha = width / (2 * np.sqrt(2 ** (1 / BETA) - 1))
        stars = []
        for dy in phases:
            for dx in phases:
                r2 = ((fine - dy)[:, None] ** 2 + (fine - dx)[None, :] ** 2) / alpha**2
                light = (BETA - 1) / (np.pi * alpha**2) * (1 + r2) ** -BETA
                stars.append(light.reshape(side, steps, side, steps).mean(axis=(1, 3)).ravel())
        out.append(stars)
    return np.asarray(out, np.float32)


def measure_star_width(image: Image, variance: Image, masked: Mask) -> float | None:
    """Measure the width of a frame's stars, hits notwithstanding.

    Parameters
    ----------
    image, variance : (ny, nx) float32, electrons and electrons squared
    masked : (ny, nx) bool
        True on bad and saturated pixels.

    Returns
    -------
    float or None
        Median FWHM in px of the peaks that a Moffat of 1 to 8 px explains; None if fewer than five do (an empty field,
        ring-shaped stars).
    """
    if min(image.shape) < 4 * _WIDTH_HALF:
        return None
    step = max(1, min(image.shape) // 256)
    sky = float(np.median(image[::step, ::step]))
    bands = np.arange(0, image.shape[0], _BAND)
    ys, xs = _peaks(image, variance, masked, sky, bands[::_EACH])
    if len(ys) < _ENOUGH_STARS // 4:
        # Few stars: then all of them are needed.
        ys, xs = _peaks(image, variance, masked, sky, bands)
    # Spread over the frame, the same ones each time; the brightest have no privilege (they may be non-linear).
    chosen = np.linspace(0, len(ys) - 1, min(len(ys), _ENOUGH_STARS)).astype(int)
    bank = star_images(_WIDTHS_PX, _WIDTH_PHASES, _WIDTH_HALF)
    best = kernels.best_widths(image, variance, masked, ys[chosen], xs[chosen], bank, _WIDTH_HALF)
    widths = _WIDTHS_PX[best[best >= 0]]
    return float(np.median(widths)) if len(widths) >= 5 else None


def _peaks(
    image: Image, variance: Image, masked: Mask, sky: float, bands: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows and columns of clear isolated peaks in the bands of rows that begin there."""
    rows, columns = [], []
    for first in bands.tolist():
        y0, y1 = max(0, first - _WIDTH_HALF), min(image.shape[0], first + _BAND + _WIDTH_HALF)
        part = slice(y0, y1)
        ys, xs = kernels.isolated_peaks(
            image[part], variance[part], masked[part], np.float32(sky), np.float32(25), _WIDTH_HALF
        )
        rows.append(ys + y0)
        columns.append(xs)
    return np.concatenate(rows), np.concatenate(columns)
