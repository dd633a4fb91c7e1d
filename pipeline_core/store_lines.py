"""Lines of the store as they are read from its tables."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline_core.stage import Made

ROW = (
    "SELECT p.key, p.made, p.location, p.previous, p.size_bytes, s.mtime_ns, s.crc32 "
    "FROM products p LEFT JOIN signatures s ON s.name = p.name WHERE p.name = ?"
)
"""What a :class:`Row` is read by."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is noted of one product or measurement, for checking it."""

    key: str
    made: str
    location: str | None
    previous: str | None
    """Where the file was before a move that is not finished."""
    size_bytes: int | None
    mtime_ns: int | None
    crc32: int | None


@dataclass(frozen=True)
class Product:
    """One line of the store. What was reported is parsed when it is asked for: it may be a list of a thousand stars."""

    name: str
    """Output-relative path under which its task knows it; stage and label for a measurement."""
    location: str | None
    """Output-relative path where the file is now; None for a measurement."""
    label: str
    stage: str
    key: str
    report: str = field(repr=False)
    """JSON, as it is kept."""
    seconds: float
    built_with: str = field(repr=False)
    """JSON, as it is kept."""
    when_utc: str

    @cached_property
    def made(self) -> Made:
        """What the task reported; only to be read."""
        made: Made = json.loads(self.report)
        return made

    @cached_property
    def versions(self) -> dict[str, str]:
        """Programs and libraries it was made with, by name."""
        versions: dict[str, str] = json.loads(self.built_with)
        return versions
