"""The bytes of a FITS file, read forwards, whether it is plain or gzip or bzip2 as a whole."""

from __future__ import annotations

import bz2
import gzip
import os
import stat
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from pipeline_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Decompressed on the way to the first image: below 5 s with any compressor.
MAX_SKIPPED_BYTES = 256 << 20
READ_AGAIN = "copy the file again from the camera's disk, or leave it out"


class Decoded:
    """The bytes of a file after gzip or bzip2, read forwards; knows its size when it is a plain file."""

    def __init__(self, path: Path, stream: IO[bytes], size: int | None) -> None:
        self.path = path
        self.stream = stream
        self.size = size
        self.position = 0
        self._skipped = 0

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes, fewer only at the end.

        Raises
        ------
        DataError
            If the bytes cannot be read or decompressed.
        """
        try:
            data = self.stream.read(count)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise self._broken(error) from error
        self.position += len(data)
        return data

    def skip(self, count: int) -> None:
        """Pass over bytes; beyond the end of a plain file nothing is read."""
        if self.size is not None:
            self.position += count
            self.stream.seek(min(self.position, self.size))
            return
        self._skipped += count
        if self._skipped > MAX_SKIPPED_BYTES:
            raise DataError(
                f"cannot use {self.path.name}",
                f"its first image lies behind {self._skipped >> 20} MB of other compressed data",
                "unpack it, or give the image as a file of its own",
            )
        while count > 0 and (data := self.read(min(count, 1 << 20))):
            count -= len(data)

    def _broken(self, error: Exception) -> DataError:
        if self.size is None:
            why = "its gzip or bzip2 data is damaged or cut short"
        else:
            why = f"the disk does not give its bytes ({getattr(error, 'strerror', None) or error})"
        return DataError(f"cannot read {self.path.name}", why, READ_AGAIN)


@contextmanager
def decoded(path: Path) -> Iterator[Decoded]:
    """Open a file, through gzip or bzip2 if it is compressed as a whole.

    Raises
    ------
    DataError
        If it is no regular file, cannot be opened, or its first bytes are not those of FITS, gzip or bzip2.
    """
    try:
        facts = path.stat()  # before opening: opening a pipe would wait for its writer
        if not stat.S_ISREG(facts.st_mode):
            raise DataError(f"cannot use {path.name}", "it is not a file", "leave it out")
        raw = path.open("rb", buffering=0)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"cannot open {path.name}", why.lower(), "check that it exists and may be read"
        ) from error
    with raw:
        size = os.fstat(raw.fileno()).st_size
        magic = raw.read(9)
        raw.seek(0)
        if magic.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=raw) as stream:
                yield Decoded(path, cast("IO[bytes]", stream), None)
        elif magic.startswith(b"BZh"):
            with bz2.BZ2File(raw) as stream:
                yield Decoded(path, stream, None)
        else:
            _check_magic(path.name, magic, size)
            yield Decoded(path, raw, size)


def _check_magic(name: str, magic: bytes, size: int) -> None:
    if magic.startswith(b"SIMPLE"):
        return
    if size == 0:
        why = "the file is empty"
    elif magic.startswith(b"\x00\x05\x16\x07"):
        why = "it holds a Mac's notes about another file (AppleDouble), no image"
    else:
        why = "it does not begin like a FITS file"
    raise DataError(f"cannot use {name}", why, READ_AGAIN)
