"""The real stars of the demo night's field: what a plate solver recognises."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.resources import resource_path
from pipeline_core.science.tan_sip import ARCSEC, TanSip

if TYPE_CHECKING:
    from pipeline_core.demo.sky import Stars

RA_DEG, DEC_DEG = 217.43, -62.68
"""Where the demo night points."""
NORTH_DEG = 7.0
"""Direction of north, from +y, counter-clockwise: no telescope stands quite straight."""
FIELD_ARCMIN = 63.5
"""What the telescope sees: 4096 px of 0.93″."""
_MOST = 0.8  # of the field's stars are real ones; the others are fainter than any catalogue of real ones


def demo_solution(size: int, scale_arcsec: float) -> TanSip:
    """Return where the demo night's pixels lie on the sky, at its reference pointing."""
    step, turn = scale_arcsec / ARCSEC, np.radians(NORTH_DEG)
    # East is left of north, as on the sky.
    matrix = step * np.array([[-np.cos(turn), -np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return TanSip(RA_DEG, DEC_DEG, (size - 1) / 2.0, (size - 1) / 2.0, matrix)


def with_real_stars(stars: Stars, size: int, scale_arcsec: float) -> Stars:
    """Put the brightest stars of a field where real stars are.

    Parameters
    ----------
    stars : Stars
        Strewn at random.
    size : int
        Pixels a side.
    scale_arcsec : float

    Returns
    -------
    Stars
        As many, as bright: the brightest real star has the light of the brightest random one, and so on.
    """
    table = np.loadtxt(resource_path("demo", "tycho2_stars.csv"), delimiter=",", skiprows=4)
    ra, dec, magnitude = table.T
    x, y = demo_solution(size, scale_arcsec).to_pixel(ra, dec)
    inside = (x > stars.x_px.min()) & (x < stars.x_px.max()) & (y > stars.y_px.min()) & (y < stars.y_px.max())
    real = np.flatnonzero(inside)
    real = real[np.argsort(magnitude[real])][: int(_MOST * len(stars.x_px))]
    brightest = np.argsort(-stars.flux_e["R"], kind="stable")[: len(real)]
    new_x, new_y = stars.x_px.copy(), stars.y_px.copy()
    new_x[brightest], new_y[brightest] = x[real], y[real]
    return replace(stars, x_px=new_x, y_px=new_y)
