"""The quality table: ``quality.ecsv``, one row a science frame, readable by people, astropy and spreadsheets.

Plain columns for numbers; an empty cell was not measured. Causes stand as words (``cloud, streak``); what has no fixed
length (flags with their words, streaks, the rest) stands as JSON in text cells, maps as columns of cells.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.errors import DataError, NightError
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from astropy.table import Table

_TEXT_MEASURES = ("state", "unit", "fwhm_method")
_NUMBER_MEASURES = (
    "background",
    "noise",
    "gradient_percent",
    "gradient_angle_deg",
    "mesh_rms_percent",
    "fwhm_px",
    "fwhm_arcsec",
    "ellipticity",
    "ellipticity_angle_deg",
    "ellipticity_coherence",
    "trail_px",
    "saturated_fraction",
    "halo_ratio",
)
_COUNT_MEASURES = ("stars", "cosmic_rays", "stars_touched", "stars_checked")
_NUMBER_ROW = (
    "dx_px",
    "dy_px",
    "rotation_deg",
    "drift_px_per_hour",
    "transparency",
    "depth_loss_mag",
    "zero_point_mag",
    "limiting_mag",
    "sky_mag_arcsec2",
    "transparency_absolute",
    "sun_altitude_deg",
    "moon_altitude_deg",
    "moon_phase",
    "moon_distance_deg",
)
_UNITS = {
    "dx_px": "pix",
    "dy_px": "pix",
    "fwhm_px": "pix",
    "trail_px": "pix",
    "fwhm_arcsec": "arcsec",
    "rotation_deg": "deg",
    "drift_px_per_hour": "pix / h",
    "depth_loss_mag": "mag",
    "zero_point_mag": "mag",
    "limiting_mag": "mag",
    "sky_mag_arcsec2": "mag / arcsec2",
    "sun_altitude_deg": "deg",
    "moon_altitude_deg": "deg",
    "moon_distance_deg": "deg",
    "gradient_percent": "%",
    "mesh_rms_percent": "%",
    "gradient_angle_deg": "deg",
    "ellipticity_angle_deg": "deg",
}
_MAPS = {"fwhm_map": (3, 3), "transparency_map": (8, 8)}
_SCHEMA = 1


def write_quality_table(
    path: Path,
    rows: Sequence[QualityRow],
    *,
    rejected: Mapping[str, str] | None = None,
    calibration_flags: Mapping[str, tuple[Flag, ...]] | None = None,
) -> None:
    """Write the table in one go: a reader sees the old one or the new one, never half of it.

    Parameters
    ----------
    path : Path
        ``quality.ecsv``.
    rows : sequence of QualityRow
    rejected : mapping of str to str, optional
        Night-relative path → reason.
    calibration_flags : mapping of str to tuple of Flag, optional
        What is said of biases, darks and flats; kept in the table's head.

    Raises
    ------
    NightError
        If the table cannot be written (disk full, no permission).
    """
    table = as_table(rows, rejected=rejected, calibration_flags=calibration_flags)
    part = path.with_name(path.name + ".part")
    try:
        table.write(part, format="ascii.ecsv", overwrite=True)
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise NightError(
            f"cannot write {path.name}", error.strerror or str(error), "free some space, or choose another output"
        ) from error


def read_quality_table(path: Path) -> list[QualityRow]:
    """Read the rows back.

    Raises
    ------
    DataError
        If the file is no quality table of ours.
    """
    return read_with_calibration(path)[0]


def read_with_calibration(path: Path) -> tuple[list[QualityRow], dict[str, tuple[Flag, ...]]]:
    """Read the rows back, and what was said of biases, darks and flats.

    Raises
    ------
    DataError
        If the file is no quality table of ours.
    """
    from astropy.table import Table  # noqa: PLC0415 - 0.3 s that only this needs

    try:
        table = Table.read(path, format="ascii.ecsv")
        rows = [
            _row(dict(zip(table.colnames, cells, strict=True)))
            for cells in zip(*map(_cells, table.itercols()), strict=True)
        ]
        said = table.meta.get("calibration_flags", {})
        return rows, {frame: tuple(Flag(**flag) for flag in flags) for frame, flags in said.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"cannot read {path.name}",
            f"it is not a quality table of this program ({error})",
            "run `astep reduce` again: it is written anew",
        ) from error


def as_table(
    rows: Sequence[QualityRow],
    *,
    rejected: Mapping[str, str] | None = None,
    calibration_flags: Mapping[str, tuple[Flag, ...]] | None = None,
) -> Table:
    """Return the rows as an astropy table; see :func:`write_quality_table`."""
    from astropy.table import MaskedColumn, Table  # noqa: PLC0415 - 0.3 s that only this needs

    table = Table()
    table.meta["schema"] = _SCHEMA
    table.meta["calibration_flags"] = {
        frame: [asdict(flag) for flag in flags] for frame, flags in (calibration_flags or {}).items()
    }

    def add_text(name: str, cell: Callable[[QualityRow], str]) -> None:
        table[name] = np.array([cell(row) for row in rows], dtype=str) if rows else np.zeros(0, "U1")

    def add_number(name: str, cell: Callable[[QualityRow], float | None], kind: type) -> None:
        values = [cell(row) for row in rows]
        blank = [value is None for value in values]
        filled: np.ndarray[Any, np.dtype[Any]] = np.array(
            [0 if value is None else value for value in values], dtype=kind
        )
        table[name] = MaskedColumn(filled, mask=blank, unit=_UNITS.get(name))

    add_text("path", lambda row: row.path)
    rejections = rejected or {}
    add_text("rejected", lambda row: rejections.get(row.path, "") or ("yes" if row.path in rejections else ""))
    add_text("causes", lambda row: ", ".join(flag.cause for flag in row.flags))
    for name in _TEXT_MEASURES:
        add_text(name, lambda row, name=name: getattr(row.measures, name) or "")  # type: ignore[misc]
    for name in _NUMBER_MEASURES:
        add_number(name, lambda row, name=name: getattr(row.measures, name), float)  # type: ignore[misc]
    for name in _COUNT_MEASURES:
        add_number(name, lambda row, name=name: getattr(row.measures, name), int)  # type: ignore[misc]
    for name in _NUMBER_ROW:
        add_number(name, lambda row, name=name: getattr(row, name), float)  # type: ignore[misc]
    table["mirrored"] = np.array([row.mirrored for row in rows], bool)
    for name, shape in _MAPS.items():
        # astropy cannot read back an ECSV column of cells without a row.
        cells = np.full((len(rows), *(shape if rows else ())), np.nan)
        for k, row in enumerate(rows):
            values = row.transparency_map if name == "transparency_map" else row.measures.fwhm_map
            if values is not None:
                cells[k] = [[np.nan if value is None else value for value in line] for line in values]
        table[name] = cells
    add_text("flags", lambda row: _json([asdict(flag) for flag in row.flags]))
    add_text("streaks", lambda row: _json(row.measures.streaks))
    add_text("notes", lambda row: _json(row.measures.notes))
    add_text("extra", lambda row: _json(row.extra))
    return table


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _cells(column: Any) -> list[Any]:
    """Return a column's cells as plain Python values, None where masked."""
    mask = np.ma.getmaskarray(np.ma.asarray(column))
    if column.ndim > 1:
        return [np.asarray(cell, float) for cell in np.ma.filled(np.ma.asarray(column, float), np.nan)]
    # An empty text cell is read back as masked.
    empty = "" if column.dtype.kind in "US" else None
    return [empty if blank else value for value, blank in zip(np.ma.getdata(column).tolist(), mask, strict=True)]


def _row(cells: dict[str, Any]) -> QualityRow:
    # Tables of earlier versions have fewer columns.
    measures: dict[str, Any] = {name: cells.get(name) for name in (*_NUMBER_MEASURES, *_COUNT_MEASURES)}
    measures |= {name: cells[name] or None for name in _TEXT_MEASURES}
    known = {field.name for field in fields(ScienceMeasures)}
    assert set(measures) < known, "the table names columns that no measure has"
    return QualityRow(
        path=cells["path"],
        measures=ScienceMeasures(
            **measures,
            fwhm_map=_map(cells["fwhm_map"]),
            streaks=tuple(tuple(streak) for streak in json.loads(cells["streaks"])),
            notes=tuple(json.loads(cells["notes"])),
        ),
        **{name: cells.get(name) for name in _NUMBER_ROW},
        mirrored=bool(cells["mirrored"]),
        transparency_map=_map(cells["transparency_map"]),
        flags=tuple(Flag(**flag) for flag in json.loads(cells["flags"])),
        extra=json.loads(cells["extra"]),
    )


def _map(cells: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[tuple[float | None, ...], ...] | None:
    if not np.isfinite(cells).any():
        return None
    return tuple(tuple(float(v) if np.isfinite(v) else None for v in line) for line in cells)
