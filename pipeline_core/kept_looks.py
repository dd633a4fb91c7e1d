"""What is known of a night that was looked at before, without measuring or judging anything: shown while both go on.

Frames that were reduced stand in ``quality.ecsv``. What a quick look found of the others, of those that a person
rejected before the night was reduced above all, is kept in the logbook.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError, DataError
from pipeline_core.io.database import Database
from pipeline_core.logbook import Logbook
from pipeline_core.measures import Flag, QualityRow, headline, science_measures
from pipeline_core.quality_table import read_with_calibration
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from pipeline_core.session import Place
    from pipeline_core.types import Frame, Night

_FACT = "looked at quickly"
"""Name under which the logbook remembers it."""
_FIRST = "said at the first look"
"""And what was said of frames before their final values were there."""
TABLE = "quality.ecsv"


@dataclass(frozen=True)
class QuickLook:
    """What is known of a night without reducing it."""

    rows: Sequence[QualityRow]
    """Science frames, judged."""
    calibration_flags: Mapping[str, tuple[Flag, ...]] = field(default_factory=dict)
    """Of calibration frames that an earlier run measured."""
    first_said: Mapping[str, str] = field(default_factory=dict)
    """What an earlier look at the raw frames said of those that have final values now, in a word or two."""


def last_known(place: Place, night: Night) -> QuickLook:
    """Return what the last run and the last quick look left; a second's reading at most, and no kernel.

    Parameters
    ----------
    place : Place
    night : Night

    Notes
    -----
    Decisions since may have changed what frames are compared with: a quick look judges anew and has the last word.
    """
    if not place.has_logbook:
        return QuickLook([])
    with Logbook.read_only(place.output) as logbook:
        kept = {row.path: row for row in kept_looks(logbook.database, night)}
        first = first_looks(logbook.database, night)
    try:
        final, flags = read_with_calibration(place.output / TABLE)
    except DataError:  # there is none before the first run, and one that was cut short is written by the next
        final, flags = [], {}
    measured = {row.path: row for row in final if row.measures.state != "none" and row.path in night.by_path}
    # A frame that is called a science frame since then has nothing said against it as a dark.
    calibration = {frame.path for frame in night.frames if frame.kind is not FrameKind.SCIENCE}
    return QuickLook(
        list((kept | measured).values()),
        {path: flags[path] for path in flags if path in calibration},
        {path: says for path, says in first.items() if path in measured},
    )


def keep_looks(place: Place, rows: Iterable[QualityRow], night: Night, first: Mapping[str, str]) -> None:
    """Keep judged rows until the next look.

    Parameters
    ----------
    place : Place
        With a logbook; where it cannot be written to, nothing is kept.
    rows : iterable of QualityRow
        Of frames without final values: those of the others are in the table.
    night : Night
    first : mapping
        Path → what was said of a frame when it was looked at first.
    """
    if not os.access(place.output, os.W_OK):
        return
    document = json.dumps([[_key(night.by_path[row.path]), asdict(row)] for row in rows], default=float)
    said = json.dumps({path: [_key(night.by_path[path]), first[path]] for path in sorted(first)})
    # On a full or locked disk nothing is kept: it saves the next look some time, and this one has its answer.
    # Not by a logbook: to open one writes its lists while whoever decides in the window waits.
    with suppress(AstepError), Database(place.output, waits=False) as database:
        if (database.fact(_FACT) or "[]") != document:
            database.remember(_FACT, document)
        if (database.fact(_FIRST) or "{}") != said:
            database.remember(_FIRST, said)
        database.settle()


def kept_looks(database: Database, night: Night) -> list[QualityRow]:
    """Return the rows that the last quick look kept, of files that are still the same.

    Parameters
    ----------
    database : Database
        Of the night's logbook.
    night : Night
    """
    frames = night.by_path
    rows = []
    for key, row in json.loads(database.fact(_FACT) or "[]"):
        if row["path"] in frames and key == _key(frames[row["path"]]):
            with suppress(KeyError, TypeError):  # kept by a program that knew other fields: it is looked at anew
                rows.append(_row(row))
    return rows


def first_looks(database: Database, night: Night) -> dict[str, str]:
    """Return path → what was said of a frame, that is still the same, when only the raw one was looked at.

    Parameters
    ----------
    database : Database
        Of the night's logbook.
    night : Night
    """
    frames = night.by_path
    kept = json.loads(database.fact(_FIRST) or "{}")
    first = {path: says for path, (key, says) in kept.items() if path in frames and key == _key(frames[path])}
    # What the last look left may have got its final values since.
    return first | {row.path: headline(row.flags) for row in kept_looks(database, night)}


def _key(frame: Frame) -> list[int]:
    return [frame.size_bytes, frame.mtime_ns]


def _row(document: Mapping[str, Any]) -> QualityRow:
    """Rebuild a row from its JSON; what a newer program wrote besides is left."""
    known = {each.name: document[each.name] for each in fields(QualityRow) if each.name in document}
    known["measures"] = science_measures(known["measures"])
    known["flags"] = tuple(Flag(**flag) for flag in known["flags"])
    if (chart := known["transparency_map"]) is not None:
        known["transparency_map"] = tuple(tuple(line) for line in chart)
    return QualityRow(**known)
