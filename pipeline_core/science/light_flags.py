"""Flags of missing light: cloud, and frost or haloes, told by how it came and where it went."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pipeline_core.measures import Flag
from pipeline_core.science.evidence import FROM_CLEAR, LOSS_MAG, NAN
from pipeline_core.science.sky_flags import is_aurora
from pipeline_core.science.slow_loss import told_growth, told_halo

if TYPE_CHECKING:
    from pipeline_core.science.evidence import Evidence

PATCH_MAG = 0.2
"""A sixth of the light in a sixteenth of the field: relative photometry across it is spoilt."""
PATCHY_MAG = 0.15
"""Unevenness over the field from which cloud is called patchy: the word and its figure say the same in all frames."""
BAD_LOSS_MAG = 0.5
"""A third of the exposure is gone: the frame spoils a mean more than it helps."""
HALO_EXCESS = 0.05
"""Relative growth of the halo ratio."""
HALO_GRAVE = 0.25
"""Relative growth of the halo ratio of which the frame is bad, however much light is left."""
UNSTEADY_MAG = 2 * LOSS_MAG
"""From frame to frame: dew and haze come and go more slowly."""
SCATTERED = 0.05
"""Of the light that ice takes from stars at least this part is found again in the halo's aperture."""
AURORA_PATCHY_MAG = 0.38
"""Under curtains the sky beneath a faint star is known to a few electrons only: fluxes scatter by up to 0.4 mag."""
AURORA_PATCHY_PX = 4.0
"""FWHM up to which that holds. The faintest stars have fluxes as the FWHM, the sky beneath them as its square."""


def dimmed(e: Evidence, shape_fault: Flag | None) -> list[Flag]:
    """Frost and cloud: light is missing."""
    limit = max(LOSS_MAG, FROM_CLEAR * e.loss_scatter)
    if shape_fault is not None and e.fwhm_px > 0 and e.fwhm_clear_px > 0:
        # Wide or long stars spill out of the aperture: 0.2 mag for each doubling, more for a trail.
        limit += 0.2 * max(math.log2(e.fwhm_px / e.fwhm_clear_px), 0.0)
        limit += 0.5 if shape_fault.cause == "trailed" else 0.0
    halo_growth = e.halo / e.halo_clear - 1 if e.halo_clear > 0 else NAN
    halo_before = e.halo_neighbours / e.halo_clear - 1 if e.halo_clear > 0 else NAN
    halo_limit = max(HALO_EXCESS, FROM_CLEAR * e.halo_scatter)
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
    hazy = frosted and _swallowed(e, halo_growth)
    frosted = frosted and not hazy
    flags: list[Flag] = []
    if frosted:
        grave = e.loss_mag > BAD_LOSS_MAG or halo_growth > HALO_GRAVE
        less = f"depth loss {e.depth_loss_mag:+.2f} mag" if _tells_depth(e) else f"stars {e.loss_mag:.2f} mag fainter"
        loss = f", {less}{told_growth(e.loss_growth_mag, e.loss_unsteady_mag)}" if e.loss_mag > 0.05 else ""
        fixed = ", the pattern stays on the chip" if e.persistence > 0.5 else ""
        stronger = told_halo(halo_growth, halo_before, halo_limit)
        # What is seen and how much of it stands first: in a narrow window the end is cut.
        cause, seen, means = (
            ("frost", "haloes are ", "") if e.may_freeze else ("haloes", "", "; dew, haze or thin cloud")
        )
        flags.append(
            Flag(
                cause,
                f"{cause}: {seen}{stronger}{loss}{fixed}{means}",
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
        if hazy:
            words += f"; haloes are {told_halo(halo_growth, halo_before, halo_limit)}"
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


def _swallowed(e: Evidence, growth: float) -> bool:
    """Whether light comes and goes as behind cloud, and next to nothing of it is found again in weak haloes.

    Asked where nothing freezes only: over ice cloud may pass too, and what stays is the ice.
    """
    comes_and_goes = e.loss_unsteady_mag > max(abs(e.loss_growth_mag), UNSTEADY_MAG)
    weak = not growth > HALO_GRAVE and not e.halo_share > SCATTERED
    return not e.may_freeze and comes_and_goes and weak


def _missing(e: Evidence) -> float:
    """Light that is missing, in units of the light that is left."""
    return 10 ** (0.4 * e.loss_mag) - 1


def _patchy(e: Evidence) -> bool:
    """Whether a part of the field is dimmed beyond what the clear frames show, in a way that moves."""
    wide = max(e.fwhm_px / AURORA_PATCHY_PX, 1.0) if e.fwhm_px > 0 else 1.0
    if is_aurora(e) and not e.patchy_mag > AURORA_PATCHY_MAG * wide:
        return False  # stars are missing behind a curtain of light; those that are left are hardly dimmed
    usual = max(e.patch_clear_mag, 0.0) if math.isfinite(e.patch_clear_mag) else 0.0
    return e.patch_mag - usual > max(PATCH_MAG, 5 * e.patch_scatter) and not e.persistence > 0.9


def _evenness(e: Evidence) -> str:
    if not math.isfinite(e.patchy_mag):
        return "too few stars to say whether patchy"
    is_seen = e.patchy_mag > max(0.06, 1.5 * (e.patchy_clear_mag if e.patchy_clear_mag > 0 else 0.0))
    if is_seen and round(e.patchy_mag, 2) >= PATCHY_MAG:
        return f"patchy, by {e.patchy_mag:.2f} mag over the field"
    if e.patchy_mag < 0.005:  # its two figures would be nought
        return "even over the field"
    return f"even to {e.patchy_mag:.2f} mag over the field"
