"""Frames laid on one another to be looked at: turned, mirrored, stretched as the alignment says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pipeline_core.science.display import Codes
    from pipeline_core.science.placement import Placement

SEEN_PX = 0.5
"""A frame whose corners a mere shift would leave further off than this is turned; the eye sees half a pixel."""
_BAND = 128  # rows at once: places of a whole frame of 4096² would take 270 MB


def needs_turning(placement: Placement, shape: tuple[int, int]) -> bool:
    """Tell whether a mere shift would leave the corners of a frame of (ny, nx) pixels visibly off."""
    x = np.array([0.0, shape[1] - 1, 0.0, shape[1] - 1])
    y = np.array([0.0, 0.0, shape[0] - 1, shape[0] - 1])
    dx, dy = placement.displacement
    at_x, at_y = placement.moved(x, y)
    return bool(np.hypot(at_x - x - dx, at_y - y - dy).max() > SEEN_PX)


def turned_codes(
    codes: Codes, placement: Placement, *, reduction: int = 1, own_first: tuple[int, int] = (0, 0),
    reference_first: tuple[int, int] = (0, 0),
) -> Codes:  # fmt: skip
    """Bring a small version of a frame onto the reference's pixels, for blinking.

    Parameters
    ----------
    codes : (ny, nx) uint16
        Means of ``reduction`` × ``reduction`` pixels.
    placement : Placement
        Where the reference's pixels lie in the frame; both calibrated.
    reduction : int
    own_first, reference_first : (x, y)
        Where the calibrated frame's first pixel lies in the image that is shown: raw frames have an overscan.

    Returns
    -------
    (ny, nx) uint16
        Linear between pixels: nothing rings around hot pixels. 0, which means "no data", outside of the frame.
    """
    from scipy.ndimage import map_coordinates  # noqa: PLC0415 - heavy

    ny, nx = codes.shape
    half = (reduction - 1) / 2.0  # the middle of a mean's pixels
    out = np.empty_like(codes)
    column = np.arange(nx) * reduction + half - reference_first[0]
    for start in range(0, ny, _BAND):
        row = np.arange(start, min(start + _BAND, ny)) * reduction + half - reference_first[1]
        x, y = placement.moved(*np.meshgrid(column, row))
        places = np.stack([(y + own_first[1] - half) / reduction, (x + own_first[0] - half) / reduction])
        band = map_coordinates(codes, places, output=np.float32, order=1, mode="constant", cval=0.0)
        out[start : start + len(row)] = np.rint(band)
    return out
