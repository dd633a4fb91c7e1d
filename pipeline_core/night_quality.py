"""The quality of a reduced night: judge what was measured, apply the recipe's rules, write the table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pipeline_core.judge import judge_night
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures, StarList
from pipeline_core.quality_table import write_quality_table
from pipeline_core.science.rules import matching_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.config import Recipe
    from pipeline_core.logbook import Logbook
    from pipeline_core.plan import Plan
    from pipeline_core.stage import Made
    from pipeline_core.types import Night


@dataclass(frozen=True)
class Judged:
    """What judging a night came to."""

    rows: Sequence[QualityRow]
    suggested: int
    warnings: tuple[str, ...]


def science_measures(document: Mapping[str, Any]) -> ScienceMeasures:
    """Rebuild measures from their JSON, where tuples became lists."""
    known = {field.name for field in fields(ScienceMeasures)}
    return ScienceMeasures(**{name: _tuples(value) for name, value in document.items() if name in known})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def judged_rows(night: Night, groups: Mapping[str, Sequence[str]], made: Mapping[str, Made]) -> list[QualityRow]:
    """Judge the measured science frames of a night against each other.

    Parameters
    ----------
    night : Night
    groups : mapping
        Science groups of the plan: only frames of one field, filter and exposure are compared.
    made : mapping
        Frame's path → what its quality task returned (``measures``, ``stars``).
    """
    measured = {path: m for path, m in made.items() if "stars" in m and path in night.by_path}
    return judge_night(
        [night.by_path[path] for path in measured],
        {path: science_measures(m["measures"]) for path, m in measured.items()},
        {path: StarList.from_lists(m["stars"]) for path, m in measured.items()},
        night.site,
        groups=[[path for path in paths if path in measured] for paths in groups.values()],
    )


def write_quality(
    output: Path,
    night: Night,
    plan: Plan,
    made: Mapping[str, Made],
    calibration: Mapping[str, tuple[Flag, ...]],
    recipe: Recipe,
    logbook: Logbook,
) -> Judged:
    """Judge the night, reject by rule, and write ``quality.ecsv``.

    Parameters
    ----------
    output : Path
    night : Night
    plan : Plan
    made : mapping
        Label → what its task returned.
    calibration : mapping
        Flags of the calibration frames.
    recipe : Recipe
        Its ``quality.reject`` rules turn suggestions into rejections.
    logbook : Logbook
        Takes the rules' rejections as decisions that a person can take back.

    Returns
    -------
    Judged
    """
    rows = judged_rows(night, plan.groups, made)
    warnings = apply_rules(rows, recipe, logbook)
    rejected = logbook.rejected()
    write_quality_table(output / "quality.ecsv", rows, rejected=rejected, calibration_flags=calibration)
    suspects = {row.path for row in rows if any(flag.severity != "note" for flag in row.flags)}
    return Judged(rows, len(suspects - set(rejected)), tuple(warnings))


def apply_rules(rows: Sequence[QualityRow], recipe: Recipe, logbook: Logbook) -> list[str]:
    """Reject the frames that a rule of the recipe names, unless a person has decided about them.

    Rejections by a rule that no longer applies are taken back; a person's verdict is never changed.

    Returns
    -------
    list of str
        Warnings.
    """
    hits: dict[str, str] = {}
    for rule in recipe.quality.reject:
        for row in matching_rows(rule, rows):
            hits.setdefault(row.path, rule)
    logbook.follow_rules({path: f"rule: {rule}" for path, rule in hits.items()})
    return [f"{len(hits)} of {len(rows)} frames are named by the rules of the recipe"] if hits else []
