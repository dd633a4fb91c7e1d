"""One star, or one pixel of the chip, followed through the frames of a night: a few rows of each are read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import AstepError
from pipeline_core.grouping import Geometry
from pipeline_core.io.fits_file import RowReader
from pipeline_core.measured_places import measured_places
from pipeline_core.science.one_star import STAMP, StarHere, measure_star, stamp_codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline_core.align_night import NightAlignment
    from pipeline_core.events import RunContext
    from pipeline_core.measured_places import MeasuredPlace
    from pipeline_core.measures import QualityRow
    from pipeline_core.plan import Plan
    from pipeline_core.science.placement import Placement
    from pipeline_core.types import Frame, Night, Section

_SNAP_PX = 40  # around where a person pointed: as far as a star is looked for there, and its sky
_USUAL_FWHM_PX = 3.0
"""Where a frame's own is not measured."""


NOT_ALIGNED = "not aligned: how this frame lies on the others is not known; looked at in the same place of the chip"


@dataclass(frozen=True, slots=True)
class Source:
    """A raw frame to look into."""

    path: str
    file: Path
    frame: Frame
    trim: Section | None
    row: QualityRow | None
    """What was measured on it; None where nothing was."""
    place: MeasuredPlace | None = None
    """How it lies; against those of the same reference that is known."""

    @property
    def mid_utc(self) -> datetime | None:
        """Mid-exposure."""
        return self.frame.mid_utc

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx) of the trimmed frame."""
        if self.trim is not None:
            return self.trim.shape
        assert self.frame.shape is not None, "sources are frames with an image"
        return self.frame.shape


@dataclass(frozen=True, slots=True)
class StarPoint:
    """The star in one frame."""

    path: str
    mid_utc: datetime | None
    star: StarHere | None
    """None where the frame could not be read or the place lies outside; positions are in the trimmed frame."""
    stamp: npt.NDArray[np.uint8] | None
    note: str = ""
    """Why there is no star, or why it may be another one, in words."""
    is_aligned: bool = True
    """Whether it is known where the star lies in this frame; else it was looked for in the same place of the chip."""


def sources_of(night: Night, plan: Plan, rows: Sequence[QualityRow], like: str) -> list[Source]:
    """Return the frames of the same pointing, filter and exposure as one, in time order.

    Parameters
    ----------
    night : Night
    plan : Plan
    rows : sequence of QualityRow
    like : str
        Path of a science frame.
    """
    by_path = {row.path: row for row in rows}
    places = measured_places(by_path)
    group = next((paths for paths in plan.groups.values() if like in paths), (like,))
    wanted = night.by_path[like]
    planned = {path for paths in plan.groups.values() for path in paths}
    # Rejected frames are in no group of the plan, but stay in their place here.
    others = [
        f.path
        for f in night.frames
        if f.path not in planned
        and (f.kind, f.filter, f.exposure_s, f.object, f.shape)
        == (wanted.kind, wanted.filter, wanted.exposure_s, wanted.object, wanted.shape)
    ]
    frames = [night.by_path[path] for path in dict.fromkeys([*group, *others]) if path in night.by_path]
    frames = [f for f in frames if f.layout is not None and f.shape is not None and f.unusable is None]
    frames.sort(key=lambda f: (f.mid_utc is None, f.mid_utc, f.path))
    return [
        Source(f.path, night.file(f), f, plan.trims.get(Geometry.of(f)), by_path.get(f.path), places.get(f.path))
        for f in frames
    ]


def place_in_filter(
    night: Night,
    plan: Plan,
    rows: Sequence[QualityRow],
    place: tuple[str, float, float],
    filter_name: str,
    alignment: NightAlignment | None = None,
) -> tuple[str, float, float] | None:
    """Return the frame of another filter in which a star is best looked for, and where it lies there.

    Parameters
    ----------
    night : Night
    plan : Plan
    rows : sequence of QualityRow
    place : (path, x, y)
        A frame, and the star's place in it; 0-based in the trimmed frame.
    filter_name : str
    alignment : NightAlignment, optional
        Of the reduced night: it lays filters on each other, measured shifts stay inside one.

    Returns
    -------
    (path, x, y) or None
        Of the frame nearest in time of which it is known how it lies, else of the nearest, with the place unchanged;
        None where the field was not taken in that filter.
    """
    path, x, y = place
    here = night.by_path[path]
    field = (here.kind, here.object, here.shape)
    others = [
        frame
        for frame in night.frames
        if frame.filter == filter_name
        and frame.unusable is None
        and frame.layout is not None
        and (frame.kind, frame.object, frame.shape) == field
    ]
    by_path = {row.path: row for row in rows}
    places = measured_places(by_path)

    def source(frame: Frame) -> Source:
        trim = plan.trims.get(Geometry.of(frame))
        return Source(frame.path, night.file(frame), frame, trim, by_path.get(frame.path), places.get(frame.path))

    def apart(there: Source) -> tuple[bool, float, str]:
        times = here.mid_utc, there.mid_utc
        gap_s = abs((times[0] - times[1]).total_seconds()) if times[0] and times[1] else math.inf
        return not (known_together(first, there) or aligned(there) is not None), gap_s, there.path

    def aligned(there: Source) -> tuple[Placement, Placement] | None:
        return alignment.between(path, there.path) if alignment is not None else None

    first = source(here)
    nearest = min(map(source, others), key=apart, default=None)
    if nearest is None:
        return None
    both = aligned(nearest)
    if both is None:
        return (nearest.path, *moved(x, y, first, nearest))
    there_x, there_y = both[1].moved(*both[0].returned(x, y))
    return nearest.path, float(there_x), float(there_y)


def known_together(one: Source, other: Source) -> bool:
    """Tell whether it is known how two frames lie on each other: both measured, in the end against the same frame."""
    if one.path == other.path:
        return True
    return one.place is not None and other.place is not None and one.place.reference == other.place.reference


def moved(x: float, y: float, from_: Source, to: Source) -> tuple[float, float]:
    """Return where a place of one frame lies in another, by their measured shifts and rotations.

    Parameters
    ----------
    x, y : float
        0-based in the trimmed frame.
    from_, to : Source

    Returns
    -------
    (x, y)
        Unchanged where they are not known against each other.
    """
    first, second = from_.place, to.place
    if first is None or second is None or not known_together(from_, to) or from_.path == to.path:
        return x, y
    ny, nx = from_.shape
    centre = complex((nx - 1) / 2, (ny - 1) / 2)
    # Shifts are those of the field's centre, turns are about it.
    reference = (complex(x, y) - centre - first.shift) / first.turn
    there = reference * second.turn + centre + second.shift
    return there.real, there.imag


def star_at(sources: Sequence[Source], like: str, x: float, y: float, reach_px: float) -> tuple[float, float]:
    """Return where the star nearest to a place of a frame is; the place itself where none is within reach.

    Parameters
    ----------
    sources : sequence of Source
    like : str
        Path of the frame in which a person pointed.
    x, y : float
        There, 0-based in the trimmed frame.
    reach_px : float
        How far from there the star may be: a hand is as exact as the screen, whatever a pixel of the frame is on it.
    """
    from pipeline_core.science.star_reading import read_star  # noqa: PLC0415 - numba

    source = next(source for source in sources if source.path == like)
    ny, nx = source.shape
    if not (0 <= x < nx and 0 <= y < ny):
        return x, y
    cutout, x0, y0 = _cutout(source, x, y, _SNAP_PX)
    usual = source.row.measures.fwhm_px if source.row is not None else None
    gain = source.frame.gain_e_per_adu or 1.0
    found = read_star(cutout, x - x0, y - y0, gain=gain, reach_px=reach_px, usual_fwhm_px=usual)
    return (found.profile.x_px + x0, found.profile.y_px + y0) if found is not None else (x, y)


def follow_star(sources: Sequence[Source], like: str, x: float, y: float, context: RunContext) -> Iterator[StarPoint]:
    """Yield the star of one frame in each frame, in the order given.

    Parameters
    ----------
    sources : sequence of Source
    like : str
        Path of the frame in which the star was pointed at.
    x, y : float
        There, 0-based in the trimmed frame.
    context : RunContext
        Its cancel stops between two frames.
    """
    start = next(source for source in sources if source.path == like)
    for source in context.track("one star", sources):
        there = moved(x, y, start, source)
        try:
            point = _star_in(source, *there, turned=_is_upside_down(start, source))
            yield point if known_together(start, source) else replace(point, note=NOT_ALIGNED, is_aligned=False)
        except (AstepError, OSError) as error:
            yield StarPoint(source.path, source.mid_utc, None, None, f"cannot be read: {error}")


def follow_pixel(sources: Sequence[Source], x: int, y: int, context: RunContext) -> Iterator[tuple[str, float]]:
    """Yield path and raw value (ADU) of one pixel of the chip, 0-based in the raw frame; NaN where there is none."""
    for source in context.track("one pixel", sources):
        try:
            value = float(_rows(source, y, y + 1)[0, x])
        except (AstepError, OSError, IndexError, ValueError) as error:
            context.say("one pixel", f"{source.path}: {error}", level="warning", path=source.path)
            value = math.nan
        yield source.path, value


def _is_upside_down(first: Source, other: Source) -> bool:
    """Tell whether a frame was taken on the other side of the meridian, so that its stamp is to be turned."""
    if first.place is None or other.place is None or not known_together(first, other):
        return False
    return round((other.place.turn_deg - first.place.turn_deg) / 180.0) % 2 == 1


def _cutout(source: Source, x: float, y: float, reach: int) -> tuple[npt.NDArray[np.float32], int, int]:
    """Return what lies around a place of the trimmed frame, and where its first pixel is: x, y."""
    ny, nx = source.shape
    y0, y1 = max(0, round(y) - reach), min(ny, round(y) + reach + 1)
    x0, x1 = max(0, round(x) - reach), min(nx, round(x) + reach + 1)
    off_y, off_x = (source.trim.y0, source.trim.x0) if source.trim is not None else (0, 0)
    return _rows(source, y0 + off_y, y1 + off_y)[:, x0 + off_x : x1 + off_x].astype(np.float32), x0, y0


def _star_in(source: Source, x: float, y: float, *, turned: bool) -> StarPoint:
    ny, nx = source.shape
    if not (0 <= x < nx and 0 <= y < ny):
        return StarPoint(source.path, source.mid_utc, None, None, "outside this frame")
    known = source.row.measures.fwhm_px if source.row is not None else None
    fwhm = known or _USUAL_FWHM_PX
    reach = max(STAMP // 2 + 2, math.ceil(6.0 * fwhm))
    cutout, x0, y0 = _cutout(source, x, y, reach)
    gain = source.frame.gain_e_per_adu or 1.0
    found = measure_star(cutout, x - x0, y - y0, fwhm, gain, is_measured=known is not None)
    stamp = stamp_codes(cutout, found.x_px, found.y_px, found.sky, found.noise)
    stamp = np.ascontiguousarray(stamp[::-1, ::-1]) if turned else stamp
    note = "" if found.found else f"no star here: {'a hot pixel or a hit' if found.is_sharp else 'cloud, or too faint'}"
    star = replace(found, x_px=found.x_px + x0, y_px=found.y_px + y0)
    return StarPoint(source.path, source.mid_utc, star, stamp, note)


def _rows(source: Source, y0: int, y1: int) -> npt.NDArray[Any]:
    assert source.frame.layout is not None, "sources are frames with an image"
    with RowReader(source.file, source.frame.layout) as rows:
        band = np.empty((y1 - y0, rows.shape[1]), rows.dtype)
        rows.read_rows(y0, y1, band)
    return band
