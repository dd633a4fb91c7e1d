"""``astep solve``: every calibrated frame gets its place on the sky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_core.cli import EXIT_NOTHING_DONE, EXIT_OK, EXIT_SOME_FAILED
from pipeline_core.cli.ranges import check_place, check_range
from pipeline_core.cli.stopping import stoppable
from pipeline_core.errors import UsageError
from pipeline_core.name_words import counted
from pipeline_core.session import find_place, recipe_of
from pipeline_core.solve_night import NightSolution, SolveOptions, solve_output

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk
    from pipeline_core.solving.result import FrameSolution


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Solve the frames of an output folder."""
    place = find_place(arguments.output)
    if not place.has_logbook:
        raise UsageError(
            f"{arguments.output} is no output folder",
            "it holds no logbook.sqlite",
            "run `astep reduce NIGHT` first",
        )
    if (arguments.ra is None) != (arguments.dec is None):
        raise UsageError("cannot look around half a place", "--ra and --dec go together", "give --ra and --dec")
    check_place(arguments.ra, arguments.dec)
    check_range("the pixel scale", arguments.scale, 1e-3, 1000.0)
    hint = {"ra_deg": arguments.ra, "dec_deg": arguments.dec, "scale_arcsec": arguments.scale}
    options = SolveOptions(
        workers=arguments.workers,
        force=arguments.force,
        network=not arguments.offline,
        patterns=tuple(arguments.patterns),
        hint={name: value for name, value in hint.items() if value is not None},
    )
    with stoppable(talk.context()) as context:
        night = solve_output(place.output, recipe_of(place, None, context), options, context)
    talk.answer(solve_document(night))
    show_solution(night, talk)
    if not night.solved:
        return EXIT_NOTHING_DONE
    return EXIT_OK if night.solved == len(night.frames) else EXIT_SOME_FAILED


def solve_document(night: NightSolution) -> dict[str, Any]:
    """Return the result as the contract's JSON."""
    return {
        "frames": [frame.document() for frame in night.frames],
        "warnings": list(night.warnings),
        "rejected_left_out": night.left_out,
        "seconds": round(night.seconds, 2),
    }


def show_solution(night: NightSolution, talk: Talk) -> None:
    """Print what was solved, and why the others were not."""

    def shown(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    talk.table(
        ("frame", "", "RA", "Dec", "″/px", "north", "rms ″", "stars", "reference"),
        [
            (
                frame.path, frame.how or "not solved", shown(frame.ra_deg, ".5f"), shown(frame.dec_deg, "+.5f"),
                shown(frame.scale_arcsec, ".4f"), _turned(frame), shown(frame.rms_arcsec, ".3f"),
                frame.stars_matched, frame.reference,
            )
            for frame in night.frames
        ],
    )  # fmt: skip
    for words in night.warnings:
        talk.say(f"  ! {words}")
    reasons: dict[str, list[str]] = {}
    for frame in night.frames:
        if not frame.solved:
            reasons.setdefault(frame.reason or "", []).append(frame.path)
    for reason, paths in reasons.items():
        talk.say(f"  x not solved: {paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}: {reason}")
    notes = dict.fromkeys(note for frame in night.frames for note in frame.notes)
    for note in notes:
        number = sum(note in frame.notes for frame in night.frames)
        talk.say(f"  - {counted(number, 'frame')}: {note}")
    if night.left_out:
        talk.say(f"  - {counted(night.left_out, 'rejected frame')} left out; naming a frame solves it all the same")
    talk.say(f"{counted(night.solved, 'frame')} of {len(night.frames)} solved · {night.seconds:.1f} s")


def _turned(frame: FrameSolution) -> str:
    """Say where north is, and whether the frame is mirrored."""
    if frame.rotation_deg is None:
        return "–"
    return f"{frame.rotation_deg:+.2f}{' mirrored' if frame.parity == -1 else ''}"
