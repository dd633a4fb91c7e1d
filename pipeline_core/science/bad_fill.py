"""Bad pixels: the value their neighbours lend them while something else is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.jit import kernel

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

WIDEST = 3  # px each way; the middle of a larger hole borrows from nobody


def lend_to_bad_pixels(
    image: Image, variance: Image, bad: Mask, unusable: Mask
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Give each bad pixel the median of its good neighbours, in place.

    Parameters
    ----------
    image, variance : (ny, nx) float32
        Changed at bad pixels; a pixel keeps its value when it has no good neighbours.
    bad : (ny, nx) bool
        Dead, hot or unstable pixels: alone or in columns, with sound ones beside them.
    unusable : (ny, nx) bool
        Pixels that lend nothing either (saturated).

    Returns
    -------
    rows, columns : (n,) int32
        Bad pixels that found fewer than three good neighbours within 3 px.

    Notes
    -----
    The median: a hit that passes beside the pixel must not be lent.
    """
    rows, columns = (np.asarray(at, np.int32) for at in np.nonzero(bad))
    values, variances, found = _medians_around(image, variance, bad, unusable, rows, columns, WIDEST)
    image[rows[found], columns[found]] = values[found]
    variance[rows[found], columns[found]] = variances[found]
    return rows[~found], columns[~found]


@kernel
def _medians_around(image: Any, variance: Any, bad: Any, unusable: Any, rows: Any, columns: Any, widest: Any) -> Any:
    ny, nx = image.shape
    values = np.empty(rows.size, np.float32)
    variances = np.empty(rows.size, np.float32)
    found = np.zeros(rows.size, np.bool_)
    near = np.empty((2 * widest + 1) ** 2, np.float32)
    spread = np.empty((2 * widest + 1) ** 2, np.float32)
    for k in range(rows.size):
        for half in range(1, widest + 1):
            n = 0
            for y in range(max(0, rows[k] - half), min(ny, rows[k] + half + 1)):
                for x in range(max(0, columns[k] - half), min(nx, columns[k] + half + 1)):
                    if not (bad[y, x] or unusable[y, x]):
                        near[n] = image[y, x]
                        spread[n] = variance[y, x]
                        n += 1
            if n >= 3:
                values[k] = _median_of_few(near, n)
                variances[k] = _median_of_few(spread, n)
                found[k] = True
                break
    return values, variances, found


@kernel
def _median_of_few(values: Any, n: Any) -> Any:
    """Lower median of the first ``n`` values, which are sorted in place: for eight, insertion is fastest."""
    for i in range(1, n):
        v = values[i]
        j = i
        while j > 0 and values[j - 1] > v:
            values[j] = values[j - 1]
            j -= 1
        values[j] = v
    return values[(n - 1) // 2]
