"""Alignment of two star lists of one field: shift, rotation, mirror, without a catalogue.

Two stars keep their distance whatever the telescope does between two frames. Each pair of bright stars in the
reference that has a partner of the same length (and a like brightness ratio) in the other frame therefore votes for
one rotation and one shift. The true one collects n(n-1)/2 votes from n common stars; chance votes are scattered.
The favourites are then checked with all stars and fitted by least squares.

Source: the voting idea is the Hough transform of Ballard (1981, Pattern Recognition 13, 111) on star pairs; the fit
is the similarity transform of Umeyama (1991, IEEE PAMI 13, 376), which is linear in complex numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.measures import StarList

Floats = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]

# Same telescope, same camera: the scale moves by focus and refraction only, a few 1e-4.
_MAX_SCALE_CHANGE = 0.01
# Stars that vote: first the brightest few (fast), then more, for frames where cloud hides some of them.
_VOTERS = (22, 45)
# Two stars dimmed by different cloud keep their flux ratio within a factor e.
_MAX_LOG_RATIO = 1.0


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the stars of a reference frame lie in another frame: ``w = turn * z + shift``.

    Positions are complex, ``z = x + i y``, in 0-based pixels; a mirrored frame uses the conjugate of ``z``.
    """

    turn: complex
    """Scale times exp(i rotation)."""
    shift: complex
    """Where the reference's pixel (0, 0) lands."""
    mirrored: bool = False
    matched: int = 0
    """Stars that agree."""
    rms_px: float = 0.0
    """Of their distances after the fit."""

    @property
    def rotation_deg(self) -> float:
        """Counter-clockwise from the reference to this frame, in (-180, 180]."""
        return math.degrees(math.atan2(self.turn.imag, self.turn.real))

    @property
    def scale(self) -> float:
        """Pixels here for one pixel of the reference."""
        return abs(self.turn)

    def moved(self, x_px: npt.ArrayLike, y_px: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return where reference positions lie in this frame, px."""
        w = self._apply(np.asarray(x_px, float) + 1j * np.asarray(y_px, float))
        return w.real, w.imag

    def returned(self, x_px: npt.ArrayLike, y_px: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return where positions of this frame lie in the reference, px."""
        z = (np.asarray(x_px, float) + 1j * np.asarray(y_px, float) - self.shift) / self.turn
        return z.real, (-z.imag if self.mirrored else z.imag)

    def displacement(self, x_px: float, y_px: float) -> tuple[float, float]:
        """Return by how much one reference position (the field centre, say) has moved, px."""
        x, y = self.moved(x_px, y_px)
        return float(x) - x_px, float(y) - y_px

    def after(self, first: Alignment) -> Alignment:
        """Chain: ``first`` leads from the reference to a second frame, this one from there to a third."""
        turn = self.turn * (first.turn.conjugate() if self.mirrored else first.turn)
        shift = self.turn * (first.shift.conjugate() if self.mirrored else first.shift) + self.shift
        return Alignment(
            turn, shift, self.mirrored != first.mirrored, self.matched, math.hypot(self.rms_px, first.rms_px)
        )

    def _apply(self, z: Complex) -> Complex:
        moved: Complex = self.turn * (np.conj(z) if self.mirrored else z) + self.shift
        return moved


def align(
    reference: StarList,
    stars: StarList,
    *,
    guesses: tuple[Alignment, ...] = (),
    tolerance_px: float = 1.5,
) -> Alignment | None:
    """Find where the stars of a reference frame lie in another frame of the same field.

    Parameters
    ----------
    reference, stars : StarList
        Brightest first. Any rotation and a mirrored frame are found; the scale must agree within 1 %.
    guesses : tuple of Alignment
        Tried first (the frame before): an ordinary frame then costs well under a millisecond.
    tolerance_px : float
        How well two measurements of one star agree, about a third of the FWHM.

    Returns
    -------
    Alignment or None
        None when no placement is better than chance: too few common stars, or another field.
    """
    if min(len(reference), len(stars)) < 3:
        return None
    ref, here = _positions(reference), _positions(stars)
    for guess in guesses:
        # A guess may be off by a guiding step: look for its stars further out first.
        found = _refined(guess, ref, here, 4 * tolerance_px, tolerance_px)
        if found is not None and _beyond_chance(found, ref, here, tolerance_px, trials=1):
            return found
    for voters in _VOTERS:
        for mirrored in (False, True):
            found = _by_votes(reference, stars, voters, mirrored=mirrored, tolerance_px=tolerance_px)
            if found is not None:
                return found
        if voters >= max(len(reference), len(stars)):
            break
    return None


def match(alignment: Alignment, reference: StarList, stars: StarList, radius_px: float) -> npt.NDArray[np.intp]:
    """Find each reference star in another frame.

    Returns
    -------
    (n_reference,) int
        Index into ``stars`` of the nearest star within ``radius_px`` px of where it should be, -1 where there is
        none. No star is given twice.
    """
    return _nearest(alignment._apply(_positions(reference)), _positions(stars), radius_px)  # noqa: SLF001 - own module


def _positions(stars: StarList) -> Complex:
    return np.asarray(stars.x_px, float) + 1j * np.asarray(stars.y_px, float)


def _nearest(wanted: Complex, here: Complex, radius_px: float) -> npt.NDArray[np.intp]:
    if not wanted.size or not here.size:
        return np.full(wanted.size, -1, np.intp)
    # 100 x 100 distances take 50 us, less than building a tree; longer lists are rare.
    distance = np.abs(wanted[:, None] - here[None, :])
    nearest = np.argmin(distance, axis=1)
    rows = np.arange(wanted.size)
    mutual = np.argmin(distance, axis=0)[nearest] == rows
    return np.where(mutual & (distance[rows, nearest] <= radius_px), nearest, -1)


def _fit(z: Complex, w: Complex, *, mirrored: bool) -> tuple[complex, complex]:
    z = np.conj(z) if mirrored else z
    z0, w0 = z.mean(), w.mean()
    turn = complex(np.vdot(z - z0, w - w0) / np.vdot(z - z0, z - z0).real)
    return turn, complex(w0 - turn * z0)


def _refined(start: Alignment, ref: Complex, here: Complex, radius_px: float, tolerance_px: float) -> Alignment | None:
    """Match, fit, and match again more narrowly; None when fewer than three stars agree."""
    current = start
    for radius in (radius_px, 2 * tolerance_px, tolerance_px):
        index = _nearest(current._apply(ref), here, radius)  # noqa: SLF001 - own module
        kept = index >= 0
        if kept.sum() < 3:
            return None
        z, w = ref[kept], here[index[kept]]
        turn, shift = _fit(z, w, mirrored=start.mirrored)
        if abs(abs(turn) - 1) > _MAX_SCALE_CHANGE:
            return None
        current = Alignment(turn, shift, start.mirrored)
        off = np.abs(current._apply(z) - w)  # noqa: SLF001 - own module
        current = Alignment(turn, shift, start.mirrored, int(kept.sum()), float(np.sqrt(np.mean(np.square(off)))))
    return current


def _beyond_chance(found: Alignment, ref: Complex, here: Complex, tolerance_px: float, trials: int) -> bool:
    """Whether so many stars would agree by chance less than once in ten thousand frames."""
    box = np.ptp(here.real) * np.ptp(here.imag)
    inside = found._apply(ref)  # noqa: SLF001 - own module
    overlap = int(
        np.count_nonzero(
            (inside.real > here.real.min())
            & (inside.real < here.real.max())
            & (inside.imag > here.imag.min())
            & (inside.imag < here.imag.max())
        )
    )
    chance = min(0.5, here.size * math.pi * tolerance_px**2 / max(box, 1.0))
    expected = max(overlap, found.matched) * chance
    # Two stars fix shift and rotation and cost nothing; the others must be unlikely as a Poisson draw.
    free = found.matched - 2
    return free >= 1 and trials * _poisson_tail(free, expected) < 1e-4


def _poisson_tail(count: int, expected: float) -> float:
    """Probability of ``count`` or more events where ``expected`` are the rule."""
    term, below = math.exp(-expected), 0.0
    for k in range(count):
        below += term
        term *= expected / (k + 1)
    # The difference loses its digits below 1e-15; the first term of the tail bounds it there.
    return max(1.0 - below, term) if below < 1 - 1e-12 else term


def _pairs(stars: StarList, voters: int) -> tuple[Complex, Complex, Floats]:
    """Directed pairs of the brightest stars: first star, vector to the second, log flux ratio."""
    z = _positions(stars)[:voters]
    flux = np.log(np.maximum(np.asarray(stars.flux, float)[:voters], 1e-9))
    first, second = np.triu_indices(z.size, 1)
    return z[first], z[second] - z[first], flux[first] - flux[second]


def _by_votes(
    reference: StarList, stars: StarList, voters: int, *, mirrored: bool, tolerance_px: float
) -> Alignment | None:
    from scipy.spatial import cKDTree  # noqa: PLC0415 - scipy only when a vote is needed

    ref, here = _positions(reference), _positions(stars)
    start, vector, ratio = _pairs(reference, voters)
    if mirrored:
        start, vector = np.conj(start), np.conj(vector)
    there, towards, ratio_there = _pairs(stars, voters)
    # Either star of a pair may be the brighter one here: both directions vote.
    there, towards = np.concatenate([there, there + towards]), np.concatenate([towards, -towards])
    ratio_there = np.concatenate([ratio_there, -ratio_there])
    long_enough = np.abs(vector) > 8 * tolerance_px  # shorter pairs say nothing about the rotation
    start, vector, ratio = start[long_enough], vector[long_enough], ratio[long_enough]

    order = np.argsort(np.abs(towards))
    there, towards, ratio_there = there[order], towards[order], ratio_there[order]
    lengths = np.abs(towards)
    low = np.searchsorted(lengths, np.abs(vector) - tolerance_px)
    count = np.searchsorted(lengths, np.abs(vector) + tolerance_px) - low
    if not count.sum():
        return None
    i = np.repeat(np.arange(vector.size), count)
    j = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    alike = np.abs(ratio[i] - ratio_there[j]) < _MAX_LOG_RATIO
    i, j = i[alike], j[alike]
    if not i.size:
        return None
    turn = towards[j] / vector[i]
    turn /= np.abs(turn)
    # A vote is compared where it is surest: at the middle of the field, and by how far its edge turns.
    centre = complex(np.mean(ref))
    centre = centre.conjugate() if mirrored else centre
    lands = there[j] + towards[j] / 2 + turn * (centre - start[i] - vector[i] / 2)
    reach = float(np.median(np.abs(ref - np.mean(ref)))) or 1.0
    votes = np.column_stack([lands.real, lands.imag, reach * turn.real, reach * turn.imag])
    support = cKDTree(votes).query_ball_point(votes, 4 * tolerance_px, return_length=True)
    best: Alignment | None = None
    trusted = np.ones(len(votes), bool)
    for _ in range(6):
        k = int(np.argmax(np.where(trusted, support, 0)))
        if not trusted[k] or support[k] < 3:
            break
        near = np.linalg.norm(votes - votes[k], axis=1) <= 4 * tolerance_px
        trusted &= ~near
        mean_turn = complex(turn[near].mean())
        mean_turn /= abs(mean_turn)
        first = Alignment(mean_turn, complex(lands[near].mean()) - mean_turn * centre, mirrored)
        found = _refined(first, ref, here, 4 * tolerance_px, tolerance_px)
        if (
            found is not None
            and (best is None or found.matched > best.matched)
            and _beyond_chance(found, ref, here, tolerance_px, trials=len(votes))
        ):
            best = found
    return best
