"""Thumbnails of a report: which frames are worth a look, and their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_core.errors import DataError
from pipeline_core.io.calibrated_file import read_calibrated
from pipeline_core.io.fits_file import read_image
from pipeline_core.io.png import data_uri, grey_png
from pipeline_core.measures import NOT_JUDGED, gravest_cause
from pipeline_core.science.thumbnail import thumbnail
from pipeline_core.standing import ACCEPTED, BAD, GOOD, REJECTED, SUSPECT, standing

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline_core.measures import QualityRow
    from pipeline_core.quality_report import QualityReport
    from pipeline_core.report import NightFacts


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail with its words."""

    path: str
    why: str
    state: str
    """rejected, accepted (by a person), bad, suspect, not judged, not measured, remark, good."""
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
    by_depth = sorted(quality.rows, key=lambda row: -(row.depth_loss_mag or 0.0))
    wanted: list[tuple[str, str]] = []
    clean = [
        row
        for row in by_depth
        if row.depth_loss_mag is not None and row.path not in quality.rejected and not _causes(row)
    ]
    if clean:
        wanted.append((clean[-1].path, "the deepest of the night"))
    worst_of_cause: dict[str, str] = {}
    for row in by_depth:
        for flag in row.flags:
            worst_of_cause.setdefault(flag.cause, row.path)
    wanted += [(path, cause) for cause, path in worst_of_cause.items()]
    wanted += [(row.path, quality.rejected[row.path]) for row in quality.rows if row.path in quality.rejected]
    wanted += [(row.path, causes) for row in quality.rows if (causes := _causes(row))]
    chosen: dict[str, str] = {}
    for path, why in wanted:
        chosen.setdefault(path, why)
    chosen = dict(list(chosen.items())[:most])
    others = [row.path for row in quality.rows if row.path not in chosen]
    left = most - len(chosen)
    if left > 0:
        chosen |= dict.fromkeys(others[:: max(1, -(-len(others) // left))], "")
    return sorted(chosen.items(), key=lambda item: (str(quality.times.get(item[0]) or ""), item[0]))


def _causes(row: QualityRow) -> str:
    return ", ".join(dict.fromkeys(flag.cause for flag in row.flags if flag.severity != "note"))


def picture_of(facts: NightFacts, path: str, why: str, size: int, bits: int) -> Picture:
    """Make the thumbnail of one frame: of the calibrated file where there is one, else of the raw frame.

    Under it stands what weighs most, as in the window's list: a frame may be chosen (``why``) as an example of
    something that is only noted of it.

    Raises
    ------
    DataError
        If neither can be read.
    """
    product = facts.products.get(path)
    file = facts.place.output / product.location if product is not None and product.location else None
    image: npt.NDArray[Any]
    if file is not None and file.is_file():
        image = read_calibrated(file).image
    else:
        frame = facts.night.by_path[path]
        if frame.layout is None:
            raise DataError(f"cannot show {path}", frame.unusable or "it holds no image")
        image = read_image(facts.night.file(frame), frame.layout)
    small = thumbnail(image, size)
    row = next((row for row in facts.quality.rows if row.path == path), None)
    flags = row.flags if row is not None else ()
    state = standing(path, row, facts.quality.rejected, facts.quality.kept)
    if state == REJECTED:
        why = facts.quality.rejected[path] or "no reason given"
    elif state == ACCEPTED:
        why = _causes(row) if row is not None else ""
    elif state in {BAD, SUSPECT}:
        why = gravest_cause(flags)
    elif state != GOOD:
        untold = next((flag.words for flag in flags if flag.cause == NOT_JUDGED), "")
        why = untold.removeprefix(f"{NOT_JUDGED}: ")
    elif noted := dict.fromkeys(flag.cause for flag in flags):
        # It was chosen for one of them, or as the deepest.
        state, why = "remark", ", ".join([*noted, *([why] if why and why not in noted else [])])
    return Picture(path, why, state, data_uri(grey_png(small, bits)), small.shape[1], small.shape[0])
