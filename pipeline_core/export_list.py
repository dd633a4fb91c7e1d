"""Which raw frame is which file of an exported sequence: a small table beside it, for people and spreadsheets."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from pipeline_core.io.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIST = "astep_frames.txt"
"""Its name: Siril takes what ends as its images do for a sequence, and leaves this alone."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the table; the fields are its columns."""

    number: int
    """In the sequence, from 1."""
    file: str
    raw_frame: str
    """Path in the night."""
    mid_utc: str
    exposure_s: float
    filter: str
    said_against_it: str
    """Causes, as in the quality table; empty where nothing is."""


def write_list(folder: Path, frames: Sequence[Listed]) -> None:
    """Write the table of one folder, tab-separated, UTF-8, with a line of names.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    frames : sequence of Listed
        In the order of the sequence. A cell with a tab or a line feed (names of files and filters come from outside)
        is quoted.

    Raises
    ------
    AstepError
        If it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, dialect="excel-tab", lineterminator="\n")
    writer.writerow([field.name for field in fields(Listed)])
    writer.writerows(astuple(frame) for frame in frames)
    write_text(folder / LIST, text.getvalue())
