"""What a quick look measured, kept in the logbook: a night that is opened again needs no measuring.

Kept is what decides a verdict of frames without final values, and of the few others that they are judged among. Each
frame is known by the key of its task: by its file's size and time of change, and by all settings it was measured with.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError
from pipeline_core.io.database import Database

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pipeline_core.session import Place
    from pipeline_core.stage import Made, Task

_FACT = "measured quickly: "
"""How the names begin under which the logbook remembers it, followed by the frame's path."""
AT_ONCE = 8
"""Frames that are written under one lock (a frame is some 20 kB): whoever decides meanwhile waits for it."""


def kept_measures(database: Database, tasks: Mapping[str, Task]) -> dict[str, Made]:
    """Return path → what an earlier quick look measured, as far as it would measure the same now.

    Parameters
    ----------
    database : Database
        Of the night's logbook.
    tasks : mapping
        Path → task of the quick look.
    """
    found: dict[str, Made] = {}
    for name, text in database.facts(_FACT):
        task = tasks.get(name.removeprefix(_FACT))
        # The key stands first: what is of no use need not be parsed.
        if task is not None and text.startswith(f'["{task.key}"'):
            found[task.label] = json.loads(text)[1]
    return found


def keep_measures(
    place: Place, tasks: Mapping[str, Task], measured: Mapping[str, Made], wanted: Collection[str]
) -> None:
    """Keep what was measured until the next look, and forget frames that no look asks for any more.

    Parameters
    ----------
    place : Place
        Where there is no logbook, or none that can be written to, nothing is kept.
    tasks : mapping
        Path → task of the quick look.
    measured : mapping
        Path → what was measured just now.
    wanted : collection of str
        Paths of all frames that the look needs: what was kept of others (which have final values since) goes.
    """
    if not place.has_logbook or not os.access(place.output, os.W_OK):
        return
    names = {f"{_FACT}{path}" for path in wanted}
    lines = [(f"{_FACT}{path}", json.dumps([tasks[path].key, made], default=float)) for path, made in measured.items()]
    # On a full or locked disk nothing is kept: it saves the next look some time, and this one has its answer.
    with suppress(AstepError), Database(place.output, waits=False) as database:
        for first in range(0, len(lines), AT_ONCE):
            database.remember_all(lines[first : first + AT_ONCE])
        database.forget([name for name, _ in database.facts(_FACT) if name not in names])
        database.settle()
