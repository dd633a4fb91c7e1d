"""A margin around the frame, so that its last pixels have neighbours too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

MASKED = 1


def mirrored(plane: Image, margin: int) -> Image:
    """Copy a plane into a larger one that repeats it like a mirror beyond its border.

    Parameters
    ----------
    plane : (ny, nx) float32
        Longer and wider than ``margin``.
    margin : int, px

    Returns
    -------
    (ny + 2 margin, nx + 2 margin) float32
    """
    if not margin:
        return np.array(plane, np.float32, order="C")
    ny, nx = plane.shape
    out = np.empty((ny + 2 * margin, nx + 2 * margin), np.float32)
    out[margin:-margin, margin:-margin] = plane
    mirror_border(out, margin)
    return out


def mirror_border(plane: Image, margin: int) -> None:
    """Fill what lies beyond the border with what lies before it, in place.

    Parameters
    ----------
    plane : (ny + 2 margin, nx + 2 margin) float32
        The frame in its middle.
    margin : int, px
    """
    if not margin:
        return
    nx = plane.shape[1] - 2 * margin
    ny = plane.shape[0] - 2 * margin
    plane[:, :margin] = plane[:, 2 * margin : margin : -1]
    plane[:, nx + margin :] = plane[:, nx + margin - 2 : nx - 2 : -1]
    plane[:margin] = plane[2 * margin : margin : -1]
    plane[ny + margin :] = plane[ny + margin - 2 : ny - 2 : -1]


def framed(mask: Mask | None, shape: tuple[int, ...], margin: int) -> npt.NDArray[np.uint8]:
    """Copy a mask, or an empty one, into the larger frame.

    Parameters
    ----------
    mask : (ny, nx) bool or None
    shape : tuple of int
        ``(ny, nx)``.
    margin : int, px

    Returns
    -------
    (ny + 2 margin, nx + 2 margin) uint8
        1 where the mask is True; the margin is 0.
    """
    out = np.zeros(tuple(n + 2 * margin for n in shape), np.uint8)
    if mask is not None:
        out[margin : margin + shape[0], margin : margin + shape[1]] = mask
    return out


def close_margin(plane: npt.NDArray[np.uint8], margin: int) -> None:
    """Mark what lies beyond the border, in place: it has a value, but lends none and proves nothing.

    Parameters
    ----------
    plane : (ny, nx) uint8
        Receives 1 there.
    margin : int, px
    """
    if margin:
        plane[:margin] = plane[-margin:] = MASKED
        plane[:, :margin] = plane[:, -margin:] = MASKED
