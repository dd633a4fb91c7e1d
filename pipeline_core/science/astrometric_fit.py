"""The astrometric fit: a TAN-SIP solution from stars whose sky positions are known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.science.robust import MAD_TO_SIGMA
from pipeline_core.science.tan_sip import ARCSEC, TanSip, to_plane

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

STARS_A_PARAMETER = 3
"""An order is used only where each of its parameters stands on this many stars."""
CLIP_SIGMA = 4.0
_KNOWN_BEFORE = 2.0  # degrees of freedom that the stated errors are worth beside the residuals
_BEND_PX = 0.5  # of each term of distortion at the edge of the stars: ordinary optics
_FEWEST = 4  # stars of a linear fit: one more than its parameters
_SQUARES_LOST = 1.0 - 0.0011  # of the variance of normal residuals, by clipping both axes at 4 sigma


@dataclass(frozen=True)
class AstrometricFit:
    """A fitted solution and how well it is known."""

    solution: TanSip
    order: int
    used: Bools
    """(n,) stars that the fit stands on; the others lay too far off."""
    east_arcsec: Floats
    north_arcsec: Floats
    """(n,) measured minus catalogue, of every star."""
    sigma_arcsec: Floats
    """(n,) expected error of one axis of each star: measurement, catalogue and what the stars scatter beyond them."""
    rms_arcsec: float
    """Of both axes together (root of the mean squared distance / 2) over the used stars."""
    scatter_arcsec: float
    """Error of one axis that neither measurement nor catalogue explains; 0 when they explain all."""
    covariance: Floats
    """(m, m) of the polynomial of one axis, arcsec², in powers of (u, v) / ``unit_px``; with the terms that were asked
    for and left out because stars are few."""
    powers: tuple[tuple[int, int], ...]
    unit_px: float

    @property
    def parameters(self) -> int:
        """Terms of one axis that were fitted."""
        return (self.order + 1) * (self.order + 2) // 2

    def error_arcsec(self, x_px: npt.ArrayLike, y_px: npt.ArrayLike) -> Floats:
        """Return one sigma of the solution itself, each axis, at places in the frame."""
        u = (np.asarray(x_px, np.float64) - self.solution.x_px) / self.unit_px
        v = (np.asarray(y_px, np.float64) - self.solution.y_px) / self.unit_px
        design = _design(np.atleast_1d(u).ravel(), np.atleast_1d(v).ravel(), self.powers)
        variance = np.einsum("ij,jk,ik->i", design, self.covariance, design)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)), np.float64).reshape(np.shape(u))

    def typical_error_arcsec(self, shape: tuple[int, int]) -> float:
        """Return the root mean square of the solution's own error over a frame of (ny, nx) pixels, each axis."""
        x, y = np.meshgrid(np.linspace(0, shape[1] - 1, 9), np.linspace(0, shape[0] - 1, 9))
        return float(np.sqrt(np.mean(self.error_arcsec(x, y) ** 2)))


def order_for(stars: int, wanted: int) -> int:
    """Return the highest order up to ``wanted`` that ``stars`` can carry."""
    order = wanted
    while order > 1 and stars < STARS_A_PARAMETER * (order + 1) * (order + 2) // 2:
        order -= 1
    return order


def fit_astrometry(
    x_px: Floats,
    y_px: Floats,
    ra_deg: Floats,
    dec_deg: Floats,
    reference_px: tuple[float, float],
    *,
    order: int = 3,
    sigma_px: Floats | float = 0.1,
    catalogue_arcsec: Floats | float = 0.0,
    distortion: tuple[Floats, Floats] | None = None,
    rounds: int = 12,
) -> AstrometricFit | None:
    """Fit a TAN-SIP solution to matched stars.

    Parameters
    ----------
    x_px, y_px : (n,) px
        Measured places, 0-based.
    ra_deg, dec_deg : (n,) degrees
        Catalogue positions at the frame's epoch.
    reference_px : (x, y)
        The reference pixel; take the middle of the frame.
    order : int
        Of the polynomial; lowered where stars are few (see :func:`order_for`).
    sigma_px : (n,) or float
        Measuring error of each star, one axis.
    catalogue_arcsec : (n,) or float
        Error of the catalogue positions at this epoch, one axis.
    distortion : (A, B), optional
        Distortion known from other frames of the same optics: only the linear part is fitted then.
    rounds : int
        At most; a fit that only serves to match stars needs few.

    Returns
    -------
    AstrometricFit or None
        None with fewer than four stars, or stars on a line.

    Notes
    -----
    Standard coordinates are polynomials of the pixels, so the fit is linear; CD and SIP follow from it exactly. The
    tangent point moves to the reference pixel's sky in three rounds. Stars beyond 4 sigma are left out and come back
    if they fit later; the scatter beyond known errors is estimated from the stars themselves so that their reduced
    chi² is 1, and errors of the solution are stated with it.
    """
    count = len(x_px)
    if count < _FEWEST:
        return None
    x0, y0 = reference_px
    linear_u, linear_v = np.asarray(x_px, np.float64) - x0, np.asarray(y_px, np.float64) - y0
    if distortion is not None:
        known = TanSip(0.0, 0.0, x0, y0, np.eye(2), *distortion)
        linear_u, linear_v = known.distorted(linear_u, linear_v)
        order = 1
    unit = float(max(np.abs(linear_u).max(), np.abs(linear_v).max(), 1.0))
    u, v = linear_u / unit, linear_v / unit
    mean = np.array([_mean_direction(ra_deg, dec_deg)]).ravel()
    ra0, dec0 = float(mean[0]), float(mean[1])
    used = np.ones(count, bool)
    scale = _first_scale(u * unit, v * unit, *to_plane(ra_deg, dec_deg, ra0, dec0))
    if scale is None:
        return None
    base = np.hypot(np.broadcast_to(sigma_px, (count,)) * scale, np.broadcast_to(catalogue_arcsec, (count,)))
    base = np.maximum(base, 1e-4)
    scatter = 0.0
    solution: TanSip | None = None
    for step in range(rounds):
        order_now = min(order, 1 if step == 0 else order)
        order_now = order_for(int(used.sum()), order_now)
        powers = _powers(order_now)
        xi, eta = to_plane(ra_deg, dec_deg, ra0, dec0)
        design = _design(u, v, powers)
        weight = used / (base**2 + scatter**2)
        solved = _weighted(design, np.stack([xi, eta], axis=1) * ARCSEC, weight)
        if solved is None:
            return None
        table, normal_inverse = solved
        residual = design @ table - np.stack([xi, eta], axis=1) * ARCSEC
        # The tangent point goes to the sky of the reference pixel, so that the polynomial has no constant term.
        moved = np.hypot(*table[0]) if step else np.inf
        solution = _solution(table, powers, unit, (ra0, dec0), (x0, y0), distortion)
        if solution is None:
            return None
        ra0, dec0 = solution.ra_deg, solution.dec_deg
        parameters = len(powers)
        scatter = _scatter(residual, base, used, parameters)
        sigma = np.sqrt(base**2 + scatter**2)
        pull = np.hypot(residual[:, 0], residual[:, 1]) / sigma
        # The first rounds see the frame through too low an order: only the worst go.
        robust = MAD_TO_SIGMA * float(np.median(np.abs(residual[used])))
        keep = pull < CLIP_SIGMA * max(1.0, robust / max(float(np.median(sigma)), 1e-9) if step < 2 else 1.0)
        if keep.sum() < max(_FEWEST, count // 4):
            keep = used
        settled = step >= 3 and moved < 1e-5 and bool((keep == used).all())
        if settled:
            break
        used = keep
    assert solution is not None, "the loop ran"
    every = _design(u, v, _powers(order))
    factor, covariance = _errors(every, parameters, used, weight, base, sigma, residual, normal_inverse, scale)
    return AstrometricFit(
        solution,
        order_now,
        used,
        residual[:, 0],
        residual[:, 1],
        sigma * factor,
        float(np.sqrt(np.mean((residual[used] ** 2).sum(axis=1)) / 2.0)),
        scatter,
        covariance,
        _powers(order),
        unit,
    )


def _errors(
    every: Floats,
    fitted: int,
    used: Bools,
    weight: Floats,
    base: Floats,
    sigma: Floats,
    residual: Floats,
    normal_inverse: Floats,
    scale: float,
) -> tuple[float, Floats]:
    """Return by how much the stars' stated errors are to be multiplied, and the covariance of the solution's terms."""
    degrees = max(1.0, 2.0 * (used.sum() - fitted))
    chi2 = float(np.sum(((residual / sigma[:, None]) ** 2)[used])) / degrees / _SQUARES_LOST
    # Errors that were overestimated (chi² below 1 without any scatter) are taken back.
    factor = float(np.sqrt(max(chi2, 1e-6)))
    if fitted < every.shape[1]:
        covariance = _with_bending(every, fitted, weight, base * factor, residual, _BEND_PX * scale)
    else:
        covariance = normal_inverse * factor**2
    return factor, covariance * _small_sample(degrees)


def _small_sample(degrees: float) -> float:
    """Return how much wider than a normal one an error is whose scale was taken from so few residuals.

    Notes
    -----
    Student's t with n degrees of freedom has the variance n / (n - 2); what is known beforehand counts as
    :data:`_KNOWN_BEFORE` degrees, so that three of four stars do not make it infinite.
    """
    known = degrees + _KNOWN_BEFORE
    return known / (known - 2.0)


def _with_bending(every: Floats, fitted: int, weight: Floats, known: Floats, residual: Floats, usual: float) -> Floats:
    """Return the covariance of all wanted terms (columns of ``every``) where the stars carried the ``fitted`` first.

    Notes
    -----
    What the fitted terms do not follow is no noise: it bends the whole frame, most where no star is, and more stars do
    not average it away. The terms that were left out are taken as random, all of one size; the residuals beyond what
    measurement and catalogue explain tell the size, and what is ``usual`` (arcsec) where they are too few to. With
    y = X b + Z c + e and the estimate P y of b, the solution errs by (P Z c - c) + P e.
    """
    design, left = every[:, :fitted], every[:, fitted:]
    solve = np.linalg.inv(design.T @ (design * weight[:, None])) @ (design * weight[:, None]).T
    seen = left - design @ (solve @ left)  # what of the bending shows in residuals
    makes = np.eye(len(every)) - design @ solve
    noise = float(np.einsum("i,ij,j->", weight, makes**2, known**2))
    both = 0.5 * float(np.sum(weight[:, None] * residual**2))
    degrees = 2.0 * max(0, int((weight > 0).sum()) - fitted)
    told = _positive(both - noise, both * np.sqrt(2.0 / max(degrees, 1.0)))
    told /= max(float(np.sum(weight[:, None] * seen**2)), 1e-12)
    size = (degrees * told + _KNOWN_BEFORE * usual**2) / (degrees + _KNOWN_BEFORE)
    bending = np.vstack([solve @ left, -np.eye(left.shape[1])])
    covariance = size * bending @ bending.T
    covariance[:fitted, :fitted] += (solve * known**2) @ solve.T
    return covariance


def _positive(value: float, sigma: float) -> float:
    """Return the mean of what a quantity may be that is measured as ``value`` ± ``sigma`` and cannot be negative."""
    if sigma <= 0.0:
        return max(value, 0.0)
    apart = value / sigma
    below = 0.5 * math.erfc(apart / math.sqrt(2.0))
    if below > 1.0 - 1e-6:  # far below zero: what the tail leaves
        return sigma / -apart
    return value + sigma * math.exp(-0.5 * apart**2) / math.sqrt(2.0 * math.pi) / (1.0 - below)


def _powers(order: int) -> tuple[tuple[int, int], ...]:
    """Terms u^i v^j, by degree: the constant, then the two linear ones, then the distortion."""
    return tuple((total - j, j) for total in range(order + 1) for j in range(total + 1))


def _design(u: Floats, v: Floats, powers: tuple[tuple[int, int], ...]) -> Floats:
    top = max(i + j for i, j in powers)
    up, vp = np.vander(u, top + 1, increasing=True), np.vander(v, top + 1, increasing=True)
    return np.stack([up[:, i] * vp[:, j] for i, j in powers], axis=1)


def _weighted(design: Floats, target: Floats, weight: Floats) -> tuple[Floats, Floats] | None:
    """Return the least-squares table (m, 2) and the inverse normal matrix; None if the stars do not fix it."""
    heavy = design * weight[:, None]
    normal = design.T @ heavy
    try:
        condition = np.linalg.cond(normal)
        if not np.isfinite(condition) or condition > 1e13:
            return None
        inverse = np.linalg.inv(normal)
    except np.linalg.LinAlgError:
        return None
    return np.asarray(inverse @ (heavy.T @ target), np.float64), np.asarray(inverse, np.float64)


def _solution(
    table: Floats,
    powers: tuple[tuple[int, int], ...],
    unit: float,
    tangent: tuple[float, float],
    pixel: tuple[float, float],
    distortion: tuple[Floats, Floats] | None,
) -> TanSip | None:
    """Turn the polynomial of standard coordinates (arcsec) into reference point, CD and SIP."""
    from pipeline_core.science.tan_sip import from_plane  # noqa: PLC0415 - the only use

    matrix = table[1:3].T / (unit * ARCSEC)  # rows: east, north; columns: u, v
    if abs(np.linalg.det(matrix)) < 1e-20:
        return None
    ra, dec = from_plane(table[0, 0] / ARCSEC, table[0, 1] / ARCSEC, *tangent)
    if distortion is not None:
        return TanSip(float(ra), float(dec), *pixel, matrix, *distortion)
    order = max(i + j for i, j in powers)
    if order < 2:
        return TanSip(float(ra), float(dec), *pixel, matrix)
    inverse = np.linalg.inv(matrix)
    tables = np.zeros((2, order + 1, order + 1))
    for (i, j), terms in zip(powers[3:], table[3:], strict=True):
        tables[:, i, j] = inverse @ (terms / (ARCSEC * unit ** (i + j)))
    return TanSip(float(ra), float(dec), *pixel, matrix, tables[0], tables[1])


def _scatter(residual: Floats, base: Floats, used: Bools, parameters: int) -> float:
    """Return the error beyond the known ones that makes the reduced chi² of the used stars 1; 0 if it is below."""
    squares = (residual[used] ** 2).sum(axis=1)
    known = base[used] ** 2
    degrees = max(1.0, 2.0 * (used.sum() - parameters)) * _SQUARES_LOST

    # Chi² falls with the variance, ever less steeply: Newton's steps from zero never overshoot.
    variance = 0.0
    for _ in range(60):
        terms = squares / (known + variance)
        excess = float(terms.sum()) - degrees
        if excess <= 1e-4 * degrees:
            break
        variance += excess / float((terms / (known + variance)).sum())
    return float(np.sqrt(variance))


def _first_scale(u: Floats, v: Floats, xi: Floats, eta: Floats) -> float | None:
    """Return arcsec a pixel, from the spread of the stars on the chip and on the sky; None if they have none."""
    chip = float(np.hypot(np.std(u), np.std(v)))
    sky = float(np.hypot(np.std(xi), np.std(eta))) * ARCSEC
    return sky / chip if chip > 0.0 and np.isfinite(sky) and sky > 0.0 else None


def _mean_direction(ra_deg: Floats, dec_deg: Floats) -> tuple[float, float]:
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    x, y, z = (np.cos(dec) * np.cos(ra)).mean(), (np.cos(dec) * np.sin(ra)).mean(), np.sin(dec).mean()
    return float(np.degrees(np.arctan2(y, x)) % 360.0), float(np.degrees(np.arctan2(z, np.hypot(x, y))))
