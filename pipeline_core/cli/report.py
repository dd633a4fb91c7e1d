"""``astep report``: the night in one HTML file, to look at and to send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.cli import EXIT_OK
from pipeline_core.report import write_report
from pipeline_core.session import check_night, find_place

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Write the report and say where it is."""
    place = find_place(arguments.output)
    check_night(place)
    file = write_report(place, talk.context(), file=arguments.file, small=arguments.small)
    size = file.stat().st_size
    talk.answer({"report": str(file), "bytes": size})
    talk.say(f"report: {file} ({size / 1000:.0f} KB)")
    return EXIT_OK
