"""The hot loops that bring a frame onto another's pixels: Lanczos sums, and what they do near holes."""

# A kernel is one loop nest with all its arrays as plain arguments.

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline_core.science.jit import fast_kernel, kernel

TAPS = 8  # a window of 4 px on either side
BEFORE = 3  # taps left of the pixel in which a position falls
HOLE, MARKED = 1, 2  # bits of the map that mark_near fills
_CARRIED = np.float32(0.1)  # a pixel's mark is carried where it has at least this weight
_TOO_LITTLE = np.float32(0.5)  # of all weight: with less the sum is no interpolation any more


@kernel
def mark_near(image: Any, bits: Any, holes: Any, near: Any) -> bool:
    """Note for each pixel whether a sum that begins at it would meet a hole, or would carry a mark.

    ``holes``: bits that make a pixel a hole; what is not finite is one too. ``near[y, x]`` is for positions with
    integer part (y, x): HOLE if any of the 8×8 pixels around is a hole, MARKED if any of its 2×2 carries a bit.
    Returns whether there is anything.
    """
    ny, nx = image.shape
    has_bits = bits.size > 0
    anything = False
    near[:] = 0
    for y in range(ny):
        for x in range(nx):
            bit = bits[y, x] if has_bits else np.uint8(0)
            is_hole = (bit & holes) != 0 or not np.isfinite(image[y, x])
            if is_hole:
                anything = True
                # Holes are few: writing 64 marks each costs less than passing twice over everything.
                for j in range(max(0, y - TAPS + 1 + BEFORE), min(ny, y + BEFORE + 1)):
                    for i in range(max(0, x - TAPS + 1 + BEFORE), min(nx, x + BEFORE + 1)):
                        near[j, i] |= HOLE
            if bit != 0 or is_hole:
                anything = True
                for j in range(max(0, y - 1), y + 1):
                    for i in range(max(0, x - 1), x + 1):
                        near[j, i] |= MARKED
    return anything


@fast_kernel
def _sum(image, table, ky, kx, top, left):
    """Weigh 8×8 pixels: the columns first, each in a register of its own, eight of which go as one.

    Indices are unsigned: numba would otherwise look at each whether it counts from the end.
    """
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = np.float32(0)
    for j in range(np.uintp(TAPS)):
        w, y = table[ky, j], top + j
        s0 += w * image[y, left + np.uintp(0)]
        s1 += w * image[y, left + np.uintp(1)]
        s2 += w * image[y, left + np.uintp(2)]
        s3 += w * image[y, left + np.uintp(3)]
        s4 += w * image[y, left + np.uintp(4)]
        s5 += w * image[y, left + np.uintp(5)]
        s6 += w * image[y, left + np.uintp(6)]
        s7 += w * image[y, left + np.uintp(7)]
    left_half = right_half = np.float32(0)
    left_half += table[kx, np.uintp(0)] * s0 + table[kx, np.uintp(1)] * s1
    left_half += table[kx, np.uintp(2)] * s2 + table[kx, np.uintp(3)] * s3
    right_half += table[kx, np.uintp(4)] * s4 + table[kx, np.uintp(5)] * s5
    right_half += table[kx, np.uintp(6)] * s6 + table[kx, np.uintp(7)] * s7
    return left_half + right_half


@fast_kernel
def warp_rows(
    image: Any,
    variance: Any,
    bits: Any,
    near: Any,
    holes: Any,
    no_data: Any,
    first_row: int,
    frame_ny: int,
    x_poly: Any,
    y_poly: Any,
    area_poly: Any,
    u0: float,
    du: float,
    table: Any,
    squares: Any,
    out: Any,
    out_variance: Any,
    out_bits: Any,
) -> None:
    """Sum 8×8 weighted pixels for each pixel of ``out``.

    ``image`` holds rows ``first_row`` onwards of a frame of ``frame_ny`` rows. ``x_poly[y]`` (4 numbers) gives the
    place of pixel x of row y as a cubic of ``u0 + x du``. Empty arrays stand for "none". Only finite values are ever
    summed; what is outside, or all holes, becomes NaN.
    """
    rows, nx = image.shape
    ny_out, nx_out = out.shape
    phases = table.shape[0] - 1
    has_variance, has_bits, has_near = variance.size > 0, bits.size > 0, near.size > 0
    nothing = np.float32(np.nan)
    for yo in range(ny_out):
        a0, a1, a2, a3 = x_poly[yo, 0], x_poly[yo, 1], x_poly[yo, 2], x_poly[yo, 3]
        b0, b1, b2, b3 = y_poly[yo, 0], y_poly[yo, 1], y_poly[yo, 2], y_poly[yo, 3]
        c0, c1, c2 = area_poly[yo, 0], area_poly[yo, 1], area_poly[yo, 2]
        for xo in range(nx_out):
            u = u0 + xo * du
            px = ((a3 * u + a2) * u + a1) * u + a0
            py = ((b3 * u + b2) * u + b1) * u + b0
            if not (px >= -0.5 and py >= -0.5 and px <= nx - 0.5 and py <= frame_ny - 0.5):
                out[yo, xo] = nothing
                if has_variance:
                    out_variance[yo, xo] = nothing
                if has_bits:
                    out_bits[yo, xo] = no_data
                continue
            ix, iy = int(np.floor(px)), int(np.floor(py))
            kx, ky = int((px - ix) * phases + 0.5), int((py - iy) * phases + 0.5)
            area = np.float32((c2 * u + c1) * u + c0)
            left, top = ix - BEFORE, iy - BEFORE - first_row
            whole = left >= 0 and top >= 0 and left + TAPS <= nx and top + TAPS <= rows
            mark = 0
            if has_near:
                mark = near[min(max(iy - first_row, 0), rows - 1), min(max(ix, 0), nx - 1)]
            if whole and not mark & HOLE:
                out[yo, xo] = area * _sum(image, table, np.uintp(ky), np.uintp(kx), np.uintp(top), np.uintp(left))
                if has_variance:
                    part = _sum(variance, squares, np.uintp(ky), np.uintp(kx), np.uintp(top), np.uintp(left))
                    out_variance[yo, xo] = area * area * part
            else:
                _around_holes(image, variance, bits, holes, left, top, table, kx, ky, area, yo, xo, out, out_variance)
            if has_bits:
                found = np.uint8(0)
                if mark & MARKED or not whole:
                    for j in range(BEFORE, BEFORE + 2):
                        for i in range(BEFORE, BEFORE + 2):
                            y, x = top + j, left + i
                            if y >= 0 and y < rows and x >= 0 and x < nx and table[kx, i] * table[ky, j] >= _CARRIED:
                                found |= bits[y, x]
                out_bits[yo, xo] = found


@fast_kernel
def _around_holes(
    image: Any,
    variance: Any,
    bits: Any,
    holes: Any,
    left: int,
    top: int,
    table: Any,
    kx: int,
    ky: int,
    area: Any,
    yo: int,
    xo: int,
    out: Any,
    out_variance: Any,
) -> None:
    """Sum the pixels that count, weights scaled up for those that do not; near the edge alike."""
    rows, nx = image.shape
    has_bits, has_variance = bits.size > 0, variance.size > 0
    total = weight = spread = np.float32(0)
    mean = count = mean_spread = np.float32(0)
    for j in range(TAPS):
        y = top + j
        if y < 0 or y >= rows:
            continue
        for i in range(TAPS):
            x = left + i
            if x < 0 or x >= nx:
                continue
            if has_bits and bits[y, x] & holes:
                continue
            w = table[kx, i] * table[ky, j]
            total += w * image[y, x]
            weight += w
            if has_variance:
                spread += w * w * variance[y, x]
            if j >= BEFORE - 1 and j <= BEFORE + 2 and i >= BEFORE - 1 and i <= BEFORE + 2:
                mean += image[y, x]
                count += np.float32(1)
                if has_variance:
                    mean_spread += variance[y, x]
    if weight >= _TOO_LITTLE:
        out[yo, xo] = area * total / weight
        if has_variance:
            out_variance[yo, xo] = area * area * spread / (weight * weight)
    elif count > 0:  # only something to look at: its mark says that it is no measurement
        out[yo, xo] = area * mean / count
        if has_variance:
            out_variance[yo, xo] = area * area * mean_spread / (count * count)
    else:
        out[yo, xo] = np.float32(np.nan)
        if has_variance:
            out_variance[yo, xo] = np.float32(np.nan)
