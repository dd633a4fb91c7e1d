"""One science frame, step by step: the same code for the run, for what the window shows, and for one pixel's story.

Each step is a function elsewhere in :mod:`pipeline_core.science`; here they stand in their order, with a place to look
in between (``observe``). A step that has nothing to do says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.science import calibrate
from pipeline_core.science.cosmic import clean_cosmic_rays
from pipeline_core.science.overscan import subtract_overscan
from pipeline_core.science.pixel_mask import saturated_bits
from pipeline_core.types import Bits, Image, MaskBit, Section

STEPS = ("raw", "overscan", "trim", "bias", "dark", "flat", "gain", "mask", "cosmic")
"""In the order in which they are done."""

STEP_WORDS = {
    "raw": "raw",
    "overscan": "− overscan",
    "trim": "trimmed",
    "bias": "− bias",
    "dark": "− dark",
    "flat": "÷ flat",
    "gain": "× gain",
    "mask": "masked",
    "cosmic": "cosmic rays removed",
}


@dataclass(frozen=True)
class Step:
    """What one step left behind."""

    name: str
    image: Image
    """Not to be written to: steps that changed nothing share it."""
    unit: Literal["ADU", "electron", ""]
    """Empty for flats that are scaled to 1."""
    note: str
    """Empty when the step did its work; else why it did nothing ("inside the dark")."""
    mask: Bits | None = None
    variance: Image | None = None
    """Of each pixel, in the square of the unit; of the step before cosmic rays are looked for."""


Observe = Callable[[Step], None]


@dataclass(frozen=True)
class FrameFacts:
    """What must be known of the raw frame."""

    gain_e_per_adu: float | None
    """None leaves the frame in ADU."""
    read_noise_e: float
    saturation_adu: float | None
    pedestal_adu: float = 0.0
    overscan: Section | None = None
    overscan_order: int = 1
    trim: Section | None = None
    grow_bleeding: bool = True
    """Grow saturated pixels along their columns."""


@dataclass(frozen=True)
class Masters:
    """Master frames of the trimmed geometry, in ADU; any byte order (they may be mapped from their files)."""

    bias: Image | None = None
    """Also used, where the dark holds it, to tell the dark current."""
    dark: Image | None = None
    dark_scale: float = 1.0
    flat: Image | None = None
    mask: Bits | None = None
    bias_uncertainty: Image | None = None
    dark_uncertainty: Image | None = None
    flat_uncertainty: Image | None = None
    flat_floor: float = 0.1


@dataclass(frozen=True)
class CosmicChoices:
    """How cosmic rays are found (:mod:`pipeline_core.science.cosmic`)."""

    sigclip: float = 4.5
    sigfrac: float = 0.3
    objlim: float | None = None
    iterations: int = 4
    protect_below_fwhm_px: float = 8.0
    engine: Literal["astep", "astroscrappy"] = "astep"


@dataclass
class Reduced:
    """A calibrated frame."""

    image: Image
    """(ny, nx) float32, electron or ADU; no NaN."""
    mask: Bits
    uncertainty: Image | None
    unit: Literal["electron", "adu"]
    made: dict[str, Any] = field(default_factory=dict)
    """Numbers for the header and the quality table."""


def reduce_frame(
    raw: npt.NDArray[Any],
    facts: FrameFacts,
    masters: Masters,
    cosmic: CosmicChoices | None,
    *,
    cosmic_note: str = "switched off in the recipe",
    uncertainty: bool = False,
    threads: int = 1,
    observe: Observe | None = None,
) -> Reduced:
    """Calibrate one science frame.

    Parameters
    ----------
    raw : (ny, nx) uint16 or float32, ADU
        As read from the file; NaN where the file has no value. Not changed.
    facts : FrameFacts
    masters : Masters
    cosmic : CosmicChoices or None
        None leaves cosmic rays in.
    uncertainty : bool
        Also compute the one-sigma uncertainty of each pixel.
    threads : int
        Used by the cosmic-ray step.
    observe : callable, optional
        Called with a copy of what each step left; the run does not ask for it.

    Returns
    -------
    Reduced

    Raises
    ------
    DataError
        If a master does not have the frame's (trimmed) shape.
    """
    watch = _Watch(observe)
    image = raw.astype(np.float32)
    watch.see("raw", image, "ADU")
    gain = facts.gain_e_per_adu

    made_overscan, overscan_note = None, ""
    if facts.overscan is not None:
        made_overscan = float(np.median(image[facts.overscan.slices]))
        subtract_overscan(image, facts.overscan, facts.overscan_order)
    else:
        overscan_note = "none is used: the frames have none, not all have the same, or it is switched off"
    watch.see("overscan", image, "ADU", overscan_note)

    image, bits = _trimmed(image, _saturated(raw, facts), facts.trim)
    if facts.pedestal_adu:
        calibrate.subtract_level(image, float(facts.pedestal_adu))
    note = "" if facts.trim is not None or facts.pedestal_adu else "the whole chip is lit"
    watch.see("trim", image, "ADU", note)
    _check_shapes(image, masters)

    collected = _collected(image, masters)
    _subtract_bias_and_dark(image, masters, watch)

    if masters.flat is not None:
        undivided = calibrate.divide_by_flat(image, masters.flat, masters.flat_floor)
        bits[undivided] |= MaskBit.BAD
        watch.see("flat", image, "ADU")
    else:
        watch.see("flat", image, "ADU", "no flat for this filter, or none is wanted")

    if gain is not None:
        calibrate.to_electrons(image, gain)
        collected *= np.float32(gain)
    unit: Literal["ADU", "electron"] = "electron" if gain is not None else "ADU"
    watch.see("gain", image, unit, "" if gain is not None else "the gain is unknown")
    # Without a gain the noise model counts each ADU as one electron: wrong by the gain, but finite everywhere.
    variance = calibrate.pixel_variance(collected, masters.flat, facts.read_noise_e, gain or 1.0, masters.flat_floor)

    if masters.mask is not None:
        bits |= masters.mask
    filled = _fill_no_data(image, variance, bits)
    watch.see("mask", image, unit, "", bits, variance, changed=filled)

    made: dict[str, Any] = {"overscan_level_adu": made_overscan}
    if cosmic is not None:
        made |= _remove_cosmic_rays(image, variance, bits, cosmic, threads)
        cosmic_note = ""
    watch.see("cosmic", image, unit, cosmic_note, bits)

    sigma = None
    if uncertainty:
        sigma = calibrate.total_uncertainty(
            variance,
            image,
            gain_e_per_adu=gain or 1.0,
            dark_uncertainty_adu=_zero_uncertainty(masters),
            flat=masters.flat,
            flat_uncertainty=masters.flat_uncertainty,
            floor=masters.flat_floor,
        )
        np.nan_to_num(sigma, copy=False, nan=float(np.float32(np.nanmax(sigma))))
    made["saturated_fraction"] = float(np.count_nonzero(bits & MaskBit.SATURATED) / bits.size)
    return Reduced(image, bits, sigma, "electron" if gain is not None else "adu", made)


def _saturated(raw: npt.NDArray[Any], facts: FrameFacts) -> Bits:
    """Saturation is told by raw counts, before anything is subtracted."""
    if facts.saturation_adu is None:
        return np.zeros(raw.shape, np.uint8)
    return saturated_bits(raw, facts.saturation_adu, grow=facts.grow_bleeding)


def _trimmed(image: Image, bits: Bits, trim: Section | None) -> tuple[Image, Bits]:
    if trim is None:
        return image, bits
    return np.ascontiguousarray(image[trim.slices]), np.ascontiguousarray(bits[trim.slices])


class _Watch:
    """Copies each step for whoever looks; costs nothing when nobody does.

    Steps that changed no pixel share one copy: at 4096² each is 64 MB and 20 ms.
    """

    def __init__(self, observe: Observe | None) -> None:
        self._observe = observe
        self._last: Image | None = None

    def see(
        self,
        name: str,
        image: Image,
        unit: Literal["ADU", "electron"],
        note: str = "",
        mask: Bits | None = None,
        variance: Image | None = None,
        *,
        changed: bool = True,
    ) -> None:
        """Show a step; with a note, or where nothing changed, its image is that of the step before."""
        if self._observe is None:
            return
        if self._last is None or (changed and not note):
            self._last = image.copy()
        mask = None if mask is None else mask.copy()
        variance = None if variance is None else variance.copy()
        self._observe(Step(name, self._last, unit, note, mask, variance))


def _check_shapes(image: Image, masters: Masters) -> None:
    for name in ("bias", "dark", "flat", "mask"):
        master = getattr(masters, name)
        if master is not None and master.shape != image.shape:
            raise DataError(
                f"the master {name} does not fit the frame",
                f"it has {master.shape[1]}×{master.shape[0]} pixels, the frame has {image.shape[1]}×{image.shape[0]}",
                f"choose a {name} of the same binning and window",
            )


def _collected(image: Image, masters: Masters) -> Image:
    """Light and dark current of each pixel in ADU, for its Poisson noise: what is above the bias."""
    if masters.bias is not None:
        return np.subtract(image, masters.bias, dtype=np.float32)
    if masters.dark is not None:
        # Without a bias, the dark's own median stands for it: the current of hot pixels is still counted.
        dark = np.asarray(masters.dark, np.float32)
        return image - np.float32(np.nanmedian(dark[::4, ::4]))
    # Nothing tells the zero level: the faint end of the frame does.
    return image - np.float32(np.nanpercentile(image[::4, ::4], 0.1))


def _subtract_bias_and_dark(image: Image, masters: Masters, watch: _Watch) -> None:
    """Remove zero level and dark current; a dark that matches holds the bias."""
    if masters.dark is None:
        if masters.bias is not None:
            calibrate.subtract_level(image, masters.bias)
        watch.see("bias", image, "ADU", "" if masters.bias is not None else "there is no bias, or none is wanted")
        watch.see("dark", image, "ADU", "no dark for this exposure, or none is wanted")
    elif masters.dark_scale == 1.0:
        watch.see("bias", image, "ADU", "inside the dark")
        calibrate.subtract_level(image, masters.dark)
        watch.see("dark", image, "ADU")
    else:
        if masters.bias is None:
            raise DataError("the dark cannot be scaled", "there is no bias to tell its dark current", "take biases")
        calibrate.subtract_level(image, masters.bias)
        watch.see("bias", image, "ADU")
        current = np.subtract(masters.dark, masters.bias, dtype=np.float32)
        current *= np.float32(masters.dark_scale)
        calibrate.subtract_level(image, current)
        watch.see("dark", image, "ADU")


def _zero_uncertainty(masters: Masters) -> Image | None:
    """Noise that the subtracted bias and dark bring in, ADU."""
    if masters.dark is None:
        return None if masters.bias_uncertainty is None else np.array(masters.bias_uncertainty, np.float32)
    if masters.dark_uncertainty is None:
        return None
    if masters.dark_scale == 1.0 or masters.bias_uncertainty is None:
        return np.array(masters.dark_uncertainty, np.float32)
    part = np.float32(masters.dark_scale)
    variance = (masters.dark_uncertainty * part) ** 2 + (masters.bias_uncertainty * (1 - part)) ** 2
    return np.asarray(np.sqrt(variance), np.float32)


def _fill_no_data(image: Image, variance: Image, bits: Bits) -> bool:
    """Flag pixels without a value and give them the frame's median, so that no NaN spreads; return whether any."""
    unknown = ~np.isfinite(image)
    unknown |= ~np.isfinite(variance)
    if not unknown.any():
        return False
    bits[unknown] |= MaskBit.NO_DATA
    known = ~unknown
    image[unknown] = np.median(image[known]) if known.any() else 0.0
    variance[unknown] = np.median(variance[known]) if known.any() else 1.0
    return True


def _remove_cosmic_rays(
    image: Image, variance: Image, bits: Bits, choices: CosmicChoices, threads: int
) -> dict[str, Any]:
    """Replace and flag cosmic rays in place; bad and saturated pixels are masked first."""
    # Light that saturates spills into the neighbours; a pixel that is bad by itself does not.
    spilling = (bits & (MaskBit.SATURATED | MaskBit.NO_DATA)) != 0
    result = clean_cosmic_rays(
        image,
        variance,
        spilling,
        (bits != 0) & ~spilling,
        sigclip=choices.sigclip,
        sigfrac=choices.sigfrac,
        objlim=choices.objlim,
        iterations=choices.iterations,
        protect_below_fwhm_px=choices.protect_below_fwhm_px,
        threads=threads,
        engine=choices.engine,
    )
    image[result.hits] = result.cleaned[result.hits]
    bits[result.hits] |= MaskBit.COSMIC
    return {
        "cosmic_pixels": result.n_pixels,
        "cosmic_events": result.n_events,
        "cosmic_fwhm_px": None if result.fwhm_px is None else round(result.fwhm_px, 2),
        "objlim": result.objlim,
        "protected_stars": result.protected_stars,
    }
