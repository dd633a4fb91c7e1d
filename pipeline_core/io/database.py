"""The one SQLite file of an output folder: opened rightly for its disk, its tables versioned."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline_core.errors import AstepError, NightError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DATABASE = "logbook.sqlite"
SCHEMA = 2
BUSY_MS = 10_000
"""How long to wait for another process's (millisecond) transaction before giving up."""

_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "afs",
    "9p",
    "sshfs",
    "gluster",
    "lustre",
    "beegfs",
    "ceph",
    "gpfs",
    "webdav",
    "davfs",
)

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT, when_utc TEXT NOT NULL, deed TEXT NOT NULL, label TEXT NOT NULL,
    reason TEXT NOT NULL, source TEXT NOT NULL, step INTEGER REFERENCES steps (id)
);
CREATE TABLE IF NOT EXISTS decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER NOT NULL REFERENCES steps (id), subject TEXT NOT NULL,
    field TEXT NOT NULL, old TEXT, old_source TEXT, new TEXT, source TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS decisions_of ON decisions (subject, field, id);
CREATE TABLE IF NOT EXISTS products (
    name TEXT PRIMARY KEY, location TEXT, previous TEXT, label TEXT NOT NULL, stage TEXT NOT NULL,
    key TEXT NOT NULL, made TEXT NOT NULL, size_bytes INTEGER, seconds REAL NOT NULL, versions TEXT NOT NULL,
    when_utc TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS products_by_stage ON products (stage);
"""

# Since format 2. What was made before has no line there.
_NOTES = """
CREATE {temp} TABLE IF NOT EXISTS signatures (
    name TEXT PRIMARY KEY, mtime_ns INTEGER NOT NULL, crc32 INTEGER NOT NULL
);
CREATE {temp} TABLE IF NOT EXISTS failures (
    name TEXT PRIMARY KEY, key TEXT NOT NULL, reason TEXT NOT NULL, when_utc TEXT NOT NULL
);
"""


class Database:
    """A connection that several threads of one process may share; each deed is one short transaction.

    Parameters
    ----------
    folder : Path
        The output folder. Made if missing, unless ``read_only``.
    read_only : bool
        Never create or change anything.
    waits : bool
        Whether a change is on the disk when the call returns; else it is once :meth:`settle` was called on any
        connection. Until then it is safe from the program's end, but not from a power cut.

    Raises
    ------
    NightError
        If the folder cannot be written, or holds no logbook to read, or a newer program wrote it.
    """

    def __init__(self, folder: Path, *, read_only: bool = False, waits: bool = True) -> None:
        self.path = folder / DATABASE
        self.read_only = read_only
        self.waits = waits
        self._lock = threading.RLock()
        if read_only and not self.path.is_file():
            raise NightError(f"no logbook in {folder}", "nothing was decided or made there yet", "check the path")
        try:
            if read_only:
                self._connection = _connect(f"{self.path.resolve().as_uri()}?{_looking_mode(self.path)}")
            else:
                folder.mkdir(parents=True, exist_ok=True)
                self._connection = _connect(self.path.resolve().as_uri())
            try:
                self._prepare(read_only=read_only)
            except BaseException:
                self._connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            raise _explained(error, self.path) from error

    def _prepare(self, *, read_only: bool) -> None:
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if found > SCHEMA:
            raise NightError(
                f"cannot read {self.path}",
                f"a newer ASTEP Harvest wrote it (format {found}, this one knows {SCHEMA})",
                "update the program",
            )
        if read_only and found == 0:
            raise NightError(f"no logbook in {self.path.parent}", "it was never written to", "run the night again")
        if read_only:
            if found < SCHEMA:  # asked like the present format: empty tables that live in memory stand in
                self._make(_NOTES.format(temp="TEMP"))
            return
        # Write-ahead logging needs shared memory, which network file systems do not offer.
        journal = "DELETE" if on_network(self.path.parent) else "WAL"
        self._connection.execute(f"PRAGMA journal_mode={journal}")
        if self.waits or journal != "WAL":  # without a log ahead, not to wait can destroy the file
            self._connection.execute("PRAGMA synchronous=FULL")  # a decision is on the disk when the call returns
        else:
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute("PRAGMA wal_autocheckpoint=0")  # which waits too, once in a thousand pages
        if found < SCHEMA:
            with self.transaction():
                self._make(_TABLES + _NOTES.format(temp=""))
                self._connection.execute(f"PRAGMA user_version={SCHEMA}")

    def _make(self, tables: str) -> None:
        for statement in tables.split(";"):
            self._connection.execute(statement)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a question."""
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise _explained(error, self.path) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock: all statements of the block happen, or none."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise _explained(error, self.path) from error

    def settle(self) -> None:
        """Bring all changes to the disk, those of other connections too; nobody who reads or writes waits for it."""
        with self._lock:
            try:
                ((_, ahead, moved),) = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error as error:
                raise _explained(error, self.path) from error
        if moved < ahead:  # a reader still needs the file as it was: what is ahead of it stays in the log, unsynced
            from pipeline_core.io.atomic import sync_file  # noqa: PLC0415 - rare

            try:
                with suppress(FileNotFoundError):  # moved by another connection, which was the last one
                    sync_file(self.path.with_name(f"{self.path.name}-wal"))
            except OSError as error:
                raise _explained(error, self.path) from error

    def fact(self, name: str) -> str | None:
        """Return a remembered fact, or None."""
        found = self.rows("SELECT value FROM facts WHERE name = ?", (name,))
        return found[0][0] if found else None

    def remember(self, name: str, value: str) -> None:
        """Remember a fact under a name, replacing what it was."""
        self.remember_all([(name, value)])

    def remember_all(self, facts: Sequence[tuple[str, str]]) -> None:
        """Remember several facts (name, value) in one transaction."""
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts)

    def facts(self, beginning: str) -> list[tuple[str, str]]:
        """Return name and value of all facts whose names begin so."""
        question = "SELECT name, value FROM facts WHERE substr(name, 1, ?) = ? ORDER BY name"
        return [(name, value) for name, value in self.rows(question, (len(beginning), beginning))]

    def forget(self, names: Sequence[str]) -> None:
        """Remember these facts no longer."""
        if names:
            with self.transaction() as connection:
                connection.executemany("DELETE FROM facts WHERE name = ?", [(name,) for name in names])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; harmless when closed already."""
        with self._lock:
            self._connection.close()


def _looking_mode(path: Path) -> str:
    """Return how to open a file for looking, so that the look leaves no helper files behind.

    A reader of a write-ahead log makes helper files of its own, and cannot in a folder it may not write to.
    Where no log lies beside the file nobody is writing and all is in the file itself: it is read as it is. On a network
    there is no log ahead, and a writer may begin at any moment: there the reader takes its locks.

    Notes
    -----
    What the file is must not be read from it: closing a file drops all locks that this process holds on it, those of
    its other connections too, and another program then removes the log under them
    (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    has_log = any(path.with_name(f"{path.name}-{helper}").exists() for helper in ("wal", "journal"))
    is_at_rest = not has_log and not on_network(path.parent)
    return "immutable=1" if is_at_rest or not os.access(path.parent, os.W_OK) else "mode=ro"


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)


def on_network(folder: Path) -> bool:
    """Whether the folder lies on a network file system."""
    import psutil  # noqa: PLC0415 - not needed to answer --help

    resolved = folder.resolve()
    best = ("", "")
    for partition in psutil.disk_partitions(all=True):
        mount = Path(partition.mountpoint)
        if (resolved == mount or mount in resolved.parents) and len(partition.mountpoint) >= len(best[0]):
            best = (partition.mountpoint, f"{partition.fstype} {partition.opts}".lower())
    kind, _, options = best[1].partition(" ")
    return any(name in kind for name in _NETWORK) or "remote" in options.split(",")


def _explained(error: OSError | sqlite3.Error, path: Path) -> AstepError:
    if isinstance(error, OSError):
        from pipeline_core.io.atomic import explained  # noqa: PLC0415

        return explained(error, path)
    words = str(error).lower()
    if "full" in words:
        return NightError(f"cannot write {path}", "the disk is full", "free some space, then run again")
    if "locked" in words or "busy" in words:
        return NightError(f"cannot use {path}", "another program holds it", "close that program, then try again")
    if "readonly" in words or "unable to open" in words:
        return NightError(
            f"cannot write {path}", "writing is not allowed there", "choose another output folder with -o"
        )
    if "not a database" in words or "malformed" in words:
        return NightError(f"cannot read {path}", "it is damaged, or not a logbook", "move it away, then run again")
    return NightError(f"cannot use {path}", words, "check the disk, then run again")
