"""The hot loops that bring a frame onto another's pixels: sums over 8×8 pixels, and what they do near holes."""

# A kernel is one loop nest with all its arrays as plain arguments.

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline_core.science.jit import kernel, summing_kernel

TAPS = 8  # a window of 4 px on either side
BEFORE = 3  # taps left of the pixel in which a position falls
HOLE, MARKED, LEFT_OUT = np.uint8(1), np.uint8(2), np.uint8(128)  # bits of the map that mark_near fills
_CARRIED = np.float32(0.1)  # a pixel's mark is carried where it has at least this weight
_TOO_LITTLE = np.float32(0.5)  # of all weight: with less the sum is no interpolation any more
_FAR = 16.0  # pixels outside: nothing is summed there, and no whole number could hold what a cubic makes further out
_CHUNK = 32  # pixels that are looked at together: most hold nothing to note
_FINITE_BITS, _INFINITE = np.int32(0x7FFFFFFF), np.int32(0x7F800000)


@kernel
def mark_near(image: Any, as_bits: Any, bits: Any, holes: Any, near: Any, y0: Any, y1: Any) -> bool:
    """Note for each pixel of rows ``y0`` to ``y1`` whether a sum that begins at it meets a hole, or carries a mark.

    ``holes``: bits that make a pixel a hole; what is not finite is one too. ``near[y, x]`` is for positions with
    integer part (y, x): HOLE if any of the 8×8 pixels around is a hole, MARKED if any of its 2×2 carries a bit;
    LEFT_OUT says that pixel (y, x) is a hole itself. ``as_bits`` is ``image`` seen as int32: so compared, many pixels
    go into one instruction. Returns whether there is anything.
    """
    ny, nx = image.shape
    has_bits = bits.size > 0
    anything = False
    near[y0:y1] = 0
    for y in range(max(0, y0 - BEFORE), min(ny, y1 + TAPS - BEFORE - 1)):
        for x0 in range(0, nx, _CHUNK):
            x1 = min(x0 + _CHUNK, nx)
            highest, any_bit = np.int32(0), np.uint8(0)
            for x in range(x0, x1):
                highest = max(highest, as_bits[y, x] & _FINITE_BITS)
            if has_bits:
                for x in range(x0, x1):
                    any_bit |= bits[y, x]
            if any_bit == 0 and highest < _INFINITE:
                continue
            anything = True
            for x in range(x0, x1):
                bit = bits[y, x] if has_bits else np.uint8(0)
                is_hole = (bit & holes) != 0 or not np.isfinite(image[y, x])
                if is_hole:
                    # Holes are few: writing 64 marks each costs less than passing twice over everything.
                    for j in range(max(y0, y - TAPS + 1 + BEFORE), min(y1, y + BEFORE + 1)):
                        for i in range(max(0, x - TAPS + 1 + BEFORE), min(nx, x + BEFORE + 1)):
                            near[j, i] |= HOLE
                    if y >= y0 and y < y1:
                        near[y, x] |= LEFT_OUT
                if bit != 0 or is_hole:
                    for j in range(max(y0, y - 1), min(y1, y + 1)):
                        for i in range(max(0, x - 1), x + 1):
                            near[j, i] |= MARKED
    return anything


@summing_kernel
def _across(table, kx, s0, s1, s2, s3, s4, s5, s6, s7):
    """Weigh the sums of eight columns."""
    left_half = right_half = np.float32(0)
    left_half += table[kx] * s0 + table[kx + np.uintp(1)] * s1
    left_half += table[kx + np.uintp(2)] * s2 + table[kx + np.uintp(3)] * s3
    right_half += table[kx + np.uintp(4)] * s4 + table[kx + np.uintp(5)] * s5
    right_half += table[kx + np.uintp(6)] * s6 + table[kx + np.uintp(7)] * s7
    return left_half + right_half


@summing_kernel
def _sum(image, table, ky, kx, first, nx):
    """Weigh 8×8 pixels: the columns first, each in a register of its own, eight of which go as one.

    All arrays are flat, with the places of the first pixel and of the first weights: so the three that are summed alike
    share their places, of which numba would else reckon each by a product. Places are unsigned: numba would otherwise
    look at each whether it counts from the end.
    """
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = np.float32(0)
    at = first
    for j in range(np.uintp(TAPS)):
        w = table[ky + j]
        s0 += w * image[at + np.uintp(0)]
        s1 += w * image[at + np.uintp(1)]
        s2 += w * image[at + np.uintp(2)]
        s3 += w * image[at + np.uintp(3)]
        s4 += w * image[at + np.uintp(4)]
        s5 += w * image[at + np.uintp(5)]
        s6 += w * image[at + np.uintp(6)]
        s7 += w * image[at + np.uintp(7)]
        at += nx
    return _across(table, kx, s0, s1, s2, s3, s4, s5, s6, s7)


@summing_kernel
def _sum_of_good(image, near, table, ky, kx, first, nx):
    """Weigh those of 8×8 pixels that are no holes, as :func:`_sum` does."""
    zero = np.float32(0)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero
    at = first
    for j in range(np.uintp(TAPS)):
        w = table[ky + j]
        # Read first, then chosen: what is not finite must not be multiplied, and a choice is no branch.
        v0 = image[at + np.uintp(0)]
        v1 = image[at + np.uintp(1)]
        v2 = image[at + np.uintp(2)]
        v3 = image[at + np.uintp(3)]
        v4 = image[at + np.uintp(4)]
        v5 = image[at + np.uintp(5)]
        v6 = image[at + np.uintp(6)]
        v7 = image[at + np.uintp(7)]
        s0 += w * (v0 if near[at + np.uintp(0)] < LEFT_OUT else zero)
        s1 += w * (v1 if near[at + np.uintp(1)] < LEFT_OUT else zero)
        s2 += w * (v2 if near[at + np.uintp(2)] < LEFT_OUT else zero)
        s3 += w * (v3 if near[at + np.uintp(3)] < LEFT_OUT else zero)
        s4 += w * (v4 if near[at + np.uintp(4)] < LEFT_OUT else zero)
        s5 += w * (v5 if near[at + np.uintp(5)] < LEFT_OUT else zero)
        s6 += w * (v6 if near[at + np.uintp(6)] < LEFT_OUT else zero)
        s7 += w * (v7 if near[at + np.uintp(7)] < LEFT_OUT else zero)
        at += nx
    return _across(table, kx, s0, s1, s2, s3, s4, s5, s6, s7)


@summing_kernel
def _weight_of_good(near, table, ky, kx, first, nx):
    """Sum the weights of those of 8×8 pixels that are no holes."""
    zero = np.float32(0)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero
    at = first
    for j in range(np.uintp(TAPS)):
        w = table[ky + j]
        s0 += w if near[at + np.uintp(0)] < LEFT_OUT else zero
        s1 += w if near[at + np.uintp(1)] < LEFT_OUT else zero
        s2 += w if near[at + np.uintp(2)] < LEFT_OUT else zero
        s3 += w if near[at + np.uintp(3)] < LEFT_OUT else zero
        s4 += w if near[at + np.uintp(4)] < LEFT_OUT else zero
        s5 += w if near[at + np.uintp(5)] < LEFT_OUT else zero
        s6 += w if near[at + np.uintp(6)] < LEFT_OUT else zero
        s7 += w if near[at + np.uintp(7)] < LEFT_OUT else zero
        at += nx
    return _across(table, kx, s0, s1, s2, s3, s4, s5, s6, s7)


@summing_kernel
def _put_places(poly, u, du, shift, end, phases, begin, phase):
    """Note for pixels of a row where their 8×8 begin along one axis, and which of the 4097 weights these take.

    By itself, for many at once: it takes several times as long where each waits for its own sum. ``poly`` is the place
    as a cubic of ``u + i du``, from which ``shift`` is taken; places far beyond 0 to ``end`` are brought near.
    """
    a0, a1, a2, a3 = poly[0], poly[1], poly[2], poly[3]
    for i in range(begin.size):
        v = u + i * du
        p = ((a3 * v + a2) * v + a1) * v + a0 - shift
        p = p if p > -_FAR else -_FAR
        p = p if p < end + _FAR else end + _FAR
        whole = np.floor(p)
        begin[i] = np.int32(whole) - np.int32(BEFORE)
        phase[i] = np.int32((p - whole) * phases + 0.5)


@summing_kernel
def _put_areas(poly, u, du, area):
    """Note the areas of pixels of a row, a quartic of ``u + i du``."""
    c0, c1, c2, c3, c4 = poly[0], poly[1], poly[2], poly[3], poly[4]
    for i in range(area.size):
        v = u + i * du
        area[i] = np.float32((((c4 * v + c3) * v + c2) * v + c1) * v + c0)


@summing_kernel
def sum_rows(
    image: Any,
    variance: Any,
    bits: Any,
    near: Any,
    no_data: Any,
    first_row: Any,
    frame_ny: Any,
    x_poly: Any,
    y_poly: Any,
    area_poly: Any,
    u0: Any,
    du: Any,
    table: Any,
    squares: Any,
    places: Any,
    areas: Any,
    out: Any,
    out_variance: Any,
    out_bits: Any,
) -> None:
    """Sum 8×8 weighted pixels for each pixel of ``out``, and note what marks it carries; NaN outside the frame.

    ``image`` holds rows ``first_row`` onwards of a frame of ``frame_ny`` rows. ``x_poly[y]`` gives the place of pixel x
    of row y as a cubic of ``u0 + x du``, ``area_poly[y]`` its area as a quartic. ``near`` is what :func:`mark_near`
    made. Empty arrays stand for "none". ``places`` (4 rows, int32) and ``areas`` are room for as many pixels as are
    done together.
    """
    rows, nx = image.shape
    phases, at_once = table.shape[0] - 1, areas.size
    has_variance, has_bits, has_near = out_variance.size > 0, out_bits.size > 0, near.size > 0
    pixels, variances, marks = image.reshape(image.size), variance.reshape(variance.size), near.reshape(near.size)
    weights, squared = table.reshape(table.size), squares.reshape(squares.size)
    stride, taps, to_middle = np.uintp(nx), np.uintp(TAPS), np.uintp(BEFORE * nx + BEFORE)
    lefts, tops, kxs, kys = places[0], places[1], places[2], places[3]
    for yo in range(out.shape[0]):
        if has_bits:
            out_bits[yo] = 0
        for x0 in range(0, out.shape[1], at_once):
            _put_areas(area_poly[yo], u0 + x0 * du, du, areas)
            _put_places(x_poly[yo], u0 + x0 * du, du, np.int64(0), nx, phases, lefts, kxs)
            _put_places(y_poly[yo], u0 + x0 * du, du, first_row, rows, phases, tops, kys)
            for i in range(min(at_once, out.shape[1] - x0)):
                xo, area = x0 + i, areas[i]
                left, top, kx, ky = int(lefts[i]), int(tops[i]), int(kxs[i]), int(kys[i])
                mark, is_done = np.uint8(0), False
                if left >= 0 and top >= 0 and left <= nx - TAPS and top <= rows - TAPS:
                    first = np.uintp(top) * stride + np.uintp(left)
                    wx, wy = np.uintp(kx) * taps, np.uintp(ky) * taps
                    if has_near:
                        mark = marks[first + to_middle]
                    if mark & HOLE == 0:
                        out[yo, xo] = area * _sum(pixels, weights, wy, wx, first, stride)
                        if has_variance:
                            out_variance[yo, xo] = area * area * _sum(variances, squared, wy, wx, first, stride)
                        is_done = True
                    else:
                        weight = _weight_of_good(marks, weights, wy, wx, first, stride)
                        if weight >= _TOO_LITTLE:
                            scale = area / weight
                            out[yo, xo] = scale * _sum_of_good(pixels, marks, weights, wy, wx, first, stride)
                            if has_variance:
                                spread = _sum_of_good(variances, marks, squared, wy, wx, first, stride)
                                out_variance[yo, xo] = scale * scale * spread
                            is_done = True
                else:
                    # Twice the place, in phases: the frame reaches half a pixel beyond its outermost middles.
                    x, y = 2 * ((left + BEFORE) * phases + kx), 2 * ((top + BEFORE + first_row) * phases + ky)
                    if x < -phases or y < -phases or x > (2 * nx - 1) * phases or y > (2 * frame_ny - 1) * phases:
                        out[yo, xo] = np.nan
                        if has_variance:
                            out_variance[yo, xo] = np.nan
                        if has_bits:
                            out_bits[yo, xo] = no_data
                        continue
                    if has_near:
                        mark = near[min(max(top + BEFORE, 0), rows - 1), min(max(left + BEFORE, 0), nx - 1)]
                if not is_done:
                    value, spread = _one_by_one(image, variance, near, top, left, table, kx, ky)
                    out[yo, xo] = area * value
                    if has_variance:
                        out_variance[yo, xo] = area * area * spread
                if has_bits and mark & MARKED:
                    out_bits[yo, xo] = _carried(image, bits, no_data, top, left, table, kx, ky)


@kernel
def _carried(image: Any, bits: Any, no_data: Any, top: int, left: int, table: Any, kx: Any, ky: Any) -> Any:
    """Return the marks of the 2×2 pixels on which a value stands, of those with weight enough."""
    rows, nx = image.shape
    found = np.uint8(0)
    for j in range(BEFORE, BEFORE + 2):
        for i in range(BEFORE, BEFORE + 2):
            y, x = top + j, left + i
            if y < 0 or y >= rows or x < 0 or x >= nx or table[kx, i] * table[ky, j] < _CARRIED:
                continue
            if not np.isfinite(image[y, x]):
                found |= no_data
            elif bits.size > 0:
                found |= bits[y, x]
    return found


@kernel
def _one_by_one(image: Any, variance: Any, near: Any, top: int, left: int, table: Any, kx: Any, ky: Any) -> Any:
    """Sum the pixels that count, weights scaled up for the others: at edges, and where hardly any counts.

    Where all of the weight is too little the mean of what is near stands in: only something to look at, its mark says
    that it is no measurement. NaN if nothing is near. Return the value and its variance.
    """
    rows, nx = image.shape
    has_near, has_variance = near.size > 0, variance.size > 0
    total = weight = spread = np.float32(0)
    mean = count = mean_spread = np.float32(0)
    for j in range(max(0, -top), min(TAPS, rows - top)):
        for i in range(max(0, -left), min(TAPS, nx - left)):
            y, x = top + j, left + i
            if has_near and near[y, x] & LEFT_OUT:
                continue
            noise = variance[y, x] if has_variance else np.float32(0)
            w = table[kx, i] * table[ky, j]
            total += w * image[y, x]
            weight += w
            spread += w * w * noise
            if j >= BEFORE - 1 and j <= BEFORE + 2 and i >= BEFORE - 1 and i <= BEFORE + 2:
                mean += image[y, x]
                count += np.float32(1)
                mean_spread += noise
    if weight >= _TOO_LITTLE:
        return total / weight, spread / (weight * weight)
    return mean / count, mean_spread / (count * count)  # of none: NaN
