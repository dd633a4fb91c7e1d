"""Reading the same rows of many files at once, so that memory is set by the band and not by the night."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from pipeline_core.types import ImageLayout

BAND_BYTES = 8 << 20
"""Bytes of one band of all frames: a few milliseconds of reading, and small beside the masters themselves."""

Band = npt.NDArray[np.uint16] | npt.NDArray[np.float32]
Work = Callable[[Band, int, int], None]
"""``work(band, y0, y1)``: band is (N, y1 - y0, nx), valid only during the call."""


@dataclass(frozen=True)
class Source:
    """One file of a group: where it is and how its pixels lie."""

    path: Path
    layout: ImageLayout


class BandReader:
    """The files of a group, open side by side.

    Plain 16-bit files are handed out as their raw big-endian words, which the kernels decode while they are
    in cache; a group with any other file is handed out as float32 in ADU.

    Parameters
    ----------
    sources : sequence of Source
    shape : (ny, nx)
        Of the raw images; equal for all.
    """

    def __init__(self, sources: Sequence[Source], shape: tuple[int, int]) -> None:
        self.shape = shape
        self.n_frames = len(sources)
        self.is_words = all(s.layout.is_plain_uint16 for s in sources)
        self._sources = sources
        self._open = ExitStack()
        self._files: list[int] = []
        self._readers: list[Any] = []
        self._lock = threading.Lock()  # compressed files are decoded by one thread at a time

    def __enter__(self) -> Self:
        with ExitStack() as opening:  # a file that cannot be opened closes those before it
            for source in self._sources:
                if self.is_words:
                    descriptor = os.open(source.path, os.O_RDONLY)
                    opening.callback(os.close, descriptor)
                    self._files.append(descriptor)
                else:
                    # Here, not above: only groups with compressed or float files need astropy.
                    from pipeline_core.io.fits_file import RowReader  # noqa: PLC0415

                    self._readers.append(opening.enter_context(RowReader(source.path, source.layout)))
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        self._files.clear()
        self._readers.clear()

    def source(self, frame: int) -> Source:
        """Return where one of the files is."""
        return self._sources[frame]

    def buffer(self, rows: int) -> Band:
        """Return room for a band of ``rows`` rows of all frames."""
        shape = (self.n_frames, rows, self.shape[1])
        return np.empty(shape, np.uint16) if self.is_words else np.empty(shape, np.float32)

    def read(self, y0: int, y1: int, into: Band) -> None:
        """Read rows ``y0`` to ``y1`` (exclusive) of every file into ``into[:, : y1 - y0]``.

        Raises
        ------
        DataError
            If a file ends before these rows.
        """
        if not self.is_words:
            with self._lock:
                for frame, reader in enumerate(self._readers):
                    reader.read_rows(y0, y1, into[frame, : y1 - y0])
            return
        row_bytes = 2 * self.shape[1]
        for frame, (descriptor, source) in enumerate(zip(self._files, self._sources, strict=True)):
            room = memoryview(into[frame, : y1 - y0].data).cast("B")
            offset = (source.layout.data_offset or 0) + y0 * row_bytes
            done = 0
            while done < len(room):  # a network filesystem may return less than was asked for
                got = os.preadv(descriptor, [room[done:]], offset + done)
                if got == 0:
                    raise DataError(
                        f"cannot read {source.path.name}", why=f"the file ends before row {y1}",
                        hint="it was not copied whole: copy it again, or reject it",
                    )  # fmt: skip
                done += got


def rows_per_band(n_frames: int, nx: int, item_bytes: int, multiple: int = 4, limit: int = BAND_BYTES) -> int:
    """Return how many rows of all frames fit into ``limit`` bytes, a multiple of ``multiple`` and at least
    that.
    """
    rows = limit // max(1, n_frames * nx * item_bytes)
    return max(multiple, rows - rows % multiple)


def for_each_band(
    reader: BandReader,
    work: Work,
    *,
    threads: int,
    y0: int = 0,
    y1: int | None = None,
    check: Callable[[], None] | None = None,
) -> None:
    """Read a group band by band and hand each to ``work``, on up to ``threads`` threads.

    Parameters
    ----------
    reader : BandReader
        Entered.
    work : callable
        ``work(band, y0, y1)`` with raw row numbers; it writes its own rows somewhere. Its errors are raised
        here.
    threads : int
        Each has one buffer of about :data:`BAND_BYTES`.
    y0, y1 : int
        Raw rows to go through; the whole image by default.
    check : callable or None
        Called before each band; it stops everything by raising.
    """
    last = reader.shape[0] if y1 is None else y1
    item_bytes = 2 if reader.is_words else 4
    rows = rows_per_band(reader.n_frames, reader.shape[1], item_bytes)
    starts = iter(range(y0, last, rows))
    lock = threading.Lock()
    failed = threading.Event()

    def worker() -> None:
        room = reader.buffer(rows)
        while not failed.is_set():
            with lock:
                start = next(starts, None)
            if start is None:
                return
            end = min(start + rows, last)
            try:
                if check is not None:
                    check()
                reader.read(start, end, room)
                work(room[:, : end - start], start, end)
            except BaseException:
                failed.set()  # the others stop after their band
                raise

    n_threads = max(1, min(threads, -(-(last - y0) // rows)))
    if n_threads == 1:
        worker()
        return
    with ThreadPoolExecutor(n_threads, thread_name_prefix="band") as pool:
        for future in [pool.submit(worker) for _ in range(n_threads)]:
            future.result()
