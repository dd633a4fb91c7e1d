"""``astep quality``: how good each frame is, and what is suggested against it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline_core.cli import EXIT_OK
from pipeline_core.cli.wording import without_common_part
from pipeline_core.errors import UsageError
from pipeline_core.measures import to_look_at
from pipeline_core.quality_report import QualityReport, quality_report
from pipeline_core.session import check_night, find_place

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk
    from pipeline_core.measures import QualityRow


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Show the quality of a night; frames without final values are looked at quickly."""
    place = find_place(arguments.output)
    if not place.has_logbook:
        raise UsageError(
            f"{arguments.output} is no output folder",
            "it holds no logbook.sqlite",
            "run `astep reduce NIGHT` first",
        )
    check_night(place)
    report = quality_report(place, talk.context())
    talk.answer({"frames": quality_document(report)})
    _show(report, talk)
    if arguments.plot is not None:
        from pipeline_core.quality_plot import plot_quality  # noqa: PLC0415 - needs matplotlib

        plot_quality(report.rows, arguments.plot, times=report.times, rejected=report.rejected, kept=report.kept)
        talk.say(f"drawn: {arguments.plot}")
    return EXIT_OK


def _show(report: QualityReport, talk: Talk) -> None:
    def shown(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    names, common = without_common_part([row.path for row in report.rows])
    if common:
        talk.say(f"frames: {common}")
    deep = any(row.limiting_mag is not None for row in report.rows)
    talk.table(
        (
            "frame",
            "",
            "FWHM px",
            "ellipt.",
            "sky",
            "noise",
            "stars",
            "transp.",
            "loss mag",
            *(("limit", "sky mag") if deep else ()),
            "causes",
        ),
        [
            (
                name,
                "rejected" if row.path in report.rejected else row.measures.state,
                shown(row.measures.fwhm_px, ".2f"),
                shown(row.measures.ellipticity, ".2f"),
                shown(row.measures.background, ".1f"),
                shown(row.measures.noise, ".1f"),
                row.measures.stars,
                shown(row.transparency, ".2f"),
                shown(row.depth_loss_mag, "+.2f"),
                *((shown(row.limiting_mag, ".2f"), shown(row.sky_mag_arcsec2, ".2f")) if deep else ()),
                ", ".join(flag.brief for flag in row.flags),
            )
            for name, row in zip(names, report.rows, strict=True)
        ],
    )
    open_rows = to_look_at(report.rows, report.rejected, report.kept)
    suspects = [(row, flag) for row in open_rows for flag in row.flags if flag.severity != "note"]
    if suspects:
        talk.say("\nSuggested for a look; nothing is rejected until you say so")
    for row, flag in suspects:
        talk.say(f"  ! {row.path}: {flag.words}")
    notes = [flag for row in report.rows for flag in row.flags if flag.severity == "note"]
    for cause, number in Counter(flag.cause for flag in notes).items():
        first = next(flag.words for flag in notes if flag.cause == cause)
        talk.say(f"  note on {number} frame{'s' if number > 1 else ''}: {first}{' …' if number > 1 else ''}")
    for path, flags in report.calibration_flags.items():
        for flag in flags:
            talk.say(f"  ! {path}: {flag.words}")
    talk.say(f"{len(report.rows)} frames, {len(open_rows)} suggested for a look, {len(report.rejected)} rejected")


def quality_document(report: QualityReport) -> list[dict[str, Any]]:
    """Return the quality of science and calibration frames as the contract's JSON."""
    frames = [_science(row, report) for row in report.rows]
    for path, measures in report.calibration.items():
        frames.append(
            {
                "path": path,
                "kind": report.kinds[path],
                "state": "final",
                "rejected": path in report.rejected,
                "fwhm_px": None,
                "ellipticity": None,
                "background": measures.level_adu,
                "noise": measures.noise_adu,
                "stars": measures.sources,
                "transparency": None,
                "depth_loss_mag": None,
                "flags": [asdict(flag) for flag in report.calibration_flags.get(path, ())],
                "structure_percent": measures.structure_percent,
                "gradient_percent": measures.gradient_percent,
                "hot_pixels": measures.hot_pixels,
                "saturated_fraction": measures.saturated_fraction,
            }
        )
    return frames


def _science(row: QualityRow, report: QualityReport) -> dict[str, Any]:
    document = asdict(row)
    measures = document.pop("measures")
    extra = document.pop("extra")
    flags = document.pop("flags")
    return {
        "path": document.pop("path"),
        "kind": "science",
        "state": measures.pop("state"),
        "rejected": row.path in report.rejected,
        **measures,
        **document,
        **extra,
        "flags": flags,
    }
