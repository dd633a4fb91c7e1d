"""Registration of a group: every frame of one pointing placed on one reference, and how the field wandered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.measures import StarList
from pipeline_core.science.alignment import Alignment, align, match

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float64]

# Frames turned by less belong to one side of the meridian: a pier flip turns by 180°.
_SAME_SIDE_DEG = 5.0


@dataclass(frozen=True, slots=True)
class Registration:
    """A group of frames on its reference."""

    reference: int
    """Index of the reference frame; -1 when the group has none."""
    alignments: tuple[Alignment | None, ...]
    """One a frame; None where it could not be placed."""
    catalogue: StarList
    """Stars of the field in the reference's pixels. Fluxes are what the reference would show, as well as the stars that
    each frame shares with it, or with the frames between, can tell."""


def register(
    stars: Sequence[StarList], depth: Floats, shape: tuple[int, int], *, tolerance_px: float = 1.5
) -> Registration:
    """Place every frame of a group on the best one of them.

    Parameters
    ----------
    stars : sequence of StarList
        One a frame, in time order.
    depth : (n,) float
        Larger is a better reference; NaN for frames that cannot serve.
    shape : (ny, nx)
        Of the trimmed frames.
    tolerance_px : float
        How well two measurements of one star agree.

    Notes
    -----
    Should most frames not fit the deepest one (it was taken before the telescope was centred, say), the next are
    tried. A frame that shares too few stars with the reference, because the field has drifted, is placed on the
    frame beside it.
    """
    candidates = [int(k) for k in np.argsort(-np.where(np.isfinite(depth), depth, -np.inf)) if len(stars[k]) >= 3]
    able = sum(len(listed) >= 3 for listed in stars)
    best: tuple[int, list[Alignment | None]] | None = None
    # Spread over the ranking: the second-best frame may share the fault of the best.
    for candidate in candidates[: 1 + 4 * max(1, len(candidates) // 8) : max(1, len(candidates) // 8)]:
        placed = _place_all(candidate, stars, tolerance_px)
        if best is None or _count(placed) > _count(best[1]):
            best = candidate, placed
        if _count(placed) > 0.5 * able:
            break
    if best is None:
        return Registration(-1, (None,) * len(stars), _no_stars())
    reference, alignments = best
    return Registration(reference, tuple(alignments), _catalogue(stars, reference, alignments, shape, tolerance_px))


def _count(alignments: Sequence[Alignment | None]) -> int:
    return sum(one is not None for one in alignments)


def _no_stars() -> StarList:
    nothing = np.zeros(0)
    return StarList(nothing, nothing, nothing, nothing)


def _place_all(reference: int, stars: Sequence[StarList], tolerance_px: float) -> list[Alignment | None]:
    """Align outwards from the reference, so that each frame's neighbour is known when its turn comes."""
    alignments: list[Alignment | None] = [None] * len(stars)
    alignments[reference] = Alignment(1 + 0j, 0j, matched=len(stars[reference]))
    for way in (range(reference + 1, len(stars)), range(reference - 1, -1, -1)):
        last, before_flip = reference, None
        for k in way:
            near = alignments[last]
            guesses = tuple(one for one in (near, before_flip) if one is not None)
            found = align(stars[reference], stars[k], guesses=guesses, tolerance_px=tolerance_px)
            if found is None and last != reference and near is not None:
                step = align(stars[last], stars[k], tolerance_px=tolerance_px)
                found = step.after(near) if step is not None else None
            if found is None:
                continue
            if near is not None and abs(found.turn - near.turn) > 0.1:
                before_flip = near
            alignments[k] = found
            last = k
    return alignments


def _catalogue(
    stars: Sequence[StarList],
    reference: int,
    alignments: Sequence[Alignment | None],
    shape: tuple[int, int],
    tolerance_px: float,
) -> StarList:
    """Take the reference's stars, and more from frames that have drifted off them."""
    known = stars[reference]
    for listed, placed in zip(stars, alignments, strict=True):
        if placed is None or len(listed) < 3:
            continue
        x, y = placed.moved(known.x_px, known.y_px)
        inside = (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
        # Half of a usual list: fewer common stars make the transparency uncertain.
        if inside.sum() >= 0.5 * min(len(stars[reference]), len(listed)):
            continue
        index = match(placed, known, listed, 2 * tolerance_px)
        new = np.setdiff1d(np.arange(len(listed)), index)
        x, y = placed.returned(listed.x_px[new], listed.y_px[new])
        common = np.flatnonzero(index >= 0)
        # A frame under cloud shows its stars too faint for all that are compared with them later.
        through = float(np.median(listed.flux[index[common]] / known.flux[common])) if common.size >= 3 else 1.0
        known = StarList(
            np.append(known.x_px, x),
            np.append(known.y_px, y),
            np.append(known.flux, listed.flux[new] / through),
            np.append(known.fwhm_px, listed.fwhm_px[new]),
        )
    return known


@dataclass(frozen=True, slots=True)
class Track:
    """Where the field lay on the chip over the night; (n,) arrays, NaN where it cannot be told."""

    off_px: Floats
    """Distance from where the neighbours say it should be."""
    scatter_px: float
    """Usual step from frame to frame beyond a steady drift."""
    moved_px: Floats
    """How far the field wandered in ``moved_h`` around each frame."""
    moved_h: Floats
    drift_px_per_hour: Floats


def track(hours: Floats, dx_px: Floats, dy_px: Floats, rotation_deg: Floats, window_h: float = 1.0) -> Track:
    """Follow the field's position through a group.

    Parameters
    ----------
    hours : (n,) float
        Mid-exposures in time order.
    dx_px, dy_px : (n,) float
        Displacement of the field centre.
    rotation_deg : (n,) float
        Frames on the two sides of a meridian flip are followed apart.
    window_h : float
        Time over which wandering and drift are measured; at least five frames.
    """
    n = hours.size
    off, moved, span, rate = (np.full(n, np.nan) for _ in range(4))
    known = np.isfinite(dx_px) & np.isfinite(dy_px) & np.isfinite(hours)
    scatters = []
    for side in _sides(rotation_deg, known):
        t, x, y = hours[side], dx_px[side], dy_px[side]
        off[side] = np.hypot(x - predicted_by_neighbours(t, x), y - predicted_by_neighbours(t, y))
        if side.size >= 5:
            second = np.hypot(np.diff(x, 2), np.diff(y, 2))
            scatters.append(float(np.median(second)) / np.sqrt(6))
        for i, k in enumerate(side):
            near = np.flatnonzero(np.abs(t - t[i]) <= window_h / 2)
            if near.size < 5:
                first = int(np.clip(i - 2, 0, max(side.size - 5, 0)))
                near = np.arange(first, min(first + 5, side.size))
            if near.size < 5 or np.ptp(t[near]) <= 0:
                continue
            span[k] = np.ptp(t[near])
            # Between percentiles: one badly placed frame does not make the field wander.
            low, high = np.percentile(np.array([x[near], y[near]]), (5, 95), axis=1)
            moved[k] = float(np.hypot(*(high - low)))
            since = t[near] - t[near].mean()
            rate[k] = float(np.hypot(since @ x[near], since @ y[near]) / (since @ since))
    return Track(off, max(scatters, default=0.3), moved, span, rate)


def _sides(rotation_deg: Floats, known: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    """Split frames by their rotation."""
    sides: list[tuple[float, list[int]]] = []
    for k in np.flatnonzero(known):
        angle = float(rotation_deg[k])
        for centre, members in sides:
            if abs((angle - centre + 180) % 360 - 180) < _SAME_SIDE_DEG:
                members.append(int(k))
                break
        else:
            sides.append((angle, [int(k)]))
    return [np.array(members) for _, members in sides]


def predicted_by_neighbours(at: Floats, values: Floats, half_width: int = 3) -> Floats:
    """Return what a straight line through its neighbours says of each frame (Theil 1950; Sen 1968).

    Parameters
    ----------
    at : (n,) float
        Time, increasing.
    values : (n,) float
        NaN where not measured.
    half_width : int
        Neighbours on either side; the frame itself is left out.

    Returns
    -------
    (n,) float
        NaN where fewer than three neighbours are measured. The median of all slopes: one bad neighbour in four
        changes little.
    """
    out = np.full(values.size, np.nan)
    good = np.isfinite(values) & np.isfinite(at)
    for k in range(values.size):
        near = np.arange(max(k - half_width, 0), min(k + half_width + 1, values.size))
        near = near[(near != k) & good[near]]
        if near.size < 3 or not np.isfinite(at[k]):
            continue
        first, second = np.triu_indices(near.size, 1)
        step = at[near[second]] - at[near[first]]
        apart = step > 0
        if not apart.any():
            continue
        slope = float(np.median((values[near[second]] - values[near[first]])[apart] / step[apart]))
        out[k] = float(np.median(values[near] + slope * (at[k] - at[near])))
    return out
