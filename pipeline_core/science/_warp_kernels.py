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
_AT_ONCE = 256  # pixels whose places are reckoned before they are summed: 5 KB
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
def _put_places(x_poly, y_poly, area_poly, u, du, rows, nx, phases, place, wx, wy, area):
    """Note for some pixels of a row where their sums begin, which weights they take, and their areas.

    By itself, for many at once: it takes several times as long where each waits for its own sum. ``place`` is -1 where
    the sum does not lie wholly inside.
    """
    a0, a1, a2, a3 = x_poly[0], x_poly[1], x_poly[2], x_poly[3]
    b0, b1, b2, b3 = y_poly[0], y_poly[1], y_poly[2], y_poly[3]
    c0, c1, c2, c3, c4 = area_poly[0], area_poly[1], area_poly[2], area_poly[3], area_poly[4]
    end_x, end_y = float(nx - TAPS + BEFORE + 1), float(rows - TAPS + BEFORE + 1)
    for i in range(place.size):
        v = u + i * du
        px = ((a3 * v + a2) * v + a1) * v + a0
        py = ((b3 * v + b2) * v + b1) * v + b0
        is_inside = (px >= BEFORE) & (py >= BEFORE) & (px < end_x) & (py < end_y)
        px, py = (px if is_inside else 3.0), (py if is_inside else 3.0)
        ix, iy = np.int32(px), np.int32(py)
        wx[i] = np.int32((px - ix) * phases + 0.5) * np.int32(TAPS)
        wy[i] = np.int32((py - iy) * phases + 0.5) * np.int32(TAPS)
        place[i] = np.int64(iy - np.int32(BEFORE)) * nx + np.int64(ix - np.int32(BEFORE)) if is_inside else np.int64(-1)
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
    out: Any,
    out_variance: Any,
    out_bits: Any,
) -> None:
    """Sum 8×8 weighted pixels for each pixel of ``out``, and note what marks it carries; NaN outside the frame.

    ``image`` holds rows ``first_row`` onwards of a frame of ``frame_ny`` rows. ``x_poly[y]`` gives the place of pixel x
    of row y, in these rows, as a cubic of ``u0 + x du``, ``area_poly[y]`` its area as a quartic. ``near`` is what
    :func:`mark_near` made. Empty arrays stand for "none".
    """
    rows, nx = image.shape
    phases = table.shape[0] - 1
    has_variance, has_bits, has_near = out_variance.size > 0, out_bits.size > 0, near.size > 0
    pixels, variances, marks = image.reshape(image.size), variance.reshape(variance.size), near.reshape(near.size)
    weights, squared = table.reshape(table.size), squares.reshape(squares.size)
    stride, to_middle = np.uintp(nx), np.uintp(BEFORE * nx + BEFORE)
    places, areas = np.empty(_AT_ONCE, np.int64), np.empty(_AT_ONCE, np.float32)
    xs, ys = np.empty(_AT_ONCE, np.int32), np.empty(_AT_ONCE, np.int32)
    for yo in range(out.shape[0]):
        if has_bits:
            out_bits[yo] = 0
        for x0 in range(0, out.shape[1], _AT_ONCE):
            number = min(_AT_ONCE, out.shape[1] - x0)
            _put_places(
                x_poly[yo], y_poly[yo], area_poly[yo], u0 + x0 * du, du, rows, nx, phases, places[:number], xs, ys,
                areas,
            )  # fmt: skip
            for i in range(number):
                xo = x0 + i
                if places[i] < 0:
                    _at_edge(
                        image, variance, bits, near, no_data, first_row, frame_ny, x_poly, y_poly, u0 + xo * du, table,
                        areas[i], yo, xo, out, out_variance, out_bits,
                    )  # fmt: skip
                    continue
                first, wx, wy, area = np.uintp(places[i]), np.uintp(xs[i]), np.uintp(ys[i]), areas[i]
                mark = marks[first + to_middle] if has_near else np.uint8(0)
                if mark & HOLE == 0:
                    out[yo, xo] = area * _sum(pixels, weights, wy, wx, first, stride)
                    if has_variance:
                        out_variance[yo, xo] = area * area * _sum(variances, squared, wy, wx, first, stride)
                else:
                    weight = _weight_of_good(marks, weights, wy, wx, first, stride)
                    if weight >= _TOO_LITTLE:
                        area /= weight
                        out[yo, xo] = area * _sum_of_good(pixels, marks, weights, wy, wx, first, stride)
                        if has_variance:
                            spread = _sum_of_good(variances, marks, squared, wy, wx, first, stride)
                            out_variance[yo, xo] = area * area * spread
                    else:
                        _one_by_one(
                            image, variance, near, places[i] // nx, places[i] % nx, table, xs[i] // TAPS,
                            ys[i] // TAPS, area, yo, xo, out, out_variance,
                        )  # fmt: skip
                if has_bits and mark & MARKED:
                    out_bits[yo, xo] = _carried(
                        image, bits, no_data, places[i] // nx, places[i] % nx, table, xs[i] // TAPS, ys[i] // TAPS
                    )


@kernel
def _at_edge(
    image: Any,
    variance: Any,
    bits: Any,
    near: Any,
    no_data: Any,
    first_row: Any,
    frame_ny: Any,
    x_poly: Any,
    y_poly: Any,
    u: Any,
    table: Any,
    area: Any,
    yo: int,
    xo: int,
    out: Any,
    out_variance: Any,
    out_bits: Any,
) -> None:
    """Do a pixel whose sum does not lie wholly inside the frame."""
    rows, nx = image.shape
    phases = table.shape[0] - 1
    a, b = x_poly[yo], y_poly[yo]
    px = ((a[3] * u + a[2]) * u + a[1]) * u + a[0]
    py = ((b[3] * u + b[2]) * u + b[1]) * u + b[0]
    y = py + first_row
    if not (px >= -0.5 and y >= -0.5 and px <= nx - 0.5 and y <= frame_ny - 0.5):
        out[yo, xo] = np.nan
        if out_variance.size > 0:
            out_variance[yo, xo] = np.nan
        if out_bits.size > 0:
            out_bits[yo, xo] = no_data
        return
    ix, iy = int(np.floor(px)), int(np.floor(py))
    kx, ky = int((px - ix) * phases + 0.5), int((py - iy) * phases + 0.5)
    _one_by_one(image, variance, near, iy - BEFORE, ix - BEFORE, table, kx, ky, area, yo, xo, out, out_variance)
    if out_bits.size > 0 and near.size > 0 and near[min(max(iy, 0), rows - 1), min(max(ix, 0), nx - 1)] & MARKED:
        out_bits[yo, xo] = _carried(image, bits, no_data, iy - BEFORE, ix - BEFORE, table, kx, ky)


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
def _one_by_one(
    image: Any,
    variance: Any,
    near: Any,
    top: int,
    left: int,
    table: Any,
    kx: Any,
    ky: Any,
    area: Any,
    yo: int,
    xo: int,
    out: Any,
    out_variance: Any,
) -> None:
    """Sum the pixels that count, weights scaled up for those that do not: at edges, and where hardly any counts."""
    rows, nx = image.shape
    has_near, has_variance = near.size > 0, variance.size > 0
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
            if has_near and near[y, x] & LEFT_OUT:
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
