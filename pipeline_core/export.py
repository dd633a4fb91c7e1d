"""Calibrated frames as other programs read them: one image a file, times they understand, names in order.

What each reader wants:

- **Siril** works on 32-bit floats between 0 and 1 or on unsigned 16-bit integers, and knows a sequence by one
  name and a number, ``astep_00001.fit``, in one folder (Siril documentation, *Sequences*): raw names have no room
  there, a table beside the files has them. It gets floats, divided by the range of the 16-bit files, so that nothing
  is rounded and nothing bright is cut.
- **Tycho Tracker** and **Astrometrica** read plain 16-bit images everywhere and take time from
  ``DATE-OBS`` and ``EXPTIME``. They get unsigned 16-bit counts of 2 e⁻ above a pedestal, so that the
  sky's noise is not cut at zero.

Frames of several groups (pointing, filter, exposure) lie in a folder a group, each numbered from 1: a sequence is
stacked or searched as a whole, and what was taken otherwise must not be in it.

All get ``DATE-OBS`` as the **start** of the exposure, as the FITS standard and the cameras' own software
have it, with ``DATE-AVG`` the middle and ``DATE-END`` the end. A reader that lets its user say which of
these the header holds (Astrometrica does) must be told: start.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from pipeline_core.errors import DataError, NightError, UsageError
from pipeline_core.events import RunContext
from pipeline_core.export_list import Listed, write_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Target = Literal["tycho", "astrometrica", "siril"]

ELECTRONS_PER_COUNT = (
    2.0  # 16 bits then reach 131,000 e⁻, the full well of the ASTEP camera; 2 e⁻ are far below its noise
)
PEDESTAL_COUNTS = 1000.0  # 100 sigma of the faintest sky's noise below zero
FULL_SCALE = 65535

_NO_GROUP = "others"
"""Where frames lie that are in no group of the plan, beside those that are."""

NOT_OF_A_PLAIN_IMAGE = (
    "EXTEND",
    "EXTNAME",
    "EXTVER",
    "EXTLEVEL",
    "BZERO",
    "BSCALE",
    "BLANK",
    "CHECKSUM",
    "DATASUM",
    "PEDESTAL",
)


def export_frames(
    output: Path,
    frames: Sequence[tuple[str, Path, datetime]],
    target: Target,
    folder: Path,
    context: RunContext | None = None,
    groups: Mapping[str, str] | None = None,
    against: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write calibrated frames for another program.

    Parameters
    ----------
    output : Path
        The reduced night; relative calibrated paths start there.
    frames : sequence of (path, file, mid_utc)
        Night-relative path of the raw frame, its calibrated file, and its mid-exposure (timezone-aware).
    target : {"tycho", "astrometrica", "siril"}
    folder : Path
        Made if missing. Files of the same names are replaced; others are left alone.
    context : RunContext, optional
        Hears how far it is; its cancel ends it between two frames.
    groups : mapping, optional
        Frame's path → name of its group, good as that of a folder. Where it names one group only, or none, all lie in
        ``folder`` itself.
    against : mapping, optional
        Frame's path → what is said against it, for Siril's table.

    Returns
    -------
    list of Path
        The images written, in time order; those of a group together, the group that begins first first. Siril's
        sequences have a table beside them: :mod:`pipeline_core.export_list`.

    Raises
    ------
    UsageError
        If the target is not known, nothing is to be exported, or the folder lies where the results do.
    DataError
        If a calibrated file cannot be read or a frame's time is unknown.
    NightError
        If the folder cannot be made.
    Cancelled
        If the person stopped it; what was written stays.
    """
    _check(output, frames, target, folder)
    ordered = sorted(frames, key=lambda frame: (frame[2], frame[0]))
    together: dict[str, list[tuple[str, Path, datetime]]] = {}
    for frame in ordered:
        together.setdefault((groups or {}).get(frame[0], ""), []).append(frame)
    is_one = len(together) == 1
    written = []
    numbered = [
        (folder if is_one else folder / (name or _NO_GROUP), number, frame)
        for name, members in together.items()
        for number, frame in enumerate(members, start=1)
    ]
    for place in dict.fromkeys(place for place, _, _ in numbered):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NightError(
                f"cannot make the folder {place}", error.strerror or str(error), "name another folder"
            ) from error
    lists: dict[Path, list[Listed]] = {}
    for place, number, (path, file, mid_utc) in (context or RunContext()).track("export", numbered):
        target_file = place / _name(target, number, path, mid_utc)
        header = _export_one(output / file, target_file, target, mid_utc)
        written.append(target_file)
        lists.setdefault(place, []).append(
            Listed(
                number,
                target_file.name,
                path,
                header["DATE-AVG"],
                header["EXPTIME"],
                str(header.get("FILTER", "")).strip(),
                (against or {}).get(path, ""),
            )
        )
    if target == "siril":
        for place, frames_there in lists.items():
            write_list(place, frames_there)
    return written


def _check(output: Path, frames: Sequence[tuple[str, Path, datetime]], target: Target, folder: Path) -> None:
    """Refuse what cannot be exported, before anything is written."""
    if target not in get_args(Target):
        raise UsageError(
            f"cannot export for '{target}'",
            "no such program is known",
            f"choose from: {', '.join(get_args(Target))}",
        )
    if not frames:
        raise UsageError(
            "nothing to export",
            "no calibrated frame is accepted",
            "run `astep reduce` first, or accept frames",
        )
    if folder.resolve() == output.resolve() or folder.resolve().is_relative_to((output / "calibrated").resolve()):
        raise UsageError(f"cannot export into {folder}", "the reduced night itself lies there", "name another folder")
    for path, _, mid_utc in frames:
        if mid_utc.tzinfo is None:
            raise DataError(
                f"cannot export {path}",
                "its time does not say that it is UTC",
                "set the time offset of the frame",
            )


def _name(target: Target, number: int, path: str, mid_utc: datetime) -> str:
    """Return a name that sorts in time order: Siril's numbered sequence, else number, time and raw name."""
    if target == "siril":
        return f"astep_{number:05d}.fit"
    stem = re.sub(r"(\.(fits|fit|fts))?(\.(fz|gz|bz2))?$", "", path.rsplit("/", 1)[-1], flags=re.IGNORECASE)
    safe = re.sub(r"[^A-Za-z0-9_.+-]", "_", stem)
    return f"{number:05d}_{mid_utc.astimezone(UTC):%Y%m%dT%H%M%S}_{safe}.fits"


def _export_one(source: Path, target_file: Path, target: Target, mid_utc: datetime) -> Any:
    """Write one frame, complete or not at all; return its header."""
    from astropy.io import fits  # noqa: PLC0415 - heavy: 0.3 s

    image, header = _calibrated(source)
    exposure_s = _exposure(header, source)
    _tell_time(header, mid_utc, exposure_s)
    data: Any
    # A frame whose gain is unknown is in ADU: its counts are written as they are, and no gain is claimed.
    in_electrons = str(header.get("BUNIT", "electron")).strip().lower() != "adu"
    per_count = ELECTRONS_PER_COUNT if in_electrons else 1.0
    if target == "siril":
        data = image / np.float32(per_count * FULL_SCALE)
        header["BUNIT"] = ("", "0 to 1")
        gain = (per_count * FULL_SCALE, "[e-] of a pixel value of 1")
        _tell_saturation(header, per_count * FULL_SCALE, 0.0, 1.0)
    else:
        counts = np.rint(image / np.float32(per_count) + np.float32(PEDESTAL_COUNTS))
        data = np.clip(np.nan_to_num(counts, nan=0.0), 0, FULL_SCALE).astype(np.uint16)
        header["BUNIT"] = "adu"
        gain = (per_count, "[e-/count] of this file")
        _tell_saturation(header, per_count, PEDESTAL_COUNTS, FULL_SCALE)
        header["PEDESTAL"] = (-PEDESTAL_COUNTS, "add this to the counts for a zero without light")
    for stale in ("GAIN", "GAINSRC", "EGAIN"):
        header.remove(stale, ignore_missing=True)
    if in_electrons:
        header["EGAIN"] = gain
    part = target_file.with_name(target_file.name + ".part")
    try:
        with part.open("wb") as file:
            fits.PrimaryHDU(data, header).writeto(file, output_verify="silentfix")
            file.flush()
            os.fsync(file.fileno())
        part.replace(target_file)
    except OSError as error:
        raise DataError(
            f"cannot write {target_file.name}", str(error), "free some space, or export elsewhere"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return header


def _tell_saturation(header: Any, per_value: float, zero: float, full: float) -> None:
    """State the saturation level in the values of this file, which may end before it."""
    level = header.get("SATURATE")
    if isinstance(level, int | float):
        header["SATURATE"] = (min(level / per_value + zero, full), "pixel value that is saturated")


def _calibrated(source: Path) -> tuple[Any, Any]:
    """Return the image (electrons) and a header without what only the calibrated file's layout needed."""
    from astropy.io import fits  # noqa: PLC0415 - heavy: 0.3 s

    try:
        with fits.open(source, memmap=False) as hdus:
            hdu = next(
                (
                    h
                    for h in hdus
                    if h.name not in {"MASK", "UNCERT"} and h.is_image and h.data is not None and h.data.ndim == 2
                ),
                None,
            )
            if hdu is None:
                raise DataError(f"cannot export {source.name}", "it holds no image", "reduce the frame again")
            image = np.ascontiguousarray(hdu.data, dtype=np.float32)
            header = hdu.header.copy(strip=True)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot export {source.name}", str(error), "reduce the frame again") from error
    for card in NOT_OF_A_PLAIN_IMAGE:
        header.remove(card, ignore_missing=True, remove_all=True)
    return image, header


def _exposure(header: Any, source: Path) -> float:
    """Return the exposure (s) that the calibrated header states."""
    value = header.get("EXPTIME", header.get("EXPOSURE"))
    if not isinstance(value, (int, float)) or value < 0:
        raise DataError(
            f"cannot export {source.name}",
            "its exposure is unknown",
            "set the exposure of the frame, and reduce it again",
        )
    return float(value)


def _tell_time(header: Any, mid_utc: datetime, exposure_s: float) -> None:
    """Replace all times by start, middle and end in UTC, to the millisecond.

    The camera's may be in another convention, or corrected since: only ours are left.
    """
    from pipeline_core.io.calibrated_file import CAMERA_EXPOSURES, CAMERA_TIMES  # noqa: PLC0415 - heavy: astropy

    for card in CAMERA_TIMES | CAMERA_EXPOSURES:
        header.remove(card, ignore_missing=True, remove_all=True)
    half = timedelta(seconds=exposure_s / 2)
    middle = mid_utc.astimezone(UTC)
    header["DATE-OBS"] = (_iso(middle - half), "UTC start of exposure")
    header["DATE-AVG"] = (_iso(middle), "UTC middle of exposure")
    header["DATE-END"] = (_iso(middle + half), "UTC end of exposure")
    header["TIMESYS"] = "UTC"
    header["EXPTIME"] = (exposure_s, "[s] exposure time")
    header["EXPOSURE"] = (exposure_s, "[s] exposure time")


def _iso(when: datetime) -> str:
    """Return a UTC time as FITS writes it, rounded to the millisecond."""
    rounded = when + timedelta(microseconds=500)
    return rounded.replace(tzinfo=None).isoformat(timespec="milliseconds")
