"""The columns of a night's keogram, read from the raw frames: a few rows of each, not the whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.errors import AstepError
from pipeline_core.grouping import Geometry
from pipeline_core.io.fits_file import RowReader
from pipeline_core.science.keogram import HEIGHT, Column, band_rows, sky_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline_core.events import RunContext
    from pipeline_core.plan import Plan
    from pipeline_core.types import Frame, ImageLayout, Night, Section

JOB = "keogram"


def frame_column(file: Path, layout: ImageLayout, trim: Section | None = None, height: int = HEIGHT) -> Column:
    """Read one frame's column.

    Parameters
    ----------
    file : Path
    layout : ImageLayout
    trim : Section, optional
        The part that sees the sky.
    height : int
        Bands.

    Returns
    -------
    (height,) float32, ADU

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    with RowReader(file, layout) as rows:
        ny, nx = rows.shape
        y0, y1, x0, x1 = (trim.y0, trim.y1, trim.x0, trim.x1) if trim is not None else (0, ny, 0, nx)
        bands = []
        for first, end in band_rows(y1 - y0, height):
            band = np.empty((end - first, nx), rows.dtype)
            rows.read_rows(y0 + first, y0 + end, band)
            bands.append(band[:, x0:x1])
    return sky_column(bands)


def night_columns(
    night: Night, plan: Plan, frames: Sequence[Frame], context: RunContext
) -> Iterator[tuple[str, Column | None]]:
    """Yield each frame's path and column, in the order given; None where a frame cannot be read.

    Parameters
    ----------
    night : Night
    plan : Plan
        Tells which part of the chip sees the sky.
    frames : sequence of Frame
    context : RunContext
        Told of progress, and of frames that cannot be read; its cancel stops between two frames.
    """
    for frame in context.track(JOB, frames):
        column = None
        if frame.layout is not None and frame.shape is not None:
            try:
                column = frame_column(night.file(frame), frame.layout, plan.trims.get(Geometry.of(frame)))
            except (AstepError, OSError) as error:
                context.say(JOB, f"{frame.path} is not in the keogram: {error}", level="warning", path=frame.path)
        yield frame.path, column
