"""Stars of a calibrated frame for the plate solution, with what its header says of place, scale and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.io.calibrated_file import EXPOSURE_IS_USUAL, read_calibrated
from pipeline_core.io.fits_layout import find_image
from pipeline_core.io.headers import RawFile, frame_from_header
from pipeline_core.science.proper_motion import julian_year
from pipeline_core.science.solve_stars import stars_for_solving
from pipeline_core.stage import Made, Stage
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NOT_A_STAR = MaskBit.BAD | MaskBit.HOT | MaskBit.UNSTABLE | MaskBit.COSMIC | MaskBit.NO_DATA


def find_stars(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """List the stars of one calibrated frame.

    ``settings``: ``path`` (night-relative, for the instrument's profile), ``max_stars``. Input: ``calibrated``.
    """
    del out, threads
    frame = read_calibrated(inputs["calibrated"], with_uncertainty=False)
    gain = 1.0 if frame.header.get("BUNIT") == "electron" else float(frame.header.get("RAWGAIN") or 1.0)
    stars = stars_for_solving(
        frame.image,
        masked=(frame.mask & np.uint8(_NOT_A_STAR)) != 0,
        saturated=(frame.mask & MaskBit.SATURATED) != 0,
        gain_e=gain,
        most=settings["max_stars"],
    )
    return {
        "stars": stars.as_lists(),
        "shape": list(frame.image.shape),
        "header": header_facts(inputs["calibrated"], settings["path"]),
    }


def header_facts(calibrated: Path, path: str) -> dict[str, Any]:
    """Return what a calibrated header says that a solution can use: place, scale, mid-exposure."""
    status = calibrated.stat()
    found = find_image(calibrated)
    frame = frame_from_header(found, RawFile(path, status.st_size, status.st_mtime_ns))
    length = "`astep set OUT exposure_s=…` says it"
    note = None
    if frame.mid_utc is None:
        told = next((words for words in frame.problems if "no mid time" in words or "when it was taken" in words), None)
        note = (
            f"{told or 'the header does not say when it was taken'}: proper motions are not applied, not for reporting"
        )
    elif found.cards.get(EXPOSURE_IS_USUAL):
        note = (
            f"the header gives no exposure time: {frame.exposure_s:g} s, as is usual, is taken for its middle, not for "
            f"reporting; {length}"
        )
    elif frame.exposure_s is None or frame.exposure_is_usual:
        note = f"only the start of the exposure is known, not its length: not for reporting; {length}"
    return {
        "scale_arcsec": frame.pixel_scale_arcsec,
        "ra_deg": frame.ra_deg,
        "dec_deg": frame.dec_deg,
        "year": julian_year(frame.mid_utc) if frame.mid_utc is not None else None,
        "time_note": note,
    }


FIND_STARS = Stage("stars for solving", 1, find_stars)
