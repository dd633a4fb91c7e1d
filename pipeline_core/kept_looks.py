"""What the last quick look found, kept beside the results: a night that is opened again shows it at once."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from pipeline_core.logbook import Logbook
from pipeline_core.measures import Flag, QualityRow
from pipeline_core.night_quality import science_measures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from pipeline_core.io.database import Database
    from pipeline_core.session import Place
    from pipeline_core.stage import Task

_FACT = "looked at quickly"
"""Name under which the logbook remembers it."""


def keep_looks(place: Place, rows: Iterable[QualityRow], tasks: Mapping[str, Task]) -> None:
    """Keep judged rows until the next look.

    Parameters
    ----------
    place : Place
        With a logbook; where it cannot be written to, nothing is kept.
    rows : iterable of QualityRow
        Of frames without final values: those of the others are with their products.
    tasks : mapping of path to Task
        The quick look at each frame: another file, or another way of measuring, makes the row worthless.
    """
    if not os.access(place.output, os.W_OK):
        return
    document = json.dumps([[tasks[row.path].key, asdict(row)] for row in rows if row.path in tasks], default=float)
    with Logbook.open(place.output, place.night) as logbook:
        if logbook.database.fact(_FACT) != document:
            logbook.database.remember(_FACT, document)


def kept_looks(database: Database, tasks: Mapping[str, Task]) -> list[QualityRow]:
    """Return the rows that the last quick look kept and that are still true.

    Parameters
    ----------
    database : Database
        Of the night's logbook.
    tasks : mapping of path to Task
        As a quick look would measure each frame now.
    """
    kept = json.loads(database.fact(_FACT) or "[]")
    return [
        _row(document) for key, document in kept if document["path"] in tasks and tasks[document["path"]].key == key
    ]


def _row(document: Mapping[str, Any]) -> QualityRow:
    """Rebuild a row from its JSON; what a newer program wrote besides is left."""
    known = {field.name: document[field.name] for field in fields(QualityRow) if field.name in document}
    known["measures"] = science_measures(known["measures"])
    known["flags"] = tuple(Flag(**flag) for flag in known["flags"])
    if (chart := known["transparency_map"]) is not None:
        known["transparency_map"] = tuple(tuple(line) for line in chart)
    return QualityRow(**known)
