"""``astep set | reject | accept | undo | redo | decisions``: what a person decides about frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from pipeline_core.align_night import rejected_references
from pipeline_core.cli import EXIT_OK
from pipeline_core.cli.set_recipe import named_settings, set_recipe
from pipeline_core.dark_choice import CHOSEN
from pipeline_core.decisions import MASTERS, RECIPE, REFERENCE_REJECTED
from pipeline_core.errors import UsageError, did_you_mean
from pipeline_core.io.decision_lists import read_list
from pipeline_core.logbook import Logbook, rejecting
from pipeline_core.name_words import counted, named
from pipeline_core.plan import build_plan
from pipeline_core.scan import scan_night
from pipeline_core.session import Place, check_night, check_output, choices_of, find_place, matching, recipe_of
from pipeline_core.solve_hints import HINTS, half_places
from pipeline_core.store import Store
from pipeline_core.types import Frame, FrameKind, Night
from pipeline_core.verdicts import move_products

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline_core.cli.talk import Talk
    from pipeline_core.decisions import Decision

NUMBERS = ("exposure_s", "gain_e_per_adu", "temperature_c", "time_offset_s", *HINTS)
_DEEDS = {"decide": "", "undo": "by undo", "redo": "by redo"}
FIELDS = ("kind", "filter", *NUMBERS, "bias", "dark", "flat")


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Write one decision, take one back, or list them all."""
    place = find_place(arguments.target, arguments.output)
    if arguments.deed == "decisions" and not place.has_logbook:
        talk.answer({"output": str(place.output), "decisions": []})
        talk.say("nothing has been decided yet")
        return EXIT_OK
    check_output(place)
    check_night(place, arguments.deed)
    night = scan_night(place.night, talk.context())
    if not place.has_logbook and arguments.deed in {"undo", "redo"}:
        raise UsageError(f"nothing can be taken back in {place.output}", "nothing has been decided yet")
    place.output.mkdir(parents=True, exist_ok=True)
    with Logbook.open(place.output, place.night) as logbook:
        logbook.note_frames(night)
        if arguments.deed == "set" and (settings := named_settings(arguments.patterns)):
            talk.answer({"output": str(place.output), **set_recipe(settings, arguments, place, logbook, talk)})
            return EXIT_OK
        deed = {
            "set": _set,
            "reject": _reject,
            "accept": _accept,
            "undo": _undo,
            "redo": _redo,
            "decisions": _list,
        }
        document = deed[arguments.deed](arguments, night, logbook, talk)
        if arguments.deed != "decisions":
            move_products(place.output, logbook)
    talk.answer({"output": str(place.output), **document})
    return EXIT_OK


def _set(arguments: argparse.Namespace, night: Night, logbook: Logbook, talk: Talk) -> dict[str, Any]:
    assignments = [p for p in arguments.patterns if p.split("=", 1)[0] in FIELDS and "=" in p]
    patterns = [p for p in arguments.patterns if p not in assignments]
    given = {field: getattr(arguments, field, None) for field in FIELDS}
    assignments += [f"{field}={value}" for field, value in given.items() if value is not None]
    for pattern in patterns:
        _check_no_field(pattern, night)
    if not assignments:
        raise UsageError(
            "nothing to set",
            f"write for instance kind=dark; fields are {', '.join(FIELDS)}",
            "example: astep set NIGHT filter=R '*_SCIENCE*'; settings of the recipe: astep set OUT cosmic.sigclip=5",
        )
    frames, _ = _chosen(night, patterns, None)
    values = {name: _value(name, text) for name, text in (a.split("=", 1) for a in assignments)}
    if all(name in HINTS for name in values):
        frames = _lights(frames, night, logbook)
    _check_places(frames, values, logbook)
    changes = [(f.path, name, value) for f in frames for name, value in values.items()]
    step = logbook.decide_all(
        changes,
        arguments.reason,
        label=lambda paths: f"set {', '.join(assignments)} for {counted(len(paths), 'frame')}",
    )
    for name, value in values.items():
        talk.say(
            f"{name} = {value if value is not None else '(as the header says)'} for {counted(len(frames), 'frame')}"
        )
    if step is None:
        talk.say("  nothing changed: it was decided so already")
    for words in _unheard_masters(frames, values, night, logbook):
        talk.say(f"  ! {words}")
    unlit = sum(1 for f in logbook.apply(replace(night, frames=tuple(frames))).frames if not f.kind.has_filter)
    if values.get("filter") is not None and unlit:
        talk.say(f"  ! {unlit} of them saw no light (bias, dark, flatdark): a filter means nothing there")
    return {"set": values, "paths": [f.path for f in frames]}


def _unheard_masters(frames: list[Frame], values: dict[str, Any], night: Night, logbook: Logbook) -> list[str]:
    """Say where a chosen master changes nothing, or does not match: none has that name, or the frame takes none."""
    chosen = {kind: values[kind] for kind in MASTERS if values.get(kind)}
    if not chosen:
        return []
    decided = logbook.apply(night)
    place = Place(night.root, logbook.output)
    plan = build_plan(decided, recipe_of(place, None), choices_of(logbook))
    told = {science.path: science.warnings for science in plan.science}
    if "flat" not in chosen:  # flats take these too
        told |= {path: master.warnings for master in plan.masters if master.kind == "flat" for path in master.frames}
    lines = Counter(
        words
        for f in frames
        for words in told.get(f.path, ())
        if any(f"{kind} {CHOSEN}" in words or words.startswith(f"{name} was chosen") for kind, name in chosen.items())
    )
    deaf = len(frames) - sum(f.path in told for f in frames)
    if deaf:
        takers = "science frames or flats" if "flat" not in chosen else "science frames"
        lines[f"{deaf} of them are no usable {takers}: only these take a master that is chosen for them"] = deaf
    return list(lines)


def _lights(frames: list[Frame], night: Night, logbook: Logbook) -> list[Frame]:
    """Return those that look at the sky: "*" means them when it is said where the sky is."""
    decided = logbook.apply(night).by_path
    lights = [frame for frame in frames if decided[frame.path].kind is FrameKind.SCIENCE]
    if not lights:
        raise UsageError(
            "none of these frames looks at the sky",
            "hints say where a science frame is to be searched",
            "list the frames with `astep scan NIGHT`; kind=science makes one of a frame",
        )
    return lights


def _check_places(frames: list[Frame], values: dict[str, Any], logbook: Logbook) -> None:
    """Refuse a right ascension without a declination: with the header's other half it would be some third place."""
    if half := half_places(logbook, [frame.path for frame in frames], values):
        raise UsageError(
            f"cannot look around half a place: {named(half)}",
            "hint_ra_deg and hint_dec_deg go together",
            "example: astep set OUT hint_ra_deg=217.4 hint_dec_deg=-62.7 '*_0042_*'",
        )


def _check_no_field(pattern: str, night: Night) -> None:
    """Refuse ``fliter=R``: a field that does not exist must not pass for a pattern that matches nothing."""
    name, is_assignment, _ = pattern.partition("=")
    if is_assignment and name.isidentifier() and not any(pattern in frame.path for frame in night.frames):
        suggestion = did_you_mean(name, FIELDS)
        raise UsageError(
            f"there is no field {name!r} to set",
            f"fields are {', '.join(FIELDS)}",
            suggestion or "example: astep set NIGHT filter=R '*_SCIENCE*'",
        )


def _value(name: str, text: str) -> Any:
    """Read a field's value; an empty one takes the decision back to what the header says."""
    if text == "":
        return None
    if name == "kind":
        text = text.lower()
        if text not in {kind.value for kind in FrameKind}:
            raise UsageError(
                f"there is no kind {text!r}", f"kinds are {', '.join(FrameKind)}", did_you_mean(text, FrameKind)
            )
        return text
    if name in NUMBERS:
        try:
            number = float(text)
        except ValueError:
            raise UsageError(f"{name} cannot be {text!r}", "it is a number", f"example: {name}=12.5") from None
        if not abs(number) < 1e9 or (name == "exposure_s" and number < 0) or (name == "gain_e_per_adu" and number <= 0):
            raise UsageError(f"{name} cannot be {text}", "no camera has that")
        return number
    return text


def _reject(arguments: argparse.Namespace, night: Night, logbook: Logbook, talk: Talk) -> dict[str, Any]:
    frames, listed = _chosen(night, arguments.patterns, arguments.list)
    reasons = {frame.path: arguments.reason or listed.get(frame.path, "") for frame in frames}
    by_rule = logbook.rejected_by_rule()
    before = {path: why for path, why in logbook.rejected().items() if path not in by_rule}
    again = [path for path in reasons if path in before]
    # Saying it again without a reason must not wipe out the reason that was given.
    wanted = {path: why or "by hand" for path, why in reasons.items() if path not in before or why}
    logbook.decide_all(
        rejecting(wanted),
        arguments.reason or ("by hand" if arguments.list is None else f"listed in {arguments.list.name}"),
        label=lambda paths: f"reject {paths[0] if len(paths) == 1 else counted(len(paths), 'frame')}",
    )
    new = len(frames) - len(again)
    if new:
        kinds = _kinds(f for f in frames if f.path not in before)
        talk.say(f"rejected {counted(new, 'frame')}{kinds}{': ' + arguments.reason if arguments.reason else ''}")
        with Store(logbook.output, logbook.database) as store:
            lost = set(rejected_references(store, {f.path for f in frames} - before.keys(), logbook.references()))
        if lost:
            talk.say(f"  ! {named(sorted(lost))}: {REFERENCE_REJECTED}")
    for (old, why), paths in _by_value({path: (before[path], reasons[path]) for path in again}).items():
        if why and why != old:
            told = f"the reason was {old!r} and is now {why!r} (`astep undo` brings the old one back)"
        else:
            told = f"the reason stays {old!r}"
        talk.say(f"rejected already: {named(paths)}; {told}")
    return {"rejected": [f.path for f in frames]}


def _kinds(frames: Iterable[Frame]) -> str:
    """Name the kinds of frames when there are several: a pattern may catch more than was meant."""
    kinds = Counter(str(frame.kind) for frame in frames)
    return f" ({', '.join(f'{number} {kind}' for kind, number in kinds.items())})" if len(kinds) > 1 else ""


def _by_value(words: dict[str, tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for path, value in words.items():
        groups.setdefault(value, []).append(path)
    return groups


def _accept(arguments: argparse.Namespace, night: Night, logbook: Logbook, talk: Talk) -> dict[str, Any]:
    frames, _ = _chosen(night, arguments.patterns, arguments.list)
    before, last = logbook.rejected(), logbook.last_id()
    logbook.accept([f.path for f in frames], arguments.reason)
    changed = {decision.subject for decision in logbook.changes_since(last)}
    fresh = [frame for frame in frames if frame.path in changed]
    if fresh:
        talk.say(f"accepted {counted(len(fresh), 'frame')}{_kinds(fresh)}")
    if again := [frame.path for frame in frames if frame.path not in changed]:
        talk.say(f"accepted already: {named(again)}; nothing changed")
    if not_rejected := sum(f.path not in before for f in fresh):
        talk.say(f"  {not_rejected} of them not rejected before: now they stay, whatever a rule or a check says")
    return {"accepted": [f.path for f in frames], "changed": [f.path for f in fresh]}


def _undo(arguments: argparse.Namespace, night: Night, logbook: Logbook, talk: Talk) -> dict[str, Any]:
    del night
    undone = logbook.undo(arguments.n)
    for words in undone:
        talk.say(f"taken back: {words}")
    if len(undone) < arguments.n:
        talk.say(f"nothing {'more ' if undone else ''}to undo: every decision of a person is taken back")
    return {"undone": list(undone)}


def _redo(arguments: argparse.Namespace, night: Night, logbook: Logbook, talk: Talk) -> dict[str, Any]:
    del arguments, night
    redone = logbook.redo()
    for words in redone:
        talk.say(f"made again: {words}")
    if not redone:
        talk.say("nothing to redo: only what `astep undo` took back can be made again, until something new is decided")
    return {"redone": list(redone)}


def _list(arguments: argparse.Namespace, night: Night, logbook: Logbook, talk: Talk) -> dict[str, Any]:
    del arguments, night
    history = logbook.history()
    if not history:
        talk.say("nothing has been decided yet")
        return {"decisions": []}
    verdicts = {(d.step, d.deed, d.subject) for d in history if d.field == "rejected"}
    # A verdict says both "not rejected" and "kept in its master": one decision, one line.
    lines = [d for d in history if d.field != "kept" or (d.step, d.deed, d.subject) not in verdicts]
    # How a setting stood before it was first changed is noted for undo: nobody decided that.
    lines = [d for d in lines if (d.subject, d.source) != (RECIPE, "rule")]
    talk.table(
        ("when (UTC)", "by", "frame", "what", "old", "new", "reason", ""),
        [
            (
                d.when_utc[:19].replace("T", " "),
                d.source,
                d.subject,
                *_in_words(d),
                d.reason,
                "taken back" if d.undone and d.deed == "decide" else _DEEDS[d.deed],
            )
            for d in lines
        ],
    )
    rejected = counted(len(logbook.rejected()), "frame")
    made = sum(d.deed == "decide" for d in lines)
    beside = len(lines) - made
    more = f" {counted(beside, 'line')} of undo and redo beside;" if beside else ""
    talk.say(f"{counted(made, 'decision')};{more} rejected now: {rejected}")
    return {"decisions": [asdict(d) for d in history]}


def _in_words(decision: Decision) -> tuple[str, object, object]:
    """Return what was decided, the old value and the new one, as a person reads them."""
    if decision.field == "rejected":
        return "verdict", _verdict(decision.old), _verdict(decision.new)
    if decision.field == "kept":
        return "kept in its master", "yes" if decision.old else None, "yes" if decision.new else None
    if decision.field == "reference":
        return "reference of its field", "yes" if decision.old else None, "yes" if decision.new else None
    return decision.field, decision.old, decision.new


def _verdict(value: object) -> str | None:
    if value is None:
        return None
    if value is False:
        return "accepted"
    return f"rejected: {value}" if value else "rejected"


def _chosen(night: Night, patterns: list[str], names: Path | None) -> tuple[list[Frame], dict[str, str]]:
    """Return the frames that patterns and a list name, and the reasons that stand in the list."""
    listed = read_list(names, night.by_path) if names is not None else {}
    if not patterns and not listed:
        raise UsageError(
            "no frames were named",
            "a pattern is missing" if names is None else f"{names} is empty",
            "example: astep reject NIGHT '*_0042*'",
        )
    chosen = {path: night.by_path[path] for path in listed}
    chosen |= {frame.path: frame for frame in (matching(night.frames, patterns) if patterns else ())}
    return list(chosen.values()), listed
