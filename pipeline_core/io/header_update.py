"""A header rewritten in place of the old one, the pixels copied as they are; the file changes whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pipeline_core.errors import DataError
from pipeline_core.io.atomic import atomic_file
from pipeline_core.io.card_room import shorten_comments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from astropy.io import fits

_PIECE = 8 << 20  # bytes copied at a time


def update_header(path: Path, change: Callable[[fits.Header], None]) -> None:
    """Change the header of a calibrated file's image.

    Parameters
    ----------
    path : Path
        A product of ours; never a raw file.
    change : callable
        Takes the header of the image (of a compressed one the table that holds it) and changes it in place.

    Raises
    ------
    DataError
        If the file holds no image, or is raw data.
    """
    from astropy.io import fits  # noqa: PLC0415 - heavy

    with fits.open(path, memmap=True, disable_image_compression=True, lazy_load_hdus=True) as hdus:
        hdu = hdus[0] if hdus[0].header.get("NAXIS", 0) else hdus[1]
        header = hdu.header.copy()
        place = dict(hdu.fileinfo())
    if header.get("CALDONE") is not True:
        raise DataError(
            f"will not write into {path.name}", "it is no calibrated frame of this program", "name an output folder"
        )
    change(header)
    shorten_comments(header)
    block = header.tostring().encode("ascii")
    with atomic_file(path) as part, path.open("rb") as old, part.open("wb") as new:
        _copy(old, new, place["hdrLoc"])
        new.write(block)
        old.seek(place["datLoc"])
        _copy(old, new, None)


def _copy(old: Any, new: Any, count: int | None) -> None:
    """Copy ``count`` bytes, or all that is left."""
    left = count if count is not None else os.fstat(old.fileno()).st_size - old.tell()
    while left > 0:
        piece = old.read(min(_PIECE, left))
        if not piece:
            return
        new.write(piece)
        left -= len(piece)


def card_of(path: Path, keyword: str) -> Any:
    """Return one card of a calibrated file's image header, None where it is not there."""
    from pipeline_core.io.fits_layout import find_image  # noqa: PLC0415 - with it come the stream readers

    return find_image(path).cards.get(keyword)
