"""The night in one picture: light, sharpness, shape, sky and causes against time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.errors import NightError, UsageError
from pipeline_core.measures import to_look_at
from pipeline_core.report_plots import clock_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pipeline_core.measures import QualityRow

# Okabe & Ito (2008): told apart with any colour vision, and on a grey print by their order of brightness.
_COLOURS = {"bad": "#D55E00", "suspect": "#E69F00", "note": "#56B4E9"}
_MARKS = {"bad": "X", "suspect": "v", "note": "|"}
_INK = "#0072B2"


def plot_quality(
    rows: Sequence[QualityRow],
    path: Path,
    *,
    times: Mapping[str, datetime | None] | None = None,
    rejected: Mapping[str, str] | None = None,
    kept: Collection[str] = (),
) -> None:
    """Draw the night into a picture file.

    Parameters
    ----------
    rows : sequence of QualityRow
    path : Path
        ``.png``, ``.pdf`` or ``.svg``.
    times : mapping of str to datetime or None, optional
        Mid-exposures by path; without them frames are numbered.
    rejected : mapping of str to str, optional
        These frames are drawn hollow.
    kept : collection of str
        Frames that a person accepted: they are not counted as suggested for a look.

    Raises
    ------
    UsageError
        If matplotlib is not installed, there is nothing to draw, or the ending is unknown.
    NightError
        If the picture cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - optional
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional
    except ImportError:
        raise UsageError(
            "cannot draw the night", "matplotlib is not installed", 'install it: pip install "astep-harvest[plot]"'
        ) from None
    if not rows:
        raise UsageError("cannot draw the night", "no science frame is measured", "run `astep reduce` first")
    if path.suffix.lower() not in {".png", ".pdf", ".svg"}:
        raise UsageError(f"cannot draw into {path.name}", "its ending names no picture", "use .png, .pdf or .svg")
    clock = clock_of(rows, times or {})
    when = clock.times
    order = np.argsort(when, kind="stable")
    rows, when = [rows[k] for k in order], when[order]

    figure = Figure(figsize=(11, 12), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(7, 1, sharex=True, height_ratios=[1.2, 1, 1, 0.8, 1, 0.8, 1.6])
    hollow = np.array([row.path in (rejected or {}) for row in rows])
    _light(axes[0], rows, when, hollow)
    _series(axes[1], when, [row.depth_loss_mag for row in rows], hollow, "depth loss (mag)")
    axes[1].invert_yaxis()
    _limits(axes[1], rows, when)
    _series(axes[2], when, [row.measures.fwhm_px for row in rows], hollow, "FWHM (px)")
    _series(axes[3], when, [row.measures.ellipticity for row in rows], hollow, "ellipticity")
    _sky(axes[4], rows, when, hollow)
    _heights(axes[5], rows, when)
    _causes(axes[6], rows, when)
    places, words = zip(*clock.ticks(), strict=True)
    axes[6].set_xticks(places, words)  # of all panels: they share it
    axes[6].set_xlim(clock.low, clock.high)
    axes[6].set_xlabel(f"UTC, from {datetime.fromtimestamp(when[0], UTC):%Y-%m-%d}" if clock.is_time else "frame")
    suggested = to_look_at(rows, rejected or {}, kept)
    bad = sum(any(flag.severity == "bad" for flag in row.flags) for row in suggested)
    # Counted and worded as `astep quality` does.
    figure.suptitle(
        f"{len(rows)} frames, {len(suggested)} suggested for a look ({bad} of them bad), {int(hollow.sum())} rejected"
    )
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise NightError(
            f"cannot write {path.name}", error.strerror or str(error), "choose a folder you may write to"
        ) from error


def _numbers(values: Sequence[float | None]) -> Any:
    return np.array([np.nan if value is None else value for value in values], float)


def _series(axis: Any, when: Any, values: Sequence[float | None], hollow: Any, label: str) -> None:
    numbers = _numbers(values)
    axis.plot(when[~hollow], numbers[~hollow], ".", color=_INK, ms=5)
    axis.plot(when[hollow], numbers[hollow], "o", color=_INK, mfc="none", ms=5)
    axis.set_ylabel(label)
    axis.grid(alpha=0.25)


def _light(axis: Any, rows: Sequence[QualityRow], when: Any, hollow: Any) -> None:
    """Transparency, with the span of the map's cells: a long bar is patchy cloud."""
    for time, row in zip(when, rows, strict=True):
        cells = _numbers([v for line in row.transparency_map or () for v in line])
        cells = cells[np.isfinite(cells)]
        if cells.size >= 4:
            axis.plot([time, time], np.percentile(cells, (10, 90)), color="#999999", lw=1, zorder=0)
    _series(axis, when, [row.transparency for row in rows], hollow, "transparency")
    axis.set_ylim(0, 1.25)


def _limits(axis: Any, rows: Sequence[QualityRow], when: Any) -> None:
    """Set the limiting magnitude beside the depth loss, where a catalogue told it."""
    limits = _numbers([row.limiting_mag for row in rows])
    if not np.isfinite(limits).any():
        return
    right = axis.twinx()
    right.plot(when, limits, "x", color="#999999", ms=4)
    rough = any(row.extra.get("depth_rough") for row in rows)
    right.set_ylabel("limit (mag, rough)" if rough else "limit (mag)", color="#777777")


def _sky(axis: Any, rows: Sequence[QualityRow], when: Any, hollow: Any) -> None:
    _series(axis, when, [row.measures.background for row in rows], hollow, f"sky ({rows[0].measures.unit})")
    expected = _numbers([row.extra.get("sky_expected") for row in rows])
    if np.isfinite(expected).any():
        axis.plot(when, expected, color="#999999", lw=1, zorder=0, label="Sun, Moon, air mass")
        _legend(axis)
    measured = _numbers([row.measures.background for row in rows])
    positive = measured[measured > 0]
    if positive.size == measured.size and positive.max() > 20 * positive.min():
        axis.set_yscale("log")


def _heights(axis: Any, rows: Sequence[QualityRow], when: Any) -> None:
    sun, moon = (_numbers([getattr(row, name) for row in rows]) for name in ("sun_altitude_deg", "moon_altitude_deg"))
    axis.set_ylabel("altitude (°)")
    axis.grid(alpha=0.25)
    if not np.isfinite(sun).any():
        axis.text(0.5, 0.5, "Sun and Moon: place or time not known", transform=axis.transAxes, ha="center")
        return
    axis.plot(when, sun, color="#E69F00", label="Sun")
    axis.plot(when, moon, color="#666666", ls="--", label="Moon")
    axis.axhline(0, color="black", lw=0.6)
    _legend(axis)


def _causes(axis: Any, rows: Sequence[QualityRow], when: Any) -> None:
    """One line a cause, a mark where a frame has it."""
    named = sorted({flag.cause for row in rows for flag in row.flags})
    for severity, colour in _COLOURS.items():
        marks = [
            (time, named.index(flag.cause))
            for time, row in zip(when, rows, strict=True)
            for flag in row.flags
            if flag.severity == severity
        ]
        if marks:
            x, y = zip(*marks, strict=True)
            axis.plot(x, y, _MARKS[severity], color=colour, ls="none", ms=6, label=severity)
    axis.grid(alpha=0.25, axis="x")
    axis.set_yticks(range(len(named)), named)
    if not named:
        axis.text(0.5, 0.5, "no flag", transform=axis.transAxes, ha="center")
        return
    axis.set_ylim(len(named) - 0.5, -0.5)
    _legend(axis)


def _legend(axis: Any) -> None:
    """Explain the marks above the panel, where they cover no point."""
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1.03), borderaxespad=0, fontsize=8, frameon=False, ncols=3)
