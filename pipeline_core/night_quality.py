"""The quality of a reduced night: judge what was measured, apply the recipe's rules, write the table."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.align_night import STAGE as ALIGNMENT
from pipeline_core.chosen_reference import chosen_references, counted_from
from pipeline_core.config import DarkSettings
from pipeline_core.findings import Finding, documents, findings_of
from pipeline_core.grouping import Geometry, by_exposure, grouped, same_exposure
from pipeline_core.judge import judge_night
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures, StarList, science_measures, to_look_at
from pipeline_core.plan import Choices, build_plan
from pipeline_core.quality_table import write_quality_table
from pipeline_core.science.dark_match import HOLES, NO_DARK_MENDS, TRAPS, dark_flag, grows_with_sky
from pipeline_core.science.rules import matching_rows
from pipeline_core.stage import digest
from pipeline_core.store import Store
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline_core.config import Recipe
    from pipeline_core.logbook import Logbook
    from pipeline_core.plan import Plan
    from pipeline_core.science.depth import Depth
    from pipeline_core.stage import Made
    from pipeline_core.types import Frame, Night

_SAME_C = 0.5
"""Dark current changes by 6 % in so many °C."""
_EXPOSURES = DarkSettings()
"""Which exposures are equal; a person's tolerances for making masters do not matter here."""
_MOST_EXPOSURES = 3
"""So many are named; of more it is said that they are the frames' own."""
_FACT = "judged"
"""Name under which the logbook remembers what ``quality.ecsv`` was made of."""


@dataclass(frozen=True)
class Judged:
    """What judging a night came to."""

    suggested: int
    """Frames that are flagged and that nobody has rejected or accepted."""
    findings: tuple[Finding, ...]
    anew: int = 0
    """Frames in use that were judged in this run; 0 where nothing had changed since they were."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was found, a line each."""
        return tuple(one.words for one in self.findings)


def judged_rows(night: Night, groups: Mapping[str, Sequence[str]], made: Mapping[str, Made]) -> list[QualityRow]:
    """Judge the measured science frames of a night against each other.

    Parameters
    ----------
    night : Night
    groups : mapping
        Science groups of the plan: only frames of one field, filter and exposure are compared.
    made : mapping
        Frame's path → what its quality task returned (``measures``, ``stars``).

    Notes
    -----
    Final values are judged among final ones, those of a first look at the raw frame among their like: hot pixels, the
    dark's level and the gain lie between the two, and a good frame would look bad beside rejected ones. A caller that
    has both looks quickly at the clear frames too (:mod:`pipeline_core.quick_company`).
    """
    measured = {path: m for path, m in made.items() if "stars" in m and path in night.by_path}
    found: dict[str, QualityRow] = {}
    for state in ("final", "quick"):
        alike = {path: m for path, m in measured.items() if m["measures"]["state"] == state}
        found |= {row.path: row for row in _judged_alike(night, groups, alike)} if alike else {}
    return [found[path] for path in measured if path in found]


def _judged_alike(night: Night, groups: Mapping[str, Sequence[str]], measured: Mapping[str, Made]) -> list[QualityRow]:
    rows = judge_night(
        [night.by_path[path] for path in measured],
        {path: science_measures(m["measures"]) for path, m in measured.items()},
        {path: StarList.from_lists(m["stars"]) for path, m in measured.items()},
        night.site,
        groups=[[path for path in paths if path in measured] for paths in groups.values()],
    )
    return with_darks(rows, night, {path: m["dark_residual"] for path, m in measured.items() if "dark_residual" in m})


def with_darks(rows: Sequence[QualityRow], night: Night, residuals: Mapping[str, Sequence[float]]) -> list[QualityRow]:
    """Add to rows how well the dark fitted, which only the calibrated pixels know.

    Parameters
    ----------
    rows : sequence of QualityRow
    night : Night
        Tells the temperatures of frames and darks.
    residuals : mapping
        Frame's path → part of the dark that was too much, and its error.
    """
    darks = [
        frame for frame in night.by_path.values() if frame.kind is FrameKind.DARK and frame.temperature_c is not None
    ]
    cold = [row for row in rows if row.path in residuals and _as_cold_as(darks, night.by_path[row.path])]
    sky = {row.path: row.measures.background for row in cold if row.measures.background is not None}
    with_sky: set[str] = set()
    for frames in grouped((night.by_path[path] for path in sky), Geometry.of).values():
        for alike in by_exposure(frames, _EXPOSURES):
            paths = [frame.path for frame in alike]
            if grows_with_sky(np.array([sky[path] for path in paths]), np.array([residuals[p][0] for p in paths])):
                with_sky |= set(paths)
    return [
        _with_dark(row, *residuals[row.path], with_sky=row.path in with_sky) if row.path in residuals else row
        for row in rows
    ]


def _with_dark(row: QualityRow, fraction: float, error: float, *, with_sky: bool) -> QualityRow:
    flag = dark_flag(fraction, error, with_sky=with_sky)
    extra = {**row.extra, "dark_residual": fraction, "dark_residual_error": error}
    if flag is not None and fraction < 0:
        extra["dark_misfit_grows_with_sky"] = with_sky
    return replace(row, extra=extra, flags=(*row.flags, flag) if flag else row.flags)


def _as_cold_as(darks: Sequence[Frame], frame: Frame) -> bool:
    """Whether no difference of temperature is known that could explain a misfit."""
    # Where none has its exposure, one of another was scaled.
    own = [d for d in darks if same_exposure(d.exposure_s or 0.0, frame.exposure_s or 0.0, _EXPOSURES)] or darks
    known = [dark.temperature_c for dark in own if dark.temperature_c is not None]
    return frame.temperature_c is None or not known or abs(frame.temperature_c - median(known)) <= _SAME_C


def write_quality(
    output: Path,
    night: Night,
    plan: Plan,
    made: Mapping[str, Made],
    calibration: Mapping[str, tuple[Flag, ...]],
    recipe: Recipe,
    logbook: Logbook,
    keys: Mapping[str, str] | None = None,
    depths: Mapping[str, Depth] | None = None,
) -> Judged:
    """Judge the night, reject by rule, and write ``quality.ecsv``; what was judged before is not judged again.

    Parameters
    ----------
    output : Path
    night : Night
    plan : Plan
    made : mapping
        Label → what its task returned; of frames that were rejected after they were reduced as well.
    calibration : mapping
        Flags of the calibration frames.
    recipe : Recipe
        Its ``quality.reject`` rules turn suggestions into rejections.
    logbook : Logbook
        Takes the rules' rejections as decisions that a person can take back. Remembers what the table was made of.
        Shifts are counted from the references that a person chose.
    keys : mapping, optional
        Frame's path → key of its quality task. Without them the night is judged anew.
    depths : mapping, optional
        Frame's path → its depth, where a catalogue was at hand.

    Returns
    -------
    Judged
    """
    table = output / "quality.ecsv"
    groups = build_plan(night, recipe, Choices()).groups  # rejected frames are judged among the others
    store = Store(output, logbook.database)
    references, aligned = chosen_references(store, logbook)
    # Frames of other groups, which were judged apart, lie on a chosen one as the alignment has it.
    aligned_by = [p.key for p in store.products(ALIGNMENT)] if aligned is not None and len(groups) > 1 else []
    judged_on = None
    if keys is not None:
        measured = sorted((path, keys[path], repr(night.by_path.get(path))) for path in made if path in keys)
        judged_on = [_program(), measured, groups, repr(night.site), repr(sorted(calibration.items()))]
        judged_on.append(recipe.quality.model_dump())
        judged_on.append([sorted(references), aligned_by])
        judged_on.append(repr(sorted((depths or {}).items(), key=lambda item: item[0])))
        known = json.loads(logbook.database.fact(_FACT) or "{}")
        answers = _answered(judged_on, logbook.rejected(), logbook.kept())
        if known and known["key"] == answers and known["table"] == _stamp(table):
            return Judged(known["suggested"], findings_of(known["findings"]))
    from pipeline_core.depth_night import join_depths  # noqa: PLC0415 - it stands on this module's measures

    rows = counted_from(judged_rows(night, groups, made), references, aligned)
    rows = join_depths(rows, night, depths or {})
    planned = {science.path for science in plan.science}
    used = [row for row in rows if row.path in planned]
    # In use until now, though a rule may take them out; others are judged for their own words: nobody asked.
    out = logbook.rejected()
    anew = sum(row.path not in out for row in rows)
    findings = (*apply_rules(used, recipe, logbook), *dark_findings(used, night, plan))
    rejected, kept = logbook.rejected(), logbook.kept()
    write_quality_table(
        table, _with_unmeasured(rows, night, rejected), rejected=rejected, calibration_flags=calibration
    )
    judged = Judged(len(to_look_at(rows, rejected, kept)), findings, anew)
    if judged_on is not None:
        fact = {
            # The answers that were counted: somebody may have decided while the table was written.
            "key": _answered(judged_on, rejected, kept),
            "table": _stamp(table),
            "suggested": judged.suggested,
            "findings": documents(judged.findings),
        }
        logbook.database.remember(_FACT, json.dumps(fact))
    return judged


def _with_unmeasured(rows: Sequence[QualityRow], night: Night, rejected: Mapping[str, str]) -> list[QualityRow]:
    """Return a row for each science frame that can be read, in the night's order; without figures where none is."""
    known = {row.path: row for row in rows}
    frames = [f for f in night.frames if f.path in known or (f.kind is FrameKind.SCIENCE and f.unusable is None)]
    why = "not measured: rejected before the night was reduced; `astep quality` looks at it quickly"
    return [
        known.get(frame.path)
        or QualityRow(
            frame.path,
            ScienceMeasures("none", "ADU", notes=(why if frame.path in rejected else "not measured",)),
        )
        for frame in frames
    ]


def _answered(judged_on: object, rejected: Mapping[str, str], kept: Collection[str]) -> str:
    """Return a key of what was judged, and of the answers to it."""
    return digest(judged_on, rejected, sorted(kept))


@cache
def _program() -> str:
    """Return a key of this program's own text: another one may judge otherwise."""
    facts = ((path, path.stat()) for path in sorted(Path(__file__).parent.rglob("*.py")))
    return digest([(path.name, stat.st_size, stat.st_mtime_ns) for path, stat in facts])


def _stamp(path: Path) -> list[int] | None:
    """Return size and time of a file: a table that somebody changed or deleted is written again."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


def dark_findings(rows: Sequence[QualityRow], night: Night, plan: Plan | None = None) -> list[Finding]:
    """Say once for the night by how much its darks missed, and in how many frames; each has its own figure.

    Parameters
    ----------
    rows : sequence of QualityRow
        Judged.
    night : Night
        Tells exposures and temperatures, for which darks are wanted.
    plan : Plan, optional
        Tells whether a dark of another exposure was scaled.
    """
    scaled = {one.path for one in plan.science if one.dark_scale != 1.0} if plan is not None else set()
    bare = {one.path for one in plan.science if one.dark is None} if plan is not None else set()
    having = [row for row in rows if row.path not in bare]
    found = []
    for cause, with_sky in (("dark too strong", False), ("dark too weak", False), ("dark too weak", True)):
        off = {
            row.path: 100 * abs(row.extra["dark_residual"])
            for row in rows
            if any(flag.cause == cause for flag in row.flags)
            and row.extra.get("dark_misfit_grows_with_sky", False) is with_sky
        }
        if not off:
            continue
        low, high = round(min(off.values())), round(max(off.values()))
        part = f"{low} to {high} %" if low < high else f"{high} %"
        many = f"{len(off)} of {len(having)} frames" if len(having) > 1 else "the frame"
        many += " that have a dark" if 1 < len(having) < len(rows) else ""
        left, amiss = ("they shine through", "little") if cause == "dark too weak" else (HOLES, "much")
        if with_sky:
            left = f"{TRAPS}, and another dark would hardly help"
            hint = f"{NO_DARK_MENDS}; the hottest pixels are masked already, more of them with a lower mask.hot_sigma"
        else:
            left += ", and its dark current was scaled from another exposure" if off.keys() <= scaled else ""
            hint = f"take darks of {_settings_words([night.by_path[p] for p in off if p in night.by_path])}"
        what = f"the dark takes off {part} too {amiss} of the hot pixels in {many}"
        found.append(Finding(what, left, hint, tuple(off)))
    return found


def _settings_words(frames: Sequence[Frame]) -> str:
    """Say of which exposure and temperature darks are wanted: "90 s at -10 °C, in the same night"."""
    exposures = sorted({f"{f.exposure_s:.4g}" for f in frames if f.exposure_s is not None}, key=float)
    known = [f.temperature_c for f in frames if f.temperature_c is not None]
    if not exposures or len(exposures) > _MOST_EXPOSURES or not known:
        return "the frames' temperature and exposure, in the same night"
    low, high = round(min(known)), round(max(known))
    warm = f"{low} °C" if low == high else f"{low} to {high} °C"
    return f"{', '.join(exposures)} s at {warm}, in the same night"


def apply_rules(rows: Sequence[QualityRow], recipe: Recipe, logbook: Logbook) -> list[Finding]:
    """Reject the frames that a rule of the recipe names, unless a person has decided about them.

    Rejections by a rule that no longer applies are taken back; a person's verdict is never changed.

    Returns
    -------
    list of Finding
    """
    hits: dict[str, str] = {}
    for rule in recipe.quality.reject:
        for row in matching_rows(rule, rows):
            hits.setdefault(row.path, rule)
    logbook.follow_rules({path: f"rule: {rule}" for path, rule in hits.items()})
    what = f"{len(hits)} of {len(rows)} frames are named by the rules of the recipe"
    return [Finding(what, "they are left out", "U brings one back", tuple(hits))] if hits else []
