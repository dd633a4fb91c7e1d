"""Turning frames that are blinked onto their reference: where a mere shift would not do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline_core.science.display import mean_pyramid
from pipeline_core.science.turned_codes import turned_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.models.frame_images import ShownImage
    from pipeline_core.science.placement import Placement

    Turn = Callable[[ShownImage], ShownImage]


def turn_of(placement: Placement, own_first: tuple[int, int], reference_first: tuple[int, int]) -> Turn:
    """Return what brings a small version of a frame onto its reference; called in a thread.

    Parameters
    ----------
    placement : Placement
    own_first, reference_first : (x, y)
        Where the calibrated frame's first pixel lies in the image that is shown.
    """

    def turn(shown: ShownImage) -> ShownImage:
        codes = turned_codes(
            shown.codes[0], placement, reduction=shown.reduction, own_first=own_first, reference_first=reference_first
        )
        pyramid = mean_pyramid(codes, holds_no_data=True)
        return replace(shown, image=pyramid[0], codes=pyramid, holds_no_data=True)

    return turn
