"""What needs a person before the night is reduced, each with the ways out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from astep_gui.models.held_together import NO_BREAK
from astep_gui.models.window_words import in_window
from pipeline_core.grouping import Geometry
from pipeline_core.measures import gravest_flag
from pipeline_core.name_words import counted
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
    deed: Literal["set", "reject", "accept", "show", "plan", "output", "undo"]
    field: str = ""
    value: str = ""
    paths: tuple[str, ...] = ()
    """Frames it decides for, if others than those of the need."""
    tip: str = ""
    """What a click does, in words."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs a person."""

    title: str
    why: str
    paths: tuple[str, ...]
    remedies: tuple[Remedy, ...]
    tone: Literal["bad", "warn", "dim"] = "warn"
    lacks: Literal["", "dark", "flat"] = ""
    """The master that its frames do without, unless somebody finds them one."""
    holds: str = ""
    """How many of its frames are bad and how many suspect, where it has both; no part of the title, by which it is
    known again."""
    severity: Literal["", "bad", "suspect"] = ""
    """The gravest that is said of its frames: it has their mark."""


_SHOW = Remedy("Show", "show", tip="select these frames in the table, and look at the first")
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
        needs += _plan(plan, night)
    needs += _suspects(rows, calibration_flags, rejected, kept)
    unusable = tuple(frame.path for frame in open_frames if frame.unusable is not None and frame.path not in kept)
    if unusable:
        first = night.by_path[unusable[0]].unusable or ""
        settle = Remedy("Reject", "reject", value="unusable", tip="reject them: no more is said of them here")
        needs.append(Need(_counted(unusable, "cannot be used"), first, unusable, (_SHOW, settle), "dim"))
    return needs


def _output(problem: str) -> list[Need]:
    if not problem:
        return []
    ways = (Remedy("Choose another place…", "output", tip="choose the folder that results are written into"),)
    return [Need("Results cannot be written here", problem, (), ways, "bad")]


def _kinds(frames: Sequence[Frame]) -> list[Need]:
    unknown = tuple(f.path for f in frames if f.kind is FrameKind.UNKNOWN and f.unusable is None)
    if not unknown:
        return []
    ways = tuple(
        Remedy(kind.value.capitalize(), "set", "kind", kind.value, tip=f"say that they were taken for: {kind.value}")
        for kind in _KINDS
    )
    why = "neither header nor name tells what they were taken for"
    return [Need(_counted(unknown, "of unknown kind"), why, unknown, (_SHOW, *ways), "bad")]


def _filters(frames: Sequence[Frame]) -> list[Need]:
    lit = [f for f in frames if f.kind in {FrameKind.FLAT, FrameKind.SCIENCE} and f.unusable is None]
    names = sorted({f.filter for f in lit if f.filter})
    missing = tuple(f.path for f in lit if not f.filter)
    if not missing or not names:
        return []
    ways = tuple(
        Remedy(f"Filter {name}", "set", "filter", name, tip=f"say that they were taken through filter {name}")
        for name in names[:4]
    )
    return [Need(_counted(missing, "without a filter"), "other frames name theirs", missing, (_SHOW, *ways))]


def _plan(plan: Plan, night: Night) -> list[Need]:
    look = Remedy("Plan", "plan", tip="show the lines of the plan that it is about")
    by_words: dict[str, list[SciencePlan]] = {}
    for science in plan.science:
        for words in science.warnings:
            by_words.setdefault(words, []).append(science)
    needs = [
        Need(
            _head(words),
            words,
            tuple(s.path for s in frames),
            (*_ways_out(words, frames, plan, night), _SHOW, look),
            lacks=_lacks(words),
        )
        for words, frames in by_words.items()
    ]
    needs += [Need(_head(words), words, (), (look,)) for words in plan.warnings]
    for master in plan.masters:
        needs += [
            Need(
                f"{master.name}: {_head(words)}",
                words,
                master.frames,
                (*_ways_of_master(words, master, night), _SHOW, look),
                lacks=_lacks(words),
            )
            for words in master.warnings
        ]
    return needs


def _lacks(words: str) -> Literal["", "dark", "flat"]:
    """Return the master that a warning of the plan says is missing."""
    kinds: tuple[Literal["dark", "flat"], ...] = ("dark", "flat")
    return next((kind for kind in kinds if words.lower().startswith(f"no {kind}")), "")


def _ways_of_master(words: str, master: MasterPlan, night: Night) -> tuple[Remedy, ...]:
    """Return what settles a warning about a master: flats of short exposures do well without a dark."""
    if master.kind != "flat" or not words.lower().startswith("no dark"):
        return ()
    frames = _and_rejected(master.frames, "flat", night)
    return (Remedy("Go without", "set", "dark", "none", frames, _WITHOUT["dark of flats"]),)


def _ways_out(words: str, frames: Sequence[SciencePlan], plan: Plan, night: Night) -> tuple[Remedy, ...]:
    """Return what settles a missing master: to go without it, or to take another one that is there."""
    for kind in ("flat", "dark"):
        if words.lower().startswith(f"no {kind}") and all(getattr(frame, kind) is None for frame in frames):
            paths = _and_rejected([frame.path for frame in frames], kind, night)
            has_bias = all(frame.bias is not None for frame in frames)
            tip = _WITHOUT[kind] if kind == "flat" or has_bias else _WITHOUT["dark and bias"]
            without = Remedy("Go without", "set", kind, "none", paths, tip)
            # A dark of another exposure is no way out: the plan has tried all that may serve.
            others = [m for m in plan.masters if m.kind == kind and kind == "flat"]
            use = [Remedy(f"Use {m.name}", "set", kind, m.name, paths, _use_words(m)) for m in others[:3]]
            return (without, *use)
    return ()


_SO_ANYWAY = "; a run does so anyway while nothing else is chosen: this settles the question, the pixels stay the same"
_WITHOUT = {
    "dark": f"calibrate these frames without a dark; their bias still comes off, the dark current stays{_SO_ANYWAY}",
    "dark and bias": f"calibrate these frames without a dark: the zero level and the dark current stay{_SO_ANYWAY}",
    "flat": f"calibrate these frames without a flat: dust and vignetting stay{_SO_ANYWAY}",
    "dark of flats": "make this flat without a dark: right where the flats are too short for a dark current to tell"
    f"{_SO_ANYWAY}",
}
"""What going without means for the pixels."""


def _use_words(flat: MasterPlan) -> str:
    filter_words = f"though its filter is {flat.filter}" if flat.filter else "though it names no filter"
    return (
        f"divide by {flat.name} {filter_words}: dust and vignetting go if the optics were the same, better than "
        "without a flat; what changes from filter to filter stays, and colours may differ"
    )


_SAME_TEMPERATURE_C = 1.0
"""A rejected frame this much colder or warmer than those that find no dark may find one: it is left to the plan."""


def _and_rejected(paths: Sequence[str], kind: str, night: Night) -> tuple[str, ...]:
    """Return frames with those like them that take no part now: what is decided must hold once they are accepted.

    Parameters
    ----------
    paths : sequence of str
        Frames that the plan speaks of.
    kind : "flat" or "dark"
        The master they lack. Alike are frames of one kind and geometry, and of one filter (flat) or of one exposure
        and temperature (dark).
    night : Night
    """
    members = [night.by_path[path] for path in paths]
    alike, kinds = {_likeness(frame, kind) for frame in members}, {frame.kind for frame in members}
    temperatures = [frame.temperature_c for frame in members if frame.temperature_c is not None]
    # Once, not for each of thousands of frames: the needs are looked at after every decision.
    span = (min(temperatures), max(temperatures)) if temperatures else None
    more = [
        frame.path
        for frame in night.frames
        if frame.unusable is None
        and frame.kind in kinds  # a few flats among thousands of frames
        and _likeness(frame, kind) in alike
        and (kind == "flat" or _is_as_warm(frame.temperature_c, span))
    ]
    return tuple(dict.fromkeys((*paths, *more)))


def _likeness(frame: Frame, kind: str) -> tuple[object, ...]:
    if frame.shape is None:
        return (frame.path,)
    return (frame.kind, Geometry.of(frame), (frame.filter or None) if kind == "flat" else frame.exposure_s)


def _is_as_warm(temperature_c: float | None, span_c: tuple[float, float] | None) -> bool:
    if temperature_c is None or span_c is None:
        return temperature_c is None and span_c is None
    return span_c[0] - _SAME_TEMPERATURE_C <= temperature_c <= span_c[1] + _SAME_TEMPERATURE_C


def _suspects(
    rows: Mapping[str, QualityRow],
    calibration: Mapping[str, tuple[Flag, ...]],
    rejected: Mapping[str, str],
    kept: frozenset[str],
) -> list[Need]:
    by_cause: dict[tuple[str, bool], dict[str, Flag]] = {}  # those of calibration frames are asked about by themselves
    science = {path: row.flags for path, row in rows.items()}
    for path, flags in (*science.items(), *calibration.items()):
        if path in rejected or path in kept:
            continue
        worst = gravest_flag(flags)
        if worst is not None:
            by_cause.setdefault((worst.cause, path in rows), {})[path] = worst
    ordered = sorted(by_cause.items(), key=lambda one: -len(one[1]))
    return [_suspected(cause, flagged) for (cause, _), flagged in ordered]


def _suspected(cause: str, flagged: Mapping[str, Flag]) -> Need:
    """Ask about the frames of one cause: the bad ones can be rejected without those that are merely suspect."""
    paths = tuple(flagged)
    bad = tuple(path for path, flag in flagged.items() if flag.severity == "bad")
    whose = "this frame" if len(paths) == 1 else f"these {len(paths)} frames"
    settled = "stays, and nothing more is asked about it" if len(paths) == 1 else "stay, and nothing more is asked"
    keep = Remedy("Keep", "accept", tip=f"accept {whose} all the same: {settled}; Ctrl+Z takes it back")
    severity: Literal["bad", "suspect"] = "bad" if bad else "suspect"
    tone: Literal["bad", "warn"] = "bad" if bad else "warn"
    if not 0 < len(bad) < len(paths):
        title = f"{counted(len(paths), f'{severity} frame')} · {cause}"
        ways = (_SHOW, Remedy("Reject", "reject", value=cause, tip=_reject_tip(whose, cause, len(paths))), keep)
        why = _example(paths[0], flagged[paths[0]])
        why = f"For example {why}" if len(paths) > 1 else why
        return Need(title, why, paths, ways, tone, severity=severity)
    rest = len(paths) - len(bad)
    which = "the bad frame" if len(bad) == 1 else f"the {len(bad)} bad frames"
    left = "the suspect one stays" if rest == 1 else f"the {rest} suspect ones stay"
    tip = f"{_reject_tip(which, cause, len(bad))}; {left} in this list"
    some = Remedy(f"Reject {len(bad)} bad", "reject", value=cause, paths=bad, tip=tip)
    both = Remedy(f"Reject all {len(paths)}", "reject", value=cause, tip=_reject_tip(whose, cause, len(paths)))
    first = next(path for path in paths if path not in bad)
    why = f"Bad is {_example(bad[0], flagged[bad[0]])}\nSuspect is {_example(first, flagged[first])}"
    holds = f"{len(bad)}{NO_BREAK}bad, {rest}{NO_BREAK}suspect"
    ways = (_SHOW, some, both, keep)
    return Need(_counted(paths, cause), why, paths, ways, tone, holds=holds, severity=severity)


def _reject_tip(whose: str, cause: str, number: int) -> str:
    used = "it is not calibrated, and nothing is made of it" if number == 1 else "they are used for nothing"
    return f"reject {whose} as “{cause}”: {used}; Ctrl+Z takes it back"


def _example(path: str, flag: Flag) -> str:
    return f"{path.rsplit('/', 1)[-1]}: {flag.words}"


def _counted(paths: Sequence[str], words: str) -> str:
    return f"{counted(len(paths), 'frame')} · {words}"


def _head(words: str) -> str:
    """Return the first clause of a warning, as a title."""
    words = in_window(words)  # before it is cut: half a command would stay as it is
    for stop in (": ", "; ", " ("):
        words = words.split(stop, 1)[0]
    return words[:1].upper() + words[1:]


def output_problem(output: Path) -> str:
    """Say why nothing can be written into an output folder that may not be there yet; "" when it can."""
    folder = next((folder for folder in (output, *output.parents) if folder.exists()), output)
    if not folder.is_dir():
        return f"{folder} is a file; results need a folder"
    return "" if os.access(folder, os.W_OK) else f"{folder} cannot be written to"
