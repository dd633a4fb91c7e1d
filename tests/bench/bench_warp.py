"""Bringing a frame onto another's pixels, beside scipy and reproject: the same shift and turn, side by side."""

import time

import numpy as np

from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement
from pipeline_core.science.warp import warp
from tests.bench.timing import Row

_THEIR_SIZE = 1024  # px: what takes peers minutes on 4096² is timed on a part, and said so


def run(size=4096, repeats=3):
    """Return rows for our sums with and without masks, against scipy's cubic splines and reproject."""
    ours = _ours(size, repeats)
    small = min(size, _THEIR_SIZE)
    part = (size / small) ** 2
    rows = []
    for name, work in (("scipy, cubic spline", _scipy), ("reproject interp, bicubic", _reproject)):
        seconds = work(small) * part
        note = f"peer timed on {small}² and scaled by its pixels" if part > 1 else ""
        rows.append(Row("warp, two threads", ours["plain"], name, seconds, "≤ 0.25 s", note))
    return [
        *rows,
        Row("warp, mask of 0.3 %", ours["masked"], goal="≤ 0.25 s"),
        Row("warp, mask of 0.3 % and variance", ours["whole"], goal="≤ 0.25 s"),
    ]


def _placement(size):
    turn, middle = np.exp(1j * np.radians(180.25)), complex((size - 1) / 2, (size - 1) / 2)
    return Placement.of(Alignment(complex(turn), middle + 3.3 - 1.2j - turn * middle), (size, size))


def _image(size):
    return np.random.default_rng(1).normal(400, 20, (size, size)).astype(np.float32)


def _ours(size, repeats):
    image, placement = _image(size), _placement(size)
    bits = np.where(np.random.default_rng(2).random((size, size)) < 0.003, np.uint8(2), np.uint8(0))
    choices = {"plain": {}, "masked": {"bits": bits}, "whole": {"bits": bits, "variance": image}}
    times = {name: [] for name in choices}
    warp(image[:64, :64], placement, (64, 64))
    for _ in range(repeats):
        for name, given in choices.items():
            start = time.perf_counter()
            warp(image, placement, (size, size), threads=2, **given)
            times[name].append(time.perf_counter() - start)
    return {name: min(seconds) for name, seconds in times.items()}


def _scipy(size):
    from scipy.ndimage import affine_transform

    placement = _placement(size)
    (a, b), (c, d) = placement.x_terms[1:3], placement.y_terms[1:3]
    x0, y0 = placement.moved(0, 0)
    image = _image(size)
    start = time.perf_counter()
    matrix = np.array([[d, c], [b, a]]) / placement.reach
    affine_transform(image, matrix, [float(y0), float(x0)], order=3, output=np.float32)
    return time.perf_counter() - start


def _reproject(size):
    from astropy.wcs import WCS
    from reproject import reproject_interp

    def sky(turn_deg):
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [120.0, -30.0]
        wcs.wcs.crpix = [size / 2, size / 2]
        angle = np.radians(turn_deg)
        wcs.wcs.cd = 2.6e-4 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return wcs

    image = _image(size)
    start = time.perf_counter()
    reproject_interp((image, sky(180.25)), sky(0.0), shape_out=(size, size), order="bicubic", return_footprint=False)
    return time.perf_counter() - start


if __name__ == "__main__":
    for row in run():
        print(row)
