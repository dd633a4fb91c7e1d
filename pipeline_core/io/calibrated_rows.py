"""Rows of calibrated files, without reading them whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from astropy.io import fits

from pipeline_core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_core.types import Bits, Image


class CalibratedRows:
    """An open calibrated file. Use it from one thread at a time.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError
        On opening, if it is no calibrated file of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hdus: Any = fits.open(path, memmap=False, lazy_load_hdus=True)
        try:
            self._main = self._hdus[0] if self._hdus[0].shape else self._hdus["SCI"]
            self._mask = self._hdus["MASK"]
        except KeyError as error:
            self._hdus.close()
            raise DataError(
                f"cannot use {path.name}", f"it has no {error} plane", "run `astep reduce` again: it is made anew"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hdus.close()

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        ny, nx = self._main.shape
        return int(ny), int(nx)

    @property
    def header(self) -> fits.Header:
        """Of the image."""
        return self._main.header.copy()

    def read(self, y0: int, y1: int) -> tuple[Image, Bits]:
        """Return rows ``y0`` to ``y1`` (exclusive): native float32, and their mask."""
        image = np.ascontiguousarray(self._main.section[y0:y1], dtype=np.float32)
        return image, np.ascontiguousarray(self._mask.section[y0:y1], dtype=np.uint8)
