"""One science frame, step by step: the same code for the run, for what the window shows, and for one pixel's story.

Each step is a function elsewhere in :mod:`pipeline_core.science`; here they stand in their order, with a place to look
in between (``observe``). A step that has nothing to do says why.

What concerns single pixels (levels, flat, gain, noise) is done for a band of rows at a time: its temporaries stay in
the processor's cache, and of each master no more than that band is needed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.science import calibrate
from pipeline_core.science.cosmic import margin_for
from pipeline_core.science.evenness import noise_of, told_noise
from pipeline_core.science.frame_cosmic import remove_cosmic_rays
from pipeline_core.science.frame_steps import NO_COSMIC, Observe, Watch, idle_notes
from pipeline_core.science.full_well import bright_places
from pipeline_core.science.overscan import frame_levels
from pipeline_core.science.pixel_mask import saturated_bits
from pipeline_core.types import Bits, Image, MaskBit, Rows, Section

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_core.science.frame_cosmic import CosmicChoices

T = TypeVar("T")

BAND_PX = 1 << 17
"""Pixels of a band: half a megabyte of float32, so that the few arrays of a band stay in the second-level cache."""


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
    """Master frames of the trimmed geometry, in ADU: float32, the mask uint8."""

    bias: Rows | None = None
    """Also used, where the dark holds it, to tell the dark current."""
    dark: Rows | None = None
    dark_scale: float = 1.0
    flat: Rows | None = None
    mask: Rows | None = None
    bias_uncertainty: Rows | None = None
    dark_uncertainty: Rows | None = None
    flat_uncertainty: Rows | None = None
    flat_floor: float = 0.1
    warm: Rows | None = None
    """A dark that is not subtracted (of another exposure) but knows the hot pixels; ``dark`` itself where None."""
    warm_scale: float = 1.0
    """Exposure of the frame over that of ``warm``."""
    unwanted: tuple[str, ...] = ()
    """Kinds that a person chose to go without: what is said of a step that does nothing."""


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
    cosmic_note: str = NO_COSMIC,
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
    trim = facts.trim or Section(0, raw.shape[0], 0, raw.shape[1])
    _check_masters(trim.shape, masters)
    noise_raw = noise_of(raw[trim.slices])
    watch = Watch(observe, trim.shape)
    gain = facts.gain_e_per_adu
    unit: Literal["ADU", "electron"] = "electron" if gain is not None else "ADU"

    bits = _saturated(raw, facts)
    bits = bits if facts.trim is None else np.ascontiguousarray(bits[trim.slices])
    # The cosmic-ray step works in place, and wants room around the frame.
    margin = 0 if cosmic is None else margin_for(trim.shape, cosmic.engine, cosmic.protect_below_fwhm_px)
    room, noise_room = (np.empty(tuple(n + 2 * margin for n in trim.shape), np.float32) for _ in range(2))
    inner = tuple(slice(margin, margin + n) for n in trim.shape)
    image, variance = room[inner], noise_room[inner]
    made = _calibrate(raw, trim, facts, masters, image, variance, bits, watch, threads)
    for name, values in zip(("bright_places_adu", "bright_insides_adu"), bright_places(raw[trim.slices]), strict=True):
        made[name] = [round(float(value), 1) for value in values]
    del raw
    filled = made.pop("has_unknown") and _fill_no_data(image, variance, bits)
    watch.show("mask", image, unit, "", bits, variance, changed=filled)

    if cosmic is not None:
        made |= remove_cosmic_rays(room, noise_room, margin, bits, masters, gain or 1.0, cosmic, threads)
        cosmic_note = ""
    watch.show("cosmic", image, unit, cosmic_note, bits)

    sigma = _uncertainty(variance, image, masters, gain or 1.0, threads) if uncertainty else None
    del variance, noise_room
    made["noise"] = told_noise(noise_raw, noise_of(image), gain, flattened=masters.flat is not None)
    made["saturated_px"] = np.count_nonzero(bits & MaskBit.SATURATED)
    made["saturated_fraction"] = made["saturated_px"] / bits.size
    return Reduced(np.ascontiguousarray(image), bits, sigma, "electron" if gain is not None else "adu", made)


def _calibrate(
    raw: npt.NDArray[Any],
    trim: Section,
    facts: FrameFacts,
    masters: Masters,
    image: Image,
    variance: Image,
    bits: Bits,
    watch: Watch,
    threads: int,
) -> dict[str, Any]:
    """Do all that concerns single pixels, from raw counts to the masters' mask; fill the three planes of the frame.

    Returns
    -------
    dict
        ``overscan_level_adu``; ``taken_off_adu``: from a usual pixel, before the flat; ``has_unknown``: whether a pixel
        of the frame or its variance has no value.
    """
    levels = level = None
    if facts.overscan is not None:
        levels = frame_levels(raw, facts.overscan, facts.overscan_order)
        level = float(np.mean(levels))
    watch.show_raw(raw, levels)
    light = _Light(raw, levels, trim, facts.pedestal_adu)
    zero = _zero_level(light, masters)
    gain = facts.gain_e_per_adu
    samples: list[Image] = []

    def calibrated(rows: slice) -> bool:
        part = light.rows(rows)
        if facts.trim is not None or facts.pedestal_adu:
            watch.see("trim", part, rows)
        bias, dark, flat, mask = (_rows(of, rows) for of in (masters.bias, masters.dark, masters.flat, masters.mask))
        collected = np.subtract(part, zero if bias is None else bias, dtype=np.float32)
        samples.append(_sample_of_zero(bias, dark, masters.dark_scale, rows))
        _subtract_bias_and_dark(part, bias, dark, masters.dark_scale, lambda name: watch.see(name, part, rows))
        if flat is not None:
            bits[rows][calibrate.divide_by_flat(part, flat, masters.flat_floor)] |= MaskBit.BAD
            watch.see("flat", part, rows)
        if gain is not None:
            calibrate.to_electrons(part, gain)
            collected *= np.float32(gain)
            watch.see("gain", part, rows)
        # Without a gain the noise model counts each ADU as one electron: wrong by the gain, but finite everywhere.
        noise = calibrate.pixel_variance(collected, flat, facts.read_noise_e, gain or 1.0, masters.flat_floor)
        image[rows], variance[rows] = part, noise
        if mask is not None:
            bits[rows] |= mask
        return bool(np.isfinite(part).all() and np.isfinite(noise).all())

    is_known = in_bands(calibrated, *trim.shape, threads)
    watch.tell(_notes(facts, masters))
    of_masters = np.concatenate([sample.ravel() for sample in samples])
    taken_off = facts.pedestal_adu + (level or 0.0) + (float(np.nanmedian(of_masters)) if of_masters.size else 0.0)
    return {"overscan_level_adu": level, "taken_off_adu": taken_off, "has_unknown": not all(is_known)}


def in_bands(work: Callable[[slice], T], ny: int, nx: int, threads: int) -> list[T]:
    """Call ``work(rows)`` for bands that together are ``ny`` rows, on up to ``threads`` threads."""
    step = max(1, BAND_PX // nx)
    bands = [slice(y0, min(y0 + step, ny)) for y0 in range(0, ny, step)]
    if threads <= 1 or len(bands) == 1:
        return [work(rows) for rows in bands]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, bands))


def _rows(master: Rows | None, rows: slice) -> Any:
    return None if master is None else master[rows]


@dataclass(frozen=True)
class _Light:
    """The raw frame without overscan level and pedestal, trimmed, by rows."""

    raw: npt.NDArray[Any]
    levels: Image | None
    trim: Section
    pedestal_adu: float

    def rows(self, rows: slice, step: int = 1) -> Image:
        """Return some rows of the trimmed frame: a float32 copy; every ``step``-th row and column."""
        y = slice(self.trim.y0 + rows.start, self.trim.y0 + rows.stop, step)
        x = slice(self.trim.x0, self.trim.x1, step)
        part = self.raw[y, x].astype(np.float32, order="C")
        if self.levels is not None:
            part -= self.levels[y] if self.levels.shape[1] == 1 else self.levels[:, x]
        if self.pedestal_adu:
            calibrate.subtract_level(part, float(self.pedestal_adu))
        return part


def _saturated(raw: npt.NDArray[Any], facts: FrameFacts) -> Bits:
    """Saturation is told by raw counts, before anything is subtracted."""
    if facts.saturation_adu is None:
        return np.zeros(raw.shape, np.uint8)
    return saturated_bits(raw, facts.saturation_adu, grow=facts.grow_bleeding)


def _notes(facts: FrameFacts, masters: Masters) -> dict[str, tuple[Literal["ADU", "electron"], str]]:
    """Return the unit after each step from trimming to gain, and the word of those that have nothing to do."""
    has_gain = facts.gain_e_per_adu is not None
    notes = idle_notes(
        is_trimmed=facts.trim is not None or bool(facts.pedestal_adu),
        masters={name for name in ("bias", "dark", "flat") if getattr(masters, name) is not None},
        dark_scale=masters.dark_scale,
        has_gain=has_gain,
        unwanted=masters.unwanted,
    )
    return {name: ("electron" if has_gain and name == "gain" else "ADU", note) for name, note in notes.items()}


def _check_masters(shape: tuple[int, int], masters: Masters) -> None:
    for name in ("bias", "dark", "flat", "mask"):
        master = getattr(masters, name)
        if master is not None and master.shape != shape:
            raise DataError(
                f"the master {name} does not fit the frame",
                f"it has {master.shape[1]}×{master.shape[0]} pixels, the frame has {shape[1]}×{shape[0]}",
                f"choose a {name} of the same binning and window",
            )
    if masters.dark is not None and masters.dark_scale != 1.0 and masters.bias is None:
        raise DataError("the dark cannot be scaled", "there is no bias to tell its dark current", "take biases")


def _zero_level(light: _Light, masters: Masters) -> np.float32:
    """Level of a pixel without light and dark current, ADU: what is above it has Poisson noise."""
    if masters.bias is not None:
        return np.float32(0)  # each pixel has its own
    ny, nx = light.trim.shape
    if masters.dark is not None:
        # Without a bias, the dark's own median stands for it: the current of hot pixels is still counted.
        dark = masters.dark
        sample = in_bands(lambda rows: dark[rows][-rows.start % 4 :: 4, ::4], ny, nx, 1)
        return np.float32(np.nanmedian(np.concatenate(sample)))
    # Nothing tells the zero level: the faint end of the frame does.
    return np.float32(np.nanpercentile(light.rows(slice(0, ny), 4), 0.1))


def _sample_of_zero(bias: Image | None, dark: Image | None, dark_scale: float, rows: slice) -> Image:
    """Return some of what the masters take from some rows, ADU; the same pixels whatever the bands are."""
    held, other = (of[-rows.start % 8 :: 8, ::8] if of is not None else None for of in (bias, dark))
    if other is not None and dark_scale == 1.0:
        return other
    if held is None:  # of a dark that is scaled only the dark current comes off, which needs a bias
        return np.zeros((0, 0), np.float32)
    return held if other is None else held + np.float32(dark_scale) * (other - held)


def _subtract_bias_and_dark(
    image: Image, bias: Image | None, dark: Image | None, dark_scale: float, done: Callable[[str], None]
) -> None:
    """Remove zero level and dark current; a dark that matches holds the bias."""
    if dark is not None and dark_scale == 1.0:
        calibrate.subtract_level(image, dark)
        done("dark")
        return
    if bias is not None:
        calibrate.subtract_level(image, bias)
        done("bias")
    if dark is not None and bias is not None:
        current = np.subtract(dark, bias, dtype=np.float32)
        current *= np.float32(dark_scale)
        calibrate.subtract_level(image, current)
        done("dark")


def _uncertainty(variance: Image, image: Image, masters: Masters, gain_e_per_adu: float, threads: int) -> Image:
    """One sigma of each pixel, with the noise of the masters."""
    sigma = np.empty(image.shape, np.float32)

    def work(rows: slice) -> None:
        sigma[rows] = calibrate.total_uncertainty(
            variance[rows],
            image[rows],
            gain_e_per_adu=gain_e_per_adu,
            dark_uncertainty_adu=_zero_uncertainty(masters, rows),
            flat=_rows(masters.flat, rows),
            flat_uncertainty=_rows(masters.flat_uncertainty, rows),
            floor=masters.flat_floor,
        )

    ny, nx = image.shape
    in_bands(work, ny, nx, threads)
    np.nan_to_num(sigma, copy=False, nan=float(np.float32(np.nanmax(sigma))))
    return sigma


def _zero_uncertainty(masters: Masters, rows: slice) -> Image | None:
    """Noise that the subtracted bias and dark bring in, ADU."""
    of_bias: Image | None = _rows(masters.bias_uncertainty, rows)
    of_dark: Image | None = _rows(masters.dark_uncertainty, rows)
    if masters.dark is None:
        return of_bias
    if of_dark is None or masters.dark_scale == 1.0 or of_bias is None:
        return of_dark
    part = np.float32(masters.dark_scale)
    return np.asarray(np.sqrt((of_dark * part) ** 2 + (of_bias * (1 - part)) ** 2), np.float32)


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
