"""The loops that mark full pixels: those at the level, those that they enclose, the ends of their trails."""

# A kernel is one loop nest with all its arrays as plain arguments: the limits on arguments and branches are for other
# code.

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline_core.science.jit import kernel

REACH = 64
"""px; a hole is no wider and no higher: the level top of the brightest star of a field seldom is."""
NEAR = 0.9  # of the level: pixels of a hole that have that much are no sky
# Marks for the time of a loop, above those of a mask.
_FILLED, _HERE, _LEFT = np.uint8(32), np.uint8(64), np.uint8(128)


@kernel
def mark_full(raw: Any, limit: Any, bit: Any, bits: Any, rows: Any) -> None:
    """Set ``bit`` where ``raw`` reaches ``limit``, and ``rows`` where any pixel of a row does."""
    ny, nx = raw.shape
    for y in range(ny):
        line = raw[y]
        reached = False
        for x in range(nx):
            reached |= line[x] >= limit
        if not reached:
            continue
        rows[y] = True
        target = bits[y]
        for x in range(nx):
            if line[x] >= limit:
                target[x] = bit


@kernel
def fill_enclosed(raw: Any, limit: Any, bit: Any, bits: Any, rows: Any) -> None:
    """Set ``bit`` in holes: pixels, joined by their sides, all around which it is set.

    A hole that is larger than the group of pixels around it is left, unless it is nearly full everywhere.
    """
    ny, nx = raw.shape
    near = np.float32(NEAR * limit)
    most = REACH * REACH
    ys, xs = np.empty(most, np.int32), np.empty(most, np.int32)
    first, last = ny, -1
    for y in range(1, ny - 1):
        if not (rows[y - 1] and rows[y]):
            continue
        for x in range(1, nx - 1):
            # The first pixel of a hole that a search by rows meets has the bit above it and to its left.
            if bits[y, x] != 0 or bits[y - 1, x] != bit or bits[y, x - 1] != bit:
                continue
            # Asked first: at each step of a star's rim such a pixel lies outside, and the sky would be flooded.
            if not (_is_ahead(bits, bit, y, x, 0, 1) and _is_ahead(bits, bit, y, x, 1, 0)):
                continue
            number, is_closed, lowest = _flood(raw, bits, y, x, ys, xs)
            is_filled = is_closed and (lowest >= near or _is_as_large(bits, bit, y - 1, x, number))
            for k in range(number):
                # A filled one does not count for the next one yet: the order of the search must not decide.
                bits[ys[k], xs[k]] = _FILLED if is_filled else _LEFT
                first, last = min(first, ys[k]), max(last, ys[k])
    for y in range(first, last + 1):
        for x in range(nx):
            if bits[y, x] == _LEFT:
                bits[y, x] = 0
            elif bits[y, x] == _FILLED:
                bits[y, x] = bit


@kernel
def _is_ahead(bits: Any, bit: Any, y: Any, x: Any, dy: Any, dx: Any) -> Any:
    """Tell whether the bit is set within reach in a direction."""
    ny, nx = bits.shape
    for k in range(1, REACH + 1):
        j, i = y + k * dy, x + k * dx
        if j >= ny or i >= nx:
            return False
        if bits[j, i] == bit:
            return True
    return False


@kernel
def _flood(raw: Any, bits: Any, y: Any, x: Any, ys: Any, xs: Any) -> Any:
    """Mark what is joined to a pixel; return how many pixels, whether they are all of a hole, and the lowest value."""
    ny, nx = bits.shape
    ys[0], xs[0] = y, x
    bits[y, x] = _HERE
    number, at, lowest = 1, 0, np.inf
    x_low, x_high, y_low, y_high = x, x, y, y
    while at < number:
        j, i = ys[at], xs[at]
        at += 1
        value = np.float64(raw[j, i])
        lowest = value if value < lowest or np.isnan(value) else lowest  # once NaN it stays, and is near to nothing
        for side in range(4):
            v, u = j + (side == 0) - (side == 1), i + (side == 2) - (side == 3)
            if bits[v, u] == _LEFT:
                return number, False, lowest
            if bits[v, u] != 0:
                continue
            x_low, x_high = min(x_low, u), max(x_high, u)
            y_low, y_high = min(y_low, v), max(y_high, v)  # its first row need not be where the search began
            is_wide = x_high - x_low >= REACH or y_high - y_low >= REACH
            if is_wide or number == len(ys) or v == 0 or u == 0 or v == ny - 1 or u == nx - 1:
                return number, False, lowest
            bits[v, u] = _HERE
            ys[number], xs[number] = v, u
            number += 1
    return number, True, lowest


@kernel
def _is_as_large(bits: Any, bit: Any, y: Any, x: Any, least: Any) -> Any:
    """Tell whether the group of pixels with the bit that touch each other, corners included, has so many."""
    ny, nx = bits.shape
    ys, xs = np.empty(least, np.int32), np.empty(least, np.int32)
    ys[0], xs[0] = y, x
    bits[y, x] = bit | _HERE
    number, at = 1, 0
    while at < number < least:
        j, i = ys[at], xs[at]
        at += 1
        for v in range(max(0, j - 1), min(ny, j + 2)):
            for u in range(max(0, i - 1), min(nx, i + 2)):
                if bits[v, u] == bit and number < least:
                    bits[v, u] = bit | _HERE
                    ys[number], xs[number] = v, u
                    number += 1
    for k in range(number):
        bits[ys[k], xs[k]] = bit
    return number >= least


@kernel
def lengthen_runs(bit: Any, bits: Any, rows: Any) -> None:
    """Lengthen each vertical run of pixels with the bit at both ends, by one pixel and a quarter of its length."""
    ny, nx = bits.shape
    first, last = ny, -1
    for y in range(ny):
        if not rows[y]:
            continue
        for x in range(nx):
            if bits[y, x] != bit or (y > 0 and bits[y - 1, x] == bit):
                continue
            # Here a run begins.
            end = y + 1
            while end < ny and bits[end, x] == bit:
                end += 1
            more = 1 + (end - y) // 4
            for j in range(max(0, y - more), min(ny, end + more)):
                first, last = min(first, j), max(last, j)
                if bits[j, x] == 0:
                    bits[j, x] = _HERE
    for y in range(first, last + 1):
        for x in range(nx):
            if bits[y, x] == _HERE:
                bits[y, x] = bit
