"""Flags of the sky: brighter or noisier than it should be, full pixels, aurora, twilight."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline_core.measures import Flag
from pipeline_core.science.evidence import FROM_CLEAR, LOSS_MAG, NAN, beyond

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.science.evidence import Evidence

SKY_RATIO = 1.25
NOISE_RATIO = 1.25
AURORA_MESH_PERCENT = 0.5
"""Extra scatter of the sky mesh, percent of the background."""
TWILIGHT_SUN_DEG = -18.3


def bright_sky(e: Evidence, dimmed: Sequence[Flag]) -> Flag | None:
    """Return the flag of a sky brighter than its neighbours, or than Sun and Moon explain.

    Parameters
    ----------
    e : Evidence
    dimmed : sequence of Flag
        What was said of missing light: cloud that is lit explains a bright sky.
    """
    lit = f"likely cloud, lit by {_lit_by(e)}" if any(flag.cause == "cloud" for flag in dimmed) else ""
    tolerance = 1 + max(SKY_RATIO - 1, FROM_CLEAR * e.sky_scatter)
    if e.sky_jump > tolerance + (0.3 * e.sky_uncertain / e.sky if e.sky > 0 else 0.0) and not is_aurora(e):
        return Flag(
            "bright sky",
            f"bright sky: {e.sky_jump:.2f} times its neighbours; {lit or 'light in the dome, a car, lightning?'}",
            "suspect",
        )
    if e.sky_expected > 0 and not is_aurora(e):
        ratio = e.sky / e.sky_expected
        if ratio > tolerance + 0.5 * e.sky_uncertain / e.sky_expected:
            words = f"bright sky: {ratio:.2f} times what {_lights(e)} explain"
            return Flag("bright sky", f"{words}; {lit}" if lit else words, "suspect")
    elif not math.isfinite(e.sky_expected) and e.sky > 2 * e.sky_clear > 0 and e.sky - e.sky_clear > e.noise:
        return Flag(
            "bright sky",
            f"bright sky: {e.sky / e.sky_clear:.1f} times the clear reference; twilight or Moon cannot "
            "be told, as place or time are not known",
            "note",
        )
    return None


def _lit_by(e: Evidence) -> str:
    """Name what may light a cloud: twilight is bright enough by itself, how full the Moon is is not known here."""
    if not math.isfinite(e.sun_altitude_deg):
        return "twilight, the Moon or lamps"
    if beyond(e.sun_altitude_deg, TWILIGHT_SUN_DEG):
        return "twilight"
    return "the Moon or lamps" if beyond(e.moon_altitude_deg, 0.0) else "lamps or lightning"


def _lights(e: Evidence) -> str:
    return f"Sun ({e.sun_altitude_deg:+.0f}°), Moon ({e.moon_altitude_deg:+.0f}°) and air mass"


def noisy(e: Evidence, dimmed: list[Flag]) -> Flag | None:
    """Return the flag of more noise than a sky this bright gives; ``dimmed``: what was said of missing light."""
    if not e.noise_expected > 0 or any(flag.cause == "cloud" for flag in dimmed):
        return None
    ratio = e.noise / e.noise_expected
    if not ratio > max(NOISE_RATIO, 1 + FROM_CLEAR * e.noise_scatter) or is_aurora(e):
        return None
    return Flag("noise", f"noise: {ratio:.2f} times what a sky this bright gives in the other frames", "suspect")


def saturated(e: Evidence) -> Flag | None:
    """Return the flag of a frame of which many pixels are full."""
    usual = e.saturated_clear if math.isfinite(e.saturated_clear) else 0.0
    # Half a percent of the chip: no field of stars does that, a bright star's bleeding is a hundred times less.
    if not e.saturated_fraction > max(0.005, 5 * usual):
        return None
    return Flag(
        "saturated",
        f"saturated: {100 * e.saturated_fraction:.1f} % of the pixels",
        "bad" if e.saturated_fraction > 0.05 else "suspect",
    )


def is_aurora(e: Evidence) -> bool:
    """Whether the sky is uneven while the stars keep their light."""
    usual = e.mesh_clear_percent if math.isfinite(e.mesh_clear_percent) else 0.0
    limit = max(AURORA_MESH_PERCENT, usual, 6 * e.mesh_scatter_percent)
    return e.mesh_percent - usual > limit and not e.loss_mag > LOSS_MAG


def aurora(e: Evidence, dimmed: list[Flag]) -> Flag | None:
    """Return the note of an aurora; ``dimmed``: what was said of missing light."""
    if dimmed or not is_aurora(e) or beyond(e.sun_altitude_deg, -9.0):
        return None
    return Flag(
        "aurora",
        f"aurora: the sky is uneven by {e.mesh_percent:.1f} % ({e.mesh_clear_percent:.1f} % in the clear "
        "reference) while the stars keep their light",
        "note",
    )


def twilight(e: Evidence) -> Flag | None:
    """Return the note of a Sun near the horizon."""
    if not beyond(e.sun_altitude_deg, TWILIGHT_SUN_DEG):
        return None
    brighter = e.sky / e.sky_clear if e.sky_clear > 0 else NAN
    # A tenth more sky is the least that is worth a word.
    if not (beyond(e.sun_altitude_deg, -12.0) or brighter > 1.1):
        return None
    figure = f", the sky is {brighter:.1f} times the clear reference's" if math.isfinite(brighter) else ""
    return Flag("twilight", f"twilight: the Sun is at {e.sun_altitude_deg:+.1f}°{figure}", "note")
