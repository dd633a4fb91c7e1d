"""Fixed in the sky or fixed on the chip? Hot pixels keep their place while the field drifts, and mimic asteroids.

Aligned on the stars, a hot pixel runs through the frames at minus the drift of the field: a straight line at a steady
rate. On the chip it does not move at all. So each detection is looked for in all other frames twice: where a star would
be, and on the same pixels. Only frames in which these two places lie well apart can tell, and what chance alone brings
there is taken into account.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.science.placement import Placement

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

_SURE = 1e-3  # chance of as many coincidences among unrelated detections, for one place
_FEWEST_FRAMES = 3  # that can tell: with fewer nothing is said
_OFTEN = 0.2  # of the frames that can tell: cloud hides a star in most frames, noise a warm pixel


class Fixed(IntEnum):
    """What a detection moves with."""

    UNKNOWN = 0
    """Too few frames can tell: no drift, or too few frames."""
    SKY = 1
    """A star: it is where the alignment says in other frames."""
    CHIP = 2
    """A pixel: it is at the same place of the chip in other frames."""
    NEITHER = 3
    """Seen at this place of sky and chip here alone: an asteroid, a cosmic ray, noise."""


@dataclass(frozen=True)
class Verdicts:
    """What the detections of one frame move with; (n,) each."""

    label: Labels
    """:class:`Fixed`."""
    on_sky: npt.NDArray[np.int64]
    """Frames, of those that can tell, that have a detection at its place in the sky."""
    on_chip: npt.NDArray[np.int64]
    """... at its place on the chip."""
    frames: npt.NDArray[np.int64]
    """Frames that can tell: its places in sky and on the chip lie apart there, and both inside."""


def fixed_on(
    detections: Sequence[tuple[Floats, Floats]],
    placements: Sequence[Placement | None],
    shape: tuple[int, int],
    *,
    radius_px: float = 1.5,
    most: int | None = None,
) -> list[Verdicts]:
    """Tell for each detection of each frame whether it keeps its place in the sky or on the chip.

    Parameters
    ----------
    detections : sequence of (x_px, y_px)
        One pair of (n,) arrays a frame, 0-based pixels of that frame.
    placements : sequence of Placement or None
        Where the reference's pixels lie in each frame; frames without one are labelled unknown and tell nothing.
    shape : (ny, nx)
        Of the frames.
    radius_px : float
        How well two detections of one thing agree, about half of the FWHM.
    most : int, optional
        Of a long night each frame is held against about so many others only, spread over all.

    Returns
    -------
    list of Verdicts
        One a frame.

    Notes
    -----
    A detection belongs to the sky (the chip) when more other frames than chance allows, and at least a fifth of those
    that can tell, have a detection there; if both hold, to the one with more. Chance: a frame with n detections on A
    pixels has one within r of any place with probability ``1 - exp(-n pi r² / A)``; the frames add up to a Poisson
    number.
    """
    from scipy.spatial import cKDTree  # noqa: PLC0415 - only here

    points = [np.column_stack([np.asarray(x, float), np.asarray(y, float)]) for x, y in detections]
    trees = [cKDTree(p) if len(p) else None for p in points]
    ny, nx = shape
    spread = [other for other, its in enumerate(placements) if its is not None]
    if most is not None and len(spread) > most:
        spread = [spread[int(at)] for at in np.linspace(0, len(spread) - 1, most)]
    chance = [1.0 - np.exp(-len(p) * np.pi * radius_px**2 / (ny * nx)) for p in points]
    verdicts = []
    for k, (here, placed) in enumerate(zip(points, placements, strict=True)):
        n = len(here)
        on_sky, on_chip, frames = (np.zeros(n, np.int64) for _ in range(3))
        expected = np.zeros(n)
        if placed is not None and n:
            in_reference = placed.returned(here[:, 0], here[:, 1])
            for other in spread:
                tree, its = trees[other], placements[other]
                if other == k or its is None:
                    continue
                there = np.column_stack(its.moved(*in_reference))
                inside = (there >= 0).all(axis=1) & (there[:, 0] <= nx - 1) & (there[:, 1] <= ny - 1)
                # Twice the radius: a detection cannot then be taken for both.
                telling = inside & (np.hypot(*(there - here).T) > 2.0 * radius_px)
                frames += telling
                expected += np.where(telling, chance[other], 0.0)
                if tree is not None and telling.any():
                    on_sky += telling & np.isfinite(tree.query(there, distance_upper_bound=radius_px)[0])
                    on_chip += telling & np.isfinite(tree.query(here, distance_upper_bound=radius_px)[0])
        verdicts.append(Verdicts(_labels(on_sky, on_chip, frames, expected), on_sky, on_chip, frames))
    return verdicts


def _labels(
    on_sky: npt.NDArray[np.int64], on_chip: npt.NDArray[np.int64], frames: npt.NDArray[np.int64], expected: Floats
) -> Labels:
    from scipy.stats import poisson  # noqa: PLC0415 - 0.3 s that only this needs

    enough = frames >= _FEWEST_FRAMES
    least = np.maximum(_OFTEN * frames, 2)

    def real(count: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        unlikely = poisson.sf(count - 1, np.maximum(expected, 1e-12)) < _SURE
        return np.asarray(enough & (count >= least) & unlikely)

    sky, chip = real(on_sky), real(on_chip)
    label = np.where(enough, Fixed.NEITHER, Fixed.UNKNOWN)
    label = np.where(sky & (~chip | (on_sky >= on_chip)), Fixed.SKY, label)
    label = np.where(chip & (~sky | (on_chip > on_sky)), Fixed.CHIP, label)
    return label.astype(np.int8)
