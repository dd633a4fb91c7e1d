"""What was made already: products by their readable name, with the key of all that decided them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

from pipeline_core.errors import NightError
from pipeline_core.io.atomic import explained, put_in_place, remove_stale_parts
from pipeline_core.io.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_core.stage import Made, Task

_ROW = "SELECT key, location, previous, size_bytes, made FROM products WHERE name = ?"


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

    def fresh(self, task: Task) -> Made | None:
        """Return what a task reported when it was made, if it need not be made again, else None."""
        found = self._database.rows(_ROW, (identity(task),))
        if not found or found[0][0] != task.key:
            return None
        _key, location, previous, size, made = found[0]
        if task.product is not None and not self._is_there(task.product, location, previous, size):
            return None
        report: Made = json.loads(made)
        return report

    def _is_there(self, product: str, location: str, previous: str | None, size: int) -> bool:
        if _size(self.file(location)) == size:
            return True
        if previous is None or _size(self.file(previous)) != size:
            return False
        self._rename(product, previous, location)  # a move was cut short between its two halves
        return True

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
        found = self._database.rows("SELECT location FROM products WHERE name = ?", (task.product,))
        return self.file(found[0][0] if found else task.product)

    def finish(self, task: Task, part: Path | None, size: int | None, made: Made, seconds: float) -> None:
        """Take a finished ``.part`` file under its final name and remember its key and report.

        Notes
        -----
        The old line goes first, then the file is renamed, then the new line is written: killed between any
        two, the product is made again, and a new file never passes for the old one.
        """
        name = identity(task)
        moved = None
        if task.product is not None and part is not None:
            old = self._database.rows("SELECT location FROM products WHERE name = ?", (name,))
            moved = old[0][0] if old and old[0][0] != task.product else None
            if old:
                self.forget(task)
            try:
                put_in_place(part, self.file(task.product))
                if moved is not None:
                    self.file(moved).unlink(missing_ok=True)
            except OSError as error:
                raise explained(error, self.file(task.product)) from error
        when = datetime.now(UTC).isoformat(timespec="seconds")
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO products VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    name,
                    task.product,
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

    def forget(self, task: Task) -> None:
        """Forget that a task was made; its file stays."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM products WHERE name = ?", (identity(task),))

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
        found = self._database.rows(
            "SELECT location, previous, size_bytes FROM products WHERE name = ?", (product,)
        )
        if not found or not self._is_there(product, *found[0]):
            return False
        location = found[0][0]
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
                connection.execute(
                    "UPDATE products SET location = ?, previous = NULL WHERE name = ?", (old, product)
                )
            raise explained(error, target) from error
        with self._database.transaction() as connection:
            connection.execute("UPDATE products SET previous = NULL WHERE name = ?", (product,))

    def products(self, stage: str | None = None) -> list[Product]:
        """Return all that was made, or all of one stage, by name."""
        rows = self._database.rows(
            "SELECT name, location, label, stage, key, made, seconds, versions, when_utc FROM products "
            "WHERE ?1 IS NULL OR stage = ?1 ORDER BY name",
            (stage,),
        )
        return [
            Product(
                name, location, label, stage_name, key, json.loads(made), seconds, json.loads(by), when_utc
            )
            for name, location, label, stage_name, key, made, seconds, by, when_utc in rows
        ]

    def typical_seconds(self) -> dict[str, float]:
        """Return stage → mean seconds of one task so far: the first guess of the time a run will take."""
        return dict(self._database.rows("SELECT stage, avg(seconds) FROM products GROUP BY stage"))

    def sweep(self, tasks: Iterable[Task] = ()) -> list[Path]:
        """Remove ``.part`` files that a killed run left in the output; return them. Hold the run lock."""
        names = [
            row[0] for row in self._database.rows("SELECT location FROM products WHERE location IS NOT NULL")
        ]
        names += [task.product for task in tasks if task.product is not None]
        folders = {PurePosixPath(name).parts[0] for name in names if "/" in name}
        # Another process may be writing accepted.txt, but it does so under the write lock only.
        with self._database.transaction():
            return remove_stale_parts(self.output, folders)


def identity(task: Task) -> str:
    """Return the name of a result: its product, or stage and label of a task that only measures."""
    return task.product or f"{task.stage.name}: {task.label or task.key}"


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of the programs that decide pixels."""
    import platform  # noqa: PLC0415
    from importlib import metadata  # noqa: PLC0415

    found = {"python": platform.python_version()}
    for name in ("astep-harvest", "numpy", "scipy", "astropy", "ccdproc", "astroscrappy", "numba", "sep"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # a checkout that was never installed has no version of its own
    return found


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
