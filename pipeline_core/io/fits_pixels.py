"""Large float images to and from FITS files, swapped in pieces that stay in the processor's cache.

astropy swaps the bytes of a whole image in memory, twice, and reads through a mapping page by page: for a 4096² master
that takes longer than the arithmetic. The headers, and every other kind of data, stay astropy's.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from pipeline_core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_core.types import Image

_PIECE = 1 << 16  # pixels: 256 kB fit into any second-level cache
_BLOCK = 2880  # bytes: FITS standard 4.0, section 3.1
_STORED = np.dtype(">f4")
_WRITERS = 2
"""HDUs written at a time: turning the bytes round takes as long as handing them over."""


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
    path.write_bytes(b"")
    start = 0
    with ThreadPoolExecutor(_WRITERS, "writer") as writers:
        written = []
        for hdu in hdus:
            head = hdu.header.tostring().encode("ascii")
            written.append(writers.submit(_write_hdu, path, start, head, hdu.data))
            start += len(head) + hdu.data.nbytes + -hdu.data.nbytes % _BLOCK
    for done in written:
        done.result()


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
    if hdu.header["BITPIX"] != -32 or not _is_plain(hdu):
        return np.ascontiguousarray(hdu.data, dtype=np.float32)
    image = np.empty(hdu.shape, np.float32)
    pixels, room = image.reshape(-1), np.empty(_PIECE, _STORED)
    with path.open("rb", buffering=0) as file:
        file.seek(hdu.fileinfo()["datLoc"])
        for start in range(0, pixels.size, _PIECE):
            piece = pixels[start : start + _PIECE]
            _fill(file, room[: piece.size].view(np.uint8).data, path)
            piece[:] = room[: piece.size]
    return image


class StoredImage:
    """An image that stays in its file; rows are read when they are asked for.

    A 4096² master is 64 MB, and each worker needs three of them: so a worker holds the few rows at hand only, and the
    system's page cache, which all workers share, holds the rest.

    Parameters
    ----------
    path : Path
    hdu : image HDU
        Open, of that file.

    Notes
    -----
    Any number of threads may read. What is stored in another way than as plain float32 or uint8 is read whole.
    """

    def __init__(self, path: Path, hdu: Any) -> None:
        self.path = path
        self.shape: tuple[int, int] = tuple(hdu.shape)
        self._file: IO[bytes] | None = None
        self._whole: npt.NDArray[Any] | None = None
        self._reading = threading.Lock()
        kinds: dict[int, np.dtype[Any]] = {-32: _STORED, 8: np.dtype(np.uint8)}
        kind = kinds.get(hdu.header["BITPIX"])
        if kind is None or not _is_plain(hdu):
            pixels = hdu.data
            self._whole = np.ascontiguousarray(pixels, dtype=np.uint8 if pixels.dtype == np.uint8 else np.float32)
            return
        self._kind = kind
        self._start = hdu.fileinfo()["datLoc"]
        self._file = path.open("rb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def __getitem__(self, rows: slice) -> npt.NDArray[Any]:
        """Return some neighbouring rows: (n, nx) native float32 or uint8, a copy.

        Raises
        ------
        DataError
            If the file ends before them.
        """
        if self._whole is not None:
            return self._whole[rows].copy()
        assert self._file is not None
        first, last, _ = rows.indices(self.shape[0])
        room = np.empty((max(0, last - first), self.shape[1]), self._kind)
        with self._reading:
            self._file.seek(self._start + first * self.shape[1] * self._kind.itemsize)
            _fill(self._file, room.reshape(-1).view(np.uint8).data, self.path)
        return room.astype(self._kind.newbyteorder("="), copy=False)


def _is_plain(hdu: Any) -> bool:
    """Whether the file holds the image's own numbers, neither compressed nor scaled."""
    is_packed = isinstance(hdu, fits.CompImageHDU) or hdu.fileinfo()["file"].compression
    return not is_packed and not {"BSCALE", "BZERO"} & set(hdu.header)


def _write_hdu(path: Path, start: int, head: bytes, pixels: Any) -> None:
    """Write one HDU at its place."""
    with path.open("r+b", buffering=0) as file:
        file.seek(start)
        _write(file, memoryview(head))
        pixels = pixels.reshape(-1)
        if pixels.dtype == np.float32:
            _write_swapped(file, pixels)
        else:
            _write(file, np.ascontiguousarray(pixels, np.uint8).data)
        _write(file, memoryview(bytes(-pixels.nbytes % _BLOCK)))


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
