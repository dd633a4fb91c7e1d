"""Thumbnails of frames, small and large: made in the background when looked at, the latest kept in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QImage

from pipeline_core.errors import AstepError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from pipeline_core.types import Frame

SIDE_PX, LARGE_PX = 96, 360
MOST_KEPT = {SIDE_PX: 2500, LARGE_PX: 80}
"""Of 9 kB and 130 kB each: 33 MB."""
MOST_WAITING = 120
"""Rows that were scrolled past need none: of those that wait only the newest are made."""


class Thumbnails(QObject):
    """Pictures by frame: small ones asked for by the rows that are painted, a large one by the pointer that rests."""

    arrived = pyqtSignal(str)
    """Path of a frame whose small picture is there now."""
    large_arrived = pyqtSignal(str)
    _made = pyqtSignal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: dict[int, OrderedDict[str, QImage | None]] = {side: OrderedDict() for side in MOST_KEPT}
        self._waiting: OrderedDict[tuple[str, int], tuple[int, Path, Frame]] = OrderedDict()
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._is_working = False
        self._round = 0
        self._closed = False
        self._made.connect(self._take)

    def get(self, path: str, file: Path, frame: Frame, side: int = SIDE_PX) -> QImage | None:
        """Return the picture of a frame; None where there is none yet (it is then made), or the file has none.

        Parameters
        ----------
        path : str
        file : Path
        frame : Frame
        side : int
            ``SIDE_PX`` or ``LARGE_PX``: what the longer side has at most.
        """
        kept = self._kept[side]
        if path in kept:
            kept.move_to_end(path)
            return kept[path]
        if self._closed or frame.layout is None or frame.unusable is not None:
            return None
        with self._lock:
            self._waiting[path, side] = (self._round, file, frame)
            self._waiting.move_to_end((path, side))
            while len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)
            begin, self._is_working = not self._is_working, True
        if begin:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, thread_name_prefix="thumbnails")
            self._pool.submit(self._work)
        return None

    def clear(self) -> None:
        """Forget all: another night is open, or its files changed."""
        with self._lock:
            self._round += 1
            self._waiting.clear()
        for kept in self._kept.values():
            kept.clear()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self) -> None:
        """In the thread: make what waits, the newest first."""
        while True:
            with self._lock:
                if not self._waiting or self._closed:
                    self._is_working = False
                    return
                wanted, (number, file, frame) = self._waiting.popitem(last=True)
            picture = _picture(file, frame, wanted[1])
            if not self._closed:
                self._made.emit(number, wanted, picture)

    def _take(self, number: int, wanted: tuple[str, int], picture: npt.NDArray[np.uint8] | None) -> None:
        if number != self._round or self._closed:
            return
        image = None
        if picture is not None:
            ny, nx = picture.shape
            image = QImage(picture.tobytes(), nx, ny, nx, QImage.Format.Format_Grayscale8).copy()
        path, side = wanted
        kept = self._kept[side]
        kept[path] = image
        while len(kept) > MOST_KEPT[side]:
            kept.popitem(last=False)
        (self.arrived if side == SIDE_PX else self.large_arrived).emit(path)


def _picture(file: Path, frame: Frame, side: int) -> npt.NDArray[np.uint8] | None:
    from pipeline_core.io.fits_file import read_image  # noqa: PLC0415 - astropy after the first paint
    from pipeline_core.science.thumbnail import thumbnail  # noqa: PLC0415

    assert frame.layout is not None, "asked for by frames that have an image only"
    try:
        return thumbnail(read_image(file, frame.layout), side)
    except (AstepError, OSError):
        return None  # the frame's own row and its image say what is wrong with it
