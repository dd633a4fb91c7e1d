"""``astep export``: the accepted calibrated frames as another program reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.cli import EXIT_OK
from pipeline_core.handing_on import hand_on, without_wcs, without_wcs_words
from pipeline_core.scan import scan_night
from pipeline_core.session import check_night, find_place

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Export in time order."""
    place = find_place(arguments.output)
    check_night(place)
    night = scan_night(place.night, talk.context())
    handed = hand_on(place, night, arguments.program, arguments.folder, only_good=arguments.only_good)
    written = handed.files
    unplaced = without_wcs(written)
    names = [path.relative_to(arguments.folder).as_posix() for path in written]
    answer = {"folder": str(arguments.folder), "files": names, "groups": list(handed.groups)}
    doubts = {"suggested": list(handed.suggested), "stale": list(handed.stale), "older": list(handed.older)}
    talk.answer(answer | {"without_time": list(handed.untimed), "without_wcs": unplaced} | doubts)
    talk.say(f"{len(written)} frames for {arguments.program} lie in {arguments.folder}")
    if handed.words:
        talk.say(f"  - {handed.words}")
    for path in handed.untimed:
        talk.say(f"  ! left out {path}: its time is unknown; set it with `astep set`")
    if words := without_wcs_words(unplaced, len(written), f"`astep solve {place.output}` looks for them on the sky"):
        talk.say(f"  ! {words}")
    return EXIT_OK
