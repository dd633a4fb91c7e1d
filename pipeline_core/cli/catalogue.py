"""``astep catalogue``: reference stars brought to the disk, for work without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.catalogues.tile_cache import TileCache
from pipeline_core.cli import EXIT_NOTHING_DONE, EXIT_OK, EXIT_SOME_FAILED
from pipeline_core.cli.ranges import check_place, check_range
from pipeline_core.cli.stopping import stoppable
from pipeline_core.fetch_catalogue import fetch_night
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Fetch the reference stars of a night, or say what is there."""
    if arguments.deed == "list":
        cache = TileCache()
        number = len(list(cache.folder.rglob("*.npz")))
        talk.answer({"folder": str(cache.folder), "tiles": number, "bytes": cache.size_bytes()})
        talk.say(f"{counted(number, 'tile')} of Gaia DR3, {cache.size_bytes() / 1e6:.1f} MB, in {cache.folder}")
        return EXIT_OK
    check_place(*(arguments.at or (None, None)))
    check_range("the radius", arguments.radius, 1e-3, 180.0)
    check_range("the magnitude", arguments.faintest, 5.0, 21.0)
    with stoppable(talk.context()) as context:
        fetched = fetch_night(
            arguments.night, context, faintest_mag=arguments.faintest, radius_deg=arguments.radius, place=arguments.at
        )
    talk.answer(
        {
            "tiles": fetched.tiles,
            "there": fetched.there,
            "bytes": fetched.size_bytes,
            "failed": list(fetched.failed),
            "pointings": [list(pointing) for pointing in fetched.pointings],
        }
    )
    for words in dict.fromkeys(fetched.failed):
        talk.say(f"  x {words}")
    goes_on = "" if fetched.there == fetched.tiles else "; the same command goes on where this one ended"
    megabytes = fetched.size_bytes / 1e6
    talk.say(f"{fetched.there} of {counted(fetched.tiles, 'tile')} on disk, {megabytes:.1f} MB in all{goes_on}")
    if not fetched.there:
        return EXIT_NOTHING_DONE
    return EXIT_OK if fetched.there == fetched.tiles else EXIT_SOME_FAILED
