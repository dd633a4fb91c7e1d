"""Steps of decisions in the logbook's tables: how one is added, which can be undone, what is in force."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipeline_core.decisions import Value
from pipeline_core.io.database import Database

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from pipeline_core.decisions import Source

Current = dict[str, dict[str, Value]]
"""Subject → field → value in force."""

Label = str | Callable[[Sequence[str]], str]
"""What a step is called, or what makes the words of the subjects it changes."""

LAST_WORDS = """
SELECT subject, field, new, source FROM decisions
WHERE id IN (SELECT max(id) FROM decisions GROUP BY subject, field)
"""
IN_FORCE = f"{LAST_WORDS} AND new IS NOT NULL ORDER BY subject, field"

MANY = 300
"""From so many on, one question for all that was ever decided is quicker than one for each."""


def record(
    connection: sqlite3.Connection,
    deed: str,
    label: Label,
    changes: Sequence[tuple[str, str, Value, Source]],
    *,
    reason: str = "",
    source: Source = "person",
    of: int | None = None,
) -> int | None:
    """Append one step; changes that change nothing are left out, and a step without changes is none.

    A label that is a function is told the subjects that change, each once: it names those, not all that were asked for.
    """
    last_of = _last_words(connection, [(subject, field) for subject, field, _, _ in changes])
    lines = []
    for subject, field, value, said_by in changes:
        last = last_of.get((subject, field), (None, None))
        new = _written(value)
        # The same value said by a person instead of a rule is a change: it now stands against rules.
        if new != last[0] or (new is not None and said_by != last[1]):
            lines.append((subject, field, last[0], last[1], new, said_by))
    if not lines and of is None:
        return None
    if not isinstance(label, str):
        label = label(list(dict.fromkeys(subject for subject, *_ in lines)))
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    step = connection.execute(
        "INSERT INTO steps (when_utc, deed, label, reason, source, step) VALUES (?, ?, ?, ?, ?, ?)",
        (when, deed, label, reason, source, of),
    ).lastrowid
    connection.executemany(
        "INSERT INTO decisions (step, subject, field, old, old_source, new, source) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(step, *line) for line in lines],
    )
    return step


def _last_words(
    connection: sqlite3.Connection, asked: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str | None, str]]:
    """Return (subject, field) → value and source as they were decided last; what never was is left out."""
    if len(asked) > MANY:
        rows = connection.execute(LAST_WORDS).fetchall()
        return {(subject, field): (new, source) for subject, field, new, source in rows}
    question = "SELECT new, source FROM decisions WHERE subject = ? AND field = ? ORDER BY id DESC LIMIT 1"
    found = {one: connection.execute(question, one).fetchone() for one in asked}
    return {one: row for one, row in found.items() if row is not None}


def stacks(connection: sqlite3.Connection | Database) -> tuple[list[int], list[int]]:
    """Return the steps that can be undone and those that can be made again, last one last."""
    question = "SELECT id, deed, step FROM steps WHERE source != 'rule' ORDER BY id"
    rows = connection.rows(question) if isinstance(connection, Database) else connection.execute(question).fetchall()
    done: list[int] = []
    undone: list[int] = []
    for step, deed, of in rows:
        if deed == "decide":
            done.append(step)
            undone.clear()
        elif deed == "undo":
            undone.append(done.pop(done.index(of)))
        else:
            done.append(undone.pop(undone.index(of)))
    return done, undone


def current_of(rows: Iterable[tuple[Any, ...]]) -> Current:
    """Return what the rows of :data:`IN_FORCE` come to."""
    current: Current = {}
    for subject, field, new, _source in rows:
        current.setdefault(subject, {})[field] = load(new)
    return current


def rejected_of(current: Current) -> dict[str, str]:
    """Return the rejected frames and why."""
    return {
        path: str(fields["rejected"]) for path, fields in current.items() if isinstance(fields.get("rejected"), str)
    }


@lru_cache(4096, typed=True)  # thousands of decisions hold few values; typed, for 1 is not True
def _written(value: Value) -> str | None:
    return None if value is None else json.dumps(value)


@lru_cache(4096)
def load(text: str | None) -> Value:
    """Return a value from its column; None where it was never decided."""
    value: Value = None if text is None else json.loads(text)
    return value
