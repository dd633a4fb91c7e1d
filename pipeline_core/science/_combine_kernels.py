"""The hot loops of :mod:`pipeline_core.science.combine`.

Both kernels work on blocks of :data:`BLOCK` pixels of one row, all frames at once: the block stays in the
processor's cache, and every inner loop runs along pixels, so that it becomes vector instructions. The fast
way through a block assumes that no value is rejected; pixels where one may be go through a slow, exact way,
one by one. They are few.
"""

# A kernel is one loop nest with all its arrays as plain arguments, and numba knows `a if a < b else b` as one
# instruction: the limits on arguments, branches and such expressions are for other code.
# ruff: noqa: C901, PLR0912, PLR0915, PLR0917, FURB136

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline_core.science.jit import kernel

BLOCK = 512  # 512 pixels x 20 frames x 2 copies of float32 are 80 kB: they stay in the second-level cache


@kernel
def load(
    words: Any, floats: Any, x_start: Any, frame: Any, row: Any, x0: Any, m: Any, offset: Any, base: Any,
    current: Any, dark_scale: Any, blocked: Any, block_px: Any, scale: Any, saturation: Any, out: Any,
) -> None:  # fmt: skip
    """Write ``m`` corrected pixels of one frame from column ``x0`` into ``out``; unusable ones become NaN.

    The band may hold columns (overscan) before the trimmed image, which starts at ``x_start``.
    ``(raw - offset - base - dark_scale * current) * scale``; arrays without pixels are passed over.
    """
    limit = np.float32(saturation)
    off = np.float32(offset)
    if words.shape[2] > 0:
        source = words[frame, row, x_start + x0 : x_start + x0 + m]
        for k in range(m):
            # FITS keeps unsigned words as big-endian signed ones: swap the bytes, flip the sign bit.
            w = source[k]
            out[k] = np.float32(np.uint16(((w >> np.uint16(8)) | (w << np.uint16(8))) ^ np.uint16(0x8000)))
    else:
        values = floats[frame, row, x_start + x0 : x_start + x0 + m]
        for k in range(m):
            out[k] = values[k]
    if limit < np.float32(np.inf):
        for k in range(m):
            out[k] = out[k] if out[k] < limit else np.float32(np.nan)
    if off != np.float32(0):
        for k in range(m):
            out[k] -= off
    if base.shape[1] > 0:
        level = base[row, x0 : x0 + m]
        for k in range(m):
            out[k] -= level[k]
    if dark_scale != np.float32(0) and current.shape[1] > 0:
        part = current[row, x0 : x0 + m]
        for k in range(m):
            out[k] -= dark_scale * part[k]
    if scale != np.float32(1):
        for k in range(m):
            out[k] *= scale
    if blocked.shape[2] > 0:
        stars = blocked[frame, row // block_px]
        for k in range(m):
            if stars[(x0 + k) // block_px]:
                out[k] = np.float32(np.nan)


@kernel
def median_of_sorted(values: Any, n: Any) -> Any:
    """Median of the first ``n`` sorted values."""
    half = n // 2
    if n % 2:
        return values[half]
    return np.float32(0.5) * (values[half - 1] + values[half])


@kernel
def sort_few(values: Any, n: Any) -> None:
    """Sort the first ``n`` values in place, by insertion: right for the few frames of a group."""
    for i in range(1, n):
        v = values[i]
        j = i
        while j > 0 and values[j - 1] > v:
            values[j] = values[j - 1]
            j -= 1
        values[j] = v


@kernel
def combine_one(
    column: Any, weight: Any, floor_var: Any, slope_var: Any, zero: Any, clip2: Any, work: Any, result: Any,
) -> None:  # fmt: skip
    """Combine one pixel by the whole rule of ``noise_clipped``; ``result`` gets image, uncertainty, count."""
    n_frames = column.size
    n = 0
    for f in range(n_frames):
        if not np.isnan(column[f]):
            work[n] = column[f]
            n += 1
    if n == 0:
        result[0] = np.nan
        result[1] = np.nan
        result[2] = 0.0
        return
    sort_few(work, n)
    centre = median_of_sorted(work, n)
    reach2 = np.float32(np.inf)  # one or two values: nothing says which is wrong
    if n > 2:
        for i in range(n):
            work[i] = abs(work[i] - centre)
        sort_few(work, n)
        allowed = min((n - 1) // 2, 2 + n // 10)
        reach = np.float32(3) * work[n - 1 - allowed]
        reach2 = reach * reach
    signal = max(centre - zero, np.float32(0))
    used = 0
    total = 0.0
    total_weight = 0.0
    variance = 0.0
    scatter = 0.0
    is_wide = False
    for f in range(n_frames):
        x = column[f]
        if np.isnan(x):
            continue
        d = x - centre
        model = floor_var[f] + slope_var[f] * signal
        limit = clip2 * model
        if n > 2 and reach2 > limit:
            limit = reach2
            is_wide = True
        if n > 2 and d * d > limit:
            continue
        w = np.float64(weight[f])
        used += 1
        total += w * d
        total_weight += w
        variance += w * w * model
        scatter += w * d * d
    mean = total / total_weight
    if is_wide and used > 1:
        # The pixel scatters by more than its noise: its own scatter, not the model, is what the master knows
        # of it.
        spread = (
            (scatter / total_weight - mean * mean) * used / (used - 1) * total_weight * total_weight / used
        )
        variance = max(variance, spread)
    result[0] = centre + mean
    result[1] = np.sqrt(variance) / total_weight
    result[2] = np.float64(used)


@kernel
def noise_clipped(
    words: Any, floats: Any, x_start: Any, offsets: Any, base: Any, current: Any, dark_scale: Any,
    blocked: Any, block_px: Any, scale: Any, saturation: Any, weight: Any, floor_var: Any, slope_var: Any,
    zero: Any, clip2: Any, network: Any, image: Any, uncertainty: Any, n_used: Any,
) -> None:  # fmt: skip
    """Clip about the median against the noise model, one band of rows; see ``combine.combine_band``."""
    n_frames = offsets.shape[0]
    n_rows, nx = image.shape
    x = np.empty((n_frames, BLOCK), np.float32)
    s = np.empty((n_frames, BLOCK), np.float32)
    centre = np.empty(BLOCK, np.float32)
    signal = np.empty(BLOCK, np.float32)
    total = np.empty(BLOCK, np.float32)
    kept = np.empty(BLOCK, np.int32)
    column = np.empty(n_frames, np.float32)
    work = np.empty(n_frames, np.float32)
    result = np.empty(3, np.float64)
    half = n_frames // 2
    odd = n_frames % 2
    sum_weight = np.float32(0)
    sum_floor = np.float32(0)
    sum_slope = np.float32(0)
    for f in range(n_frames):
        sum_weight += weight[f]
        sum_floor += weight[f] * weight[f] * floor_var[f]
        sum_slope += weight[f] * weight[f] * slope_var[f]
    sum_floor /= sum_weight * sum_weight
    sum_slope /= sum_weight * sum_weight
    for row in range(n_rows):
        for b in range(0, nx, BLOCK):
            m = min(BLOCK, nx - b)
            for f in range(n_frames):
                load(
                    words, floats, x_start, f, row, b, m, offsets[f, row], base, current, dark_scale[f], blocked,
                    block_px, scale[f], saturation, x[f],
                )  # fmt: skip
                s[f, :m] = x[f, :m]
            for c in range(network.shape[0]):
                low = s[network[c, 0]]
                high = s[network[c, 1]]
                for k in range(m):
                    p = low[k]
                    q = high[k]
                    low[k] = p if p < q else q
                    high[k] = q if p < q else p
            if odd:
                for k in range(m):
                    centre[k] = s[half, k]
            else:
                for k in range(m):
                    centre[k] = np.float32(0.5) * (s[half - 1, k] + s[half, k])
            for k in range(m):
                v = centre[k] - zero
                signal[k] = v if v > np.float32(0) else np.float32(0)
                total[k] = np.float32(0)
                kept[k] = 0
            for f in range(n_frames):
                xf = x[f]
                a = clip2 * floor_var[f]
                e = clip2 * slope_var[f]
                w = weight[f]
                for k in range(m):
                    d = xf[k] - centre[k]
                    kept[k] += np.int32(d * d <= a + e * signal[k])
                    total[k] += w * d
            for k in range(m):
                image[row, b + k] = centre[k] + total[k] / sum_weight
                uncertainty[row, b + k] = np.sqrt(sum_floor + sum_slope * signal[k])
            for k in range(m):
                n_used[row, b + k] = min(n_frames, 255)
            for k in range(m):
                if kept[k] < n_frames:  # also where a value is NaN
                    for f in range(n_frames):
                        column[f] = x[f, k]
                    combine_one(column, weight, floor_var, slope_var, zero, clip2, work, result)
                    image[row, b + k] = result[0]
                    uncertainty[row, b + k] = result[1]
                    n_used[row, b + k] = min(int(result[2]), 255)


@kernel
def clip_one_about_mean(column: Any, weight: Any, clip2: Any, result: Any) -> None:
    """One pass of ``clip`` population deviations about the mean, exact in double precision."""
    n = 0
    first = np.float32(0)
    sum_d = 0.0
    sum_dd = 0.0
    for f in range(column.size):
        if not np.isnan(column[f]):
            if n == 0:
                first = column[f]
            d = np.float64(column[f]) - np.float64(first)
            sum_d += d
            sum_dd += d * d
            n += 1
    if n == 0:
        result[0] = np.nan
        result[1] = np.nan
        result[2] = 0.0
        return
    # |x - mean| > t std  <=>  (n x - S)^2 > t^2 (n Q - S^2): whole numbers stay whole, no square root rounds.
    limit = clip2 * (n * sum_dd - sum_d * sum_d)
    used = 0
    total = 0.0
    weights = 0.0
    squares = 0.0
    for f in range(column.size):
        if not np.isnan(column[f]):
            d = np.float64(column[f]) - np.float64(first)
            e = n * d - sum_d
            if e * e <= limit or limit <= 0.0:
                used += 1
                total += weight[f] * d
                weights += weight[f]
                squares += weight[f] * d * d
    mean = total / weights
    result[0] = first + mean
    result[1] = np.sqrt(max(squares / weights - mean * mean, 0.0) / used)
    result[2] = np.float64(used)


@kernel
def mean_clipped(
    words: Any, floats: Any, x_start: Any, offsets: Any, base: Any, current: Any, dark_scale: Any,
    blocked: Any, block_px: Any, scale: Any, saturation: Any, weight: Any, clip2: Any, image: Any,
    uncertainty: Any, n_used: Any,
) -> None:  # fmt: skip
    """Clip once about the mean, as ccdproc does, one band of rows; infinite ``clip2`` keeps every value."""
    n_frames = offsets.shape[0]
    n_rows, nx = image.shape
    x = np.empty((n_frames, BLOCK), np.float32)
    first = np.empty(BLOCK, np.float32)
    total = np.empty(BLOCK, np.float32)
    mean = np.empty(BLOCK, np.float32)
    square = np.empty(BLOCK, np.float32)
    worst = np.empty(BLOCK, np.float32)
    column = np.empty(n_frames, np.float32)
    result = np.empty(3, np.float64)
    count = np.float32(n_frames)
    is_even = True
    for f in range(n_frames):
        is_even = is_even and weight[f] == weight[0]
    # The fast test is rounded: whatever comes within 1e-4 of the threshold is decided exactly.
    near = np.float32(min(clip2, 1e30) * (1 - 1e-4))
    for row in range(n_rows):
        for b in range(0, nx, BLOCK):
            m = min(BLOCK, nx - b)
            for f in range(n_frames):
                load(
                    words, floats, x_start, f, row, b, m, offsets[f, row], base, current, dark_scale[f], blocked,
                    block_px, scale[f], saturation, x[f],
                )  # fmt: skip
            for k in range(m):
                first[k] = x[0, k]
                total[k] = np.float32(0)
                square[k] = np.float32(0)
                worst[k] = np.float32(0)
            for f in range(1, n_frames):
                xf = x[f]
                for k in range(m):
                    total[k] += xf[k] - first[k]
            for k in range(m):
                mean[k] = total[k] / count
            for f in range(n_frames):
                xf = x[f]
                for k in range(m):
                    d = (xf[k] - first[k]) - mean[k]
                    q = d * d
                    square[k] += q
                    worst[k] = q if q > worst[k] else worst[k]
            for k in range(m):
                image[row, b + k] = first[k] + mean[k]
                uncertainty[row, b + k] = np.sqrt(square[k]) / count
                n_used[row, b + k] = min(n_frames, 255)
            for k in range(m):
                if not is_even or not worst[k] * count <= near * square[k]:
                    for f in range(n_frames):
                        column[f] = x[f, k]
                    clip_one_about_mean(column, weight, clip2, result)
                    image[row, b + k] = result[0]
                    uncertainty[row, b + k] = result[1]
                    n_used[row, b + k] = min(int(result[2]), 255)
