"""Stacks: calibrated frames of one group and their alignment in, one deeper frame out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from pipeline_core import __version__
from pipeline_core.io.ascii_words import ascii_words
from pipeline_core.io.calibrated_file import is_wcs_card
from pipeline_core.io.calibrated_rows import CalibratedRows
from pipeline_core.science.placement import Placement
from pipeline_core.science.sky_planes import MESH, READ_ROWS, SkyPlane, block_levels, sky_plane
from pipeline_core.science.stack import Stacked, combine_aligned, frame_weights
from pipeline_core.science.warp import HOLES, empty, rows_needed, warp_rows
from pipeline_core.stage import Made, Stage, check_wanted
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.types import Bits, Image

_BAND_BYTES = 128 << 20
"""Of all frames' rows that are combined at once: what memory a stack takes, whatever the night."""
_OF_ONE_FRAME = ("LTV", "LTM", "PLTSOLVD", "NCOSMIC", "RAWFILE", "OVSCLEV", "CRFWHM", "CRGUARD")
"""Beginnings of cards that say something about one frame only."""
_TIMES_OF_ONE_FRAME = (
    "DATE-OBS", "DATE-BEG", "DATE-END", "TIME-OBS", "TIME-END", "UT", "UTC", "UTCSTART", "UTCEND", "UTSTART", "UTEND",
    "MJD", "MJD-OBS", "MJD-BEG", "MJD-AVG", "MJD-END", "JD", "JD-OBS", "JD-HELIO", "JD_UTC", "HJD", "BJD", "LST", "ST",
    "HA", "AIRMASS", "ZD", "OBJCTALT", "OBJCTAZ", "OBJCTHA",
)  # fmt: skip
_NO_SKY = np.uint8(HOLES | MaskBit.COSMIC | MaskBit.SATURATED)
_EVEN = SkyPlane()
_OPEN_FILES = 200  # more are opened anew for each band: a process may hold about a thousand


@dataclass(frozen=True)
class _Frame:
    """One frame on its way into the stack."""

    file: Path
    placement: Placement | None
    """None: its pixels as they lie on the chip."""
    sky: float
    scale: float
    plane: SkyPlane = _EVEN
    """What its sky has beyond the best frame's, after scaling."""


def make_stack(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Stack the frames of a group.

    Parameters
    ----------
    settings : mapping
        ``group``, ``method``, ``sigma``, ``background``, ``fixed`` ("sky" or "chip"), ``shape`` ([ny, nx] of the
        result), ``reference`` (path, or None on the chip), and ``frames``: for each ``input``, ``path``, ``placement``,
        ``flux_ratio``, ``sky``, ``noise``, ``exposure_s``, ``mid_utc``.
    inputs : mapping
        The calibrated files by input name; ``reference``, where its WCS holds for the stack.
    out : Path
    threads : int
    """
    listed: list[dict[str, Any]] = settings["frames"]
    on_sky = settings["fixed"] == "sky"
    noise = np.array([_number(one["noise"]) for one in listed])
    # On the chip nothing of the sky is brought to one level: hot pixels do not care for clouds.
    ratio = np.array([_number(one["flux_ratio"]) if on_sky else 1.0 for one in listed])
    weights = frame_weights(ratio, noise)
    used = [k for k in range(len(listed)) if weights.weight[k] > 0]
    frames = [
        _Frame(
            inputs[listed[k]["input"]],
            Placement.from_dict(listed[k]["placement"]) if on_sky else None,
            _number(listed[k]["sky"]),
            float(weights.scale[k]),
        )
        for k in used
    ]
    scale = weights.scale[used]
    best = int(np.argmax(weights.weight[used]))
    if on_sky and settings["background"] != "none":
        frames = _levelled(frames, best, settings["background"], threads)
    shape = (int(settings["shape"][0]), int(settings["shape"][1]))
    result = Stacked(np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.uint16))
    mask = np.empty(shape, np.uint8)
    # What a frame's sky is after scaling: the best one's is put back, so that the stack reads as that frame does.
    sky = float(np.nan_to_num(frames[best].sky))
    rows = max(16, _BAND_BYTES // (4 * len(frames) * shape[1]))
    with ExitStack() as opened:
        readers = _Readers(frames, opened)
        for y0 in range(0, shape[0], rows):
            check_wanted()
            y1 = min(y0 + rows, shape[0])
            stack = np.empty((len(frames), y1 - y0, shape[1]), np.float32)
            mask[y0:y1] = _fill(stack, readers, y0, threads)
            band = combine_aligned(
                stack, noise[used] * scale, 1.0 / scale, weights.weight[used],
                method=settings["method"], sigma=settings["sigma"], threads=threads,
            )  # fmt: skip
            result.image[y0:y1], result.variance[y0:y1], result.count[y0:y1] = band.image, band.variance, band.count
    check_wanted()
    result.image[...] += np.float32(sky)
    mask[result.count == 0] |= MaskBit.NO_DATA
    taken = [listed[k] for k in used]
    header = _header(settings, inputs, taken, weights.weight[used], sky)
    _write(out, result, mask, header, _table(taken, scale, weights.weight[used], [frame.plane for frame in frames]))
    covered = result.count[result.count > 0]
    return {
        "frames": [one["path"] for one in taken],
        "left_out": [one["path"] for k, one in enumerate(listed) if k not in set(used)],
        "reference": settings["reference"],
        "method": settings["method"],
        "exposure_s": header.get("EXPTOTAL"),
        "mid_utc": header.get("DATE-AVG"),
        "count": float(np.median(covered)) if covered.size else 0.0,
    }


STACK = Stage("stacks", 3, make_stack, wide=True)


def _levelled(frames: Sequence[_Frame], best: int, kind: str, threads: int) -> list[_Frame]:
    """Find what each frame's sky has beyond the best one's: without it, a step stands where a frame ends."""
    with ThreadPoolExecutor(max(1, threads), thread_name_prefix="sky") as pool:
        jobs = [pool.submit(_sky_levels, frame) for frame in frames]
        levels = []
        for job in jobs:
            try:
                check_wanted()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            levels.append(job.result())

    def plane(k: int) -> SkyPlane:
        own, there = frames[k].placement, frames[best].placement
        assert own is not None, "on the sky"
        assert there is not None, "on the sky"
        return sky_plane(levels[k], own, levels[best], there, "plane" if kind == "plane" else "offset")

    return [frame if k == best else replace(frame, plane=plane(k)) for k, frame in enumerate(frames)]


def _sky_levels(frame: _Frame) -> npt.NDArray[np.float64]:
    """Return the sky in the blocks of one frame, as it comes into the stack; see :func:`~.sky_planes.block_levels`."""
    with CalibratedRows(frame.file) as rows:
        ny, nx = rows.shape
        levels = np.full((ny // MESH, nx // MESH), np.nan)
        for k in range(len(levels)):
            y0 = k * MESH + (MESH - READ_ROWS) // 2
            image, bits = rows.read(y0, y0 + READ_ROWS)
            levels[k] = block_levels(image, (bits & _NO_SKY) != 0)
    return np.asarray((levels - float(np.nan_to_num(frame.sky))) * frame.scale, np.float64)


class _Readers:
    """The frames' files, kept open where they are not too many."""

    def __init__(self, frames: Sequence[_Frame], opened: ExitStack) -> None:
        self.frames = frames
        self._kept: list[CalibratedRows] | None = None
        if len(frames) <= _OPEN_FILES:
            self._kept = [opened.enter_context(CalibratedRows(frame.file)) for frame in frames]

    def read(self, k: int, placement: Placement | None, y0: int, y1: int, nx: int) -> tuple[Image, Bits, int, int]:
        """Return the rows that rows ``y0`` to ``y1`` of the stack stand on, their mask, the first, and how many."""
        if self._kept is not None:
            return self._of(self._kept[k], placement, y0, y1, nx)
        with CalibratedRows(self.frames[k].file) as rows:
            return self._of(rows, placement, y0, y1, nx)

    @staticmethod
    def _of(
        rows: CalibratedRows, placement: Placement | None, y0: int, y1: int, nx: int
    ) -> tuple[Image, Bits, int, int]:
        ny = rows.shape[0]
        first, last = (y0, min(y1, ny)) if placement is None else rows_needed(placement, y0, y1, nx, ny)
        image, bits = (
            rows.read(first, last) if last > first else (np.empty((0, nx), np.float32), np.empty((0, nx), np.uint8))
        )
        return image, bits, first, ny


def _fill(stack: npt.NDArray[np.float32], readers: _Readers, y0: int, threads: int) -> Bits:
    """Put every frame's band into the stack, NaN where it must not count; return what is saturated in any."""
    _, height, nx = stack.shape

    def one(k: int) -> Bits:
        frame = readers.frames[k]
        image, bits, first, ny = readers.read(k, frame.placement, y0, y0 + height, nx)
        if frame.placement is None:
            values, marks = np.full((height, nx), np.nan, np.float32), np.zeros((height, nx), np.uint8)
            values[: len(image)], marks[: len(image)] = image[:, :nx], bits[:, :nx]
            unwanted = np.uint8(MaskBit.NO_DATA | MaskBit.COSMIC)
        elif not image.size:
            stack[k] = np.nan
            return np.zeros((height, nx), np.uint8)
        else:
            warped = empty((height, nx), bits=True)
            warp_rows(image, frame.placement, y0, warped, first_row=first, frame_ny=ny, bits=bits)
            assert warped.bits is not None, "asked for"
            values, marks = warped.image, warped.bits
            unwanted = np.uint8(HOLES | MaskBit.COSMIC)
        values -= np.float32(np.nan_to_num(frame.sky))
        values *= np.float32(frame.scale)
        if frame.placement is not None and frame.plane is not _EVEN:
            values -= frame.plane.over(y0, (height, nx), frame.placement)
        values[(marks & unwanted) != 0] = np.nan
        stack[k] = values
        return marks & np.uint8(MaskBit.SATURATED)

    mask = np.zeros((height, nx), np.uint8)
    with ThreadPoolExecutor(max(1, threads), thread_name_prefix="align") as pool:
        for marks in pool.map(one, range(len(readers.frames))):
            mask |= marks
    return mask


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _is_of_the_reference(keyword: str) -> bool:
    """Whether a card says where the stack looks, or how well that is known."""
    return is_wcs_card(keyword) or keyword.startswith("SOLV")


def _header(
    settings: Mapping[str, Any],
    inputs: Mapping[str, Path],
    taken: Sequence[Mapping[str, Any]],
    weight: npt.NDArray[np.float64],
    sky: float,
) -> fits.Header:
    """Return the best frame's header, with the reference's WCS and what the stack is made of."""
    best = taken[int(np.argmax(weight))]
    with CalibratedRows(inputs[best["input"]]) as rows:
        header = rows.header
    for keyword in list(header):
        if _is_of_the_reference(keyword) or keyword.startswith(_OF_ONE_FRAME):
            header.remove(keyword, ignore_missing=True, remove_all=True)
    if "reference" in inputs:
        with CalibratedRows(inputs["reference"]) as rows:
            for card in rows.header.cards:
                if _is_of_the_reference(card.keyword):
                    header.append(fits.Card(card.keyword, card.value, card.comment))
    _put_times(header, taken, weight)
    header["CREATOR"] = (f"ASTEP Harvest {__version__}", "program that stacked these frames")
    header["STACKED"] = (True, "several frames together")
    header["NCOMBINE"] = (len(taken), "frames stacked; named in the FRAMES table")
    header["STACKMET"] = (settings["method"], "mean of values that agree, or median")
    header["STACKSIG"] = (settings["sigma"], "[sigma] values further from the median left out")
    header["STACKBKG"] = (settings["background"], "frames' sky beyond the best one's: removed")
    header["STACKFIX"] = (settings["fixed"], "what stands still: the sky, or the chip")
    if settings["reference"] is not None:
        header["REFFRAME"] = ascii_words(settings["reference"])[-60:]
    header["SKYLEVEL"] = (sky, "sky of the best frame, put back into the stack")
    return header


def _put_times(header: fits.Header, taken: Sequence[Mapping[str, Any]], weight: npt.NDArray[np.float64]) -> None:
    """Write exposure and time of all frames together, and take those of one frame away."""
    exposures = [one["exposure_s"] for one in taken if one["exposure_s"] is not None]
    if len(exposures) == len(taken):
        header["EXPTIME"] = (float(np.mean(exposures)), "[s] exposure of one frame, mean")
        header["EXPTOTAL"] = (float(np.sum(exposures)), "[s] of all frames together")
    middle = _mid_utc(taken, weight)
    header.remove("DATE-AVG", ignore_missing=True)
    if middle is not None:
        header["DATE-AVG"] = (middle.replace(tzinfo=None).isoformat(timespec="milliseconds"), "UTC, mean mid-exposure")
    first, last = _span(taken)
    for keyword in _TIMES_OF_ONE_FRAME:
        header.remove(keyword, ignore_missing=True, remove_all=True)
    if first is not None and last is not None:
        header["DATE-OBS"] = (first.replace(tzinfo=None).isoformat(timespec="milliseconds"), "UTC, first begin")
        header["DATE-END"] = (last.replace(tzinfo=None).isoformat(timespec="milliseconds"), "UTC, last end")


def _mid_utc(taken: Sequence[Mapping[str, Any]], weight: npt.NDArray[np.float64]) -> datetime | None:
    """Return the mean mid-exposure, each frame as it counts in the stack; None where one is not known."""
    times = [datetime.fromisoformat(one["mid_utc"]) for one in taken if one["mid_utc"] is not None]
    if len(times) != len(taken):
        return None
    seconds = np.array([(time - times[0]).total_seconds() for time in times])
    return times[0] + timedelta(seconds=float(np.average(seconds, weights=weight)))


def _span(taken: Sequence[Mapping[str, Any]]) -> tuple[datetime | None, datetime | None]:
    """Return when the first exposure began and the last one ended; None where that is not known."""
    if any(one["mid_utc"] is None or one["exposure_s"] is None for one in taken):
        return None, None
    halves = [(datetime.fromisoformat(one["mid_utc"]), timedelta(seconds=one["exposure_s"] / 2)) for one in taken]
    return min(middle - half for middle, half in halves), max(middle + half for middle, half in halves)


def _table(
    taken: Sequence[Mapping[str, Any]],
    scale: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    planes: Sequence[SkyPlane],
) -> fits.BinTableHDU:
    """List the frames, how each was scaled, weighed, moved and levelled."""
    moved = [
        Placement.from_dict(one["placement"]).displacement if one["placement"] else (float("nan"),) * 2 for one in taken
    ]
    paths = [ascii_words(one["path"]) for one in taken]
    columns = [
        fits.Column("PATH", f"{max(map(len, paths))}A", array=paths),
        fits.Column("MID_UTC", "32A", array=[one["mid_utc"] or "" for one in taken]),
        fits.Column("SCALE", "D", array=scale),
        fits.Column("WEIGHT", "D", array=weight),
        fits.Column("DX", "D", unit="pixel", array=[dx for dx, _ in moved]),
        fits.Column("DY", "D", unit="pixel", array=[dy for _, dy in moved]),
        # What was taken away after scaling: in the middle, and how much more from there to the longer side's edge.
        fits.Column("SKY", "D", array=[plane.level for plane in planes]),
        fits.Column("SKYX", "D", array=[plane.slope_x for plane in planes]),
        fits.Column("SKYY", "D", array=[plane.slope_y for plane in planes]),
    ]
    return fits.BinTableHDU.from_columns(columns, name="FRAMES")


def _write(out: Path, result: Stacked, mask: Bits, header: fits.Header, frames: fits.BinTableHDU) -> None:
    mask_header = fits.Header()
    for bit, words in MaskBit.WORDS.items():
        mask_header[f"MASKB{bit.bit_length() - 1}"] = (words, f"meaning of bit value {bit}")
    uncertainty = fits.Header()
    uncertainty["UTYPE"] = ("StdDevUncertainty", "one standard deviation, of independent pixels")
    hdus = [
        fits.PrimaryHDU(result.image, header),
        fits.ImageHDU(mask, mask_header, name="MASK"),
        fits.ImageHDU(np.sqrt(result.variance), uncertainty, name="UNCERT"),
        fits.ImageHDU(result.count, name="COUNT"),
        frames,
    ]
    fits.HDUList(hdus).writeto(out, output_verify="silentfix", overwrite=True)
