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
def sum_inside(
    image: Any,
    variance: Any,
    first_row: Any,
    x_poly: Any,
    y_poly: Any,
    area_poly: Any,
    u0: Any,
    du: Any,
    table: Any,
    squares: Any,
    out: Any,
    out_variance: Any,
) -> None:
    """Sum 8×8 weighted pixels for each pixel of ``out`` whose sum lies wholly inside; the others become 0.

    ``image`` holds rows ``first_row`` onwards of a frame, finite. ``x_poly[y]`` gives the place of pixel x of row y as
    a cubic of ``u0 + x du``, ``area_poly[y]`` its area as a quartic. An empty ``variance`` stands for none.
    """
    rows, nx = image.shape
    phases = table.shape[0] - 1
    has_variance = variance.size > 0
    for yo in range(out.shape[0]):
        a0, a1, a2, a3 = x_poly[yo, 0], x_poly[yo, 1], x_poly[yo, 2], x_poly[yo, 3]
        b0, b1, b2, b3 = y_poly[yo, 0], y_poly[yo, 1], y_poly[yo, 2], y_poly[yo, 3]
        c0, c1, c2, c3, c4 = area_poly[yo, 0], area_poly[yo, 1], area_poly[yo, 2], area_poly[yo, 3], area_poly[yo, 4]
        for xo in range(out.shape[1]):
            u = u0 + xo * du
            px = ((a3 * u + a2) * u + a1) * u + a0
            py = ((b3 * u + b2) * u + b1) * u + b0 - first_row
            value = part = np.float32(0)
            if px >= BEFORE and py >= BEFORE and px < nx - TAPS + BEFORE + 1 and py < rows - TAPS + BEFORE + 1:
                ix, iy = int(px), int(py)
                kx, ky = np.uintp((px - ix) * phases + 0.5), np.uintp((py - iy) * phases + 0.5)
                left, top = np.uintp(ix - BEFORE), np.uintp(iy - BEFORE)
                area = np.float32((((c4 * u + c3) * u + c2) * u + c1) * u + c0)
                value = area * _sum(image, table, ky, kx, top, left)
                if has_variance:
                    part = area * area * _sum(variance, squares, ky, kx, top, left)
            out[yo, xo] = value
            if has_variance:
                out_variance[yo, xo] = part


@kernel
def sum_with_care(
    image: Any,
    variance: Any,
    bits: Any,
    near: Any,
    holes: Any,
    no_data: Any,
    first_row: Any,
    frame_ny: Any,
    x_poly: Any,
    y_poly: Any,
    area_poly: Any,
    u0: Any,
    du: Any,
    table: Any,
    out: Any,
    out_variance: Any,
    out_bits: Any,
) -> None:
    """Redo the pixels that :func:`sum_inside` cannot: at edges and holes; note what marks each pixel carries.

    Empty arrays stand for "none"; ``near`` is what :func:`mark_near` made. Outside is NaN.
    """
    rows, nx = image.shape
    phases = table.shape[0] - 1
    has_variance, has_bits, has_near = out_variance.size > 0, out_bits.size > 0, near.size > 0
    for yo in range(out.shape[0]):
        a0, a1, a2, a3 = x_poly[yo, 0], x_poly[yo, 1], x_poly[yo, 2], x_poly[yo, 3]
        b0, b1, b2, b3 = y_poly[yo, 0], y_poly[yo, 1], y_poly[yo, 2], y_poly[yo, 3]
        for xo in range(out.shape[1]):
            u = u0 + xo * du
            px = ((a3 * u + a2) * u + a1) * u + a0
            py = ((b3 * u + b2) * u + b1) * u + b0
            if not (px >= -0.5 and py >= -0.5 and px <= nx - 0.5 and py <= frame_ny - 0.5):
                out[yo, xo] = np.nan
                if has_variance:
                    out_variance[yo, xo] = np.nan
                if has_bits:
                    out_bits[yo, xo] = no_data
                continue
            row = py - first_row
            inside = px >= BEFORE and row >= BEFORE
            inside = inside and px < nx - TAPS + BEFORE + 1 and row < rows - TAPS + BEFORE + 1
            ix, iy = int(np.floor(px)), int(np.floor(row))
            mark = 0
            if has_near:
                mark = near[min(max(iy, 0), rows - 1), min(max(ix, 0), nx - 1)]
            if has_bits:
                out_bits[yo, xo] = 0
            if inside and mark == 0:
                continue
            kx, ky = int((px - ix) * phases + 0.5), int((row - iy) * phases + 0.5)
            left, top = ix - BEFORE, iy - BEFORE
            if not inside or mark & HOLE:
                c = area_poly[yo]
                area = np.float32((((c[4] * u + c[3]) * u + c[2]) * u + c[1]) * u + c[0])
                _around_holes(image, variance, bits, holes, left, top, table, kx, ky, area, yo, xo, out, out_variance)
            if has_bits and mark & MARKED:
                for j in range(BEFORE, BEFORE + 2):
                    for i in range(BEFORE, BEFORE + 2):
                        y, x = top + j, left + i
                        if y >= 0 and y < rows and x >= 0 and x < nx and table[kx, i] * table[ky, j] >= _CARRIED:
                            out_bits[yo, xo] |= bits[y, x]


@kernel
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
