"""``astep scan``: the frames of a night, before anything is decided."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline_core.scan import scan_night

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk
    from pipeline_core.types import Frame

LISTED = 60
"""More rows than this do not help a person at a terminal; the summary and the problems do."""


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """List every scanned file with what is known of it."""
    night = scan_night(arguments.night, talk.context())
    talk.answer(
        {
            "night": str(night.root),
            "frames": [frame_document(f) for f in night.frames],
            "problems": list(night.problems),
        }
    )
    kinds = Counter(
        (f.kind.value, f.filter or "", f"{f.exposure_s:g} s" if f.exposure_s is not None else "?")
        for f in night.frames
        if f.unusable is None
    )
    talk.table(
        ("kind", "filter", "exposure", "frames"),
        [(*group, number) for group, number in sorted(kinds.items())],
        title=f"{night.root}: {len(night.frames)} files",
    )
    troubled = [f for f in night.frames if f.problems or f.unusable]
    if troubled:
        talk.say()
        talk.table(
            ("file", "problem"), [(f.path, "; ".join(all_problems(f))) for f in troubled[:LISTED]], title="Needs a look"
        )
        if len(troubled) > LISTED:
            talk.say(f"… and {len(troubled) - LISTED} more; `--json` lists them all")
    for problem in night.problems:
        talk.say(f"note: {problem}")
    talk.say(f"\nnext: `astep plan {shlex.quote(str(arguments.night))}` shows what would be done")
    return 0


def all_problems(frame: Frame) -> list[str]:
    """Return why a frame cannot be used, if so, and what else is odd about it."""
    why = frame.unusable
    said = any(why in words for words in frame.problems) if why else True
    return ([] if said or why is None else [why]) + list(frame.problems)


def frame_document(frame: Frame) -> dict[str, Any]:
    """Return a frame as the contract's JSON."""
    return {
        "path": frame.path,
        "kind": frame.kind.value,
        "filter": frame.filter,
        "exposure_s": frame.exposure_s,
        "mid_utc": utc_words(frame),
        "shape": list(frame.shape) if frame.shape is not None else None,
        "temperature_c": frame.temperature_c,
        "gain_e_per_adu": frame.gain_e_per_adu,
        "read_noise_e": frame.read_noise_e,
        "object": frame.object,
        "usable": frame.unusable is None,
        "problems": all_problems(frame),
    }


def utc_words(frame: Frame) -> str | None:
    """Mid-exposure as ISO 8601 UTC to the millisecond."""
    if frame.mid_utc is None:
        return None
    return frame.mid_utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
