"""Thumbnails of a report: which frames are worth a look, and their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.errors import DataError
from pipeline_core.io.calibrated_file import read_calibrated
from pipeline_core.io.fits_file import read_image
from pipeline_core.io.png import data_uri, grey_png
from pipeline_core.science.thumbnail import thumbnail

if TYPE_CHECKING:
    from pipeline_core.measures import QualityRow
    from pipeline_core.quality_report import QualityReport
    from pipeline_core.report import NightFacts


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail with its words."""

    path: str
    why: str
    state: str
    """rejected, suspect, or good."""
    uri: str
    width: int
    height: int


def chosen_frames(quality: QualityReport, most: int) -> list[tuple[str, str]]:
    """Choose frames to show: the best as a measure, then rejected ones and one of each cause, then every n-th.

    Returns
    -------
    list of (path, why)
        In time order.
    """
    rows = list(quality.rows)
    chosen: dict[str, str] = {}

    def take(row: QualityRow, why: str) -> None:
        if len(chosen) < most:
            chosen.setdefault(row.path, why)

    clean = [row for row in rows if row.depth_loss_mag is not None and not row.flags]
    if clean:
        take(min(clean, key=lambda row: row.depth_loss_mag or 0.0), "the deepest of the night")
    shown: set[str] = set()
    for row in sorted(rows, key=lambda row: -(row.depth_loss_mag or 0.0)):
        for flag in row.flags:
            if flag.cause not in shown:
                shown.add(flag.cause)
                take(row, flag.cause)
    for row in rows:
        if row.path in quality.rejected:
            take(row, quality.rejected[row.path] or "rejected")
    for row in rows:
        causes = [flag.cause for flag in row.flags if flag.severity != "note"]
        if causes:
            take(row, ", ".join(dict.fromkeys(causes)))
    left = most - len(chosen)
    if left > 0:
        others = [row for row in rows if row.path not in chosen]
        for row in others[:: max(1, len(others) // left)]:
            take(row, "")
    order = {row.path: (str(quality.times.get(row.path) or ""), row.path) for row in rows}
    return sorted(chosen.items(), key=lambda item: order[item[0]])


def picture_of(facts: NightFacts, path: str, why: str, size: int, bits: int) -> Picture:
    """Make the thumbnail of one frame: of the calibrated file where there is one, else of the raw frame.

    Raises
    ------
    DataError
        If neither can be read.
    """
    product = facts.products.get(path)
    file = facts.place.output / product.location if product is not None and product.location else None
    if file is not None and file.is_file():
        image = read_calibrated(file).image
    else:
        frame = facts.night.by_path[path]
        if frame.layout is None:
            raise DataError(f"cannot show {path}", frame.unusable or "it holds no image")
        image = read_image(facts.night.file(frame), frame.layout)
    small = thumbnail(image, size)
    row = next((row for row in facts.quality.rows if row.path == path), None)
    suspect = row is not None and any(flag.severity != "note" for flag in row.flags)
    state = "rejected" if path in facts.quality.rejected else "suspect" if suspect else "good"
    return Picture(path, why, state, data_uri(grey_png(small, bits)), small.shape[1], small.shape[0])
