"""``astep status``: how far an output folder is, read from its logbook; nothing is changed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline_core.cli import EXIT_OK
from pipeline_core.cli.wording import by_reason
from pipeline_core.errors import UsageError
from pipeline_core.lock import holder
from pipeline_core.logbook import Logbook
from pipeline_core.name_words import counted
from pipeline_core.plan_types import LeftOut
from pipeline_core.session import find_place
from pipeline_core.store import Store

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Say what is made, what is rejected, and whether a run is on."""
    place = find_place(arguments.output)
    if not place.has_logbook:
        raise UsageError(
            f"{arguments.output} is no output folder",
            "it holds no logbook.sqlite",
            "name the folder that `astep reduce` wrote",
        )
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        products = store.products()
        rejected = logbook.rejected()
        night = logbook.night
        warnings, left_out = logbook.told()
    running = holder(place.output)
    # What a search in vain left is no solution.
    in_vain = sum(1 for product in products if not product.made.get("solved", True))
    made = Counter(product.stage for product in products if product.made.get("solved", True))
    # What the last run left out as rejected may be accepted since.
    left_out = [(path, reason) for path, reason in left_out if not _was_rejected(reason) or path in rejected]
    newest = max((product.when_utc for product in products), default=None)
    missing = [p.location for p in products if p.location is not None and not (place.output / p.location).is_file()]
    masters = [p.label for p in products if p.name.startswith("masters/")]
    talk.answer(
        {
            "output": str(place.output),
            "night": str(night) if night is not None else None,
            "made": dict(made),
            "masters": masters,
            "unsolved": in_vain,
            "rejected": len(rejected),
            "missing": missing,
            "last_product_utc": newest,
            "running": running,
            "warnings": warnings,
            "left_out": [{"path": path, "reason": reason} for path, reason in left_out],
        }
    )
    talk.say(f"{place.output}, reduced from {night}" if night is not None else f"{place.output}")
    talk.table(("stage", "made"), sorted(made.items()))
    if in_vain:
        talk.say(f"not solved: {counted(in_vain, 'frame')}; `astep solve {place.output}` says why")
    talk.say(f"masters: {', '.join(masters) or 'none'}")
    talk.say(f"rejected frames: {len(rejected)}; last product: {newest or 'none'}")
    for warning in warnings:
        talk.say(f"  ! {warning}")
    for names, reason in by_reason(LeftOut(*item) for item in left_out):
        talk.say(f"  - left out {names}: {reason}")
    for location in missing:
        talk.say(f"  ! {location} is gone: the next run makes it again")
    talk.say(f"a run is on: {running}" if running else "no run is on now")
    return EXIT_OK


def _was_rejected(reason: str) -> bool:
    return reason == "rejected" or reason.startswith("rejected: ")
