"""Turning frames that are blinked or compared onto their reference: where a mere shift would not do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from astep_gui.models.frame_images import scale_only
from pipeline_core.science.display import mean_pyramid
from pipeline_core.science.turned_codes import turned_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.models.frame_images import ShownImage
    from pipeline_core.science.placement import Placement

    Turn = Callable[[ShownImage], ShownImage]
    Place = Callable[[float, float], tuple[float, float]]


def turn_of(placement: Placement, own_first: tuple[int, int], reference_first: tuple[int, int]) -> Turn:
    """Return what brings an image of a frame onto its reference; called in a thread.

    A small version holds its turned pixels alone. A whole image keeps its true values, and knows where in them a place
    of what is seen lies; mask, stars and sky, which are told in its own pixels, are left out.

    Parameters
    ----------
    placement : Placement
    own_first, reference_first : (x, y)
        Where the calibrated frame's first pixel lies in the image that is shown.
    """
    place = place_of(placement, own_first, reference_first)

    def turn(shown: ShownImage) -> ShownImage:
        codes = turned_codes(
            shown.codes[0], placement, reduction=shown.reduction, own_first=own_first, reference_first=reference_first
        )
        pyramid = mean_pyramid(codes, holds_no_data=True)
        turned = replace(shown, codes=pyramid, holds_no_data=True)
        if shown.is_small:
            return replace(turned, image=pyramid[0])
        facts = scale_only(shown.facts)
        return replace(turned, place=place, facts=facts, mask=None, stars=None, shows_mask=False, unlit=())

    return turn


def place_of(placement: Placement, own_first: tuple[int, int], reference_first: tuple[int, int]) -> Place:
    """Return what tells where in the image of a frame a place of its reference lies, (x, y) 0-based px."""

    def place(x: float, y: float) -> tuple[float, float]:
        at_x, at_y = placement.moved(x - reference_first[0], y - reference_first[1])
        return float(at_x) + own_first[0], float(at_y) + own_first[1]

    return place
