"""Cosmic rays of a frame that is being calibrated, and the hot pixels that its dark left over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pipeline_core.science.cosmic import CosmicResult, count_events, replace_cosmic_rays
from pipeline_core.science.hot_leftovers import excess_at, tell_leftovers, values_at
from pipeline_core.types import Bits, Image, Mask, MaskBit

if TYPE_CHECKING:
    from pipeline_core.science.reduction import Masters


@dataclass(frozen=True)
class CosmicChoices:
    """How cosmic rays are found (:mod:`pipeline_core.science.cosmic`)."""

    sigclip: float = 4.5
    sigfrac: float = 0.3
    objlim: float | None = None
    iterations: int = 4
    protect_below_fwhm_px: float = 8.0
    engine: Literal["astep", "astroscrappy"] = "astep"


def remove_cosmic_rays(
    room: Image,
    noise_room: Image,
    margin: int,
    bits: Bits,
    masters: Masters,
    gain: float,
    choices: CosmicChoices,
    threads: int,
    fwhm_px: float | None = None,
) -> dict[str, Any]:
    """Replace and flag cosmic rays in place; bad and saturated pixels are masked first.

    ``room`` and ``noise_room`` hold the frame and its variance inside ``margin`` pixels. What the dark explains gets
    its value back, and is flagged hot. ``fwhm_px`` is the width of the stars where it was measured before, on more of
    the frame than is given.
    """
    # Light that saturates spills into the neighbours; a pixel that is bad by itself does not.
    spills = np.uint8(MaskBit.SATURATED | MaskBit.NO_DATA)
    # Each choice by its name: a call with ** would hold on to the two planes while it lasts.
    result = replace_cosmic_rays(
        room,
        noise_room,
        (bits & spills) != 0,
        (bits != 0) & ((bits & spills) == 0),
        margin=margin,
        sigclip=choices.sigclip,
        sigfrac=choices.sigfrac,
        objlim=choices.objlim,
        iterations=choices.iterations,
        fwhm_px=fwhm_px,
        protect_below_fwhm_px=choices.protect_below_fwhm_px,
        threads=threads,
        engine=choices.engine,
    )
    hits, hot = result.hits, 0
    if choices.engine == "astep":
        inner = tuple(slice(margin, margin + n) for n in bits.shape)
        hits, hot = _without_leftovers(result, noise_room[inner], bits, masters, gain)
    bits[hits] |= MaskBit.COSMIC
    return {
        "cosmic_pixels": int(np.count_nonzero(hits)) if hot else result.n_pixels,
        "cosmic_events": count_events(hits) if hot else result.n_events,
        "hot_leftovers": hot,
        "cosmic_fwhm_px": None if result.fwhm_px is None else round(result.fwhm_px, 2),
        "objlim": result.objlim,
        "protected_stars": result.protected_stars,
    }


def _without_leftovers(
    found: CosmicResult, variance: Image, bits: Bits, masters: Masters, gain: float
) -> tuple[Mask, int]:
    """Flag as hot what the dark explains, and give all but true hits their values back; return hits and hot pixels."""
    known, scale = (masters.dark, masters.dark_scale) if masters.warm is None else (masters.warm, masters.warm_scale)
    if known is None or not found.n_pixels:
        return found.hits, 0
    y, x = np.nonzero(found.hits)
    excess = excess_at(known, masters.bias, y, x, scale * gain)
    if masters.flat is not None:
        flat = np.nan_to_num(values_at(masters.flat, y, x), nan=1.0)
        excess /= np.maximum(flat, np.float32(masters.flat_floor))
    image = found.cleaned
    told = tell_leftovers(y, x, found.before - image[y, x], np.sqrt(np.maximum(variance[y, x], 1)), excess)
    bits[y[told.is_hot], x[told.is_hot]] |= MaskBit.HOT
    image[y[~told.is_hit], x[~told.is_hit]] = found.before[~told.is_hit]
    left = np.zeros_like(found.hits)
    left[y[told.is_hit], x[told.is_hit]] = True
    return left, int(np.count_nonzero(told.is_hot))
