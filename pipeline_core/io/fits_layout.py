"""Where the first image of a FITS file lies, found without trusting what its header claims."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline_core.errors import DataError
from pipeline_core.io.fits_cards import CARD, Cards, split_cards
from pipeline_core.io.fits_stream import MAX_SKIPPED_BYTES, READ_AGAIN, Decoded, decoded
from pipeline_core.types import ImageLayout

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = 2880
"""FITS files come in blocks of this many bytes."""
MAX_HEADER_BYTES = 4 << 20  # the longest real headers (many HISTORY cards) stay below 1 MB
MAX_HDUS = 512
MAX_PIXELS = 1 << 31
# Deflate cannot shrink by more than 1032; the FITS tile compressors reach a few thousand on empty tiles.
MAX_GZIP_RATIO = 1032
MAX_TILE_RATIO = 20_000

_BITPIX = {8, 16, 32, 64, -32, -64}
_STRUCTURE = re.compile(
    r"(SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|TFIELDS|EXTEND|INHERIT|BLOCKED|CHECKSUM|DATASUM"
    r"|THEAP|T(TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|DIM)\d+"
    r"|Z(IMAGE|TENSION|SIMPLE|BITPIX|NAXIS\d*|TILE\d+|NAME\d+|VAL\d+|CMPTYPE|EXTEND|PCOUNT|GCOUNT|MASKCMP"
    r"|QUANTIZ|DITHER0|BLANK|BLOCKED|HECKSUM|DATASUM))\Z"
)
_NO_FRAME = "leave it out, or give a two-dimensional image"


@dataclass(frozen=True, slots=True)
class FoundImage:
    """The first image of a file: its header, its layout, its shape (ny, nx), where its pixels lie."""

    cards: Cards
    layout: ImageLayout
    shape: tuple[int, int]
    pixel_start: int
    """Byte offset of the image's data in the file, unpacked if it is gzip or bzip2 as a whole."""
    pixel_bytes: int
    """Bytes that the pixels take uncompressed."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one header says of its data."""

    bitpix: int
    axes: tuple[int, ...]
    """NAXIS1 first."""
    data_bytes: int
    compressed: bool
    is_image: bool


def find_image(path: Path) -> FoundImage:
    """Find the first image of a file: plain, tile-compressed, or gzip or bzip2 as a whole.

    Parameters
    ----------
    path : Path

    Returns
    -------
    FoundImage
        The header holds the cards of the image, then those of the primary header that it lacks.

    Raises
    ------
    DataError
        In words, when the file is damaged, cut short, holds no two-dimensional image, or claims more than it
        can hold. Nothing is allocated by what a header claims.
    """
    with decoded(path) as source:
        found = locate(source)
        if source.size is None:
            check_wrapped_size(path, found)
        return found


def locate(source: Decoded) -> FoundImage:
    """Walk the HDUs of an open file up to its first image; the stream is left at the first pixel."""
    name = source.path.name
    primary: Cards | None = None
    seen = "it holds no image"
    for index in range(MAX_HDUS):
        start = source.position
        cards = _read_header(source, first=index == 0)
        if cards is None:
            break
        claim = _read_claim(name, cards)
        if claim.is_image and len(claim.axes) >= 2:
            if index == 0 or primary is None:
                merged = cards.images
            else:
                merged = (*cards.images, *(im for im in primary.images if im[:8].strip() not in cards))
            return _found(source, index, claim, cards, merged)
        if claim.is_image and claim.axes:
            seen = f"its image has one dimension only ({claim.axes[0]} values)"
        primary = cards if primary is None else primary
        source.skip(-(-claim.data_bytes // BLOCK) * BLOCK)
        if source.position == start:  # cannot happen with a sound header; never walk on the spot
            break
    raise DataError(f"cannot use {name}", seen, _NO_FRAME)


def _read_header(source: Decoded, *, first: bool) -> Cards | None:
    """Read one header up to its END card; None where the file, or the FITS in it, ends."""
    block = source.read(BLOCK)
    if not first and not block.startswith(b"XTENSION"):
        return None
    if first and not block.startswith(b"SIMPLE"):
        raise DataError(
            f"cannot use {source.path.name}", "what is inside does not begin like a FITS file", READ_AGAIN
        )
    parts = [block]
    length = 0
    while (end := _end_card(parts[-1])) < 0:
        length += len(parts[-1])
        more = source.read(BLOCK) if length < MAX_HEADER_BYTES else b""
        if not more:
            raise DataError(
                f"cannot use {source.path.name}",
                "its header has no end (the END card is missing)",
                READ_AGAIN,
            )
        parts.append(more)
    return Cards(split_cards(b"".join(parts)[: length + end]))


def _end_card(block: bytes) -> int:
    at = block.find(b"END     ")
    while at >= 0 and at % CARD:
        at = block.find(b"END     ", at + 1)
    return at


def _read_claim(name: str, cards: Cards) -> _Claim:
    bitpix, axes = _geometry(name, cards, "")
    groups = cards.get("GROUPS") is True and axes[:1] == (0,)
    if groups:
        raise DataError(f"cannot use {name}", "it holds radio 'random groups', no image", _NO_FRAME)
    kind = str(cards.get("XTENSION") or "IMAGE").strip().upper()
    pcount = _count(name, cards, "PCOUNT", 0)
    gcount = _count(name, cards, "GCOUNT", 1)
    data_bytes = abs(bitpix) // 8 * gcount * (pcount + math.prod(axes)) if axes else 0
    if kind == "BINTABLE" and cards.get("ZIMAGE") is True:
        zbitpix, zaxes = _geometry(name, cards, "Z")
        _check_tiles(name, cards, zaxes, axes, bitpix * zbitpix)
        return _Claim(zbitpix, _squeezed(zaxes), data_bytes, compressed=True, is_image=bool(zaxes))
    is_image = kind in {"IMAGE", "IUEIMAGE"} and math.prod(axes) > 0 and bool(axes)
    return _Claim(bitpix, _squeezed(axes), data_bytes, compressed=False, is_image=is_image)


def _geometry(name: str, cards: Cards, prefix: str) -> tuple[int, tuple[int, ...]]:
    bitpix = cards.get(f"{prefix}BITPIX")
    if not isinstance(bitpix, int) or bitpix not in _BITPIX:
        raise DataError(
            f"cannot use {name}", f"its header says {prefix}BITPIX = {bitpix}, no pixel type", READ_AGAIN
        )
    naxis = _count(name, cards, f"{prefix}NAXIS", None)
    if naxis > 999:
        raise DataError(f"cannot use {name}", f"its header claims {naxis} dimensions", READ_AGAIN)
    return bitpix, tuple(_count(name, cards, f"{prefix}NAXIS{n}", None) for n in range(1, naxis + 1))


def _count(name: str, cards: Cards, keyword: str, default: int | None) -> int:
    value = cards.get(keyword)
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        shown = "missing" if value is None else f"{value!r}"
        raise DataError(f"cannot use {name}", f"{keyword} in its header is {shown}", READ_AGAIN)
    return value


def _squeezed(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Drop axes of length 1, last ones first, as long as more than two are left."""
    kept = list(axes)
    for n in reversed(range(len(axes))):
        if len(kept) > 2 and axes[n] == 1:
            del kept[n]
    return tuple(kept)


def _check_tiles(name: str, cards: Cards, zaxes: tuple[int, ...], axes: tuple[int, ...], sane: int) -> None:
    """Refuse a tile-compressed image whose table cannot hold the tiles that the image needs."""
    tiles = [_count(name, cards, f"ZTILE{n + 1}", length if n == 0 else 1) for n, length in enumerate(zaxes)]
    if sane == 0 or any(t == 0 for t in tiles) or len(axes) != 2:
        raise DataError(f"cannot use {name}", "its compressed image has tiles of no size", READ_AGAIN)
    needed = math.prod(-(-length // tile) for length, tile in zip(zaxes, tiles, strict=True))
    if needed != axes[1]:
        raise DataError(
            f"cannot use {name}",
            f"its compressed image needs {needed} tiles but holds {axes[1]}",
            READ_AGAIN,
        )


def _found(source: Decoded, index: int, claim: _Claim, cards: Cards, merged: tuple[str, ...]) -> FoundImage:
    name = source.path.name
    if len(claim.axes) > 2:
        size = " x ".join(str(n) for n in claim.axes)
        raise DataError(
            f"cannot use {name}", f"its image has {len(claim.axes)} dimensions ({size})", _NO_FRAME
        )
    nx, ny = claim.axes
    if nx * ny > MAX_PIXELS or nx * ny == 0:
        raise DataError(f"cannot use {name}", f"its header claims an image of {nx} x {ny} pixels", READ_AGAIN)
    pixel_bytes = nx * ny * abs(claim.bitpix) // 8
    _check_size(source, claim, pixel_bytes)
    bscale, bzero = _number(name, cards, "BSCALE", 1.0), _number(name, cards, "BZERO", 0.0)
    if bscale == 0:
        raise DataError(
            f"cannot use {name}", "BSCALE = 0 in its header makes every pixel the same", READ_AGAIN
        )
    wrapped = source.size is None
    blank = cards.get("ZBLANK") if claim.compressed and "ZBLANK" in cards else cards.get("BLANK")
    layout = ImageLayout(
        hdu=index,
        bitpix=claim.bitpix,
        bscale=bscale,
        bzero=bzero,
        compressed=claim.compressed,
        wrapped=wrapped,
        data_offset=None if wrapped or claim.compressed else source.position,
        blank=blank if claim.bitpix > 0 and isinstance(blank, int) and not isinstance(blank, bool) else None,
    )
    head = (
        f"{'SIMPLE':8}= {'T':>20}",
        f"{'BITPIX':8}= {claim.bitpix:>20}",
        f"{'NAXIS':8}= {2:>20}",
        f"{'NAXIS1':8}= {nx:>20}",
        f"{'NAXIS2':8}= {ny:>20}",
    )
    kept = [image for image in merged if not _is_structure(image[:8])]
    return FoundImage(
        Cards((*(c.ljust(CARD) for c in head), *kept)), layout, (ny, nx), source.position, pixel_bytes
    )


@lru_cache(maxsize=4096)
def _is_structure(keyword: str) -> bool:
    """Whether a keyword describes the file, not the frame; remembered, for a night asks it 100,000 times."""
    return _STRUCTURE.match(keyword.strip()) is not None


def _number(name: str, cards: Cards, keyword: str, default: float) -> float:
    value = cards.get(keyword)
    if value is None:
        return default
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"cannot use {name}", f"{keyword} = {value} in its header is no number", READ_AGAIN)
    return number


def _check_size(source: Decoded, claim: _Claim, pixel_bytes: int) -> None:
    """Refuse a file too short for what its header promises (plain files: exactly; compressed: by ratio)."""
    if source.size is None:
        return
    name, there = source.path.name, max(source.size - source.position, 0)
    needed = claim.data_bytes if claim.compressed else pixel_bytes
    if there < needed:
        raise DataError(
            f"cannot use {name}",
            f"the file is cut short: {there} of {needed} bytes of its image are there",
            READ_AGAIN,
        )
    if claim.compressed and pixel_bytes > MAX_TILE_RATIO * max(claim.data_bytes, 1):
        raise DataError(
            f"cannot use {name}",
            f"{claim.data_bytes} bytes cannot hold the {pixel_bytes} bytes of image that its header claims",
            READ_AGAIN,
        )


def check_wrapped_size(path: Path, found: FoundImage) -> None:
    """Refuse a gzip or bzip2 file that cannot hold its image, judged by its ends without unpacking it.

    Raises
    ------
    DataError
        If the compressed size rules the image out, or the file's closing bytes are missing.
    """
    if found.layout.compressed:
        return  # tiles are checked by themselves when they are decoded
    with path.open("rb") as raw:
        magic = raw.read(2)
        size = raw.seek(0, os.SEEK_END)
        raw.seek(max(size - 12, 0))
        tail = raw.read()
    if magic == b"\x1f\x8b":
        # gzip ends with the unpacked length, modulo 2**32. Where it is not exactly that of a file with
        # one image (more images, more gzip members, or a file cut short) only unpacking can tell.
        length = int.from_bytes(tail[-4:], "little")
        end = found.pixel_start + found.pixel_bytes
        expected = -(-end // BLOCK) * BLOCK % (1 << 32)
        impossible = found.pixel_bytes > MAX_GZIP_RATIO * size
        whole = length == expected or (not impossible and _unpacks(path, end))
    else:
        impossible = False
        whole = _bzip2_is_closed(tail)
    if impossible or not whole:
        raise DataError(
            f"cannot use {path.name}",
            "its gzip or bzip2 data is cut short or cannot hold the image its header claims",
            READ_AGAIN,
        )


def _unpacks(path: Path, count: int) -> bool:
    """Whether the unpacked file really has so many bytes; memory stays at one chunk, time at 512 MB."""
    left = min(count, 2 * MAX_SKIPPED_BYTES)
    with decoded(path) as source:
        while left > 0:
            data = source.read(min(left, 1 << 20))
            if not data:
                return False
            left -= len(data)
    return True


def _bzip2_is_closed(tail: bytes) -> bool:
    """Whether the last bytes hold bzip2's end mark (the digits of the square root of pi), at any bit."""
    bits = int.from_bytes(tail, "big")
    return any((bits >> shift) & 0xFFFFFFFFFFFF == 0x177245385090 for shift in range(8 * len(tail)))
