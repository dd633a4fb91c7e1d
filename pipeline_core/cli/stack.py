"""``astep stack``: the accepted frames of each group together, deeper than any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_core.cli import EXIT_NOTHING_DONE, EXIT_OK, EXIT_SOME_FAILED
from pipeline_core.cli.stopping import stoppable
from pipeline_core.name_words import counted
from pipeline_core.session import check_night, find_place, recipe_of
from pipeline_core.stack_night import Stack, StackOptions, stack_night

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Stack a reduced night."""
    place = find_place(arguments.output)
    check_night(place)
    options = StackOptions(tuple(arguments.group), arguments.method, arguments.fixed, arguments.force)
    with stoppable(talk.context()) as context:
        night = stack_night(place, recipe_of(place, None, context), options, context)
    talk.answer(
        {
            "stacks": [_document(stack) for stack in night.stacks],
            "removed": [str(file) for file in night.removed],
            "warnings": list(night.warnings),
        }
    )
    for stack in night.stacks:
        _show(stack, talk)
    for file in night.removed:
        talk.say(f"removed: {file}; its group has no frame to stack any more")
    if any(stack.failed for stack in night.stacks):
        return EXIT_SOME_FAILED
    return EXIT_OK if any(stack.file is not None for stack in night.stacks) else EXIT_NOTHING_DONE


def _document(stack: Stack) -> dict[str, Any]:
    return {
        "group": stack.group,
        "file": str(stack.file) if stack.file is not None else None,
        "frames": list(stack.frames),
        "left_out": [{"path": path, "reason": why} for path, why in stack.left_out],
        "reference": stack.reference,
        "method": stack.method,
        "exposure_s": stack.exposure_s,
        "mid_utc": stack.mid_utc,
        "cached": stack.cached,
        "failed": stack.failed,
        "reason": stack.reason,
    }


def _show(stack: Stack, talk: Talk) -> None:
    if stack.file is None:
        talk.say(f"{stack.group}: not stacked: {stack.reason}")
    else:
        words = f"{stack.group}: {counted(len(stack.frames), 'frame')}, {stack.method}"
        if stack.exposure_s is not None:
            words += f", {stack.exposure_s:.0f} s together"
        talk.say(f"{words}{' (up to date already)' if stack.cached else ''}: {stack.file}")
    for path, why in stack.left_out:
        talk.say(f"  - without {path}: {why}")
