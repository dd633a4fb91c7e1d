"""``astep plan``: what will be done, in words and numbers, before anything is done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline_core.cli.wording import by_reason
from pipeline_core.errors import NightError
from pipeline_core.name_words import counted
from pipeline_core.planned import plan_as_known
from pipeline_core.scan import scan_night
from pipeline_core.session import check_night, find_place, recipe_of

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk
    from pipeline_core.plan import Plan


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Plan a night and explain it; creates nothing."""
    place = find_place(arguments.night, arguments.output)
    check_night(place)  # a plan writes nothing down, not even where the night is now
    recipe = recipe_of(place, arguments.recipe, talk.context())
    plan = plan_as_known(place, scan_night(place.night, talk.context()), recipe)
    show_plan(plan, talk)
    if not plan.science and not plan.masters:
        raise NightError(
            f"nothing can be done with {place.night}",
            "no usable calibration or science frame was found",
            "look at `astep scan NIGHT`, and set kinds with `astep set NIGHT kind=science PATTERN`",
        )
    talk.answer(plan_document(plan))
    return 0


def show_plan(plan: Plan, talk: Talk) -> None:
    """Print the plan as tables that a newcomer understands."""
    if not plan.masters:
        talk.say("Masters: none, as no calibration frame serves (why: below)")
    talk.table(
        ("master", "frames", "how it is made"),
        [(m.name, "" if m.kind == "mask" else len(m.frames), m.equation) for m in plan.masters],
        title="Masters: calibration frames become these",
    )
    talk.say()
    equations = Counter((s.group, s.equation) for s in plan.science)
    talk.table(
        ("field · filter · exposure", "frames", "how each is calibrated"),
        [(group, number, equation) for (group, equation), number in equations.items()],
        title="Science frames",
    )
    notes = Counter(warning for s in plan.science for warning in s.warnings)
    lines = [f"{words} ({counted(number, 'science frame')})" for words, number in notes.items()]
    lines += [f"{m.name}: {words}" for m in plan.masters for words in m.warnings]
    lines += plan.warnings
    if lines:
        talk.say("\nWarnings")
        for line in lines:
            talk.say(f"  ! {line}")
    if plan.left_out:
        talk.say()
        talk.table(("left out", "why"), by_reason(plan.left_out))
    talk.say(f"\nThe products will take about {plan.bytes_needed / 1e9:.2f} GB. Raw files are not touched.")


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the plan as the contract's JSON."""
    return {
        "masters": [
            {
                "name": m.name,
                "kind": m.kind,
                "filter": m.filter,
                "exposure_s": m.exposure_s,
                "frames": list(m.frames),
                "bias": m.bias,
                "dark": m.dark,
                "temperature_c": m.temperature_c,
                "holds_bias": m.holds_bias,
                "equation": m.equation,
                "warnings": list(m.warnings),
            }
            for m in plan.masters
        ],
        "science": [
            {
                "path": s.path,
                "group": s.group,
                "bias": s.bias,
                "dark": s.dark,
                "flat": s.flat,
                "mask": s.mask,
                "bias_in_dark": s.bias_in_dark,
                "equation": s.equation,
                "warnings": list(s.warnings),
            }
            for s in plan.science
        ],
        "left_out": [{"path": item.path, "reason": item.reason} for item in plan.left_out],
        "warnings": list(plan.warnings),
        "bytes_needed": plan.bytes_needed,
    }
