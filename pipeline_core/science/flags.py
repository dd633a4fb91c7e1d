"""Flags: the cause of a frame's fault, in words and figures.

:func:`science_flags` weighs the evidence on one frame as an observer would: what the tracking did explains long stars
before focus does, frost explains a slow loss with haloes, and what is left of a loss is cloud. Brightness of the sky
that Sun and Moon explain is no fault.

Two severities speak against a frame, "suspect" and "bad"; a "note" only tells. Thresholds are in the unit an observer
thinks in, and never below what the frames scatter by themselves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pipeline_core.measures import NOT_JUDGED, Flag
from pipeline_core.science.evidence import NAN
from pipeline_core.science.slow_loss import told_growth, told_halo

if TYPE_CHECKING:
    from pipeline_core.science.evidence import Evidence

# The clear reference is the best fifth: an ordinary frame lies 1.4 sigma below it, and 3.5 more is 1 in 4000.
_FROM_CLEAR = 4.9

LOSS_MAG = 0.15
"""A loss of light below this is not called cloud or frost: a tenth of the night's exposure."""
PATCH_MAG = 0.2
"""A sixth of the light in a sixteenth of the field: relative photometry across it is spoilt."""
BAD_LOSS_MAG = 0.5
"""A third of the exposure is gone: the frame spoils a mean more than it helps."""
FWHM_RATIO = 1.3
"""Stars wider than this many times the clear reference: 1.3² = 1.7 times the exposure would be needed."""
BAD_FWHM_RATIO = 1.6
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
FEWEST_WIDE = 5
"""Stars that tell a frame's width: with three, in an exposure of one second, one close pair makes it twice as wide."""
FEWEST_JUDGED = FEWEST_WIDE
"""Stars below which nothing said against a frame does not make it good: neither its width is known nor, but for what
its brightest stars show, its light."""
FEWEST_LONG = 8
"""Stars that must agree when no reference is asked: three hot clumps may point anywhere, or the same way."""
ELLIPTICITY_EXCESS = 0.08
"""Visible to the eye when frames are blinked."""
HALO_EXCESS = 0.05
"""Relative growth of the halo ratio."""
SCATTERED = 0.05
"""Of the light that ice takes from stars at least this part is found again in the halo's aperture."""
SKY_RATIO = 1.25
NOISE_RATIO = 1.25
AURORA_MESH_PERCENT = 0.5
"""Extra scatter of the sky mesh, percent of the background."""
AURORA_PATCHY_MAG = 0.38
"""Under curtains the sky beneath a faint star is known to a few electrons only: fluxes scatter by up to 0.4 mag."""
AURORA_PATCHY_PX = 4.0
"""FWHM up to which that holds. The faintest stars have fluxes as the FWHM, the sky beneath them as its square."""
TWILIGHT_SUN_DEG = -18.3
STILL_PX = 1.0
"""A field that moves less in an hour leaves a hot pixel on one spot of the sky."""


def science_flags(e: Evidence) -> tuple[Flag, ...]:
    """Return what speaks against one science frame, gravest cause first, notes last.

    Parameters
    ----------
    e : Evidence
        Missing values silence the judgements that need them.
    """
    if e.stars == 0:
        return tuple(_without_stars(e))
    long_stars = _long_stars(e)
    wide = None if long_stars else _wide_stars(e)
    dimmed = _dimmed(e, long_stars or wide)
    if not e.aligned and e.near_cloud and e.stars < 0.5 * e.stars_clear:
        dimmed = [
            Flag(
                "cloud",
                f"cloud: {e.stars:.0f} stars are left of {e.stars_clear:.0f} in the clear reference, too few to "
                "compare; the frames beside it are dimmed",
                "bad",
            )
        ]
    found = [*dimmed, long_stars, wide, _lost_field(e), _few_stars(e, explained=bool(dimmed or long_stars or wide))]
    found += [_bright_sky(e), _noise(e, dimmed), _saturated(e)]
    found += [_aurora(e, dimmed), _twilight(e), _streak(e), _too_still(e)]
    found += [] if long_stars or wide else [_low(e)]
    flags = [flag for flag in found if flag is not None]
    if (e.stars < FEWEST_JUDGED or e.is_alone) and all(flag.severity == "note" for flag in flags):
        flags.insert(0, _not_judged(e))
    gravity = {"bad": 0, "suspect": 1, "note": 2}
    return tuple(sorted(flags, key=lambda flag: gravity[flag.severity]))


def _beyond(value: float, limit: float) -> bool:
    """Whether a measured value lies beyond a known limit; NaN decides nothing."""
    return value > limit


def _without_stars(e: Evidence) -> list[Flag]:
    if _beyond(e.sun_altitude_deg, -9.0):
        # Brighter than 4 mag above the night sky: stars of a 10 cm to 1 m telescope drown.
        return [
            Flag("no stars", f"no stars: the Sun is at {e.sun_altitude_deg:+.1f}°, the sky outshines them", "suspect"),
            *filter(None, [_twilight(e)]),
        ]
    usual = f" ({e.stars_clear:.0f} in the clear reference)" if e.stars_clear > 0 else ""
    flags = [Flag("no stars", f"no stars{usual}: thick cloud, a closed shutter or a lost pointing", "bad")]
    if e.near_cloud:
        flags.insert(0, Flag("cloud", f"cloud: no star is left{usual}, and the frames beside it are dimmed", "bad"))
    return [*flags, *filter(None, [_bright_sky(e), _twilight(e), _streak(e)])]


def _dimmed(e: Evidence, shape_fault: Flag | None) -> list[Flag]:
    """Frost and cloud: light is missing."""
    limit = max(LOSS_MAG, _FROM_CLEAR * e.loss_scatter)
    if shape_fault is not None and e.fwhm_px > 0 and e.fwhm_clear_px > 0:
        # Wide or long stars spill out of the aperture: 0.2 mag for each doubling, more for a trail.
        limit += 0.2 * max(math.log2(e.fwhm_px / e.fwhm_clear_px), 0.0)
        limit += 0.5 if shape_fault.cause == "trailed" else 0.0
    halo_growth = e.halo / e.halo_clear - 1 if e.halo_clear > 0 else NAN
    halo_before = e.halo_neighbours / e.halo_clear - 1 if e.halo_clear > 0 else NAN
    halo_limit = max(HALO_EXCESS, _FROM_CLEAR * e.halo_scatter)
    # Frost grows over many frames and stays: its neighbours have the halo too. And it always takes light.
    frosted = halo_growth > halo_limit and not halo_before < 0.4 * halo_growth and not e.loss_mag < 0.5 * LOSS_MAG
    # Ice does not swallow light: where magnitudes are gone, a little of it in the haloes is cloud's own.
    frosted = frosted and not halo_growth < SCATTERED * _missing(e)
    # A fixed pattern needs only half the halo to be told from cloud.
    frosted |= e.persistence > 0.7 and min(halo_growth, halo_before) > 0.5 * halo_limit and e.loss_mag > 0.5 * limit
    if shape_fault is not None and shape_fault.cause == "trailed":
        frosted = False  # a trail fills the halo aperture
    sudden = e.loss_mag - e.loss_neighbours_mag
    if e.loss_mag > limit and not sudden > limit and not frosted and shape_fault is None:
        frosted = _scatters(e, halo_growth, halo_before)
    flags: list[Flag] = []
    if frosted:
        grave = e.loss_mag > BAD_LOSS_MAG or halo_growth > 0.25
        less = f"depth loss {e.depth_loss_mag:+.2f} mag" if _tells_depth(e) else f"stars {e.loss_mag:.2f} mag fainter"
        loss = f", {less}{told_growth(e.loss_growth_mag, e.loss_unsteady_mag)}" if e.loss_mag > 0.05 else ""
        fixed = ", the pattern stays on the chip" if e.persistence > 0.5 else ""
        stronger = told_halo(halo_growth, halo_before, halo_limit)
        cause, seen = ("frost", "haloes are") if e.may_freeze else ("haloes", "dew, haze or thin cloud; they are")
        flags.append(
            Flag(
                cause,
                f"{cause}: {seen}{stronger} than in the clear reference{loss}{fixed}",
                "bad" if grave else "suspect",
            )
        )
    slow_loss = not sudden > limit
    if e.loss_mag > limit and not (frosted and slow_loss):
        fixed_patches = (
            e.long_persistence > 0.7 and slow_loss and e.patchy_mag > 0.05 and e.loss_neighbours_mag > 0.3 * e.loss_mag
        )
        words = f"{_lost(e)}, {_evenness(e)}"
        if sudden > limit:
            words += f"; its stars are {sudden:.2f} mag fainter than the frames around it let expect"
        severity: Literal["bad", "suspect"] = "bad" if e.loss_mag > BAD_LOSS_MAG else "suspect"
        if fixed_patches and e.may_freeze and not math.isfinite(halo_growth):
            flags.append(Flag("frost", f"frost: {words}, and the patches stay on the chip", severity))
        else:
            flags.append(Flag("cloud", f"cloud: {words}", severity))
    elif not frosted and _patchy(e):
        flags.append(
            Flag(
                "cloud",
                f"cloud: a patch dims some stars by {e.patch_mag:.2f} mag more than the rest of the field "
                f"({max(e.patch_clear_mag, 0.0):.2f} in the clear reference)",
                "suspect",
            )
        )
    return flags


def _tells_depth(e: Evidence) -> bool:
    """Whether the loss of depth says how much light is missing: a darker sky or sharper stars may make up for it."""
    return e.depth_loss_mag > 0.5 * e.loss_mag


def _lost(e: Evidence) -> str:
    """Say how much is missing, by the figure that the tables have too; by the light alone where that is another."""
    if _tells_depth(e):
        return f"depth loss {e.depth_loss_mag:+.2f} mag"
    depth = f" (depth loss {e.depth_loss_mag:+.2f} mag: a darker sky or sharper stars make up for it)"
    known = depth if math.isfinite(e.depth_loss_mag) else ""
    return f"stars are {e.loss_mag:.2f} mag fainter than in the clear reference{known}"


def _scatters(e: Evidence, growth: float, before: float) -> bool:
    """Whether light that is surely and slowly missing went into haloes: ice rather than cloud.

    The halo need only choose between the two, and frost is slow: the frame and its neighbours speak together. What ice
    takes from the stars it scatters: a twentieth of it at least is found within the halo's aperture.
    """
    known = [value for value in (growth, before) if math.isfinite(value)]
    least = max(SCATTERED * _missing(e), 0.5 * HALO_EXCESS, 2 * e.halo_scatter)
    if known and sum(known) / len(known) > least:
        return True
    # In a poor field one frame's halo is too uncertain. Ice grows evenly, as no cloud does over five frames; then
    # their haloes are weighed together, each by the light that it lacks.
    return e.may_freeze and e.loss_growth_mag > e.loss_unsteady_mag and e.halo_share > SCATTERED


def _missing(e: Evidence) -> float:
    """Light that is missing, in units of the light that is left."""
    return 10 ** (0.4 * e.loss_mag) - 1


def _patchy(e: Evidence) -> bool:
    """Whether a part of the field is dimmed beyond what the clear frames show, in a way that moves."""
    wide = max(e.fwhm_px / AURORA_PATCHY_PX, 1.0) if e.fwhm_px > 0 else 1.0
    if _is_aurora(e) and not e.patchy_mag > AURORA_PATCHY_MAG * wide:
        return False  # stars are missing behind a curtain of light; those that are left are hardly dimmed
    usual = max(e.patch_clear_mag, 0.0) if math.isfinite(e.patch_clear_mag) else 0.0
    return e.patch_mag - usual > max(PATCH_MAG, 5 * e.patch_scatter) and not e.persistence > 0.9


def _evenness(e: Evidence) -> str:
    if not math.isfinite(e.patchy_mag):
        return "too few stars to say whether patchy"
    if e.patchy_mag > max(0.06, 1.5 * (e.patchy_clear_mag if e.patchy_clear_mag > 0 else 0.0)):
        return f"patchy ({e.patchy_mag:.2f} mag over the field)"
    return f"evenly ({e.patchy_mag:.2f} mag over the field)"


def _long_stars(e: Evidence) -> Flag | None:
    excess = e.ellipticity - (e.ellipticity_clear if math.isfinite(e.ellipticity_clear) else 0.0)
    scatter = max(e.ellipticity_scatter, 0.01)
    longer = not e.coherence < 0.4 and excess > max(ELLIPTICITY_EXCESS, _FROM_CLEAR * scatter)
    if not longer:
        return _long_by_itself(e)
    along = f" along {e.ellipticity_angle_deg:.0f}°" if math.isfinite(e.ellipticity_angle_deg) else ""
    usual = f" ({e.ellipticity_clear:.2f} in the clear reference)" if math.isfinite(e.ellipticity_clear) else ""
    if e.ellipticity > TRAILED_ELLIPTICITY or e.trail_px > 0:
        words = f"trailed: ellipticity {e.ellipticity:.2f}{along}{usual}, the telescope moved{_by(e)}"
        return Flag("trailed", words, "bad")
    return Flag(
        "wind",
        f"wind: ellipticity {e.ellipticity:.2f}{along}{usual}, shaking or poor guiding",
        "bad" if excess > 0.2 else "suspect",
    )


def _long_by_itself(e: Evidence) -> Flag | None:
    """Stars that no optics or seeing makes so long, where the best frames of the group are as long."""
    if not (e.ellipticity > LONG_ELLIPTICITY and e.coherence > ONE_WAY and e.stars >= FEWEST_LONG):
        return None
    along = f" along {e.ellipticity_angle_deg:.0f}°" if math.isfinite(e.ellipticity_angle_deg) else ""
    value, bound = _told_above(e.ellipticity, LONG_ELLIPTICITY)
    is_long = e.ellipticity_clear > 0.5 * LONG_ELLIPTICITY
    beside = e.own_reference or (f" (the clear reference is long itself: {e.ellipticity_clear:.2f})" if is_long else "")
    most = f"above the {bound} that optics and seeing make at most{beside}"
    figures = f"ellipticity {value}{along} all over the field, {most}"
    if e.ellipticity > TRAILED_ELLIPTICITY or e.trail_px > 0:
        return Flag("trailed", f"trailed: {figures}; the telescope moved{_by(e)}", "bad")
    return Flag("wind", f"wind: {figures}; shaking or poor guiding", "suspect")


def _told_above(value: float, limit: float) -> tuple[str, str]:
    """Write a value and the limit that it exceeds with as many digits as it takes to see that it does."""
    digits = next((n for n in (2, 3, 4) if round(value, n) > round(limit, n)), 5)
    return f"{value:.{digits}f}", f"{limit:.{digits}f}"


def _by(e: Evidence) -> str:
    return f" evenly by {e.trail_px:.1f} px" if e.trail_px > 0 else ""


def _wide_stars(e: Evidence) -> Flag | None:
    if not (e.fwhm_px > 0 and e.fwhm_clear_px > 0) or e.stars < FEWEST_WIDE:
        return None
    ratio = e.fwhm_px / e.fwhm_clear_px
    if not ratio > max(FWHM_RATIO, (1 + 1.4 * e.fwhm_scatter) * (1 + 3.5 * e.fwhm_scatter)):
        return None
    return Flag(
        "defocus",
        f"defocus: FWHM {e.fwhm_px:.2f} px is {ratio:.2f} times the clear reference's "
        f"{e.fwhm_clear_px:.2f} px{_at_air_mass(e)} (or the seeing broke down)",
        "bad" if ratio > BAD_FWHM_RATIO else "suspect",
    )


def _at_air_mass(e: Evidence) -> str:
    """Say that the width of the one clear reference was carried to another air mass, where that matters."""
    if not (math.isfinite(e.airmass) and abs(e.fwhm_reference_px / e.fwhm_clear_px - 1) > SAME_WIDTH):
        return ""
    return f" at this frame's air mass of {e.airmass:.2f} ({e.fwhm_reference_px:.2f} px at its own)"


def _low(e: Evidence) -> Flag | None:
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
        f"{e.fwhm_reference_px:.2f} px; an air mass of {e.airmass:.2f} makes {e.fwhm_clear_px:.2f} px of that, the "
        "rest is ordinary seeing",
        "note",
    )


def _lost_field(e: Evidence) -> Flag | None:
    limit = max(5.0, 8 * e.track_scatter_px, 2 * (e.fwhm_px if e.fwhm_px > 0 else 0.0))
    if e.off_track_px > limit:
        return Flag(
            "jump",
            f"jump: the field lies {e.off_track_px:.1f} px from where its neighbours say (they scatter by "
            f"{e.track_scatter_px:.1f} px)",
            "suspect",
        )
    if not e.aligned and e.stars >= 15 and not e.stars < 0.3 * e.stars_clear:
        return Flag(
            "jump",
            f"jump: its {e.stars:.0f} stars do not match the other frames of this pointing: another field?",
            "suspect",
        )
    return None


def _few_stars(e: Evidence, *, explained: bool) -> Flag | None:
    if explained or not e.stars_clear > 0:
        return None
    expected = e.stars_clear
    if e.sky > 0 and e.sky_clear > 0:
        # A brighter sky hides faint stars: its noise grows as the root, star counts fall as 10^(-0.4 magnitudes).
        expected *= min(1.0, (e.sky_clear / e.sky) ** 0.5)
    # 5 sigma of Poisson beside the factor: eight stars instead of twelve prove nothing.
    if not (e.stars < 0.5 * expected and e.stars < expected - 5 * math.sqrt(expected)):
        return None
    return Flag(
        "few stars",
        f"few stars: {e.stars:.0f} where this sky would show about {expected:.0f}",
        "bad" if e.stars < 0.2 * expected else "suspect",
    )


def _not_judged(e: Evidence) -> Flag:
    if e.is_alone and not e.stars < FEWEST_JUDGED:
        why = "alone in its group: no other frame of its field, filter and exposure to compare it with"
        return Flag(NOT_JUDGED, f"not judged: {why}; look at it", "note")
    many = f"{e.stars:.0f} stars" if e.stars > 1 else "one star"
    return Flag(NOT_JUDGED, f"not judged: {many} only, too few to tell a good frame from a bad one: look at it", "note")


def _bright_sky(e: Evidence) -> Flag | None:
    tolerance = 1 + max(SKY_RATIO - 1, _FROM_CLEAR * e.sky_scatter)
    if e.sky_jump > tolerance + (0.3 * e.sky_uncertain / e.sky if e.sky > 0 else 0.0) and not _is_aurora(e):
        return Flag(
            "bright sky",
            f"bright sky: {e.sky_jump:.2f} times its neighbours; light in the dome, a car, lightning?",
            "suspect",
        )
    if e.sky_expected > 0 and not _is_aurora(e):
        ratio = e.sky / e.sky_expected
        if ratio > tolerance + 0.5 * e.sky_uncertain / e.sky_expected:
            return Flag("bright sky", f"bright sky: {ratio:.2f} times what {_lights(e)} explain", "suspect")
    elif not math.isfinite(e.sky_expected) and e.sky > 2 * e.sky_clear > 0 and e.sky - e.sky_clear > e.noise:
        return Flag(
            "bright sky",
            f"bright sky: {e.sky / e.sky_clear:.1f} times the clear reference; twilight or Moon cannot "
            "be told, as place or time are not known",
            "note",
        )
    return None


def _lights(e: Evidence) -> str:
    return f"Sun ({e.sun_altitude_deg:+.0f}°), Moon ({e.moon_altitude_deg:+.0f}°) and air mass"


def _noise(e: Evidence, dimmed: list[Flag]) -> Flag | None:
    if not e.noise_expected > 0 or any(flag.cause == "cloud" for flag in dimmed):
        return None
    ratio = e.noise / e.noise_expected
    if not ratio > max(NOISE_RATIO, 1 + _FROM_CLEAR * e.noise_scatter) or _is_aurora(e):
        return None
    return Flag("noise", f"noise: {ratio:.2f} times what a sky this bright gives in the other frames", "suspect")


def _saturated(e: Evidence) -> Flag | None:
    usual = e.saturated_clear if math.isfinite(e.saturated_clear) else 0.0
    # Half a percent of the chip: no field of stars does that, a bright star's bleeding is a hundred times less.
    if not e.saturated_fraction > max(0.005, 5 * usual):
        return None
    return Flag(
        "saturated",
        f"saturated: {100 * e.saturated_fraction:.1f} % of the pixels",
        "bad" if e.saturated_fraction > 0.05 else "suspect",
    )


def _is_aurora(e: Evidence) -> bool:
    usual = e.mesh_clear_percent if math.isfinite(e.mesh_clear_percent) else 0.0
    limit = max(AURORA_MESH_PERCENT, usual, 6 * e.mesh_scatter_percent)
    return e.mesh_percent - usual > limit and not e.loss_mag > LOSS_MAG


def _aurora(e: Evidence, dimmed: list[Flag]) -> Flag | None:
    if dimmed or not _is_aurora(e) or _beyond(e.sun_altitude_deg, -9.0):
        return None
    return Flag(
        "aurora",
        f"aurora: the sky is uneven by {e.mesh_percent:.1f} % ({e.mesh_clear_percent:.1f} % in the clear "
        "reference) while the stars keep their light",
        "note",
    )


def _twilight(e: Evidence) -> Flag | None:
    if not _beyond(e.sun_altitude_deg, TWILIGHT_SUN_DEG):
        return None
    brighter = e.sky / e.sky_clear if e.sky_clear > 0 else NAN
    # A tenth more sky is the least that is worth a word.
    if not (_beyond(e.sun_altitude_deg, -12.0) or brighter > 1.1):
        return None
    figure = f", the sky is {brighter:.1f} times the clear reference's" if math.isfinite(brighter) else ""
    return Flag("twilight", f"twilight: the Sun is at {e.sun_altitude_deg:+.1f}°{figure}", "note")


def _streak(e: Evidence) -> Flag | None:
    if not e.streaks:
        return None
    many = f"{e.streaks} streaks" if e.streaks > 1 else "one streak"
    return Flag("streak", f"streak: {many} of a satellite or plane; the frame is kept", "note")


def _too_still(e: Evidence) -> Flag | None:
    if not e.moved_px < STILL_PX * max(e.moved_h, 0.5):
        return None
    return Flag(
        "too still",
        f"too still: the field moved {e.moved_px:.2f} px over the chip in {e.moved_h:.1f} h: hot pixels will look "
        "fixed in the sky; the frame itself is as good as any",
        "note",
    )
