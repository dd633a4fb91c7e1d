"""``astep export``: the accepted calibrated frames as another program reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_core.cli import EXIT_OK
from pipeline_core.errors import NightError
from pipeline_core.export import export_frames
from pipeline_core.logbook import Logbook
from pipeline_core.scan import scan_night
from pipeline_core.session import Place, check_output, find_place
from pipeline_core.store import Store
from pipeline_core.types import FrameKind
from pipeline_core.verdicts import SCIENCE_STAGE

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Export in time order."""
    place = find_place(arguments.output)
    check_output(Place(place.night, arguments.folder))
    context = talk.context()
    night = scan_night(place.night, context)
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        night = logbook.apply(night)
        rejected = logbook.rejected()
        wanted = {f.path for f in night.frames if f.kind is FrameKind.SCIENCE and f.unusable is None} - set(rejected)
        products = [p for p in store.products(SCIENCE_STAGE) if p.label in wanted]
    frames, untimed = [], []
    for product in products:
        mid = night.by_path[product.label].mid_utc
        if mid is None or product.location is None:
            untimed.append(product.label)
        else:
            frames.append((product.label, Path(product.location), mid))
    if not frames:
        raise NightError(
            f"nothing to export from {place.output}",
            "it holds no accepted calibrated frame with a time",
            "run `astep reduce` first, or set the time",
        )
    written = export_frames(place.output, frames, arguments.program, arguments.folder)
    talk.answer({"folder": str(arguments.folder), "files": [path.name for path in written], "without_time": untimed})
    talk.say(f"{len(written)} frames for {arguments.program} lie in {arguments.folder}")
    for path in untimed:
        talk.say(f"  ! left out {path}: its time is unknown; set it with `astep set`")
    return EXIT_OK
