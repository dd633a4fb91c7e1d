"""The sky of a frame that is not solved itself but aligned to one that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science.astrometric_fit import fit_astrometry

if TYPE_CHECKING:
    from pipeline_core.science.placement import Placement
    from pipeline_core.science.tan_sip import TanSip

_POINTS = 12  # a side: 144 places for the 20 numbers of a third-order distortion


def sky_through(own: Placement, other: Placement, solution: TanSip, shape: tuple[int, int]) -> TanSip:
    """Return where a frame's pixels lie on the sky, through another frame of the same reference.

    Parameters
    ----------
    own, other : Placement
        Where the reference's pixels lie in this frame, and in the one that is solved.
    solution : TanSip
        Of the other frame.
    shape : (ny, nx)
        Of this frame, px.

    Returns
    -------
    TanSip
        Fitted to places all over the frame; the fit adds less than a thousandth of a pixel.
    """
    x, y = (
        axis.ravel()
        for axis in np.meshgrid(np.linspace(0, shape[1] - 1, _POINTS), np.linspace(0, shape[0] - 1, _POINTS))
    )
    ra, dec = solution.to_sky(*other.moved(*own.returned(x, y)))
    middle = ((shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0)
    fitted = fit_astrometry(x, y, ra, dec, middle, order=3, sigma_px=0.01)
    assert fitted is not None, "144 exact places always give a fit"
    return fitted.solution
