"""Widths of stars: elliptical Moffat profiles integrated over the pixels."""

# Compiled loops take their arguments by position and are one loop each.
# ruff: noqa: C901, PLR0912, PLR0915, PLR0917
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.jit import kernel

if TYPE_CHECKING:
    from pipeline_core.types import Image

_P = 8  # background, amplitude, x, y, the half-maximum ellipse (a, b, c), ln beta


@dataclass(frozen=True, slots=True)
class MoffatFits:
    """One entry a star; NaN where the fit failed."""

    x_px: npt.NDArray[np.float64]
    y_px: npt.NDArray[np.float64]
    fwhm_px: npt.NDArray[np.float64]
    """Geometric mean of both axes, of the light before the pixels averaged it."""
    beta: npt.NDArray[np.float64]
    ellipse: npt.NDArray[np.float64]
    """(n, 3): xx, yy, xy of the half-maximum ellipse, px²."""
    residual: npt.NDArray[np.float64]
    """Sum of |data - model| over the sum of the light inside the half-maximum ellipse grown twice."""


def fit_moffats(
    image: Image, x_px: npt.NDArray[Any], y_px: npt.NDArray[Any], fwhm_px: float, *, noise: float, gain: float
) -> MoffatFits:
    """Fit an elliptical Moffat profile to each star by Levenberg-Marquardt.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed, finite.
    x_px, y_px : (n,)
        First guess of the centres, good to about a third of the width.
    fwhm_px : float
        First guess of the width; the fitted radius is twice that, 4 to 24 px.
    noise : float
        Standard deviation of the sky, image unit.
    gain : float
        Electrons per image unit, for the stars' own noise.

    Returns
    -------
    MoffatFits

    Notes
    -----
    I(q) = I0 [1 + (2^(1/beta) - 1) q]^-beta with q = 1 on the half-maximum ellipse (Moffat 1969, A&A 3, 455): width
    and wing are then nearly independent. The profile is averaged over each pixel by Gauss-Legendre nodes (3×3 for
    the sharpest stars), else a star of 1.5 px would read 12 % too wide. Bounds: beta 1.1 to 60 (a Gaussian).
    """
    out = np.full((len(x_px), 8), np.nan)
    # A star far sharper than its pixels needs three nodes a side; from 6 px on the pixel's centre will do.
    order = 3 if fwhm_px < 2.5 else 2 if fwhm_px < 6.0 else 1
    nodes, weights = np.polynomial.legendre.leggauss(order)
    radius = int(np.clip(np.ceil(2.0 * fwhm_px), 4, 24))
    _fit_all(
        image, np.asarray(x_px, np.float64), np.asarray(y_px, np.float64), radius, float(fwhm_px),
        max(float(noise), 1e-6), max(float(gain), 1e-6), 0.5 * nodes, 0.5 * weights, out,
    )  # fmt: skip
    if order == 1:  # what a square pixel adds to the half-maximum width of a broad profile: 8 ln 2 / 12
        out[:, 2] = np.sqrt(np.maximum(out[:, 2] ** 2 - 8.0 * np.log(2.0) / 12.0, 0.0))
    return MoffatFits(out[:, 0], out[:, 1], out[:, 2], out[:, 3], out[:, 5:8], out[:, 4])


@kernel
def _model(p: Any, x: float, y: float, nodes: Any, weights: Any, slope: Any) -> float:
    """Pixel average of the profile at (x, y); ``slope`` receives its derivatives."""
    beta = np.exp(p[7])
    root = 2.0 ** (1.0 / beta)
    k = root - 1.0
    dk = -np.log(2.0) * root / (beta * beta)
    for i in range(_P):
        slope[i] = 0.0
    total = 0.0
    for j in range(nodes.size):
        dy = y + nodes[j] - p[3]
        for i in range(nodes.size):
            dx = x + nodes[i] - p[2]
            weight = weights[i] * weights[j]
            q = p[4] * dx * dx + 2.0 * p[5] * dx * dy + p[6] * dy * dy
            u = 1.0 + k * q
            log_u = np.log(u)
            f = weight * np.exp(-beta * log_u)
            total += f
            g = -p[1] * beta * f / u * k  # d model / d q
            slope[2] += g * (-2.0) * (p[4] * dx + p[5] * dy)
            slope[3] += g * (-2.0) * (p[5] * dx + p[6] * dy)
            slope[4] += g * dx * dx
            slope[5] += g * 2.0 * dx * dy
            slope[6] += g * dy * dy
            slope[7] += p[1] * f * (-log_u - beta * dk * q / u) * beta
    slope[0] = 1.0
    slope[1] = total
    return float(p[0] + p[1] * total)


@kernel
def _solve(matrix: Any, right: Any) -> bool:
    """Solve in place by Cholesky; False if the matrix is not positive definite."""
    n = right.size
    for i in range(n):
        for j in range(i + 1):
            s = matrix[i, j]
            for k in range(j):
                s -= matrix[i, k] * matrix[j, k]
            if i == j:
                if not s > 0.0:
                    return False
                matrix[i, i] = np.sqrt(s)
            else:
                matrix[i, j] = s / matrix[j, j]
    for i in range(n):
        for k in range(i):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= matrix[k, i] * right[k]
        right[i] /= matrix[i, i]
    return True


@kernel
def _normal_equations(
    stamp: Any, variance: Any, radius: int, p: Any, nodes: Any, weights: Any, slope: Any, matrix: Any, right: Any
) -> float:
    matrix[:] = 0.0
    right[:] = 0.0
    chi2 = 0.0
    side = stamp.shape[0]
    for y in range(side):
        for x in range(side):
            if (y - radius) ** 2 + (x - radius) ** 2 > (radius + 0.5) ** 2:
                continue
            model = _model(p, float(x), float(y), nodes, weights, slope)
            rest = stamp[y, x] - model
            w = 1.0 / variance[y, x]
            chi2 += rest * rest * w
            for i in range(_P):
                right[i] += w * rest * slope[i]
                for j in range(i + 1):
                    matrix[i, j] += w * slope[i] * slope[j]
    # A weak prior, 1/beta = 0.3 ± 0.25 (0 is a Gaussian): without it a faint star trades its wing for its sky.
    wing = np.exp(-p[7])
    pull = (wing - 0.3) / 0.25
    chi2 += pull * pull
    right[7] += pull * wing / 0.25
    matrix[7, 7] += (wing / 0.25) ** 2
    return float(chi2)


@kernel
def _fit_all(
    image: Any,
    xs: Any,
    ys: Any,
    radius: int,
    fwhm: float,
    noise: float,
    gain: float,
    nodes: Any,
    weights: Any,
    out: Any,
) -> None:
    ny, nx = image.shape
    side = 2 * radius + 1
    stamp = np.empty((side, side))
    variance = np.empty((side, side))
    slope = np.empty(_P)
    matrix = np.empty((_P, _P))
    right = np.empty(_P)
    trial_matrix = np.empty((_P, _P))
    trial_right = np.empty(_P)
    step = np.empty(_P)
    work = np.empty((_P, _P))
    p = np.empty(_P)
    trial = np.empty(_P)
    for s in range(xs.size):
        cx, cy = int(np.floor(xs[s] + 0.5)), int(np.floor(ys[s] + 0.5))
        if cx < radius or cy < radius or cx >= nx - radius or cy >= ny - radius:
            continue
        top = 0.0
        for y in range(side):
            for x in range(side):
                stamp[y, x] = image[cy - radius + y, cx - radius + x]
        for y in range(max(radius - 2, 0), radius + 3):
            for x in range(max(radius - 2, 0), radius + 3):
                top = max(top, stamp[y, x])
        if not top > 0.0:
            continue
        p[0] = 0.0
        p[1] = top * (1.0 + 0.6 / (fwhm * fwhm))  # the pixel rounds the peak off
        p[2] = xs[s] - cx + radius
        p[3] = ys[s] - cy + radius
        p[4] = 4.0 / (fwhm * fwhm)
        p[5] = 0.0
        p[6] = p[4]
        p[7] = np.log(3.5)
        for y in range(side):
            for x in range(side):
                # Noise of a smooth first guess: the data's own noise must not weigh itself.
                q = p[4] * ((x - p[2]) ** 2 + (y - p[3]) ** 2)
                variance[y, x] = noise * noise + top * (1.0 + 0.22 * q) ** -3.5 / gain + (0.003 * top) ** 2
        chi2 = _normal_equations(stamp, variance, radius, p, nodes, weights, slope, matrix, right)
        damp = 1e-2
        calm = 0
        for _ in range(40):
            for i in range(_P):
                step[i] = right[i]
                for j in range(i + 1):
                    work[i, j] = matrix[i, j]
                work[i, i] += damp * matrix[i, i] + 1e-30
            good = _solve(work, step)
            if good:
                for i in range(_P):
                    trial[i] = p[i] + step[i]
                trial[7] = min(max(trial[7], np.log(1.1)), np.log(60.0))
                good = (
                    trial[4] > 0.0
                    and trial[6] > 0.0
                    and trial[4] * trial[6] > trial[5] * trial[5]
                    and abs(trial[2] - radius) < radius
                    and abs(trial[3] - radius) < radius
                )
            if good:
                new = _normal_equations(
                    stamp, variance, radius, trial, nodes, weights, slope, trial_matrix, trial_right
                )
                good = new <= chi2
                if good:
                    small = chi2 - new < 1e-5 * chi2 + 1e-3
                    chi2 = new
                    p[:] = trial
                    matrix[:] = trial_matrix
                    right[:] = trial_right
                    damp = max(damp * 0.2, 1e-7)
                    if small:
                        calm += 1
                        if calm == 3:  # a long valley (beta against width) has single short steps
                            break
                    else:
                        calm = 0
            if not good:
                damp *= 6.0
                if damp > 1e7:  # no step helps any more: this is the minimum to machine precision
                    break
        area = p[4] * p[6] - p[5] * p[5]
        if not area > 0.0 or not p[1] > 0.0 or area < (2.0 / (4.0 * fwhm)) ** 4:
            continue
        off = 0.0
        light = 0.0
        for y in range(side):
            for x in range(side):
                q = p[4] * (x - p[2]) ** 2 + 2.0 * p[5] * (x - p[2]) * (y - p[3]) + p[6] * (y - p[3]) ** 2
                if q < 4.0:
                    model = _model(p, float(x), float(y), nodes, weights, slope)
                    off += abs(stamp[y, x] - model)
                    light += max(model - p[0], 0.0)
        out[s, 0] = p[2] + cx - radius
        out[s, 1] = p[3] + cy - radius
        out[s, 2] = 2.0 / area**0.25
        out[s, 3] = np.exp(p[7])
        out[s, 5], out[s, 6], out[s, 7] = p[6] / area, p[4] / area, -p[5] / area
        out[s, 4] = off / light if light > 0.0 else np.nan
