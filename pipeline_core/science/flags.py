"""Flags: the cause of a frame's fault, in words and figures.

:func:`science_flags` weighs the evidence on one frame as an observer would: what the tracking did explains long stars
before focus does, frost explains a slow loss with haloes, and what is left of a loss is cloud. Brightness of the sky
that Sun and Moon explain is no fault.

Two severities speak against a frame, "suspect" and "bad"; a "note" only tells. Thresholds are in the unit an observer
thinks in, and never below what the frames scatter by themselves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline_core.measures import NOT_JUDGED, Flag
from pipeline_core.science.evidence import beyond
from pipeline_core.science.light_flags import dimmed
from pipeline_core.science.sky_flags import aurora, bright_sky, noisy, saturated, twilight
from pipeline_core.science.star_flags import FEWEST_WIDE, long_stars, low_altitude, wide_stars

if TYPE_CHECKING:
    from pipeline_core.science.evidence import Evidence

FEWEST_JUDGED = FEWEST_WIDE
"""Stars below which nothing said against a frame does not make it good: neither its width is known nor, but for what
its brightest stars show, its light."""
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
    long = long_stars(e)
    wide = None if long else wide_stars(e)
    dim = dimmed(e, long or wide)
    if not e.aligned and e.near_cloud and e.stars < 0.5 * e.stars_clear:
        dim = [
            Flag(
                "cloud",
                f"cloud: {e.stars:.0f} stars are left of {e.stars_clear:.0f} in the clear reference, too few to "
                "compare; the frames beside it are dimmed",
                "bad",
            )
        ]
    found = [*dim, long, wide, _lost_field(e), _few_stars(e, explained=bool(dim or long or wide))]
    found += [bright_sky(e, dim), noisy(e, dim), saturated(e)]
    found += [aurora(e, dim), twilight(e), _streak(e), _too_still(e)]
    found += [] if long or wide else [low_altitude(e)]
    flags = [flag for flag in found if flag is not None]
    if (e.stars < FEWEST_JUDGED or e.is_alone) and all(flag.severity == "note" for flag in flags):
        flags.insert(0, _not_judged(e))
    gravity = {"bad": 0, "suspect": 1, "note": 2}
    return tuple(sorted(flags, key=lambda flag: gravity[flag.severity]))


def _without_stars(e: Evidence) -> list[Flag]:
    if beyond(e.sun_altitude_deg, -9.0):
        # Brighter than 4 mag above the night sky: stars of a 10 cm to 1 m telescope drown.
        return [
            Flag("no stars", f"no stars: the Sun is at {e.sun_altitude_deg:+.1f}°, the sky outshines them", "suspect"),
            *filter(None, [twilight(e)]),
        ]
    usual = f" ({e.stars_clear:.0f} in the clear reference)" if e.stars_clear > 0 else ""
    flags = [Flag("no stars", f"no stars{usual}: thick cloud, a closed shutter or a lost pointing", "bad")]
    if e.near_cloud:
        flags.insert(0, Flag("cloud", f"cloud: no star is left{usual}, and the frames beside it are dimmed", "bad"))
    return [*flags, *filter(None, [bright_sky(e, flags), twilight(e), _streak(e)])]


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
