"""Master frames as files: image, uncertainty and counts, whole or by rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from pipeline_core.errors import DataError
from pipeline_core.io.ascii_words import ascii_words
from pipeline_core.io.card_room import shorten_comments
from pipeline_core.io.fits_pixels import StoredImage, read_floats, write_images

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_core.types import Bits, Image

HeaderValues = Mapping[str, tuple[str | float | int | bool, str]]
"""Keyword → (value, comment)."""


@dataclass(frozen=True)
class Master:
    """A master frame as read; its arrays are native, writable copies."""

    image: Image
    """ADU for bias and dark, dimensionless for a flat."""
    uncertainty: Image | None
    n_used: npt.NDArray[np.uint8] | None
    header: fits.Header
    holds_bias: bool


def write_master(
    path: Path,
    image: Image,
    header: HeaderValues,
    uncertainty: Image | None = None,
    n_used: npt.NDArray[np.uint8] | None = None,
) -> None:
    """Write a master frame: primary image, extensions ``UNCERT`` and ``NUSED``.

    Parameters
    ----------
    path : Path
        Overwritten; the caller names a ``.part`` file and renames it when it is whole.
    image : (ny, nx) float32
    header : mapping of keyword to (value, comment)
    uncertainty : (ny, nx) float32 or None
        1 sigma, in the unit of the image; ``CCDData.read`` finds it by its name.
    n_used : (ny, nx) uint8 or None
    """
    hdus = [fits.PrimaryHDU(image)]
    _describe(hdus[0].header, header)
    if uncertainty is not None:
        extension = fits.ImageHDU(uncertainty, name="UNCERT")
        extension.header["UTYPE"] = ("StdDevUncertainty", "kind of uncertainty: 1 sigma")
        hdus.append(extension)
    if n_used is not None:
        hdus.append(fits.ImageHDU(n_used, name="NUSED"))
    write_images(path, fits.HDUList(hdus))


def read_master(path: Path, *, with_uncertainty: bool = True, with_counts: bool = False) -> Master:
    """Read a master frame.

    Parameters
    ----------
    path : Path
    with_uncertainty, with_counts : bool
        Whether to read these extensions; a science frame without ``UNCERT`` needs the image alone.

    Returns
    -------
    Master
        A master of unknown make (no ``HOLDBIAS`` card) is taken to hold the bias: nothing was said to be
        subtracted.

    Raises
    ------
    DataError
        If the file cannot be read, or its primary HDU is no image.
    """
    try:
        with fits.open(path, memmap=True) as hdus:
            header = hdus[0].header.copy()
            if len(hdus[0].shape) != 2:
                raise DataError(f"cannot use {path.name} as a master", why="its first HDU is no image",
                                hint="save the master with the image in the primary HDU")  # fmt: skip
            image = read_floats(path, hdus[0])
            uncertainty = read_floats(path, hdus["UNCERT"]) if with_uncertainty and "UNCERT" in hdus else None
            n_used = np.array(hdus["NUSED"].data, np.uint8) if with_counts and "NUSED" in hdus else None
    except (OSError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error
    return Master(image, uncertainty, n_used, header, _holds_bias(header))


@dataclass(frozen=True)
class StoredMaster:
    """A master frame that stays in its file; rows of it can be had."""

    image: StoredImage
    uncertainty: StoredImage | None
    holds_bias: bool


@contextmanager
def stored_master(path: Path, *, with_uncertainty: bool = False) -> Iterator[StoredMaster]:
    """Open a master frame for reading rows of it.

    Parameters
    ----------
    path : Path
        Also of a mask.
    with_uncertainty : bool

    Yields
    ------
    StoredMaster

    Raises
    ------
    DataError
        If the file cannot be read, or its primary HDU is no image.
    """
    with ExitStack() as files:
        try:
            with fits.open(path, memmap=False) as hdus:
                if len(hdus[0].shape) != 2:
                    raise DataError(f"cannot use {path.name} as a master", why="its first HDU is no image",
                                    hint="save the master with the image in the primary HDU")  # fmt: skip
                holds_bias = _holds_bias(hdus[0].header)
                image = files.enter_context(StoredImage(path, hdus[0]))
                wanted = with_uncertainty and "UNCERT" in hdus
                uncertainty = files.enter_context(StoredImage(path, hdus["UNCERT"])) if wanted else None
        except (OSError, TypeError, ValueError) as error:
            raise _unreadable(path, error) from error
        yield StoredMaster(image, uncertainty, holds_bias)


def _holds_bias(header: fits.Header) -> bool:
    return bool(header.get("HOLDBIAS", True))


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"cannot read the master {path.name}", why=str(error), hint="delete it and run again")


def _describe(header: fits.Header, cards: HeaderValues) -> None:
    """Write cards; names of filters and files may hold what a header cannot."""
    for keyword, (value, comment) in cards.items():
        header[keyword] = (ascii_words(value) if isinstance(value, str) else value, comment)
    shorten_comments(header)


def write_mask(path: Path, bits: Bits, header: HeaderValues) -> None:
    """Write a mask of :class:`~pipeline_core.types.MaskBit` sums as a uint8 primary image."""
    hdu = fits.PrimaryHDU(bits)
    _describe(hdu.header, header)
    hdu.writeto(path, overwrite=True, output_verify="silentfix")


def read_mask(path: Path) -> Bits:
    """Read a mask written by :func:`write_mask`: (ny, nx) uint8.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    try:
        with fits.open(path, memmap=False) as hdus:
            return np.array(hdus[0].data, np.uint8)
    except (OSError, TypeError, ValueError) as error:
        raise DataError(f"cannot read the mask {path.name}", why=str(error), hint="delete it and run again") from error
