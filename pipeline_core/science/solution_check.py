"""Is a solution true? Matched stars, their residuals, and the odds against chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science.catalogue_match import Matched, in_frame, pair

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline_core.science.catalogue_match import FrameStars, SkyStars

    Floats = npt.NDArray[np.float64]

LOG_ODDS_NEEDED = 23.0
"""Natural logarithm of the odds from which a solution is believed: one to ten thousand million."""
STARS_NEEDED = 8
"""Four stars found the field and three parameters an axis fit any three: fewer than eight prove nothing."""
_DISTRACTORS = (0.25, 0.5, 0.75, 0.9, 0.97)
"""Part of the frame's bright stars that may have no partner: catalogues are thinned, clouds thin frames. All are tried,
none is preferred."""
_SIGMA_PX = 1.2  # of the match in the odds: wider than any good fit, so that fitting closer earns nothing
_RMS_LIMIT_PX = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What speaks for a solution, and whether that is enough."""

    accepted: bool
    reason: str
    """In words; empty if accepted."""
    matched: int
    expected_by_chance: float
    """Pairs that a wrong pointing would give."""
    log_odds: float
    rms_px: float
    part_of_catalogue: float
    """Of the catalogue's brightest stars in the frame, the part that was found."""


def check_solution(
    stars: FrameStars,
    sky: SkyStars,
    matched: Matched,
    shape: tuple[int, int],
    *,
    scale_arcsec: tuple[float, float] | None = None,
    limit_px: float = _RMS_LIMIT_PX,
) -> Verdict:
    """Judge a solution against all stars of the frame and the catalogue.

    Parameters
    ----------
    stars : FrameStars
    sky : SkyStars
    matched : Matched
    shape : (ny, nx)
    scale_arcsec : (lowest, highest), optional
        Pixel scales that are possible.
    limit_px : float
        Residual from which a match is none.

    Returns
    -------
    Verdict

    Notes
    -----
    Odds as Lang et al. (2010), AJ 139, 1782, section 3: each bright star of the frame is either a catalogue star within
    a normal error of fixed width, or anywhere. As many stars as the fit has free parameters are not counted: they would
    match anything.
    """
    solution = matched.fit.solution
    scale = solution.scale_arcsec
    rms_px = matched.fit.rms_arcsec / scale
    inside = in_frame(sky, solution, shape)
    area = float(shape[0] * shape[1])
    count = len(stars)
    x, y = solution.to_pixel(sky.ra_deg[inside], sky.dec_deg[inside])
    ours, theirs = pair(stars.x_px[:count], stars.y_px[:count], x, y, 4.0 * _SIGMA_PX)
    distance = np.hypot(stars.x_px[ours] - x[theirs], stars.y_px[ours] - y[theirs])
    density = area / max(len(inside), 1)
    log_odds = _log_odds(distance, density, count, _stars_taken_by(matched))
    chance = count * len(inside) * np.pi * (2.0 * _SIGMA_PX) ** 2 / area
    bright = min(len(inside), max(10, len(stars)))
    found = int(np.count_nonzero(np.isin(inside[:bright], matched.sky[matched.fit.used])))
    part = found / bright if bright else 0.0
    number = int(matched.fit.used.sum())
    reason = ""
    if number < STARS_NEEDED:
        reason = f"only {number} stars match the catalogue; {STARS_NEEDED} are needed"
    elif scale_arcsec is not None and not scale_arcsec[0] <= scale <= scale_arcsec[1]:
        reason = f"its scale of {scale:.4g}″ a pixel is not between {scale_arcsec[0]:.4g} and {scale_arcsec[1]:.4g}"
    elif rms_px > limit_px:
        reason = f"its stars lie {rms_px:.2f} px off; more than {limit_px:.2f} is no match"
    elif log_odds < LOG_ODDS_NEEDED:
        reason = f"{number} matched stars could be chance: log-odds {log_odds:.0f}, {LOG_ODDS_NEEDED:.0f} are needed"
    elif number < 3.0 * chance:
        reason = f"{number} stars match, and {chance:.0f} would by chance"
    elif abs(_shear(matched)) > 0.05:
        reason = f"its pixels would be {100 * abs(_shear(matched)):.0f} % longer than wide"
    return Verdict(not reason, reason, number, float(chance), log_odds, float(rms_px), part)


def _log_odds(distance_px: Floats, density: float, count: int, free: int) -> float:
    """Return the log of the odds of ``count`` stars, of which some lie so near a catalogue star, against chance."""
    near = np.sort(distance_px)[min(free, len(distance_px)) :]  # the best are not counted
    peak = density / (2.0 * np.pi * _SIGMA_PX**2) * np.exp(-0.5 * (near / _SIGMA_PX) ** 2)
    alone = max(count - len(distance_px), 0)
    tries = [float(np.log(part + (1.0 - part) * peak).sum() + alone * np.log(part)) for part in _DISTRACTORS]
    best = max(tries)
    return best + float(np.log(np.mean(np.exp(np.array(tries) - best))))


def _stars_taken_by(matched: Matched) -> int:
    """How many stars the fit could put anywhere; each has two coordinates, and both axes their own polynomial."""
    return matched.fit.parameters


def _shear(matched: Matched) -> float:
    """Return how far the linear part is from a turn and a scale: 0 for square pixels."""
    singular = np.linalg.svd(matched.fit.solution.matrix, compute_uv=False)
    return float(singular[0] / singular[1] - 1.0)
