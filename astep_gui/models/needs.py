"""What needs a person before the night is reduced, each with the ways out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.measures import Flag, QualityRow
    from pipeline_core.plan_types import MasterPlan, Plan, SciencePlan
    from pipeline_core.types import Frame, Night


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way out, one click."""

    label: str
    deed: Literal["set", "reject", "accept", "show", "plan", "output"]
    field: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs a person."""

    title: str
    why: str
    paths: tuple[str, ...]
    remedies: tuple[Remedy, ...]
    tone: Literal["bad", "warn", "dim"] = "warn"


_SHOW = Remedy("Show", "show")
_KINDS = (FrameKind.SCIENCE, FrameKind.DARK, FrameKind.FLAT, FrameKind.BIAS, FrameKind.OTHER)


def needs_of(
    night: Night,
    plan: Plan | None,
    rejected: Mapping[str, str],
    rows: Mapping[str, QualityRow],
    calibration_flags: Mapping[str, tuple[Flag, ...]],
    kept: frozenset[str],
    output_problem: str = "",
) -> list[Need]:
    """Return what needs a person, the most pressing first; empty when the night is ready.

    Parameters
    ----------
    night : Night
        With decisions applied.
    plan : Plan or None
        None while it is being made.
    rejected : mapping of path to reason
    rows : mapping of path to QualityRow
    calibration_flags : mapping of path to flags
    kept : set of paths
        Frames a person accepted: nothing more is asked about them.
    output_problem : str
        Why results cannot be written where they would go; empty when they can.
    """
    open_frames = [frame for frame in night.frames if frame.path not in rejected]
    needs = _output(output_problem) + _kinds(open_frames) + _filters(open_frames)
    if plan is not None:
        needs += _plan(plan)
    needs += _suspects(rows, calibration_flags, rejected, kept)
    unusable = tuple(frame.path for frame in open_frames if frame.unusable is not None)
    if unusable:
        first = night.by_path[unusable[0]].unusable or ""
        settle = Remedy("Reject", "reject", value="unusable")
        needs.append(Need(_counted(unusable, "cannot be used"), first, unusable, (_SHOW, settle), "dim"))
    return needs


def _output(problem: str) -> list[Need]:
    if not problem:
        return []
    ways = (Remedy("Choose another place…", "output"),)
    return [Need("Results cannot be written here", problem, (), ways, "bad")]


def _kinds(frames: Sequence[Frame]) -> list[Need]:
    unknown = tuple(f.path for f in frames if f.kind is FrameKind.UNKNOWN and f.unusable is None)
    if not unknown:
        return []
    ways = tuple(Remedy(f"{kind.value.capitalize()}", "set", "kind", kind.value) for kind in _KINDS)
    why = "neither header nor name tells what they were taken for"
    return [Need(_counted(unknown, "of unknown kind"), why, unknown, (_SHOW, *ways), "bad")]


def _filters(frames: Sequence[Frame]) -> list[Need]:
    lit = [f for f in frames if f.kind in {FrameKind.FLAT, FrameKind.SCIENCE} and f.unusable is None]
    names = sorted({f.filter for f in lit if f.filter})
    missing = tuple(f.path for f in lit if not f.filter)
    if not missing or not names:
        return []
    ways = tuple(Remedy(f"Filter {name}", "set", "filter", name) for name in names[:4])
    return [Need(_counted(missing, "without a filter"), "other frames name theirs", missing, (_SHOW, *ways))]


def _plan(plan: Plan) -> list[Need]:
    look = Remedy("Plan", "plan")
    by_words: dict[str, list[SciencePlan]] = {}
    for science in plan.science:
        for words in science.warnings:
            by_words.setdefault(words, []).append(science)
    needs = [
        Need(_head(words), words, tuple(s.path for s in frames), (*_ways_out(words, frames, plan), _SHOW, look))
        for words, frames in by_words.items()
    ]
    needs += [Need(_head(words), words, (), (look,)) for words in plan.warnings]
    for master in plan.masters:
        needs += [
            Need(f"{master.name}: {_head(words)}", words, master.frames, (*_ways_of_master(words, master), _SHOW, look))
            for words in master.warnings
        ]
    return needs


def _ways_of_master(words: str, master: MasterPlan) -> tuple[Remedy, ...]:
    """Return what settles a warning about a master: flats of short exposures do well without a dark."""
    is_without = master.kind == "flat" and words.lower().startswith("no dark")
    return (Remedy("Go without", "set", "dark", "none"),) if is_without else ()


def _ways_out(words: str, frames: Sequence[SciencePlan], plan: Plan) -> tuple[Remedy, ...]:
    """Return what settles a missing master: to go without it, or to take another one that is there."""
    for kind in ("flat", "dark"):
        if words.lower().startswith(f"no {kind}") and all(getattr(frame, kind) is None for frame in frames):
            without = Remedy("Go without", "set", kind, "none")
            # A dark of another exposure is no way out: the plan has tried all that may serve.
            others = [m for m in plan.masters if m.kind == kind and kind == "flat"]
            return (without, *(Remedy(f"Use {master.name}", "set", kind, master.name) for master in others[:3]))
    return ()


def _suspects(
    rows: Mapping[str, QualityRow],
    calibration: Mapping[str, tuple[Flag, ...]],
    rejected: Mapping[str, str],
    kept: frozenset[str],
) -> list[Need]:
    by_cause: dict[tuple[str, bool], list[str]] = {}
    words: dict[tuple[str, bool], str] = {}
    science = {path: row.flags for path, row in rows.items()}
    for path, flags in (*science.items(), *calibration.items()):
        if path in rejected or path in kept:
            continue
        worst = next((f for wanted in ("bad", "suspect") for f in flags if f.severity == wanted), None)
        if worst is not None:
            key = (worst.cause, path in rows)
            by_cause.setdefault(key, []).append(path)
            words.setdefault(key, f"{path.rsplit('/', 1)[-1]}: {worst.words}")
    needs = []
    for key in sorted(by_cause, key=lambda cause: -len(by_cause[cause])):
        cause, is_science = key
        paths = tuple(by_cause[key])
        ways = (_SHOW, Remedy("Reject", "reject", value=cause), Remedy("Keep", "accept"))
        said = f"suggested: {cause}" if is_science else cause
        why = f"For example {words[key]}" if len(paths) > 1 else words[key]
        needs.append(Need(_counted(paths, said), why, paths, ways))
    return needs


def _counted(paths: Sequence[str], words: str) -> str:
    return f"{len(paths)} frame{'' if len(paths) == 1 else 's'} · {words}"


def _head(words: str) -> str:
    """Return the first clause of a warning, as a title."""
    for stop in (": ", "; ", " ("):
        words = words.split(stop, 1)[0]
    return words[:1].upper() + words[1:]


def output_problem(output: Path) -> str:
    """Say why nothing can be written into an output folder that may not be there yet; "" when it can."""
    folder = next((folder for folder in (output, *output.parents) if folder.exists()), output)
    if not folder.is_dir():
        return f"{folder} is a file; results need a folder"
    return "" if os.access(folder, os.W_OK) else f"{folder} cannot be written to"
