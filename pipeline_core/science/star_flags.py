"""Flags of the stars' images: long ones (the telescope moved, or shook) and wide ones (out of focus, or low)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline_core.measures import Flag
from pipeline_core.science.evidence import FROM_CLEAR

if TYPE_CHECKING:
    from pipeline_core.science.evidence import Evidence

FWHM_RATIO = 1.3
"""Stars wider than this many times the clear reference: 1.3² = 1.7 times the exposure would be needed."""
BAD_FWHM_RATIO = 1.6
FEWEST_WIDE = 5
"""Stars that tell a frame's width: with three, in an exposure of one second, one close pair makes it twice as wide."""
SAME_WIDTH = 0.03
"""Air mass that changes the width by less is not worth a word."""
TRAILED_ELLIPTICITY = 0.41
"""1 - b/a of a star that moved by twice its FWHM during the exposure: its variance along the way grows by
length²/12, so that two FWHM give 1 - 1/sqrt(1 + (2 · 2.355)²/12) = 0.41; an image shaken to 1.6 has 0.375. A shorter
trail is as long as a shaken image; the profile of its stars tells (:mod:`pipeline_core.science.trail`)."""
LONG_ELLIPTICITY = 0.3
"""Too long whatever the reference shows: the star moved by 1.5 FWHM. Optics that elongate stars do so towards the
centre or around it, not all one way; air at low altitude spreads colours by a third of the seeing: 0.06."""
ONE_WAY = 0.75
"""Coherence from which all stars point the same way."""
FEWEST_LONG = 8
"""Stars that must agree when no reference is asked: three hot clumps may point anywhere, or the same way."""
LEAST_SCATTER = 0.01
"""Of the ellipticity of frames."""
STAR_SCATTER, MOST_FITTED = 0.15, 100
"""Single stars of a frame of ellipticity 0.2 to 0.3 scatter by 0.07 to 0.15 (calibrated frames of a real night); so
many of them are measured at most. Counted from the stars, the uncertainty does not turn when another frame goes."""
ELLIPTICITY_EXCESS = 0.08
"""Visible to the eye when frames are blinked."""


def long_stars(e: Evidence) -> Flag | None:
    """Return the flag of stars that are longer than the clear reference's, or than anything but motion makes them."""
    excess = e.ellipticity - (e.ellipticity_clear if math.isfinite(e.ellipticity_clear) else 0.0)
    scatter = max(e.ellipticity_scatter, LEAST_SCATTER)
    longer = not e.coherence < 0.4 and excess > max(ELLIPTICITY_EXCESS, FROM_CLEAR * scatter)
    if not longer:
        return _long_by_itself(e)
    along = f" along {e.ellipticity_angle_deg:.0f}°" if math.isfinite(e.ellipticity_angle_deg) else ""
    usual = f" ({e.ellipticity_clear:.2f} in the clear reference)" if math.isfinite(e.ellipticity_clear) else ""
    is_unsure = e.stars < FEWEST_LONG
    unsure = f"; only {e.stars:.0f} stars show it, and a close pair of stars would look the same" if is_unsure else ""
    if e.ellipticity > TRAILED_ELLIPTICITY or e.trail_px > 0:
        words = f"trailed: ellipticity {e.ellipticity:.2f}{along}{usual}, the telescope moved{_by(e)}{unsure}"
        return Flag("trailed", words, "suspect" if is_unsure else "bad")
    return Flag(
        "wind",
        f"wind: ellipticity {e.ellipticity:.2f}{along}{usual}, shaking or poor guiding{unsure}",
        "bad" if excess > 0.2 and not is_unsure else "suspect",
    )


def _long_by_itself(e: Evidence) -> Flag | None:
    """Stars that no optics or seeing makes so long, where the best frames of the group are as long."""
    if not (e.ellipticity > LONG_ELLIPTICITY and e.coherence > ONE_WAY and e.stars >= FEWEST_LONG):
        return None
    along = f" along {e.ellipticity_angle_deg:.0f}°" if math.isfinite(e.ellipticity_angle_deg) else ""
    value, bound = _told_above(e.ellipticity, LONG_ELLIPTICITY)
    is_long = e.ellipticity_clear > 0.5 * LONG_ELLIPTICITY
    beside = e.own_reference or (f" (the clear reference is long itself: {e.ellipticity_clear:.2f})" if is_long else "")
    most = f"optics and seeing make {bound} at most{beside}"
    figures = f"ellipticity {value}{along} all over the field, {most}"
    if e.ellipticity > TRAILED_ELLIPTICITY or e.trail_px > 0:
        excess, unsure_by = e.ellipticity - LONG_ELLIPTICITY, _uncertain(e)
        if not excess > unsure_by:
            unsure = f"only {excess:.3f} above that, uncertain by {unsure_by:.3f}: look at it"
            return Flag("trailed", f"trailed: {figures}; {unsure}, the telescope may have moved{_by(e)}", "suspect")
        return Flag("trailed", f"trailed: {figures}; the telescope moved{_by(e)}", "bad")
    return Flag("wind", f"wind: {figures}; shaking or poor guiding", "suspect")


def _uncertain(e: Evidence) -> float:
    """Return how well a frame's ellipticity is known: as its stars scatter, or as the frames of its group do.

    The error of a median is 1.25 times that of a mean.
    """
    of_stars = 1.25 * STAR_SCATTER / math.sqrt(min(e.stars, MOST_FITTED))
    return max(of_stars, e.ellipticity_scatter, LEAST_SCATTER)


def _told_above(value: float, limit: float) -> tuple[str, str]:
    """Write a value and the limit that it exceeds with as many digits as it takes to see that it does."""
    digits = next((n for n in (2, 3, 4) if round(value, n) > round(limit, n)), 5)
    return f"{value:.{digits}f}", f"{limit:.{digits}f}"


def _by(e: Evidence) -> str:
    return f" evenly by {e.trail_px:.1f} px" if e.trail_px > 0 else ""


def wide_stars(e: Evidence) -> Flag | None:
    """Return the flag of stars that are wider than the clear reference's at the same air mass."""
    if not (e.fwhm_px > 0 and e.fwhm_clear_px > 0) or e.stars < FEWEST_WIDE:
        return None
    ratio = e.fwhm_px / e.fwhm_clear_px
    if not ratio > max(FWHM_RATIO, (1 + 1.4 * e.fwhm_scatter) * (1 + 3.5 * e.fwhm_scatter)):
        return None
    return Flag(
        "defocus",
        f"defocus: FWHM {e.fwhm_px:.2f} px is {ratio:.2f} times {_clear_width(e)}, out of focus or worse seeing",
        "bad" if ratio > BAD_FWHM_RATIO else "suspect",
    )


def _clear_width(e: Evidence) -> str:
    """Name the clear reference's width; where it was carried to another air mass that matters, from what to what."""
    if not (math.isfinite(e.airmass) and abs(e.fwhm_reference_px / e.fwhm_clear_px - 1) > SAME_WIDTH):
        return f"the clear reference's {e.fwhm_clear_px:.2f} px"
    became = f"the {e.fwhm_clear_px:.2f} px that the clear reference's {e.fwhm_reference_px:.2f} px become"
    return f"{became} at this frame's air mass of {e.airmass:.2f}"


def low_altitude(e: Evidence) -> Flag | None:
    """Stars that are wide for the air they shine through: beside the flagged ones, the widest is not forgotten."""
    if not (e.fwhm_px > 0 and e.fwhm_clear_px > 0 and math.isfinite(e.airmass)) or e.stars < FEWEST_WIDE:
        return None
    if not e.fwhm_px / e.fwhm_reference_px > max(FWHM_RATIO, (1 + 1.4 * e.fwhm_scatter) * (1 + 3.5 * e.fwhm_scatter)):
        return None
    if not e.fwhm_clear_px > (1 + SAME_WIDTH) * e.fwhm_reference_px:
        return None
    return Flag(
        "low altitude",
        f"low altitude: FWHM {e.fwhm_px:.2f} px is {e.fwhm_px / e.fwhm_reference_px:.2f} times the clear reference's "
        f"{e.fwhm_reference_px:.2f} px, but only {e.fwhm_px / e.fwhm_clear_px:.2f} times the {e.fwhm_clear_px:.2f} px "
        f"that these become at this frame's air mass of {e.airmass:.2f}, which ordinary seeing explains",
        "note",
    )
