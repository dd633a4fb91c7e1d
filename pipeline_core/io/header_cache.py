"""Frames already read, kept in the user's cache folder so that a night opens at once the second time."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import platformdirs

from pipeline_core.resources import resource_path
from pipeline_core.types import Frame, FrameKind, ImageLayout, Section

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 2
"""Raised whenever headers are read differently or a Frame changes: older entries are read anew."""
MAX_FRAMES = 300_000
"""About 300 MB of cache; the oldest go first."""

_TABLE = """
CREATE TABLE IF NOT EXISTS frames (
    root BLOB NOT NULL, path BLOB NOT NULL, reader TEXT NOT NULL,
    size INTEGER NOT NULL, mtime INTEGER NOT NULL, frame TEXT NOT NULL, PRIMARY KEY (root, path)
)
"""
_FIELDS = tuple(field.name for field in fields(Frame))


class HeaderCache:
    """Frames by folder, path, size and time of change.

    A cache that is damaged is thrown away, one that cannot be opened or is busy is done without: it saves
    time and holds nothing that the files do not.

    Parameters
    ----------
    file : Path, optional
        The database; by default in the user's cache folder.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or platformdirs.user_cache_path("astep-harvest") / "frames.sqlite"

    def load(self, root: Path, reader: str) -> dict[str, Frame]:
        """Return the frames of a folder by path, as the given reader left them.

        Parameters
        ----------
        root : Path
            The night, absolute.
        reader : str
            See :func:`reader_key`.

        Returns
        -------
        dict of str to Frame
            Empty when nothing is known. Compare ``size_bytes`` and ``mtime_ns`` with the file.
        """
        try:
            with closing(self._connect()) as database:
                rows = database.execute(
                    "SELECT frame FROM frames WHERE root = ? AND reader = ?", (_bytes(str(root)), reader)
                ).fetchall()
            frames = [frame_from_json(text) for (text,) in rows]
        except (sqlite3.Error, OSError, ValueError, TypeError, KeyError) as error:
            self._throw_away(error)
            return {}
        return {frame.path: frame for frame in frames}

    def save(self, root: Path, reader: str, frames: Iterable[Frame]) -> None:
        """Remember frames; another program may do the same at the same time."""
        rows = [(_bytes(str(root)), _bytes(f.path), reader, f.size_bytes, f.mtime_ns, frame_to_json(f)) for f in frames]
        if not rows:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as database, database:
                database.executemany("INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?, ?, ?)", rows)
                database.execute("DELETE FROM frames WHERE rowid <= (SELECT max(rowid) FROM frames) - ?", (MAX_FRAMES,))
        except (sqlite3.Error, OSError) as error:
            self._throw_away(error)

    def _connect(self) -> sqlite3.Connection:
        if not self.file.parent.is_dir():
            raise FileNotFoundError(self.file.parent)
        database = sqlite3.connect(self.file, timeout=2.0)
        try:
            database.execute("PRAGMA synchronous = OFF")  # what a power cut destroys is read again
            database.execute(_TABLE)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _throw_away(self, error: Exception) -> None:
        """Delete the cache when the error says that it is damaged, not merely busy or out of reach."""
        if isinstance(error, (sqlite3.OperationalError, OSError)):
            return
        try:
            self.file.unlink(missing_ok=True)
        except OSError:  # someone else's file: done without it
            return


def reader_key(profile: str | None) -> str:
    """Return a key that changes when headers would be read differently: program, profiles, choice."""
    digest = hashlib.blake2b(f"{FORMAT} {profile}".encode(), digest_size=10)
    for path in sorted(resource_path("instruments").glob("*.toml")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def frame_to_json(frame: Frame) -> str:
    """Return a frame as JSON text; :func:`frame_from_json` gives it back equal."""
    values: dict[str, Any] = {name: getattr(frame, name) for name in _FIELDS}
    return json.dumps({k: v for k, v in values.items() if v is not None}, default=_plain)


def frame_from_json(text: str) -> Frame:
    """Return the frame that :func:`frame_to_json` wrote.

    Raises
    ------
    ValueError, TypeError, KeyError
        If the text is not of that form.
    """
    values: Any = json.loads(text)
    if not isinstance(values, Mapping):
        raise TypeError("a frame is a JSON object")
    made = dict(values)
    made["kind"] = FrameKind(made["kind"])
    made["problems"] = tuple(made["problems"])
    made["decided"] = tuple(made.get("decided", ()))
    for name in ("binning", "shape"):
        if name in made:
            made[name] = (int(made[name][0]), int(made[name][1]))
    for name in ("overscan", "trim"):
        if name in made:
            made[name] = Section(**made[name])
    if "mid_utc" in made:
        made["mid_utc"] = datetime.fromisoformat(made["mid_utc"])
    if "layout" in made:
        made["layout"] = ImageLayout(**made["layout"])
    return Frame(**made)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Section | ImageLayout):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in a frame")


def _bytes(text: str) -> bytes:
    """Return a path as bytes: names that are no valid Unicode must not stop a scan."""
    return text.encode("utf-8", "surrogateescape")
