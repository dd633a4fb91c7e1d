"""The reference for cosmic rays: astroscrappy, with our masks and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask


def by_astroscrappy(
    image: Image,
    variance: Image,
    mask: npt.NDArray[np.uint8],
    protected: Mask | None,
    sigclip: float,
    sigfrac: float,
    objlim: float,
    iterations: int,
) -> tuple[Mask, npt.NDArray[np.float32]]:
    """Let the reference find the hits; ``image`` receives its replacements. Returns hits, and what they held."""
    from astroscrappy import detect_cosmics  # noqa: PLC0415 - only when it is asked for

    hits, cleaned = detect_cosmics(
        image,
        inmask=mask.view(bool),
        invar=variance,
        sigclip=sigclip,
        sigfrac=sigfrac,
        objlim=objlim,
        satlevel=np.inf,  # saturation is in the mask, from raw counts
        niter=iterations,
        sepmed=True,
        fsmode="median",
        cleantype="meanmask",
    )
    hits = np.asarray(hits, bool)
    if protected is not None:
        hits &= ~protected
    before = image[hits]
    image[hits] = cleaned[hits]
    return hits, before
