"""The report of a night: one HTML file that holds everything, for colleagues and for a thin link."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_core.errors import AstepError, NightError, UsageError
from pipeline_core.io.atomic import write_text
from pipeline_core.keogram import night_columns
from pipeline_core.logbook import Logbook
from pipeline_core.planned import planned_with
from pipeline_core.quality_report import QualityReport, quality_report
from pipeline_core.report_html import page
from pipeline_core.report_pictures import Picture, chosen_frames, picture_of
from pipeline_core.report_state import REPORTS, night_state
from pipeline_core.scan import scan_night
from pipeline_core.session import choices_of, recipe_of
from pipeline_core.store import Store
from pipeline_core.types import FrameKind, Night

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.config import Recipe
    from pipeline_core.decisions import Decision
    from pipeline_core.events import RunContext
    from pipeline_core.plan import Plan
    from pipeline_core.science.keogram import Column
    from pipeline_core.session import Place
    from pipeline_core.store_lines import Product

NAME, SMALL_NAME = REPORTS
LIMIT_BYTES, SMALL_LIMIT_BYTES = 2_000_000, 100_000


@dataclass(frozen=True, slots=True)
class Detail:
    """How much a report holds: what its size depends on."""

    pictures: int
    picture_px: int
    picture_bits: int
    keogram_px: int
    keogram_bits: int
    lines: int
    """Of each list; the rest is counted in words."""


# From the richest to the barest; the first that fits is taken.
_FULL = (
    Detail(48, 200, 8, 900, 8, 4000),
    Detail(36, 160, 8, 900, 8, 2000),
    Detail(24, 120, 4, 600, 4, 1000),
    Detail(12, 96, 4, 400, 4, 300),
)
_SMALL = (
    Detail(8, 96, 4, 400, 4, 60),
    Detail(6, 80, 4, 300, 4, 30),
    Detail(4, 64, 2, 200, 2, 15),
    Detail(0, 64, 2, 150, 2, 8),
)


@dataclass(frozen=True)
class NightFacts:
    """All that a report says, before it is put into words."""

    place: Place
    night: Night
    plan: Plan
    quality: QualityReport
    columns: Mapping[str, Column | None]
    masters: Sequence[Product]
    products: Mapping[str, Product]
    """Path → calibrated frame."""
    history: Sequence[Decision]
    warnings: Sequence[tuple[str, str]]
    """(level, words), oldest first, each once."""
    recipe: Recipe
    state: str = ""
    """Of the night, as :mod:`pipeline_core.report_state` knows it again."""


def write_report(place: Place, context: RunContext, *, file: Path | None = None, small: bool = False) -> Path:
    """Write the report of a night.

    Parameters
    ----------
    place : Place
        With an output that has a logbook.
    context : RunContext
    file : Path, optional
        ``report.html`` (or ``report_small.html``) in the output by default.
    small : bool
        At most 100 KB instead of 2 MB.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        If nothing was reduced there yet.
    NightError
        If the report cannot be made small enough, or not be written.
    """
    target = file or place.output / (SMALL_NAME if small else NAME)
    facts = gather(place, context)
    limit = SMALL_LIMIT_BYTES if small else LIMIT_BYTES
    for detail in _SMALL if small else _FULL:
        text = render(facts, detail, context)
        if len(text.encode()) <= limit:
            write_text(target, text)
            return target
    raise NightError(
        f"cannot write {target.name}",
        f"the night does not fit into {limit // 1000} KB even without pictures",
        "write the full report" if small else "report the night in parts",
    )


def gather(place: Place, context: RunContext) -> NightFacts:
    """Collect what is known of a night; frames without final values are looked at quickly.

    Raises
    ------
    UsageError
        If the output has no logbook.
    """
    if not place.has_logbook:
        raise UsageError(
            f"{place.output} has nothing to report", "it holds no logbook.sqlite", "run `astep reduce NIGHT` first"
        )
    quality = quality_report(place, context)
    recipe = recipe_of(place, None)
    night = scan_night(place.night, context)
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        night = logbook.apply(night)
        history = logbook.history()
        products = store.products()
        plan = planned_with(store, night, choices_of(logbook), recipe).plan
        state = night_state(night, logbook, store)
    science = sorted(
        (f for f in night.frames if f.kind is FrameKind.SCIENCE and f.unusable is None),
        key=lambda f: (f.mid_utc is None, f.mid_utc, f.path),
    )
    return NightFacts(
        place,
        night,
        plan,
        quality,
        dict(night_columns(night, plan, science, context)),
        [p for p in products if p.name.startswith("masters/")],
        {p.label: p for p in products if p.stage == "science frames"},
        history,
        _said(place.output / "log.jsonl"),
        recipe,
        state,
    )


def render(facts: NightFacts, detail: Detail, context: RunContext) -> str:
    """Put a night into one page of a given detail."""
    pictures: list[Picture] = []
    for path, why in context.track("thumbnails", chosen_frames(facts.quality, detail.pictures)):
        try:
            pictures.append(picture_of(facts, path, why, detail.picture_px, detail.picture_bits))
        except (AstepError, OSError) as error:
            context.say("thumbnails", f"{path} has no thumbnail: {error}", level="warning", path=path)
    return page(facts, detail, pictures)


def _said(log: Path) -> list[tuple[str, str]]:
    """Return the warnings and errors of the last run from its diary; none if there is no diary."""
    if not log.is_file():
        return []
    before: list[tuple[str, str]] = []
    lines: list[tuple[str, str]] = []
    for text in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line: dict[str, Any] = json.loads(text)
        except json.JSONDecodeError:
            continue  # a run that was killed may have left half a line
        kind = line.get("kind")
        if kind == "started" and line.get("job") == "run":
            before, lines = lines, []
        elif kind == "cancelled":
            before, lines = [], before + lines  # it had no time to say what the one before it had said
        elif kind == "message" and line.get("level") in {"warning", "error"}:
            lines.append((line["level"], str(line.get("text", ""))))
    return list(dict.fromkeys(lines))
