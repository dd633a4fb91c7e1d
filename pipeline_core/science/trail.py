"""Trails: whether stars that are long one way moved evenly during the exposure, or were shaken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.types import Image

FloatArray = npt.NDArray[np.float64]

FEWEST = 6
"""Stars that make a profile."""
_STEPS = 8  # samples within a FWHM
_HALF_WIDTHS = 1.0  # the strip whose light is summed reaches so many short FWHM to either side: wider, neighbours tell
_BETTER = 0.8  # squares left by the trail over those left by shaking; an image that wind stretched leaves 1.8 and more
_THINNEST = 0.01  # short over long axis: lines of single pixels, which leave no width once the pixel's is taken out
_MOST_WEIGHT = 10.0  # times the middle star's
_DRAWS = 20
_SURE = 0.75  # of the draws must agree


def trail_length(
    image: Image, x_px: FloatArray, y_px: FloatArray, flux: FloatArray, fwhm_px: float, axis_ratio: float,
    angle_deg: float,
) -> float | None:  # fmt: skip
    """Return the length of the trail that drew the stars of a frame out, None if something else did.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed.
    x_px, y_px : (n,)
        Centres of clean stars, 0-based.
    flux : (n,)
        Light of each star, image unit.
    fwhm_px : float
        Of the frame: geometric mean of the long and the short axis.
    axis_ratio : float
        Short over long axis.
    angle_deg : float
        Of the long axis, counter-clockwise from +x.

    Returns
    -------
    float or None
        Px. None with fewer than six stars inside the frame, or where shaking explains the profile as well.

    Notes
    -----
    Across the long axis a star's light, summed along the axis, is what seeing and optics make of a point. A telescope
    that moves evenly, or stands still while the sky moves, convolves that profile with a box as long as the trail
    (trailed PSF of Vereš et al. 2012, PASP 124, 1197): a flat top with steep sides, less peaked than a Gaussian. Wind
    and guiding errors scatter the image about its place: the profile becomes wider and keeps a peak, whether it is
    stretched or convolved with a Gaussian. The mean star of the frame is compared with the three.
    """
    if not axis_ratio > _THINNEST:
        return None
    stamps, weight, step = _turned(image, x_px, y_px, flux, fwhm_px, axis_ratio, angle_deg)
    if len(stamps) < FEWEST:
        return None
    mean = _MeanStar(stamps, weight)
    length, better = _compared(mean.star(np.ones(len(stamps))), step, fwhm_px, axis_ratio)
    if not better < _BETTER:
        return None
    rng = np.random.default_rng(0)  # the same frame, the same answer
    agree = 0
    for _ in range(_DRAWS):
        times = np.bincount(rng.integers(0, len(stamps), len(stamps)), minlength=len(stamps))
        agree += _compared(mean.star(times), step, fwhm_px, axis_ratio)[1] < 1.0
    return length if agree >= _SURE * _DRAWS else None


class _MeanStar:
    """The weighted median of stars at each place: neighbours in a few of them do no harm, faint ones count little."""

    def __init__(self, stamps: FloatArray, weight: FloatArray) -> None:
        self._order = np.argsort(stamps, axis=0)
        self._sorted = np.take_along_axis(stamps, self._order, axis=0)
        self._weight = weight

    def star(self, times: npt.NDArray[Any]) -> FloatArray:
        """Return it with each star counted so many times."""
        total = np.cumsum((self._weight * times)[self._order], axis=0)
        middle = np.argmax(total >= 0.5 * total[-1], axis=0)
        return np.asarray(np.take_along_axis(self._sorted, middle[None], axis=0)[0])


def _turned(
    image: Image, x: FloatArray, y: FloatArray, flux: FloatArray, fwhm: float, ratio: float, angle_deg: float
) -> tuple[FloatArray, FloatArray, float]:
    """Return stars of unit light, (n, nv, nu) with the long axis along u, the weight of each, and the step in px."""
    short, long = fwhm * np.sqrt(ratio), fwhm / np.sqrt(ratio)
    step = max(short / _STEPS, 0.2)
    u, v = (
        step * np.arange(-n, n + 1)
        for n in (int(np.ceil(2.0 * _HALF_WIDTHS * long / step)), int(np.ceil(2.0 * _HALF_WIDTHS * short / step)))
    )
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    column, row = u[None, :] * cos - v[:, None] * sin, u[None, :] * sin + v[:, None] * cos
    ny, nx = image.shape
    reach_x, reach_y = np.abs(column).max() + 1, np.abs(row).max() + 1
    inside = (x > reach_x) & (x < nx - 1 - reach_x) & (y > reach_y) & (y < ny - 1 - reach_y) & (flux > 0.0)
    stamps = [
        _sampled(image, a + column, b + row) / f for a, b, f in zip(x[inside], y[inside], flux[inside], strict=True)
    ]
    # The noise of a star of unit light falls as its light; one bright star must not be the profile alone.
    light = flux[inside]
    return np.array(stamps), np.minimum(light, _MOST_WEIGHT * np.median(light)) if len(light) else light, step


def _sampled(image: Image, x: FloatArray, y: FloatArray) -> Any:
    """Return the image between its pixels, bilinear: the blur of that is the same in all directions."""
    i, j = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    a, b = x - i, y - j
    return (1 - b) * ((1 - a) * image[j, i] + a * image[j, i + 1]) + b * (
        (1 - a) * image[j + 1, i] + a * image[j + 1, i + 1]
    )


def _compared(star: FloatArray, step: float, fwhm: float, ratio: float) -> tuple[float, float]:
    """Return the best trail, px, and the squares it leaves over those of the best shaking."""
    nv, nu = star.shape
    along_half, across_half = (round(_HALF_WIDTHS * fwhm * ratio**p / step) for p in (-0.5, 0.5))
    strip = slice(nv // 2 - across_half, nv // 2 + across_half + 1)
    along = _even(star[strip].sum(axis=0))
    across = _even(star[:, nu // 2 - along_half : nu // 2 + along_half + 1].sum(axis=1))
    t = step * np.arange(-along_half, along_half + 1)
    seen = along[nu // 2 - along_half : nu // 2 + along_half + 1]
    places = step * (np.arange(nv) - nv // 2)
    across = across - 0.5 * (across[0] + across[-1])
    lengths = np.linspace(0.5, 4.0, 71) * fwhm * np.sqrt(1.0 / ratio)
    box = [_left(seen, _boxed(t, places, across, length)) for length in lengths]
    stretched = [_left(seen, np.interp(t / by, places, across)) for by in np.linspace(1.02, 3.0, 100)]
    jitter = [_left(seen, _blurred(t, places, across, s)) for s in np.linspace(0.1, 1.5, 71) * fwhm]
    return float(lengths[int(np.argmin(box))]), float(min(box) / max(min(*stretched, *jitter), 1e-30))


def _even(profile: FloatArray) -> FloatArray:
    return 0.5 * (profile + profile[::-1])


def _boxed(t: FloatArray, places: FloatArray, profile: FloatArray, length: float) -> FloatArray:
    total = np.concatenate([[0.0], np.cumsum(0.5 * (profile[1:] + profile[:-1]) * np.diff(places))])
    upper, lower = np.interp(t + 0.5 * length, places, total), np.interp(t - 0.5 * length, places, total)
    return np.asarray(upper - lower)


def _blurred(t: FloatArray, places: FloatArray, profile: FloatArray, sigma: float) -> FloatArray:
    weight = np.exp(-0.5 * ((t[:, None] - places[None, :]) / sigma) ** 2)
    return np.asarray(weight @ profile)


def _left(seen: FloatArray, model: FloatArray) -> float:
    """Return the squares that a model leaves when its light and the sky are free."""
    terms = np.stack([model, np.ones_like(model)], axis=1)
    solution = np.linalg.lstsq(terms, seen, rcond=None)[0]
    return float(((seen - terms @ solution) ** 2).sum())
