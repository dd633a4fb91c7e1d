"""A painter for one paint event, which has ended when the event is over."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from PyQt6.QtGui import QPainter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PyQt6.QtGui import QPaintDevice


@contextmanager
def painting(surface: QPaintDevice) -> Iterator[QPainter]:
    """Yield a painter on a widget or picture; however the block ends, the painter has ended then.

    Notes
    -----
    A painter that merely goes out of scope lives on where anything still holds the frame of the function (the report
    of a crash, a profiler), and Qt then cannot finish the window's picture.
    """
    painter = QPainter(surface)
    try:
        yield painter
    finally:
        painter.end()
