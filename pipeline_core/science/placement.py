"""Where the pixels of one frame lie in another, to a small part of a pixel: shift, turn, shear, slight distortion.

A similarity found by votes (see ``alignment``) says which star is which. What is left is fitted here: six numbers of an
affine map, and second or third order terms where the stars ask for them, by weighted least squares that lets go of
stars which do not belong (blends, hits, asteroids).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.alignment import Alignment, match
from pipeline_core.science.robust import MAD_TO_SIGMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.measures import StarList

Floats = npt.NDArray[np.float64]

_SIMILARITY = 0
# Stars without which an order is not tried: three times its coefficients a coordinate.
_LEAST_STARS = {1: 8, 2: 18, 3: 30}
# Twice the logarithm of Bayes' factor at which evidence is "very strong" (Kass & Raftery 1995, JASA 90, 773).
_DEMANDED = 10.0
# px: flat-field residue, undersampling and seeing keep bright stars from being better than this.
_FLOOR_PX = 0.02
_CUT = 4.0  # sigma: Tukey's biweight gives stars beyond no weight; at 4 a Gaussian loses 8 % of its information


@dataclass(frozen=True, slots=True)
class Placement:
    """Where positions of a reference frame lie in another frame.

    ``x = sum_k x_terms[k] u^p v^q``, likewise y, with ``u, v`` the position from ``centre`` in units of ``reach``.
    Terms stand in the order 1, u, v, u², uv, v², u³, u²v, uv², v³. All positions are 0-based pixels.
    """

    centre: tuple[float, float]
    """(x, y) of the reference's middle, px."""
    reach: float
    """Half of the reference's longer side, px."""
    x_terms: tuple[float, ...]
    y_terms: tuple[float, ...]
    matched: int = 0
    """Stars the fit stands on."""
    rms_px: float = 0.0
    """Of the distances of those stars after the fit, weighted as they were fitted."""

    @classmethod
    def of(cls, alignment: Alignment, shape: tuple[int, int]) -> Placement:
        """Say a similarity in this form; ``shape`` (ny, nx) is the reference's."""
        centre, reach = _middle(shape)
        x0, y0 = alignment.moved(*centre)
        turn = complex(alignment.turn) * reach
        over = -1.0 if alignment.mirrored else 1.0
        return cls(
            centre,
            reach,
            (float(x0), turn.real, -over * turn.imag),
            (float(y0), turn.imag, over * turn.real),
            alignment.matched,
            alignment.rms_px,
        )

    @classmethod
    def identity(cls, shape: tuple[int, int], matched: int = 0) -> Placement:
        """Place a frame on itself."""
        return cls.of(Alignment(1 + 0j, 0j, matched=matched), shape)

    @property
    def order(self) -> int:
        """1: affine; 2, 3: with distortion."""
        return {3: 1, 6: 2, 10: 3}[len(self.x_terms)]

    @property
    def mirrored(self) -> bool:
        """Whether the frame shows the field as a mirror does."""
        return self._determinant < 0

    @property
    def rotation_deg(self) -> float:
        """Counter-clockwise from the reference to this frame, in (-180, 180]; of the nearest similarity."""
        (a, b), (c, d) = self.x_terms[1:3], self.y_terms[1:3]
        turn = complex(a - d, c + b) if self.mirrored else complex(a + d, c - b)
        return math.degrees(math.atan2(turn.imag, turn.real))

    @property
    def scale(self) -> float:
        """Pixels here for one pixel of the reference, in the middle."""
        return math.sqrt(abs(self._determinant)) / self.reach

    @property
    def displacement(self) -> tuple[float, float]:
        """By how much the middle of the field has moved, (dx, dy) px."""
        return self.x_terms[0] - self.centre[0], self.y_terms[0] - self.centre[1]

    @property
    def _determinant(self) -> float:
        return self.x_terms[1] * self.y_terms[2] - self.x_terms[2] * self.y_terms[1]

    def moved(self, x_px: npt.ArrayLike, y_px: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return where reference positions lie in this frame, px."""
        terms = _terms(*self._unit(x_px, y_px), self.order)
        return np.tensordot(self.x_terms, terms, 1), np.tensordot(self.y_terms, terms, 1)

    def returned(self, x_px: npt.ArrayLike, y_px: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return where positions of this frame lie in the reference, px."""
        wanted_x, wanted_y = np.asarray(x_px, float), np.asarray(y_px, float)
        (a, b), (c, d) = self.x_terms[1:3], self.y_terms[1:3]
        x, y = np.full_like(wanted_x, self.centre[0]), np.full_like(wanted_y, self.centre[1])
        # Newton with the derivative of the middle: exact at once for an affine map, and distortion is slight.
        for _ in range(1 if self.order == 1 else 12):
            at_x, at_y = self.moved(x, y)
            off_x, off_y = wanted_x - at_x, wanted_y - at_y
            x = x + self.reach * (d * off_x - b * off_y) / self._determinant
            y = y + self.reach * (a * off_y - c * off_x) / self._determinant
        return x, y

    def seen_from(self, other: Placement) -> Placement:
        """Return where the pixels of a third frame lie in this one, if they lie in the reference as ``other`` has it.

        Parameters
        ----------
        other : Placement
            On the same reference.

        Returns
        -------
        Placement
            ``self.moved(*other.returned(x, y))`` as one map: exact for two affine ones, else fitted to a grid over the
            field in the higher order of both.
        """
        grid = np.linspace(-1.0, 1.0, 9)
        u, v = (axis.ravel() for axis in np.meshgrid(grid, grid))
        x, y = self.moved(*other.returned(self.centre[0] + self.reach * u, self.centre[1] + self.reach * v))
        terms = _terms(u, v, max(self.order, other.order)).T
        both = np.linalg.lstsq(terms, np.column_stack([x, y]), rcond=None)[0]
        x_terms, y_terms = both.T.tolist()
        matched, rms_px = min(self.matched, other.matched), math.hypot(self.rms_px, other.rms_px)
        return Placement(self.centre, self.reach, tuple(x_terms), tuple(y_terms), matched, rms_px)

    def then(self, link: Alignment) -> Placement:
        """Return where the reference's pixels lie in a third frame, if those of this one lie there as ``link`` has it.

        Parameters
        ----------
        link : Alignment
            Not mirrored.
        """
        terms = link.turn * (np.array(self.x_terms) + 1j * np.array(self.y_terms))
        terms[0] += link.shift
        matched, rms_px = min(self.matched, link.matched), math.hypot(self.rms_px, link.rms_px)
        return Placement(
            self.centre, self.reach, tuple(terms.real.tolist()), tuple(terms.imag.tolist()), matched, rms_px
        )

    def area(self, x_px: npt.ArrayLike, y_px: npt.ArrayLike) -> Floats:
        """Return how many pixels of this frame one pixel of the reference covers, at reference positions."""
        step = 0.5
        x, y = np.asarray(x_px, float), np.asarray(y_px, float)
        right, left = self.moved(x + step, y), self.moved(x - step, y)
        up, down = self.moved(x, y + step), self.moved(x, y - step)
        return np.abs((right[0] - left[0]) * (up[1] - down[1]) - (right[1] - left[1]) * (up[0] - down[0]))

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "centre": list(self.centre),
            "reach": self.reach,
            "x_terms": list(self.x_terms),
            "y_terms": list(self.y_terms),
            "matched": self.matched,
            "rms_px": self.rms_px,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Placement:
        """Rebuild from :meth:`as_dict`."""
        x, y = values["centre"]
        return cls(
            (x, y), values["reach"], tuple(values["x_terms"]), tuple(values["y_terms"]), values["matched"],
            values["rms_px"],
        )  # fmt: skip

    def _unit(self, x_px: npt.ArrayLike, y_px: npt.ArrayLike) -> tuple[Floats, Floats]:
        x, y = np.asarray(x_px, float), np.asarray(y_px, float)
        return (x - self.centre[0]) / self.reach, (y - self.centre[1]) / self.reach


def position_error(flux: Floats, noise: float, fwhm_px: float, gain_e_per_adu: float) -> Floats:
    """Return the expected error of each star's position along one axis, px.

    Parameters
    ----------
    flux : (n,) float
        Sky removed, the image's unit.
    noise : float
        Sky noise of one pixel, the image's unit.
    fwhm_px : float
    gain_e_per_adu : float
        Electrons per unit of the image; 1 for electrons.

    Notes
    -----
    ``sigma = (FWHM / 2.355) / SNR`` for Poisson noise alone, twice its square for the part of the sky within a
    Gaussian's noise-equivalent area ``4 pi (FWHM / 2.355)²`` (King 1983, PASP 95, 163); not below 0.02 px.
    """
    width = fwhm_px / 2.355
    positive = np.maximum(flux, 1e-9)
    photons = 1.0 / (positive * gain_e_per_adu)
    sky = 8.0 * np.pi * width**2 * noise**2 / positive**2
    error: Floats = np.sqrt(width**2 * (photons + sky) + _FLOOR_PX**2)
    return error


def refine(
    start: Alignment,
    reference: StarList,
    stars: StarList,
    shape: tuple[int, int],
    *,
    error_px: tuple[Floats, Floats],
    radius_px: float = 2.0,
    highest_order: int = 2,
) -> Placement:
    """Fit where the reference's stars lie in another frame, as finely as the stars allow.

    Parameters
    ----------
    start : Alignment
        Good to ``radius_px``.
    reference, stars : StarList
    shape : (ny, nx)
        Of the reference.
    error_px : ((n_reference,), (n,)) float
        Position errors of both lists; see :func:`position_error`.
    radius_px : float
        Stars further from where they should be are not the same.
    highest_order : int
        0: a similarity; 1: affine at most; 2 or 3: distortion too. Each where it makes the stars agree better
        beyond doubt.

    Returns
    -------
    Placement
        The similarity itself, with its residual measured anew, where only three stars agree.

    Notes
    -----
    Each order, a similarity first, is fitted by iteratively reweighted least squares with Tukey's biweight. A higher
    order is taken if it lowers the Bayesian information criterion (Schwarz 1978) by more than 10.
    """
    placed = Placement.of(start, shape)
    best = placed
    index = match(start, reference, stars, radius_px)
    for again in range(3):
        if again:
            before, index = index, _match(best, reference, stars, error_px)
            if np.array_equal(index, before):
                break
        pairs = np.flatnonzero(index >= 0)
        if pairs.size < 3:
            return best
        there = index[pairs]
        x, y = reference.x_px[pairs], reference.y_px[pairs]
        wanted = stars.x_px[there], stars.y_px[there]
        sigma = np.hypot(error_px[0][pairs], error_px[1][there])
        if pairs.size < 4:
            return _remeasured(best, x, y, wanted, sigma)
        best = _best_order(placed, x, y, wanted, sigma, highest_order)
    return best


def _best_order(
    placed: Placement, x: Floats, y: Floats, wanted: tuple[Floats, Floats], sigma: Floats, highest_order: int
) -> Placement:
    """Fit each order that the number of stars allows; take the highest that is demanded."""
    best, evidence, weight = _fit(placed, x, y, wanted, sigma, _SIMILARITY)
    for order in range(1, highest_order + 1):
        used = weight > 0
        if np.count_nonzero(used) < _LEAST_STARS[order] or not _surrounds(x[used], y[used], placed):
            break
        trial, its_evidence, its_weight = _fit(placed, x, y, wanted, sigma, order)
        if its_evidence < evidence - _DEMANDED:
            best, evidence, weight = trial, its_evidence, its_weight
    return best


def _surrounds(x: Floats, y: Floats, placed: Placement) -> bool:
    """Whether the stars lie all over the field: distortion fitted to a corner runs away in the others."""
    right, upper = x > placed.centre[0], y > placed.centre[1]
    quarters = np.bincount(right * 2 + upper, minlength=4)
    return bool(quarters.min() >= 2)


def _fit(
    placed: Placement, x: Floats, y: Floats, wanted: tuple[Floats, Floats], sigma: Floats, order: int
) -> tuple[Placement, float, Floats]:
    """Return the fit of one order, its information criterion, and the stars' robust weights."""
    unit = (x - placed.centre[0]) / placed.reach, (y - placed.centre[1]) / placed.reach
    terms = _terms(*unit, max(order, 1)).T
    numbers = 4 if order == _SIMILARITY else 2 * terms.shape[1]
    scatter, keep = math.nan, np.ones(x.size)
    fitted = placed
    pull = np.zeros(x.size)
    for _ in range(12):
        weight = keep / sigma**2
        if order == _SIMILARITY:
            solved = _similarity(*unit, wanted, weight, mirrored=placed.mirrored)
        else:
            root = np.sqrt(weight)[:, None]
            both = np.linalg.lstsq(terms * root, np.column_stack(wanted) * root, rcond=None)[0]
            solved = np.asarray(both[:, 0], float), np.asarray(both[:, 1], float)
        off = np.hypot(wanted[0] - terms @ solved[0], wanted[1] - terms @ solved[1])
        rms = math.sqrt(float(np.sum(weight * np.square(off)) / np.sum(weight)))
        fitted = Placement(
            placed.centre, placed.reach, tuple(solved[0].tolist()), tuple(solved[1].tolist()),
            int(np.count_nonzero(keep)), rms,
        )  # fmt: skip
        pull = off / sigma
        # Median of a two-dimensional Gaussian's distance is 1.177 sigma; no fit is better than its errors by much.
        scatter = max(float(np.median(pull)) / 1.177, 0.5)
        before, keep = keep, np.square(np.maximum(1.0 - np.square(pull / (_CUT * scatter)), 0.0))
        if 2 * np.count_nonzero(keep) <= numbers:
            keep = before
            break
        if np.abs(keep - before).max() < 3e-3:  # moves the fit by far less than its error
            break
    # All stars count, those let go with the cut's distance: an order must not look better by losing stars.
    capped = np.minimum(pull, _CUT * scatter)
    evidence = 2 * x.size * math.log(max(float(np.mean(np.square(capped))), 1e-12)) + numbers * math.log(2 * x.size)
    return fitted, evidence, keep


def _similarity(
    u: Floats, v: Floats, wanted: tuple[Floats, Floats], weight: Floats, *, mirrored: bool
) -> tuple[Floats, Floats]:
    """Shift, turn and scale by weighted least squares: linear in complex numbers."""
    z, w = u + (-1j if mirrored else 1j) * v, wanted[0] + 1j * wanted[1]
    z0, w0 = np.average(z, weights=weight), np.average(w, weights=weight)
    turn = np.sum(weight * np.conj(z - z0) * (w - w0)) / np.sum(weight * np.square(np.abs(z - z0)))
    shift = w0 - turn * z0
    over = -1.0 if mirrored else 1.0
    return np.array([shift.real, turn.real, -over * turn.imag]), np.array([shift.imag, turn.imag, over * turn.real])


def _remeasured(placed: Placement, x: Floats, y: Floats, wanted: tuple[Floats, Floats], sigma: Floats) -> Placement:
    at_x, at_y = placed.moved(x, y)
    off = np.hypot(wanted[0] - at_x, wanted[1] - at_y)
    rms = math.sqrt(float(np.average(np.square(off), weights=1 / sigma**2)))
    return Placement(placed.centre, placed.reach, placed.x_terms, placed.y_terms, x.size, rms)


def _match(
    placed: Placement, reference: StarList, stars: StarList, error_px: tuple[Floats, Floats]
) -> npt.NDArray[np.intp]:
    """Match again with the fit, narrowly: five errors, at least three of the fit's residuals."""
    x, y = placed.moved(reference.x_px, reference.y_px)
    radius = max(3.0 * placed.rms_px, 5.0 * MAD_TO_SIGMA * float(np.median(error_px[1])), 0.3)
    moved = type(reference)(x, y, reference.flux, reference.fwhm_px)
    return match(Alignment(1 + 0j, 0j), moved, stars, radius)


def _middle(shape: tuple[int, int]) -> tuple[tuple[float, float], float]:
    ny, nx = shape
    return ((nx - 1) / 2, (ny - 1) / 2), max(nx, ny, 2) / 2


def _terms(u: Floats, v: Floats, order: int) -> Floats:
    """Monomials of a position, (n_terms, …), in the order 1, u, v, u², uv, v², …."""
    return np.array([u ** (total - q) * v**q for total in range(order + 1) for q in range(total + 1)])
