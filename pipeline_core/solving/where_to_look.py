"""Where on the sky a frame is looked for: what is known first, then less and less of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.solving.engine import Hint

if TYPE_CHECKING:
    from pipeline_core.science.tan_sip import TanSip
    from pipeline_core.solving.wanted import SolverOptions, Wanted

_MARGIN_DEG = 0.15
_BINNED = 3.2  # headers may state the scale of the unbinned chip, up to 3×3, or one that was guessed


def cone_of(solution: TanSip, shape: tuple[int, int]) -> tuple[float, float, float]:
    """Return RA, Dec and radius, degrees, of the stars that a frame of (ny, nx) px is measured against."""
    return (*solution.centre(shape), solution.radius_deg(shape) + _MARGIN_DEG)


def hints_for(wanted: Wanted, last: TanSip | None, options: SolverOptions) -> list[Hint]:
    """Return where to search for a frame, most likely first.

    Parameters
    ----------
    wanted : Wanted
    last : TanSip or None
        Of another frame of this camera.
    options : SolverOptions
    """
    if last is not None:
        # The scale is known from the night itself: what does not fit it is no frame of this camera.
        exact = last.scale_arcsec
        scale = (0.99 * exact, 1.01 * exact)
        hints = [Hint(scale, *last.centre(wanted.shape), 2.0 * options.radius_deg)]
        if wanted.ra_deg is not None and wanted.dec_deg is not None:
            hints.append(Hint(scale, wanted.ra_deg, wanted.dec_deg, options.radius_deg))
        return [*hints, Hint(scale)]
    if wanted.scale_arcsec is None:
        near = Hint(None, wanted.ra_deg, wanted.dec_deg, options.radius_deg)
        return [near, Hint()] if near.has_position else [Hint()]
    hints = []
    for factor in (1.0 + options.scale_tolerance, _BINNED):
        scale = (wanted.scale_arcsec / factor, wanted.scale_arcsec * factor)
        near = Hint(scale, wanted.ra_deg, wanted.dec_deg, options.radius_deg)
        hints += [near, near.without_position()] if near.has_position else [near]
    # Near its place with any scale comes before the whole sky.
    return sorted(hints, key=lambda hint: not hint.has_position)
