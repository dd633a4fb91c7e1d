"""A part of a frame as a FITS file of its own, that still knows where it lay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from pipeline_core.errors import UsageError
from pipeline_core.io.atomic import atomic_file
from pipeline_core.io.wcs_cards import solution_cards
from pipeline_core.science.tan_sip import TanSip

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt

    from pipeline_core.science.tangent import SkyMap
    from pipeline_core.types import Section

KEPT = ("OBJECT", "DATE-OBS", "DATE-AVG", "EXPTIME", "FILTER", "TELESCOP", "INSTRUME")
"""Cards of the frame that are true of a part of it."""


def write_cutout(
    path: Path,
    image: npt.NDArray[Any],
    section: Section,
    *,
    unit: str,
    cards: Iterable[tuple[str, str, str]] = (),
    sky: SkyMap | None = None,
) -> None:
    """Write a rectangle of a frame.

    Parameters
    ----------
    path : Path
        Replaced whole or not at all.
    image : (ny, nx) uint16 or floating
        The whole frame.
    section : Section
        The part; what lies outside of the frame is left out.
    unit : str
        "adu", "electron".
    cards : iterable of (keyword, value, comment)
        Of the frame, as text; those of :data:`KEPT` are written.
    sky : SkyMap, optional
        Written as a TAN or TAN-SIP projection of the part: distortion is counted from the reference pixel, wherever
        that lies now.

    Raises
    ------
    UsageError
        If no pixel of the frame lies in the section.
    """
    ny, nx = image.shape
    y0, y1, x0, x1 = max(0, section.y0), min(ny, section.y1), max(0, section.x0), min(nx, section.x1)
    if y1 <= y0 or x1 <= x0:
        raise UsageError("cannot save the cut-out", "no pixel of the frame lies in it", "draw a box on the image")
    header = fits.Header()
    for keyword, value, comment in cards:
        if keyword in KEPT and value.isascii() and keyword not in header:
            header[keyword] = (_as_written(value), comment if comment.isascii() else "")
    header["BUNIT"] = (unit, "unit of the pixels")
    header["LTV1"] = (float(-x0), "x here = x of the frame + LTV1")
    header["LTV2"] = (float(-y0), "y here = y of the frame + LTV2")
    header["LTM1_1"], header["LTM2_2"] = 1.0, 1.0
    if sky is not None:
        whole = TanSip(sky.ra_deg, sky.dec_deg, sky.x_px, sky.y_px, sky.matrix, *(sky.distortion or (None, None)))
        for card in solution_cards(whole, (ny, nx), {}):
            header.append(card)
        header["CRPIX1"], header["CRPIX2"] = sky.x_px + 1.0 - x0, sky.y_px + 1.0 - y0
    with atomic_file(path) as part:
        fits.PrimaryHDU(np.ascontiguousarray(image[y0:y1, x0:x1]), header).writeto(part, overwrite=True)


def _as_written(value: str) -> str | float:
    """Return a number where the text is one."""
    try:
        return float(value)
    except ValueError:
        return value
