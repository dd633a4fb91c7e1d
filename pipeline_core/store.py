"""What was made already: products by their readable name, with the key of all that decided them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

from pipeline_core.errors import NightError
from pipeline_core.io.atomic import explained, put_in_place, remove_stale_parts
from pipeline_core.io.checksum import crc32_of
from pipeline_core.io.database import Database
from pipeline_core.stage import identity
from pipeline_core.store_lines import ROW, Product, Row
from pipeline_core.versions import versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline_core.stage import Made, Task

_BEING_REPLACED = ""
"""Key of a product whose file is just being replaced: no task has it, so whatever lies there vouches for nothing."""


class Store:
    """Products of one output folder, in the logbook's SQLite file. Only the driving process opens it.

    Parameters
    ----------
    output : Path
        The output folder.
    database : Database, optional
        The open file of that folder, to share with a logbook; opened (and closed) here if absent.
    """

    def __init__(self, output: Path, database: Database | None = None) -> None:
        self.output = output
        self._owned = database is None
        self._database = database or Database(output)

    def close(self) -> None:
        """Close the file, unless it is shared."""
        if self._owned:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fresh(self, task: Task, reading: Callable[[], None] | None = None) -> Made | None:
        """Return what a task reported when it was made, if it need not be made again, else None.

        Parameters
        ----------
        task : Task
        reading : callable, optional
            Called before a file is read whole, because its time is not the one it was made at.

        Notes
        -----
        A product counts as unchanged when its size and its time of change are those noted. If the time alone
        differs, its checksum decides: an output that was copied elsewhere is not made again (but read through
        once), a file that was changed by hand to the same size is noticed.
        """
        row = self._row(identity(task))
        if row is None or row.key != task.key:
            return None
        if task.product is not None and not self._is_intact(task.product, row, reading):
            return None
        report: Made = json.loads(row.made)
        return report

    def altered(self, task: Task) -> bool:
        """Whether the file of an up-to-date task is there, but was changed by someone else since."""
        row = self._row(identity(task))
        if row is None or row.key != task.key or task.product is None:
            return False
        return self._place(task.product, row).is_file() and not self._is_intact(task.product, row)

    def _row(self, name: str) -> Row | None:
        found = self._database.rows(ROW, (name,))
        return Row(*found[0]) if found else None

    def _is_intact(self, product: str, row: Row, reading: Callable[[], None] | None = None) -> bool:
        place = self._place(product, row)
        try:
            now = place.stat()
            if now.st_size != row.size_bytes:
                return False
            if row.mtime_ns is None or now.st_mtime_ns == row.mtime_ns:  # of format 1, which knew sizes only
                return True
            if reading is not None:
                reading()
            if crc32_of(place) != row.crc32:
                return False
        except OSError:
            return False
        if not self._database.read_only:  # so that the next look need not read it
            with self._database.transaction() as connection:
                connection.execute("UPDATE signatures SET mtime_ns = ? WHERE name = ?", (now.st_mtime_ns, product))
        return True

    def _place(self, product: str, row: Row) -> Path:
        """Return where the file is now; a move that was cut short between its two halves is completed."""
        if row.previous is None or row.location is None:
            return self.file(row.location or product)
        if self._database.read_only:
            before = self.file(row.previous)
            return before if before.is_file() else self.file(row.location)
        if self.file(row.previous).is_file():
            self._rename(product, row.previous, row.location)
        return self.file(row.location)

    def file(self, product: str) -> Path:
        """Return the full path of an output-relative one.

        Raises
        ------
        NightError
            If it would lie outside the output.
        """
        path = PurePosixPath(product)
        if path.is_absolute() or ".." in path.parts or "\\" in product or ":" in path.parts[0]:
            raise NightError(
                f"cannot write {product}", "it lies outside the output", "rename the raw file or its folder"
            )
        return self.output.joinpath(*path.parts)

    def path(self, task: Task) -> Path:
        """Return where the task's product is now: its own place, or where it was moved."""
        assert task.product is not None, f"{task.label} only measures"
        row = self._row(task.product)
        return self.file(task.product) if row is None else self._place(task.product, row)

    def finish(
        self,
        task: Task,
        part: Path | None,
        size: int | None,
        made: Made,
        seconds: float,
        crc32: int | None = None,
    ) -> None:
        """Take a finished ``.part`` file under its final name and remember its key and report.

        Parameters
        ----------
        task : Task
        part : Path or None
            The synced file; None for a task that only measures.
        size, crc32 : int or None
            Of the file; the checksum is computed here if absent.
        made : Made
            The task's report.
        seconds : float
            How long it took.

        Notes
        -----
        First the old line loses its key, then the file is renamed to where the old one lies (``rejected/``
        perhaps), then the new line is written. Killed between any two, the product is made again in the same
        place: a new file never passes for the old one, and no second copy is left behind.
        """
        name = identity(task)
        place, mtime_ns = task.product, None
        if task.product is not None and part is not None:
            row = self._row(name)
            place, previous = (task.product, None) if row is None else (row.location or task.product, row.previous)
            if row is not None:
                with self._database.transaction() as connection:
                    connection.execute("UPDATE products SET key = ? WHERE name = ?", (_BEING_REPLACED, name))
            final = self.file(place)
            try:
                crc32 = crc32_of(part) if crc32 is None else crc32
                mtime_ns = part.stat().st_mtime_ns
                final.parent.mkdir(parents=True, exist_ok=True)
                put_in_place(part, final)
                if previous is not None and previous != place:  # a move that was cut short left the old file there
                    self.file(previous).unlink(missing_ok=True)
            except OSError as error:
                raise explained(error, final) from error
        when = datetime.now(UTC).isoformat(timespec="seconds")
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO products VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    name,
                    place,
                    task.label,
                    task.stage.name,
                    task.key,
                    json.dumps(made),
                    size,
                    seconds,
                    json.dumps(versions()),
                    when,
                ),
            )
            connection.execute("DELETE FROM signatures WHERE name = ?", (name,))
            if mtime_ns is not None:
                connection.execute("INSERT INTO signatures VALUES (?, ?, ?)", (name, mtime_ns, crc32))
            connection.execute("DELETE FROM failures WHERE name = ?", (name,))

    def drop_measurement(self, stage: str, label: str) -> None:
        """Forget what a stage measured under a label that means nothing any more."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM products WHERE name = ?", (f"{stage}: {label}",))

    def remove(self, product: str) -> bool:
        """Take a product away that nothing stands for any more: its file, then its line.

        Parameters
        ----------
        product : str
            The name its task gave it, wherever the file is now.

        Returns
        -------
        bool
            False if the file was changed by someone else since: it is forgotten, and stays where it is.

        Raises
        ------
        NightError
            If the file cannot be deleted.
        """
        row = self._row(product)
        is_ours = row is None or not self._place(product, row).exists() or self._is_intact(product, row)
        if row is not None and is_ours:
            place = self._place(product, row)
            try:
                place.unlink(missing_ok=True)
            except OSError as error:
                raise explained(error, place) from error
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM products WHERE name = ?", (product,))
            connection.execute("DELETE FROM signatures WHERE name = ?", (product,))
            connection.execute("DELETE FROM failures WHERE name = ?", (product,))
        return is_ours

    def resign(self, product: str) -> None:
        """Vouch for a product's file as it is now, after an update of our own: a header card, say.

        Parameters
        ----------
        product : str
            The name its task gave it, wherever the file is now.

        Raises
        ------
        NightError
            If there is no such product, or its file is gone.

        Notes
        -----
        The order is: see that :meth:`fresh` still vouches for it (what someone else changed must not become
        ours), replace the file whole (:func:`~pipeline_core.io.atomic.atomic_file` on :meth:`path`), then
        call this. Killed before it, the product counts as changed and is made again: nothing is vouched for
        that was not looked at. A product that is made again loses the update; whoever made it must look.
        """
        row = self._row(product)
        if row is None:
            raise NightError(f"cannot sign {product}", "it was never made", "run `astep reduce` first")
        place = self._place(product, row)
        try:
            crc32, now = crc32_of(place), place.stat()
        except OSError as error:
            raise explained(error, place) from error
        with self._database.transaction() as connection:
            connection.execute("UPDATE products SET size_bytes = ? WHERE name = ?", (now.st_size, product))
            connection.execute("INSERT OR REPLACE INTO signatures VALUES (?, ?, ?)", (product, now.st_mtime_ns, crc32))

    def rewrite(self, product: str, change: Callable[[Path], None]) -> None:
        """Let ``change`` replace a product's file where it lies now, then vouch for it (see :meth:`resign`).

        Parameters
        ----------
        product : str
            The name its task gave it.
        change : callable
            Takes the file's path and replaces it whole. No other process moves it meanwhile (a verdict may come at
            any time): else the new file would be a second copy beside the moved old one.

        Raises
        ------
        NightError
            If there is no such product, or its file is gone.
        """
        row = self._row(product)
        if row is None:
            raise NightError(f"cannot write into {product}", "it was never made", "run `astep reduce` first")
        self._place(product, row)  # completes a move that was cut short
        with self._database.transaction():
            now = self._row(product)
            if now is None or now.previous is not None:
                raise NightError(f"cannot write into {product}", "another process is just moving it", "run it again")
            change(self.file(now.location or product))
        self.resign(product)

    def note_failure(self, task: Task, reason: str) -> None:
        """Remember that a task could not be done, and why; what is made of it later takes the note away."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", (identity(task), task.key, reason, when)
            )

    def failure(self, task: Task) -> str | None:
        """Return why a task could not be done when it was last tried as it is now, None if it was not or could."""
        found = self._database.rows("SELECT key, reason FROM failures WHERE name = ?", (identity(task),))
        return found[0][1] if found and found[0][0] == task.key else None

    def move(self, product: str, new: str) -> bool:
        """Move a product within the output (to ``rejected/`` and back); its task still knows it.

        Parameters
        ----------
        product : str
            The name its task gave it, wherever the file is now.
        new : str
            Output-relative path it shall have.

        Returns
        -------
        bool
            False if there is no such product: nothing was made yet.
        """
        self.file(new)
        row = self._row(product)
        if row is None or row.location is None or not self._place(product, row).is_file():
            return False
        location = row.location
        if location == new:
            return True
        # The intention first: killed before the rename, fresh() completes it.
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE products SET location = ?, previous = ? WHERE name = ?", (new, location, product)
            )
        self._rename(product, location, new)
        return True

    def _rename(self, product: str, old: str, new: str) -> None:
        target = self.file(new)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            put_in_place(self.file(old), target)
        except OSError as error:
            with self._database.transaction() as connection:
                connection.execute("UPDATE products SET location = ?, previous = NULL WHERE name = ?", (old, product))
            raise explained(error, target) from error
        with self._database.transaction() as connection:
            connection.execute("UPDATE products SET previous = NULL WHERE name = ?", (product,))

    def products(self, stage: str | None = None, label: str | None = None) -> list[Product]:
        """Return all that was made, by name; of one stage, or under one label only, where these are named.

        Nothing is parsed before it is asked for: the report of a frame may be a list of a thousand stars.
        """
        rows = self._database.rows(
            "SELECT name, location, label, stage, key, made, seconds, versions, when_utc FROM products "
            "WHERE (?1 IS NULL OR stage = ?1) AND key != ?2 AND (?3 IS NULL OR label = ?3) ORDER BY name",
            (stage, _BEING_REPLACED, label),
        )
        return [Product(*row) for row in rows]

    def typical_seconds(self) -> dict[str, float]:
        """Return stage → mean seconds of one task so far: the first guess of the time a run will take."""
        return dict(self._database.rows("SELECT stage, avg(seconds) FROM products GROUP BY stage"))

    def sweep(self, tasks: Iterable[Task] = ()) -> list[Path]:
        """Remove ``.part`` files that a killed run left in the output; return them. Hold the run lock."""
        names = [row[0] for row in self._database.rows("SELECT location FROM products WHERE location IS NOT NULL")]
        names += [task.product for task in tasks if task.product is not None]
        folders = {PurePosixPath(name).parts[0] for name in names if "/" in name}
        # Another process may be writing accepted.txt, but it does so under the write lock only.
        with self._database.transaction():
            return remove_stale_parts(self.output, folders)
