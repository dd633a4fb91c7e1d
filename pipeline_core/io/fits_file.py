"""Pixels of raw frames: whole, or by bands of rows."""

from __future__ import annotations

import itertools
import math
import os
import struct
import tempfile
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.io.fits_layout import FoundImage, find_image, locate
from pipeline_core.io.fits_stream import Decoded, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from astropy.io import fits

    from pipeline_core.types import ImageLayout

Pixels = npt.NDArray[np.uint16] | npt.NDArray[np.float32]
"""(ny, nx) native-endian uint16 when that is exact, else float32 with NaN where the file has no value."""

_CHUNK = 256 << 10  # bytes decoded at once: they stay in the second-level cache


def read_layout(path: Path) -> tuple[fits.Header, ImageLayout, tuple[int, int]]:
    """Read where the first image of a file lies, and its header.

    Parameters
    ----------
    path : Path
        Plain FITS, ``.gz``, ``.bz2`` or tile-compressed (``.fz``).

    Returns
    -------
    header : astropy.io.fits.Header
        Of the image; cards of the primary header that the image's own lacks are added. Every card can be
        asked for without an error.
    layout : ImageLayout
    shape : (ny, nx)

    Raises
    ------
    DataError
        In words, when the file holds no usable image.
    """
    found = find_image(path)
    return found.cards.fits_header(), found.layout, found.shape


def read_image(path: Path, layout: ImageLayout) -> Pixels:
    """Read the pixels of a frame.

    Parameters
    ----------
    path : Path
    layout : ImageLayout
        As :func:`read_layout` gave it.

    Returns
    -------
    (ny, nx) uint16 or float32, ADU

    Raises
    ------
    DataError
        If the file is damaged, cut short, or no longer what ``layout`` says.
    """
    with RowReader(path, layout) as rows:
        ny, nx = rows.shape
        image: Pixels = np.empty((ny, nx), rows.dtype)
        rows.read_rows(0, ny, image)
    return image


class RowReader:
    """Reads bands of rows of a frame without holding it whole.

    Plain files are read in place, tile-compressed ones decode only the tiles of the band, and files that are
    gzip or bzip2 as a whole are unpacked once into an unnamed temporary file.

    Parameters
    ----------
    path : Path
    layout : ImageLayout
        As :func:`read_layout` gave it.

    Raises
    ------
    DataError
        If the file is damaged, cut short, or no longer what ``layout`` says.

    Notes
    -----
    One instance serves one thread; several instances may read the same file side by side.
    """

    def __init__(self, path: Path, layout: ImageLayout) -> None:
        self.path = path
        self.layout = layout
        self._stack = ExitStack()
        try:
            self._found, self._stream, self._offset = self._open()
            self._tiles = self._open_tiles() if layout.compressed else None
        except BaseException:
            self._stack.close()
            raise

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self._found.shape

    @property
    def dtype(self) -> np.dtype[np.uint16] | np.dtype[np.float32]:
        """uint16 when every value of such a file is one exactly, else float32."""
        return np.dtype(np.uint16) if holds_uint16(self.layout) else np.dtype(np.float32)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()

    def read_rows(self, y0: int, y1: int, out: Pixels) -> None:
        """Read rows ``y0 <= y < y1`` into ``out``.

        Parameters
        ----------
        y0, y1 : int
            0-based, half-open.
        out : (y1 - y0, nx) uint16 or float32, C-contiguous
            uint16 only where :attr:`dtype` is.

        Raises
        ------
        DataError
            If the rows cannot be read or decoded.
        ValueError
            If ``out`` does not fit.
        """
        ny, nx = self.shape
        if not (0 <= y0 <= y1 <= ny) or out.shape != (y1 - y0, nx) or not out.flags.c_contiguous:
            raise ValueError(f"rows {y0}:{y1} of {ny} x {nx} do not fit an array of {out.shape}")
        if out.dtype not in (np.float32, self.dtype):
            raise ValueError(f"pixels of {self.path.name} do not fit {out.dtype}")
        if self._tiles is not None:
            out[...] = self._decode_tiles(y0, y1)
        elif y1 > y0:
            self._read_plain(y0, y1, out)

    def _open(self) -> tuple[FoundImage, IO[bytes], int]:
        source = self._stack.enter_context(decoded(self.path))
        found = locate(source)
        if found.layout != self.layout:
            raise DataError(
                f"cannot read {self.path.name}",
                "the file has changed since the night was scanned",
                "scan it again",
            )
        offset = source.position
        if source.size is not None:
            return found, source.stream, offset
        stream: IO[bytes] = self._stack.enter_context(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115
        if self.layout.compressed:
            # The tile decoder wants the file from its beginning, tables and all.
            with decoded(self.path) as again:
                _copy(again, stream, None)
            return found, stream, offset
        _copy(source, stream, found.pixel_bytes)
        return found, stream, 0

    def _read_plain(self, y0: int, y1: int, out: Pixels) -> None:
        nx = self.shape[1]
        width = abs(self.layout.bitpix) // 8
        self._stream.seek(self._offset + y0 * nx * width)
        step = max(1, _CHUNK // (nx * width))
        bands = (out[start : start + step] for start in range(0, y1 - y0, step))
        if out.dtype == np.uint16 and width == 2:
            for words in bands:
                self._fill(words.data.cast("B"))
                words.byteswap(inplace=True)
                # BZERO = 32768 on signed words is the same as flipping their top bit.
                np.bitwise_xor(words, np.uint16(0x8000), out=words)
            return
        stored = np.dtype(f">{'i' if self.layout.bitpix > 0 else 'f'}{width}" if width > 1 else "u1")
        for band in bands:
            raw = np.empty(band.shape, stored)
            self._fill(raw.data.cast("B"))
            _scale(raw, self.layout, band)

    def _fill(self, buffer: memoryview) -> None:
        done = 0
        while done < len(buffer):
            try:
                count = self._stream.readinto(buffer[done:])  # type: ignore[attr-defined]
            except OSError as error:
                why = f"the disk does not give its bytes ({error.strerror})"
                raise DataError(f"cannot read {self.path.name}", why, "check the disk") from error
            if not count:
                raise DataError(
                    f"cannot read {self.path.name}",
                    "the file is cut short",
                    "copy it again from the camera's disk",
                )
            done += count

    def _open_tiles(self) -> Any:
        from astropy.io import fits  # noqa: PLC0415 - only tile-compressed files need it

        with self._in_words():
            with ExitStack() as shortly:
                table = self._open_hdu(shortly, disable_image_compression=True)
                if str(table.header.get("ZCMPTYPE")).startswith("HCOMPRESS"):
                    _check_hcompress(table.data["COMPRESSED_DATA"], table.header)
            hdu = self._open_hdu(self._stack)
            if not isinstance(hdu, fits.CompImageHDU):
                raise TypeError(f"HDU {self.layout.hdu} is a {type(hdu).__name__}")
            return hdu

    def _open_hdu(self, stack: ExitStack, **options: bool) -> Any:
        from astropy.io import fits  # noqa: PLC0415 - only tile-compressed files need it

        source: Any = self.path
        if self.layout.wrapped:
            self._stream.seek(0)
            # A second handle, for reading only, as astropy asks; it shares the unnamed file.
            source = stack.enter_context(os.fdopen(os.dup(self._stream.fileno()), "rb"))
        hdus = stack.enter_context(fits.open(source, memmap=False, lazy_load_hdus=True, **options))
        return hdus[self.layout.hdu]

    def _decode_tiles(self, y0: int, y1: int) -> npt.NDArray[Any]:
        assert self._tiles is not None
        if y1 == y0:
            return np.empty((0, self.shape[1]), self.dtype)
        with self._in_words():
            if len(self._tiles.shape) == 2:
                rows = self._tiles.section[y0:y1]
            else:  # axes of length 1 around the image: rare, small, decoded whole
                rows = self._tiles.data.reshape(self.shape)[y0:y1]
            with np.errstate(over="ignore", invalid="ignore"):
                return np.asarray(rows).astype(self.dtype, copy=False).reshape(y1 - y0, self.shape[1])

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except DataError:
            raise
        except Exception as error:  # the decoder's CfitsioException derives from nothing narrower
            raise DataError(
                f"cannot read {self.path.name}",
                f"its compressed image is damaged ({error})",
                "copy it again from the camera's disk, or leave it out",
            ) from error


def holds_uint16(layout: ImageLayout) -> bool:
    """Whether every pixel such a file can hold is an unsigned 16-bit number."""
    if layout.bscale != 1.0 or layout.blank is not None:
        return False
    return (layout.bitpix, layout.bzero) in {(16, 32768.0), (8, 0.0)}


def _check_hcompress(tiles: Any, header: fits.Header) -> None:
    """Refuse HCOMPRESS tiles whose own size is not that of their place in the image.

    The decoder believes the size inside a tile and writes over other memory when that is too large.

    Raises
    ------
    ValueError
        If a tile does not begin with the magic number and its size (White 1992, hcompress format).
    """
    axes = range(header["ZNAXIS"], 0, -1)
    shape = [int(header[f"ZNAXIS{n}"]) for n in axes]
    steps = [int(header.get(f"ZTILE{n}", shape[-1] if n == 1 else 1)) for n in axes]
    starts = itertools.product(*(range(0, n, step) for n, step in zip(shape, steps, strict=True)))
    for start, tile in zip(starts, tiles, strict=True):
        head = np.asarray(tile).tobytes()[:25]
        place = [min(step, n - at) for n, step, at in zip(shape, steps, start, strict=True)]
        if len(head) < 25 or head[:2] != b"\xdd\x99":
            raise ValueError("a tile is no HCOMPRESS data")
        nx, ny = struct.unpack(">ii", head[2:10])
        if min(nx, ny) < 1 or nx * ny != math.prod(place) or nx not in place:
            raise ValueError("a tile is not of the size that its place needs")


def _scale(raw: npt.NDArray[Any], layout: ImageLayout, out: Pixels) -> None:
    """Turn stored numbers into physical ones: BZERO + BSCALE * stored, NaN for BLANK."""
    with np.errstate(over="ignore", invalid="ignore"):
        if layout.bscale == 1.0 and layout.bzero == 0.0:
            out[...] = raw
        else:
            # In double precision: BZERO = 2147483648 would swallow the low bits of a float32.
            out[...] = raw.astype(np.float64) * layout.bscale + layout.bzero
    if layout.blank is not None:
        out[raw == layout.blank] = np.nan


def _copy(source: Decoded, stream: IO[bytes], count: int | None) -> None:
    """Unpack ``count`` bytes (None: all, within reason) into an unnamed file."""
    left = 1 << 32 if count is None else count  # 4 GB of compressed tiles is far beyond any camera
    while left > 0 and (data := source.read(min(left, 1 << 20))):
        stream.write(data)
        left -= len(data)
    if count is not None and left > 0:
        raise DataError(
            f"cannot read {source.path.name}",
            f"it is cut short: {left} bytes of its image are missing",
            "copy it again from the camera's disk",
        )
