"""The frames of one calibration group, opened side by side, with the zero level of each known."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.io.bands import Band, BandReader, Source, for_each_band
from pipeline_core.science.gain import clipped_variance
from pipeline_core.science.overscan import levels_everywhere, overscan_levels, runs_along_columns
from pipeline_core.types import Image, ImageLayout, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

MAX_PAIRS = 7
"""Pairs of frames on whose differences the noise is measured: more tell the same."""
SAMPLE_ROWS = 64
"""Rows on which level and noise of a frame are measured."""


@dataclass
class CalibrationGroup:
    """N raw frames of one geometry; rows and columns are those of the trimmed image unless called raw."""

    reader: BandReader
    trim: Section
    threads: int
    row_zero: npt.NDArray[np.float32]
    """(N, ny) overscan level of each row and pedestal; ADU."""
    column_zero: npt.NDArray[np.float32] | None = field(default=None)
    """(N, nx_raw) overscan level of each column, where the overscan is a strip of rows."""
    saturation_adu: float = np.inf
    """Raw level from which a value is not used, where a level per column is subtracted before it is looked at."""

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self.reader.n_frames

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx) of the trimmed image."""
        return self.trim.shape

    def for_each_band(self, work: Callable[[Band, int, int], None]) -> None:
        """Call ``work(band, y0, y1)``: band is (N, rows, nx_raw) as ``combine.combine_band`` takes it."""
        top = self.trim.y0

        def shifted(band: Band, y0: int, y1: int) -> None:
            if self.column_zero is not None:
                band = self._without_column_zero(band, self.column_zero)
            work(band, y0 - top, y1 - top)

        for_each_band(self.reader, shifted, threads=self.threads, y0=top, y1=self.trim.y1)

    def one(self, frame: int) -> Callable[[Callable[[Band, int, int], None]], None]:
        """Return what goes through the bands of one frame, on the calling thread."""
        source = self.reader.source(frame)
        top = self.trim.y0

        def each(work: Callable[[Band, int, int], None]) -> None:
            def shifted(band: Band, y0: int, y1: int) -> None:
                if self.column_zero is not None:
                    band = self._without_column_zero(band, self.column_zero[frame : frame + 1])
                work(band, y0 - top, y1 - top)

            with BandReader([source], self.reader.shape) as alone:
                for_each_band(alone, shifted, threads=1, y0=top, y1=self.trim.y1)

        return each

    def _without_column_zero(self, band: Band, column_zero: npt.NDArray[np.float32]) -> Image:
        """Subtract the level of each column; saturation, which raw counts tell, becomes NaN before."""
        values = as_float(band)
        return np.where(values < self.saturation_adu, values - column_zero[:, None, :], np.float32(np.nan))

    def sample(self) -> Image:
        """Read some rows of all frames, zero level subtracted: (N, rows, nx) float32, ADU."""
        ny = self.shape[0]
        rows = np.unique(np.linspace(0, ny - 1, min(SAMPLE_ROWS, ny)).astype(int))
        room = self.reader.buffer(1)
        out = np.empty((self.n_frames, rows.size, self.shape[1]), np.float32)
        for i, row in enumerate(rows):
            self.reader.read(row + self.trim.y0, row + self.trim.y0 + 1, room)
            values = as_float(room)[:, 0]
            if self.column_zero is not None:
                values = values - self.column_zero
            out[:, i] = values[:, self.trim.x0 : self.trim.x1] - self.row_zero[:, row, None]
        return out


@contextmanager
def opened(settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int) -> Iterator[CalibrationGroup]:
    """Open the frames that a stage was given and find the zero level of each.

    Parameters
    ----------
    settings : mapping
        ``frames`` (names, in the order of the inputs ``frame_000``, ...), ``layouts`` (:class:`ImageLayout`
        as dicts), ``shape`` (raw ny, nx), ``overscan`` and ``trim`` ([y0, y1, x0, x1] or None),
        ``pedestal_adu`` (one per frame; absent: 0), ``recipe.overscan.order``.
    inputs : mapping of name to file
    threads : int

    Yields
    ------
    CalibrationGroup
    """
    ny, nx = settings["shape"]
    trim = Section(*settings["trim"]) if settings.get("trim") else Section(0, ny, 0, nx)
    sources = [
        Source(inputs[f"frame_{index:03d}"], ImageLayout(**layout)) for index, layout in enumerate(settings["layouts"])
    ]
    pedestals = np.asarray(settings.get("pedestal_adu") or [0.0] * len(sources), np.float32)
    with BandReader(sources, (ny, nx)) as reader:
        row_zero = np.repeat(pedestals[:, None], trim.shape[0], axis=1)
        group = CalibrationGroup(
            reader, trim, threads, row_zero, saturation_adu=settings.get("saturation_adu") or np.inf
        )
        if settings.get("overscan"):
            order = settings.get("recipe", {}).get("overscan", {}).get("order", 1)
            _measure_overscan(group, Section(*settings["overscan"]), order)
        yield group


def _measure_overscan(group: CalibrationGroup, overscan: Section, order: int) -> None:
    """Read the overscan strip of every frame and fit its level."""
    strips = np.empty((group.n_frames, *overscan.shape), np.float32)

    def keep(band: Band, y0: int, y1: int) -> None:
        strips[:, y0 - overscan.y0 : y1 - overscan.y0] = as_float(band[:, :, overscan.x0 : overscan.x1])

    for_each_band(group.reader, keep, threads=group.threads, y0=overscan.y0, y1=overscan.y1)
    by_row = runs_along_columns(overscan)
    levels = np.stack([overscan_levels(strip, 1 if by_row else 0, order) for strip in strips])
    ny, nx = group.reader.shape
    if by_row:
        everywhere = np.stack([levels_everywhere(line, overscan.y0, ny) for line in levels])
        group.row_zero = group.row_zero + everywhere[:, group.trim.y0 : group.trim.y1]
    else:
        group.column_zero = np.stack([levels_everywhere(line, overscan.x0, nx) for line in levels])


def as_float(band: Band) -> Image:
    """Decode FITS words; float32 bands come back as they are."""
    if band.dtype == np.uint16:
        return np.bitwise_xor(band.byteswap(), 0x8000, dtype=np.uint16).astype(np.float32)
    return np.asarray(band, np.float32)


def pair_noise(sample: Image) -> tuple[npt.NDArray[np.float64], float]:
    """Level of each frame, and the variance of a usual pixel from frame to frame.

    Parameters
    ----------
    sample : (N, rows, nx) float32, ADU
        From :meth:`CalibrationGroup.sample`.

    Returns
    -------
    levels : (N,) float, ADU
        How the frame lies against the group's mean level, from clipped means of differences: a median of
        whole numbers would be known to 1 ADU only.
    variance : float, ADU²
        Half the variance of the difference of neighbouring frames, without hits and hot pixels; NaN for one
        frame.

    """
    flat = sample.reshape(sample.shape[0], -1)
    # 65,000 pixels know a level to 0.02 noise sigma and the noise to 0.3 %.
    flat = flat[:, :: max(1, flat.shape[1] >> 16)]
    flat = flat[:, np.isfinite(flat).all(axis=0)]
    first = flat[0]
    pairs = list(itertools.pairwise(range(len(flat))))[:MAX_PAIRS]
    variances = [float(clipped_variance(flat[b] - flat[a])) / 2 for a, b in pairs]
    variance = float(np.median(variances)) if variances else float("nan")
    limit = 4 * np.sqrt(2 * variance) + 1 if variances else np.inf
    shift = np.array([0.0] + [_mean_around_median(frame - first, limit) for frame in flat[1:]])
    return _mean_around_median(first, limit) + shift, variance


def _mean_around_median(values: npt.NDArray[np.float32], limit: float) -> float:
    near = values[np.abs(values - np.median(values)) <= limit]
    return float(np.mean(near, dtype=np.float64))
