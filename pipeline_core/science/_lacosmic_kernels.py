"""The hot loops of L.A.Cosmic: where a hit could be, which pixels are hits, what to put in their place.

The arithmetic of a pixel (order of additions, single precision, what happens at the borders) is that of astroscrappy
1.3 with ``sepmed=True, fsmode="median", cleantype="meanmask"``. What differs is how little of the frame it is done for:
a screen that is cheap and never too strict leaves only the cells of the frame in which a hit is possible at all.
"""

from __future__ import annotations

import numpy as np

from pipeline_core.science._median_networks import separable_median5, separable_median7, separable_median9
from pipeline_core.science.jit import kernel

CELL_Y, CELL_X = 16, 32  # a cell with its halo and all temporaries stays in the second-level cache
HALO = 8  # growth of hits 2 + median of the fine structure 4 + the median before it 2
FLOOR = np.float32(1e-5)  # smallest variance, as the reference has it
MASKED, PROTECTED = 1, 2  # bits of the "closed" plane


@kernel
def variance_floors(variance, floors, first, last):
    """Smallest horizontal median of three of each cell, for rows ``first`` to ``last`` of cells.

    Of seven neighbours four are at most their median; so two of the first three or two of the last three are, and
    the median of those three is too. The smallest median of three is therefore no larger than any median of seven,
    and a lone dead pixel does not lower it as it would lower a minimum.
    """
    ny, nx = variance.shape
    lowest = np.empty(nx, np.float32)
    for j in range(first, last):
        lowest[:] = np.float32(np.inf)
        for y in range(j * CELL_Y, min(ny, (j + 1) * CELL_Y)):
            left = variance[y, 0 : nx - 2]
            here = variance[y, 1 : nx - 1]
            right = variance[y, 2:nx]
            inner = lowest[1 : nx - 1]
            for x in range(nx - 2):
                a = left[x]
                b = here[x]
                c = right[x]
                small = min(b, a)
                large = max(a, b)
                large = min(c, large)
                middle = max(small, large)
                inner[x] = min(inner[x], middle)
        for i in range(floors.shape[1]):
            least = np.float32(np.inf)
            for x in range(i * CELL_X, min(nx, (i + 1) * CELL_X)):
                least = min(least, lowest[x])
            floors[j, i] = least


@kernel
def screen(image, floors, sigclip, possible, first, last):
    """Mark the cells in which a pixel, or one beside the cell, may exceed ``sigclip``; rows ``first`` to ``last``."""
    ny, nx = image.shape
    rows, columns = floors.shape
    highest = np.empty(nx, np.float32)
    zero = np.float32(0)
    for j in range(first, last):
        highest[:] = zero
        # Hits grow by one pixel past the last one over sigclip: so the rows beside the cell count too.
        for y in range(max(1, j * CELL_Y - 1), min(ny - 1, (j + 1) * CELL_Y + 1)):
            here = image[y, 1 : nx - 1]
            left = image[y, 0 : nx - 2]
            right = image[y, 2:nx]
            below = image[y - 1, 1 : nx - 1]
            above = image[y + 1, 1 : nx - 1]
            top = highest[1 : nx - 1]
            for x in range(nx - 2):
                c = here[x]
                to_left = c - left[x]
                to_right = c - right[x]
                to_below = c - below[x]
                to_above = c - above[x]
                p1 = to_left + to_below
                p2 = to_right + to_below
                p3 = to_left + to_above
                p4 = to_right + to_above
                p1 = max(zero, p1)
                p2 = max(zero, p2)
                p3 = max(zero, p3)
                p4 = max(zero, p4)
                total = (p1 + p2) + (p3 + p4)
                top[x] = max(top[x], total)
        for i in range(columns):
            least = np.float32(np.inf)
            for jj in range(max(0, j - 1), min(rows, j + 2)):
                for ii in range(max(0, i - 1), min(columns, i + 2)):
                    least = min(least, floors[jj, ii])
            # 8 = 4 quarters × the subsampling factor 2; one part in a thousand covers the rounding of both sides.
            limit = np.float32(7.992) * sigclip * np.sqrt(max(least, FLOOR))
            possible[j, i] = False
            for x in range(max(1, i * CELL_X - 1), min(nx - 1, (i + 1) * CELL_X + 1)):
                if highest[x] > limit:
                    possible[j, i] = True
                    break


@kernel
def _quarter(c, right, left, above, below):
    """One quarter of a subsampled pixel under the Laplacian; two of its neighbours are the pixel itself."""
    p = np.float32(4) * c
    p -= right
    p -= left
    p -= above
    p -= below
    return max(np.float32(0), p)


@kernel
def _laplacian_to_noise(a, noise, out, y0, y1, x0, x1):
    for y in range(y0, y1):
        here = a[y, x0:x1]
        left = a[y, x0 - 1 : x1 - 1]
        right = a[y, x0 + 1 : x1 + 1]
        below = a[y - 1, x0:x1]
        above = a[y + 1, x0:x1]
        n = noise[y, x0:x1]
        o = out[y, x0:x1]
        for x in range(x1 - x0):
            c = here[x]
            p = _quarter(c, c, left[x], c, below[x])
            p += _quarter(c, c, left[x], above[x], c)
            p += _quarter(c, right[x], c, above[x], c)
            p += _quarter(c, right[x], c, c, below[x])
            o[x] = (p * np.float32(0.25)) / (np.float32(2) * n[x])


@kernel
def detect_cells(image, variance, closed, ys, xs, sigclip, siglow, objlim, found):
    """Write 1 into ``found`` where the cells at rows ``ys``, columns ``xs`` hold a hit, else 0.

    ``closed`` is nonzero where no hit may be. Around the frame lie zeros, as in the reference; within 3 pixels of its
    border no hit is ever found, because the median of the Laplacian is not known there.
    """
    ny, nx = image.shape
    h, w = CELL_Y + 2 * HALO, CELL_X + 2 * HALO
    a = np.empty((h, w), np.float32)
    v = np.empty((h, w), np.float32)
    between = np.zeros((h, w), np.float32)
    noise = np.ones((h, w), np.float32)
    s = np.zeros((h, w), np.float32)
    median_s = np.zeros((h, w), np.float32)
    fine = np.zeros((h, w), np.float32)
    coarse = np.zeros((h, w), np.float32)
    core = np.zeros((h, w), np.uint8)
    grown = np.zeros((h, w), np.uint8)
    for k in range(ys.size):
        top = ys[k] - HALO
        left = xs[k] - HALO
        _cut(image, top, left, np.float32(0), a)
        _cut(variance, top, left, np.float32(1), v)
        at_border = top < 4 or left < 4 or top + h > ny - 4 or left + w > nx - 4

        separable_median7(v, between, noise, 3, h - 3, 3, w - 3)
        if at_border:
            _keep_border(v, noise, top, left, ny, nx, 3)
        for y in range(3, h - 3):
            row = noise[y, 3 : w - 3]
            for x in range(row.size):
                q = row[x]
                row[x] = np.sqrt(max(FLOOR, q))
        _laplacian_to_noise(a, noise, s, 3, h - 3, 3, w - 3)
        separable_median7(s, between, median_s, 6, h - 6, 6, w - 6)
        if at_border:
            _keep_border(s, median_s, top, left, ny, nx, 3)
        candidates = 0
        for y in range(6, h - 6):
            for x in range(6, w - 6):
                s[y, x] -= median_s[y, x]
                candidates += s[y, x] > sigclip
        if candidates:
            separable_median5(a, between, fine, 2, h - 2, 2, w - 2)
            if at_border:
                _keep_border(a, fine, top, left, ny, nx, 2)
            separable_median9(fine, between, coarse, 6, h - 6, 6, w - 6)
            if at_border:
                _keep_border(fine, coarse, top, left, ny, nx, 4)
        for y in range(6, h - 6):
            for x in range(6, w - 6):
                core[y, x] = 0
                if candidates and s[y, x] > sigclip and _is_open(closed, top + y, left + x):
                    structure = (fine[y, x] - coarse[y, x]) / noise[y, x]
                    structure = max(structure, np.float32(0.01))
                    core[y, x] = s[y, x] / structure > objlim
        # First growth: neighbours over sigclip that failed the contrast test. Second: fainter neighbours.
        _grow(core, s, sigclip, closed, top, left, grown, 7, h - 7, 7, w - 7)
        _grow(grown, s, siglow, closed, top, left, core, 8, h - 8, 8, w - 8)
        for y in range(ys[k], min(ny, ys[k] + CELL_Y)):
            for x in range(xs[k], min(nx, xs[k] + CELL_X)):
                found[y, x] = core[y - top, x - left]


@kernel
def _cut(image, top, left, outside, out):
    """Copy a window that may reach beyond the frame."""
    ny, nx = image.shape
    h, w = out.shape
    x0 = max(0, -left)
    x1 = min(w, nx - left)
    if x0 > 0 or x1 < w or top < 0 or top + h > ny:
        out[:] = outside
    for y in range(max(0, -top), min(h, ny - top)):
        source = image[top + y, left + x0 : left + x1]
        target = out[y, x0:x1]
        for x in range(source.size):
            target[x] = source[x]


@kernel
def _keep_border(source, filtered, top, left, ny, nx, width):
    """Give pixels within ``width`` of the frame's border their unfiltered value back."""
    for y in range(source.shape[0]):
        for x in range(source.shape[1]):
            yy = top + y
            xx = left + x
            if yy < width or yy >= ny - width or xx < width or xx >= nx - width:
                filtered[y, x] = source[y, x]


@kernel
def _is_open(closed, y, x):
    return 0 <= y < closed.shape[0] and 0 <= x < closed.shape[1] and closed[y, x] == 0


@kernel
def _grow(seed, s, limit, closed, top, left, out, y0, y1, x0, x1):
    for y in range(y0, y1):
        for x in range(x0, x1):
            out[y, x] = 0
    for y in range(y0 - 1, y1 + 1):
        for x in range(x0 - 1, x1 + 1):
            if seed[y, x]:
                for yy in range(max(y - 1, y0), min(y + 2, y1)):
                    for xx in range(max(x - 1, x0), min(x + 2, x1)):
                        if s[yy, xx] > limit and _is_open(closed, top + yy, left + xx):
                            out[yy, xx] = 1


@kernel
def collect(found, hits, ys, xs):
    """Return rows and columns of what was found in the given cells and is no hit yet."""
    ny, nx = found.shape
    n = 0
    for write in range(2):
        rows = np.empty(n, np.int32)
        columns = np.empty(n, np.int32)
        n = 0
        for k in range(ys.size):
            for y in range(ys[k], min(ny, ys[k] + CELL_Y)):
                for x in range(xs[k], min(nx, xs[k] + CELL_X)):
                    if found[y, x] and not hits[y, x]:
                        if write:
                            rows[n] = y
                            columns[n] = x
                        n += 1
    return rows, columns


@kernel
def fill(image, variance, hits, closed, rows, columns, widest, values, variances):
    """Mean of the good neighbours of each hit, and of their variance; returns how many found none.

    The 5×5 window is widened, to ``widest`` pixels each way at most, until it holds a good pixel. A pixel that found
    none keeps NaN in ``values``.
    """
    ny, nx = image.shape
    lonely = 0
    for k in range(rows.size):
        y = rows[k]
        x = columns[k]
        n = 0
        half = 2
        value = np.float32(0)
        spread = np.float32(0)
        while n == 0 and half <= widest:
            for yy in range(max(0, y - half), min(ny, y + half + 1)):
                for xx in range(max(0, x - half), min(nx, x + half + 1)):
                    if hits[yy, xx] == 0 and (closed[yy, xx] & MASKED) == 0:
                        value += image[yy, xx]
                        spread += variance[yy, xx]
                        n += 1
            half *= 2
        values[k] = value / np.float32(n) if n else np.nan
        variances[k] = spread / np.float32(n) if n else np.nan
        lonely += n == 0
    return lonely


@kernel
def put(image, variance, rows, columns, values, variances, changed):
    """Write the new values; ``changed`` tells where they differ from what was there."""
    for k in range(rows.size):
        y = rows[k]
        x = columns[k]
        changed[k] = image[y, x] != values[k] or variance[y, x] != variances[k]
        image[y, x] = values[k]
        variance[y, x] = variances[k]


@kernel
def mark_cells(rows, columns, changed, possible):
    """Mark the cells whose hits may differ now that some pixels have changed."""
    possible[:] = False
    for k in range(rows.size):
        if changed[k]:
            for y in range(max(0, rows[k] - HALO) // CELL_Y, (rows[k] + HALO) // CELL_Y + 1):
                for x in range(max(0, columns[k] - HALO) // CELL_X, (columns[k] + HALO) // CELL_X + 1):
                    if y < possible.shape[0] and x < possible.shape[1]:
                        possible[y, x] = True


@kernel
def grow_mask(mask, rows, columns, width, corners, out):
    """Set the neighbours of the given pixels; the frame's outermost ``width`` pixels are left as they are."""
    ny, nx = mask.shape
    for k in range(rows.size):
        for dy in range(-width, width + 1):
            for dx in range(-width, width + 1):
                y = rows[k] + dy
                x = columns[k] + dx
                if not corners and abs(dy) == width and abs(dx) == width:
                    continue
                if width <= y < ny - width and width <= x < nx - width:
                    out[y, x] = True


@kernel
def count_events(hits, rows, columns):
    """Count groups of touching hits (by side or corner); ``hits`` is 1 there, and is again afterwards."""
    ny, nx = hits.shape
    stack = np.empty((rows.size + 1, 2), np.int32)
    events = 0
    for k in range(rows.size):
        if hits[rows[k], columns[k]] != 1:
            continue
        events += 1
        hits[rows[k], columns[k]] = 2
        stack[0, 0] = rows[k]
        stack[0, 1] = columns[k]
        depth = 1
        while depth:
            depth -= 1
            y = stack[depth, 0]
            x = stack[depth, 1]
            for yy in range(max(0, y - 1), min(ny, y + 2)):
                for xx in range(max(0, x - 1), min(nx, x + 2)):
                    if hits[yy, xx] == 1:
                        hits[yy, xx] = 2
                        stack[depth, 0] = yy
                        stack[depth, 1] = xx
                        depth += 1
    for k in range(rows.size):
        hits[rows[k], columns[k]] = 1
    return events
