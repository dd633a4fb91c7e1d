"""The hot loop that combines aligned frames pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline_core.science.jit import kernel


@kernel
def combine_pixels(
    stack: Any,
    floor: Any,
    slope: Any,
    weight: Any,
    own: Any,
    sigma: Any,
    take_median: Any,
    out: Any,
    out_variance: Any,
    out_count: Any,
) -> None:
    """Combine (N, rows, nx) values; NaN does not count. See ``stack.combine_aligned``."""
    n_frames, rows, nx = stack.shape
    value = np.empty(n_frames, np.float32)
    ordered = np.empty(n_frames, np.float32)
    frame = np.empty(n_frames, np.int64)
    for y in range(rows):
        for x in range(nx):
            n = 0
            for f in range(n_frames):
                v = stack[f, y, x]
                if v == v:  # not NaN  # noqa: PLR0124
                    value[n] = v
                    frame[n] = f
                    # Insertion keeps the first n in order: a few dozen frames at most are usual.
                    k = n
                    while k > 0 and ordered[k - 1] > v:
                        ordered[k] = ordered[k - 1]
                        k -= 1
                    ordered[k] = v
                    n += 1
            if n == 0:
                out[y, x] = np.nan
                out_variance[y, x] = np.nan
                out_count[y, x] = 0
                continue
            middle = np.float32(0.5) * (ordered[(n - 1) // 2] + ordered[n // 2])
            light = max(middle, np.float32(0))
            scatter = own * light * own * light
            # Hits are rare, and most are masked: beyond the few largest deviations the next one is the pixel's own.
            low, high = 0, n - 1
            for _ in range(min(1 + n // 10, (n - 1) // 2)):
                if middle - ordered[low] > ordered[high] - middle:
                    low += 1
                else:
                    high -= 1
            usual = np.float32(3) * max(middle - ordered[low], ordered[high] - middle)
            total = weights = spread = all_variance = 0.0
            used = 0
            for k in range(n):
                f = frame[k]
                variance = floor[f] + slope[f] * light
                all_variance += variance
                off = value[k] - middle
                # One or two values: nothing says which of them is wrong.
                if n < 3 or off * off <= max(sigma * sigma * (variance + scatter), usual * usual):
                    w = weight[f]
                    total += w * value[k]
                    weights += w
                    spread += w * w * variance
                    used += 1
            if take_median or used == 0:
                out[y, x] = middle
                # The median of n Gaussian values scatters by sqrt(pi / 2) more than their mean.
                out_variance[y, x] = (np.pi / 2 if n > 2 else 1.0) * all_variance / (n * n)
                out_count[y, x] = n
            else:
                out[y, x] = total / weights
                out_variance[y, x] = spread / (weights * weights)
                out_count[y, x] = used
