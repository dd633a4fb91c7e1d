"""``astep reduce``: a raw night becomes calibrated frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_core.cli import EXIT_NOTHING_DONE, EXIT_OK, EXIT_SOME_FAILED
from pipeline_core.cli.stopping import stoppable
from pipeline_core.cli.wording import by_reason
from pipeline_core.name_words import counted
from pipeline_core.reduce import RunOptions, reduce_night
from pipeline_core.reduced_night_told import reduced_night_told
from pipeline_core.session import check_night, find_place, recipe_of

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from pipeline_core.cli.talk import Talk
    from pipeline_core.events import RunContext
    from pipeline_core.night_told import NightTold
    from pipeline_core.reduction_told import Reduction


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Reduce one night."""
    with stoppable(talk.context()) as context:
        reduction = reduce_one(arguments.night, arguments.output, arguments, context)
        told = reduced_night_told(reduction, context) if arguments.only is None else None
    talk.answer(reduction_document(reduction, told))
    show_reduction(reduction, talk, told)
    return exit_code(reduction)


def reduce_one(night: Path, output: Path | None, arguments: argparse.Namespace, context: RunContext) -> Reduction:
    """Reduce a night with the options of the command line."""
    options = RunOptions(
        workers=arguments.workers,
        memory_bytes=arguments.memory,
        executor=arguments.executor,
        force=arguments.force,
        only=getattr(arguments, "only", None),
    )
    place = find_place(night, output)
    check_night(place, "reduce")
    return reduce_night(place, recipe_of(place, arguments.recipe, context), options, context)


def exit_code(reduction: Reduction) -> int:
    """Return 0 when all usable frames were done, 1 when some failed, 2 when nothing was done."""
    if reduction.failed:
        return EXIT_SOME_FAILED
    return EXIT_OK if reduction.did_something else EXIT_NOTHING_DONE


def reduction_document(reduction: Reduction, told: NightTold | None = None) -> dict[str, Any]:
    """Return the result as the contract's JSON."""
    return {
        "output": str(reduction.output),
        "counts": dict(reduction.counts),
        "masters": dict(reduction.masters),
        "failed": [{"path": path, "reason": reason} for path, reason in reduction.failed],
        "left_out": [{"path": item.path, "reason": item.reason} for item in reduction.left_out],
        "warnings": list(reduction.warnings),
        "noise": reduction.noise.document() if reduction.noise is not None else None,
        "told": told.sentence if told is not None else None,
        "next_time": list(told.next_time) if told is not None else [],
        "seconds": round(reduction.seconds, 2),
        "peak_memory_mb": round(reduction.peak_memory_mb, 1),
        "solved": reduction.sky.solved if reduction.sky is not None else 0,
        "rejected_not_searched": reduction.sky.left_out if reduction.sky is not None else 0,
        "not_solved": reduction.sky_words or None,
    }


def show_reduction(reduction: Reduction, talk: Talk, told: NightTold | None = None) -> None:
    """Print the summary of a run, and how good the night is."""
    _show_warnings(reduction, talk)
    for path, reason in reduction.failed:
        talk.say(f"  x failed {path}: {reason}")
    talk.say(
        f"{', '.join(_done(reduction))} · {reduction.seconds:.1f} s · {reduction.peak_memory_mb / 1000:.2f} GB at most"
    )
    talk.say(f"masters: {', '.join(reduction.masters) or 'none'}")
    if reduction.sky is not None:
        left_out = reduction.sky.left_out
        reference = next((frame.reference for frame in reduction.sky.frames if frame.solved), None)
        talk.say(
            f"solved: {reduction.sky.solved} of {counted(len(reduction.sky.frames), 'frame')}"
            + (f" against {reference}" if reference else f"; `astep solve {reduction.output}` says why")
            + (f"; {counted(left_out, 'rejected frame')} left out" if left_out else "")
        )
    elif reduction.sky_words:
        talk.say(f"not solved: {reduction.sky_words}")
    if reduction.noise is not None:
        talk.say(f"noise: {reduction.noise.words()}")
    if reduction.flagged:
        talk.say(
            f"suggested for a look: {counted(reduction.flagged, 'frame')}; `astep quality {reduction.output}` says why"
        )
    for words in (told.sentence, told.advice) if told is not None else ():
        if words:
            talk.say(words)
    if not (reduction.did_something or reduction.failed):
        talk.say(
            f"nothing was made: all was left out; `astep accept {reduction.output} PATTERN` keeps a frame all the same"
        )
    talk.say(f"results: {reduction.output}")


def _show_warnings(reduction: Reduction, talk: Talk) -> None:
    """Say in full what is new, and count what the last run said as well."""
    old = reduction.said_before
    for warning in reduction.warnings:
        if warning not in old:
            talk.say(f"  ! {warning}")
    for names, reason in by_reason(item for item in reduction.left_out if (item.path, item.reason) not in old):
        talk.say(f"  - left out {names}: {reason}")
    if old:
        warned = sum(1 for said in old if isinstance(said, str))
        told = [counted(warned, "warning")] if warned else []
        told += [f"{counted(len(old) - warned, 'frame')} left out"] if len(old) > warned else []
        talk.say(f"  as before: {' and '.join(told)}; `astep status {reduction.output}` lists them")


def _done(reduction: Reduction) -> list[str]:
    """Say what became of the science frames."""
    counts = reduction.counts
    told = [counted(counts["done"], "science frame") + " calibrated"]
    words = {"cached": "up to date already", "failed": "failed", "left_out": "left out"}
    told += [f"{counts[name]} {how}" for name, how in words.items() if counts[name]]
    if reduction.judged and not counts["done"]:
        told.append(f"{counted(reduction.judged, 'frame')} judged anew")
    if reduction.realigned or (reduction.aligned and not counts["done"]):
        told.append(reduction.aligned_words)
    if reduction.moved and not counts["done"]:
        told.append(reduction.moved_words)
    return told
