"""``astep export``: calibrated frames that are not rejected, as another program reads them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline_core.cli import EXIT_OK
from pipeline_core.handing_on import hand_on, without_wcs, without_wcs_words
from pipeline_core.name_words import counted
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
    left_out = [{"path": path, "reason": why} for path, why in handed.frames.left_out.items()]
    aside = {"left_out": left_out, "without_time": list(handed.untimed), "without_wcs": unplaced}
    talk.answer(answer | {"stands": dict(Counter(handed.frames.stands.values()))} | aside | doubts)
    how = handed.frames.how
    talk.say(f"{counted(len(written), 'frame')} for {arguments.program}: {how}; in {arguments.folder}")
    if handed.words:
        talk.say(f"  - {handed.words}")
    if words := without_wcs_words(unplaced, len(written), f"`astep solve {place.output}` looks for them on the sky"):
        talk.say(f"  ! {words}")
    if handed.left_words:
        talk.say(f"  - {handed.left_words}")
    for path in handed.untimed:
        talk.say(f"  ! left out {path}: its time is unknown; set it with `astep set`")
    return EXIT_OK
