"""A proposed place on the sky, held against a catalogue's stars: believed only if they confirm it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.science.catalogue_match import Matched, refine
from pipeline_core.science.solution_check import Verdict, check_solution

if TYPE_CHECKING:
    from pipeline_core.catalogues.reference import ReferenceStars
    from pipeline_core.science.catalogue_match import SkyStars
    from pipeline_core.science.tan_sip import TanSip
    from pipeline_core.solving.wanted import Wanted


@dataclass
class Camera:
    """What the night told so far of frames of one size: binned ones have another scale and other distortion terms."""

    last: TanSip | None = None
    optics: Matched | None = None
    """The fit whose distortion is known best so far."""
    in_vain: int = 0
    """Frames in turn that were searched without success."""

    def note(self, matched: Matched, shape: tuple[int, int]) -> None:
        """Learn from a frame of (ny, nx) pixels that was solved."""
        self.last, self.in_vain = matched.fit.solution, 0
        if matched.fit.parameters < 10:  # no third order, or a borrowed distortion
            return
        best = self.optics
        if best is None or matched.fit.typical_error_arcsec(shape) < best.fit.typical_error_arcsec(shape):
            self.optics = matched


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A place that is believed: the fit, what was counted for it, and whose stars confirm it."""

    matched: Matched
    verdict: Verdict
    reference: ReferenceStars


def confirm(
    wanted: Wanted,
    rough: TanSip,
    reference: ReferenceStars,
    sky: SkyStars,
    optics: Matched | None,
    *,
    order: int,
    radius_px: float,
    scale_arcsec: tuple[float, float] | None,
) -> Confirmed | str:
    """Return the refined place of a frame, or in words why it is refused.

    Parameters
    ----------
    wanted : Wanted
    rough : TanSip
        As it was proposed.
    reference : ReferenceStars
    sky : SkyStars
        The same stars at the frame's epoch.
    optics : Matched or None
        A better frame of the same optics, whose distortion may be borrowed.
    order : int
        Highest, of the distortion.
    radius_px : float
        How far the proposal may be off.
    scale_arcsec : (low, high) or None
        Arcsec a pixel, between which the scale must lie.
    """
    matched = refine(wanted.stars, sky, rough, wanted.shape, radius_px=radius_px, order=order)
    matched = _steadied(wanted, sky, matched, optics, order)
    if matched is None:
        return "too few stars match the catalogue there"
    # Catalogue errors of a coarse reference are no fault of the match.
    limit = max(1.0, 1.2 / matched.fit.solution.scale_arcsec)
    verdict = check_solution(wanted.stars, sky, matched, wanted.shape, scale_arcsec=scale_arcsec, limit_px=limit)
    return Confirmed(matched, verdict, reference) if verdict.accepted else verdict.reason


def _steadied(
    wanted: Wanted, sky: SkyStars, matched: Matched | None, best: Matched | None, order: int
) -> Matched | None:
    """Take the distortion of a better frame of these optics where a frame's own stars do not tell it.

    The distortion belongs to the optics, not to the frame: under clouds, with stars in one half only, a free polynomial
    runs away in the other.
    """
    if matched is None or best is None or best.fit.solution.a is None or best.fit.solution.b is None:
        return matched
    own = matched.fit.typical_error_arcsec(wanted.shape)
    if matched.fit.order >= order and own < 1.5 * best.fit.typical_error_arcsec(wanted.shape):
        return matched
    distortion = best.fit.solution.a, best.fit.solution.b
    rough = matched.fit.solution
    fixed = refine(wanted.stars, sky, rough, wanted.shape, radius_px=5.0, distortion=distortion)
    if fixed is None or fixed.fit.used.sum() < 0.9 * matched.fit.used.sum():
        return matched
    return fixed if fixed.fit.rms_arcsec < 1.5 * matched.fit.rms_arcsec else matched
