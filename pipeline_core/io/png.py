"""PNG pictures, written without any library: small grey ones for pages (ISO/IEC 15948)."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def grey_png(pixels: npt.NDArray[np.uint8], bits: int = 8, *, clear_zero: bool = False) -> bytes:
    """Encode a grey picture.

    Parameters
    ----------
    pixels : (ny, nx) uint8
        First row at the top; 0 black, 255 white.
    bits : int
        8, 4 or 2 a pixel: fewer grey levels, a smaller file.
    clear_zero : bool
        Pixels of value 0 are transparent (no data); others never become 0.

    Returns
    -------
    bytes
        A whole PNG file.
    """
    ny, nx = pixels.shape
    if bits == 8:
        lines = np.ascontiguousarray(pixels)
        # Each pixel minus its left neighbour (filter 1): the sky varies slowly, so the differences pack better.
        filtered = lines.copy()
        filtered[:, 1:] = lines[:, 1:] - lines[:, :-1]
        kind = 1
    else:
        per_byte = 8 // bits
        levels = np.rint(pixels.astype(np.float32) * ((1 << bits) - 1) / 255.0).astype(np.uint8)
        if clear_zero:
            levels = np.where(pixels > 0, np.maximum(levels, 1), 0).astype(np.uint8)
        padded = np.zeros((ny, -(-nx // per_byte) * per_byte), np.uint8)
        padded[:, :nx] = levels
        shifts = np.arange(per_byte - 1, -1, -1, dtype=np.uint8) * np.uint8(bits)
        filtered = np.bitwise_or.reduce(padded.reshape(ny, -1, per_byte) << shifts, axis=2).astype(np.uint8)
        kind = 0
    raw = np.hstack([np.full((ny, 1), kind, np.uint8), filtered]).tobytes()
    head = struct.pack(">IIBBBBB", nx, ny, bits, 0, 0, 0, 0)
    clear = _chunk(b"tRNS", b"\0\0") if clear_zero else b""
    return _SIGNATURE + _chunk(b"IHDR", head) + clear + _chunk(b"IDAT", zlib.compress(raw, 9)) + _chunk(b"IEND", b"")


def data_uri(png: bytes) -> str:
    """Return a picture as an address that holds it, for ``src``."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
