"""Shapes of stars by adaptive moments: elongation, its direction, how much the stars agree."""

# Compiled loops take their arguments by position and are one loop each.
# ruff: noqa: C901
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.jit import kernel

if TYPE_CHECKING:
    from pipeline_core.types import Image

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StarShapes:
    """One entry a star; NaN where the moments did not settle."""

    x_px: FloatArray
    y_px: FloatArray
    xx: FloatArray
    yy: FloatArray
    xy: FloatArray
    """Moments of the matched Gaussian, px², the pixel's own 1/12 taken out."""

    @property
    def ellipticity(self) -> FloatArray:
        """1 - b/a."""
        mean, half = 0.5 * (self.xx + self.yy), np.hypot(0.5 * (self.xx - self.yy), self.xy)
        return 1.0 - np.sqrt(np.maximum(mean - half, 0.0) / (mean + half))

    @property
    def angle_deg(self) -> FloatArray:
        """Of the major axis, counter-clockwise from +x, 0 to 180."""
        return np.degrees(0.5 * np.arctan2(2.0 * self.xy, self.xx - self.yy)) % 180.0


def adaptive_moments(image: Image, x_px: npt.NDArray[Any], y_px: npt.NDArray[Any], fwhm_px: float) -> StarShapes:
    """Match an elliptical Gaussian weight to each star.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed, finite.
    x_px, y_px : (n,)
        First guess of the centres.
    fwhm_px : float
        Typical width.

    Returns
    -------
    StarShapes

    Notes
    -----
    Bernstein & Jarvis 2002, AJ 123, 583: weight and star share centre and shape, so that noise far out counts little
    and the centre is free of the pixel grid. For profiles similar to themselves the axis ratio is exact.
    """
    out = np.full((len(x_px), 5), np.nan)
    _moments(image, np.asarray(x_px, np.float64), np.asarray(y_px, np.float64), float(fwhm_px), out)
    pixel = 1.0 / 12.0  # variance of light inside a square pixel
    return StarShapes(out[:, 0], out[:, 1], out[:, 2] - pixel, out[:, 3] - pixel, out[:, 4])


def common_shape(shapes: StarShapes) -> tuple[float, float, float] | None:
    """Return the elongation of a frame.

    Parameters
    ----------
    shapes : StarShapes

    Returns
    -------
    ellipticity, angle_deg, coherence : float
        Median of 1 - b/a; direction of the mean; 0 if stars point everywhere, 1 if all point the same way. None with
        fewer than three stars.

    Notes
    -----
    Directions are averaged as vectors of twice the angle: 179° and 1° are neighbours.
    """
    e, angle = shapes.ellipticity, np.radians(2.0 * shapes.angle_deg)
    good = np.isfinite(e)
    if good.sum() < 3:
        return None
    e, angle = e[good], angle[good]
    along, across = float(np.mean(e * np.cos(angle))), float(np.mean(e * np.sin(angle)))
    mean = float(np.mean(e))
    coherence = float(np.hypot(along, across)) / mean if mean > 0.0 else 0.0
    return float(np.median(e)), float(np.degrees(0.5 * np.arctan2(across, along))) % 180.0, coherence


def field_map(
    x_px: FloatArray, y_px: FloatArray, values: FloatArray, shape: tuple[int, int], cells: int = 3
) -> tuple[tuple[float | None, ...], ...]:
    """Return the median of ``values`` in ``cells`` × ``cells`` parts of the frame, low y first.

    A part with fewer than two values is None: one star is an anecdote.
    """
    ny, nx = shape
    column = np.clip((x_px * cells / nx).astype(int), 0, cells - 1)
    row = np.clip((y_px * cells / ny).astype(int), 0, cells - 1)
    rows: list[tuple[float | None, ...]] = []
    for j in range(cells):
        line: list[float | None] = []
        for i in range(cells):
            here = values[(row == j) & (column == i) & np.isfinite(values)]
            line.append(float(np.median(here)) if here.size >= 2 else None)
        rows.append(tuple(line))
    return tuple(rows)


@kernel
def _moments(image: Any, xs: Any, ys: Any, fwhm: float, out: Any) -> None:
    ny, nx = image.shape
    start = (fwhm / 2.3548) ** 2 + 1.0 / 12.0
    reach = int(min(max(np.ceil(2.0 * fwhm), 4), 40))
    for s in range(xs.size):
        x, y = xs[s], ys[s]
        xx, yy, xy = start, start, 0.0
        settled = False
        for turn in range(40):
            cx, cy = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
            det = xx * yy - xy * xy
            if cx < reach or cy < reach or cx >= nx - reach or cy >= ny - reach or not det > 0.0:
                break
            a, b, c = yy / det, -xy / det, xx / det
            sw, sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for j in range(cy - reach, cy + reach + 1):
                dy = j - y
                for i in range(cx - reach, cx + reach + 1):
                    dx = i - x
                    q = a * dx * dx + 2.0 * b * dx * dy + c * dy * dy
                    if q > 16.0:
                        continue
                    w = np.exp(-0.5 * q) * image[j, i]
                    sw += w
                    sx += w * dx
                    sy += w * dy
                    sxx += w * dx * dx
                    syy += w * dy * dy
                    sxy += w * dx * dy
            if not sw > 0.0:
                break
            mx, my = sx / sw, sy / sw
            # The weight halves both the offset and the moments of a matched Gaussian.
            new_xx = 2.0 * (sxx / sw - mx * mx)
            new_yy = 2.0 * (syy / sw - my * my)
            new_xy = 2.0 * (sxy / sw - mx * my)
            # Sharp stars may swing between two pixels: half steps end that.
            share = 2.0 if turn < 12 else 1.0
            x += min(max(share * mx, -1.0), 1.0)
            y += min(max(share * my, -1.0), 1.0)
            if turn >= 12:
                new_xx, new_yy, new_xy = 0.5 * (new_xx + xx), 0.5 * (new_yy + yy), 0.5 * (new_xy + xy)
            change = abs(new_xx - xx) + abs(new_yy - yy) + abs(new_xy - xy)
            xx, yy, xy = max(new_xx, 0.1), max(new_yy, 0.1), new_xy
            if abs(x - xs[s]) > fwhm or abs(y - ys[s]) > fwhm or xx + yy > 8.0 * reach * reach:
                break
            if change < 3e-3 * (xx + yy) and abs(mx) + abs(my) < 2e-3 * fwhm:
                settled = True
                break
        if settled and xx * yy > xy * xy:
            out[s, 0], out[s, 1] = x, y
            out[s, 2], out[s, 3], out[s, 4] = xx, yy, xy
