"""Lines of the store as they are read from its tables."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Product:
    """One line of the store."""

    name: str
    """Output-relative path under which its task knows it; stage and label for a measurement."""
    location: str | None
    """Output-relative path where the file is now; None for a measurement."""
    label: str
    stage: str
    key: str
    made: Made
    seconds: float
    versions: dict[str, str]
    when_utc: str
