"""All frames of one field on its best frame, each as finely as its stars allow, or with the reason why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.measures import StarList
from pipeline_core.science.baseline import depth_mag
from pipeline_core.science.placement import Placement, position_error, refine
from pipeline_core.science.registration import Registration, register

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.science.alignment import Alignment

Floats = npt.NDArray[np.float64]

_FEWEST = 3
"""Two stars fix a shift and a turn, and nothing says that they are the right ones."""


@dataclass(frozen=True, slots=True)
class FrameStars:
    """What alignment wants to know of a frame."""

    stars: StarList
    noise: float
    """Sky noise of a pixel, the image's unit; NaN where not measured."""
    fwhm_px: float
    """NaN where not measured."""
    ellipticity: float = float("nan")
    gain_e_per_adu: float = 1.0
    """Electrons per unit of the image."""
    may_serve: bool = True
    """Whether it may be the reference: not when it is rejected."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """One frame on its reference, or why not."""

    placement: Placement | None
    flux_ratio: float = float("nan")
    """Flux of the stars here over that of the same stars in the reference (median); NaN where none is common."""
    reason: str | None = None
    """In words, where there is no placement."""


@dataclass(frozen=True, slots=True)
class FieldAlignment:
    """Frames that look at the same stars."""

    reference: int
    """Index of the frame the others are placed on; -1 where none could serve."""
    frames: tuple[Aligned, ...]
    """One a frame, in the order given."""


def align_field(
    frames: Sequence[FrameStars],
    shape: tuple[int, int],
    *,
    reference: int | None = None,
    highest_order: int = 2,
) -> FieldAlignment:
    """Place every frame of a field on one of them.

    Parameters
    ----------
    frames : sequence of FrameStars
        In time order.
    shape : (ny, nx)
        Of the trimmed frames.
    reference : int, optional
        The frame that a person chose. By default the deepest and roundest that most others fit.
    highest_order : int
        See :func:`~pipeline_core.science.placement.refine`.

    Returns
    -------
    FieldAlignment
    """
    stars = [frame.stars for frame in frames]
    rank = reference_rank(frames)
    if reference is not None:
        rank = np.where(np.arange(len(frames)) == reference, 1.0, np.nan)
    widths = np.array([frame.fwhm_px for frame in frames])
    tolerance = _tolerance(widths)
    placed = register(stars, rank, shape, tolerance_px=tolerance)
    if placed.reference < 0:
        return FieldAlignment(-1, tuple(Aligned(None, reason=_why(frame, None)) for frame in frames))
    first = frames[placed.reference]
    done = []
    for k, (frame, start) in enumerate(zip(frames, placed.alignments, strict=True)):
        if k == placed.reference:
            done.append(Aligned(Placement.identity(shape, len(frame.stars)), 1.0))
        elif start is None:
            done.append(Aligned(None, reason=_why(frame, first)))
        else:
            done.append(_refined(start, first, frame, placed, shape, tolerance, highest_order))
    return FieldAlignment(placed.reference, tuple(done))


def reference_rank(frames: Sequence[FrameStars]) -> Floats:
    """Rank frames as references, larger is better: deep, sharp, round and with many stars.

    Returns
    -------
    (n,) float
        Magnitudes of depth; NaN where a frame cannot serve.

    Notes
    -----
    Depth is the flux of the bright stars over the noise in their images: the middle of the brightest forty, so that one
    bright star more or less decides nothing. Trailed stars cost as much as the light they spread: an axis ratio of
    1 - e makes the image's area 1 / (1 - e) times that of a round star as narrow, counted twice since a trail's centre
    also depends on how the telescope moved.
    """
    count = np.array([len(frame.stars) for frame in frames])
    bright = np.array([float(np.median(np.sort(f.stars.flux)[-40:])) if len(f.stars) else np.nan for f in frames])
    noise = np.array([frame.noise if frame.noise > 0 else 1.0 for frame in frames])
    fwhm = np.array([frame.fwhm_px if frame.fwhm_px > 0 else 1.0 for frame in frames])
    spread = np.nan_to_num(np.array([frame.ellipticity for frame in frames]))
    rank = depth_mag(bright, noise, fwhm) + 5.0 * np.log10(1.0 - np.clip(spread, 0.0, 0.9))
    able = (count >= _FEWEST) & (count >= 0.5 * count.max(initial=0))
    serving = np.array([frame.may_serve for frame in frames], bool)
    chosen = able & serving if (able & serving).any() else serving if serving.any() else able
    return np.where(chosen & (count >= _FEWEST), np.where(np.isfinite(rank), rank, -99.0), np.nan)


def _tolerance(fwhm_px: Floats) -> float:
    """How well two frames agree on a star: a third of its width, at least 1.2 px for undersampled ones."""
    good = fwhm_px[np.isfinite(fwhm_px)]
    return max(1.2, 0.35 * float(np.median(good))) if good.size else 1.5


def _refined(
    start: Alignment,
    first: FrameStars,
    frame: FrameStars,
    placed: Registration,
    shape: tuple[int, int],
    tolerance: float,
    highest_order: int,
) -> Aligned:
    """Refine on the reference's own stars; on those of its neighbours where the field has drifted off them."""
    errors = _errors(frame, frame.stars.flux)

    def refined_on(known: StarList) -> Placement:
        both = _errors(first, known.flux), errors
        radius = 1.5 * tolerance
        return refine(start, known, frame.stars, shape, error_px=both, radius_px=radius, highest_order=highest_order)

    fit = refined_on(first.stars)
    if fit.matched < 10 and len(placed.catalogue) > len(first.stars):
        # The catalogue's further stars are only as well placed as the frame that showed them.
        fit = max(fit, refined_on(placed.catalogue), key=lambda one: one.matched)
    fit = replace(fit, matched=max(fit.matched, _FEWEST))
    return Aligned(fit, _flux_ratio(fit, placed.catalogue, frame.stars, tolerance))


def _errors(frame: FrameStars, flux: Floats) -> Floats:
    noise = frame.noise if frame.noise > 0 else 0.0
    fwhm = frame.fwhm_px if frame.fwhm_px > 0 else 3.0
    return position_error(flux, noise, fwhm, frame.gain_e_per_adu)


def _flux_ratio(fit: Placement, known: StarList, stars: StarList, tolerance: float) -> float:
    from pipeline_core.science.alignment import Alignment, match  # noqa: PLC0415 - types alone above

    x, y = fit.moved(known.x_px, known.y_px)
    index = match(Alignment(1 + 0j, 0j), StarList(x, y, known.flux, known.fwhm_px), stars, tolerance)
    common = np.flatnonzero(index >= 0)
    if not common.size:
        return float("nan")
    # The bright half: faint stars are listed where they happen to be bright.
    common = common[np.argsort(-known.flux[common])][: max(10, common.size // 2)]
    return float(np.median(stars.flux[index[common]] / known.flux[common]))


def _why(frame: FrameStars, first: FrameStars | None) -> str:
    count = len(frame.stars)
    if count == 0:
        return "no star was found: cloud, twilight, or a closed dome"
    if count < _FEWEST:
        return f"only {count} star{'s' if count > 1 else ''}: at least {_FEWEST} are needed"
    if first is None:
        return "no frame of its field has stars enough to be the reference"
    words = f"its {count} stars do not form the pattern of the reference's {len(first.stars)}"
    return f"{words}: too few in common (cloud, a short exposure), or another field"
