"""Large float images to and from FITS files, swapped in pieces that stay in the processor's cache.

astropy swaps the bytes of a whole image in memory, twice, and reads through a mapping page by page: for a 4096² master
that takes longer than the arithmetic. The headers, and every other kind of data, stay astropy's.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from pipeline_core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_core.types import Image

_PIECE = 1 << 16  # pixels: 256 kB fit into any second-level cache
_BLOCK = 2880  # bytes: FITS standard 4.0, section 3.1
_STORED = np.dtype(">f4")


def write_images(path: Path, hdus: fits.HDUList) -> None:
    """Write plain image HDUs of float32 and uint8, as ``hdus.writeto(path)`` would, byte for byte.

    Parameters
    ----------
    path : Path
        Overwritten.
    hdus : HDUList
        Uncompressed images. Odd cards are mended in silence.
    """
    hdus.verify("silentfix")
    hdus.update_extend()
    with path.open("wb", buffering=0) as file:
        for hdu in hdus:
            _write(file, memoryview(hdu.header.tostring().encode("ascii")))
            pixels = hdu.data.reshape(-1)
            if pixels.dtype == np.float32:
                _write_swapped(file, pixels)
            else:
                _write(file, np.ascontiguousarray(pixels, np.uint8).data)
            _write(file, memoryview(bytes(-pixels.nbytes % _BLOCK)))


def read_floats(path: Path, hdu: Any) -> Image:
    """Read the pixels of an open image HDU: native float32, contiguous, a copy.

    Parameters
    ----------
    path : Path
        The file that ``hdu`` was opened from.
    hdu : image HDU

    Raises
    ------
    DataError
        If the file ends before its image does.
    """
    header, place = hdu.header, hdu.fileinfo()
    is_plain = header["BITPIX"] == -32 and not {"BSCALE", "BZERO"} & set(header)
    if isinstance(hdu, fits.CompImageHDU) or not is_plain or place["file"].compression:
        return np.ascontiguousarray(hdu.data, dtype=np.float32)
    image = np.empty(hdu.shape, np.float32)
    pixels, room = image.reshape(-1), np.empty(_PIECE, _STORED)
    with path.open("rb", buffering=0) as file:
        file.seek(place["datLoc"])
        for start in range(0, pixels.size, _PIECE):
            piece = pixels[start : start + _PIECE]
            _fill(file, room[: piece.size].view(np.uint8).data, path)
            piece[:] = room[: piece.size]
    return image


def _write_swapped(file: IO[bytes], pixels: Any) -> None:
    room = np.empty(_PIECE, _STORED)
    for start in range(0, pixels.size, _PIECE):
        piece = pixels[start : start + _PIECE]
        room[: piece.size] = piece
        _write(file, room[: piece.size].view(np.uint8).data)


def _write(file: IO[bytes], data: memoryview) -> None:
    while data:  # an unbuffered file may take less than it was given
        data = data[file.write(data) :]


def _fill(file: Any, room: memoryview, path: Path) -> None:
    while room:
        count = file.readinto(room)
        if not count:
            raise DataError(f"cannot read {path.name}", "the file is cut short", "delete it and run again")
        room = room[count:]
