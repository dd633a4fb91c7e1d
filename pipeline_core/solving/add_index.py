"""Bring index files into the user's folder, where every night finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.errors import UsageError
from pipeline_core.io.atomic import atomic_file
from pipeline_core.io.index_file import read_index
from pipeline_core.solving.index_files import user_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline_core.events import RunContext

_PIECE = 8 << 20


def add_indexes(files: Sequence[Path], context: RunContext) -> list[Path]:
    """Copy index files into the user's folder; return where they lie.

    Raises
    ------
    UsageError
        If one is not there, or is called otherwise than index-….fits.
    DataError
        If one is no index file: it is refused before it is copied.
    Cancelled
        If the person stopped it; a file that was not copied whole is not there.
    """
    added = []
    for file in files:
        if not file.is_file():
            raise UsageError(f"cannot add {file}", "there is no such file", "check the path")
        read_index(file)  # refused before it is copied if it is none
        if not file.name.startswith("index-") or file.suffix != ".fits":
            raise UsageError(f"cannot add {file}", "indexes are called index-….fits", "rename it")
        target = user_folder() / file.name
        if target.exists() and target.samefile(file):
            added.append(target)
            continue
        with atomic_file(target) as part, file.open("rb") as old, part.open("wb") as new:
            for start in context.track(f"copy {file.name}", range(0, file.stat().st_size, _PIECE)):
                old.seek(start)
                new.write(old.read(_PIECE))
        added.append(target)
    return added
