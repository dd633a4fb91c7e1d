"""A demo night under its own name only when it is whole: an interrupted one is never taken for a night."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError
from pipeline_core.io.atomic import explained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def under_its_name_when_whole(folder: Path) -> Iterator[Path]:
    """Give a hidden folder beside the wanted one to write into; it takes the wanted name when the block ends well.

    Parameters
    ----------
    folder : Path
        The night; missing, or empty.

    Yields
    ------
    Path
        A name that nobody else has: two programs that make one night write and remove each their own.

    Raises
    ------
    NightError
        If there is something in ``folder`` by then.
    """
    mine = folder.with_name(f".{folder.resolve().name}.{os.getpid()}-{secrets.token_hex(4)}.unfinished")
    try:
        yield mine
        _name(mine, folder)
    finally:  # stopped or failed: nobody would find what is left, nor miss it
        shutil.rmtree(mine, ignore_errors=True)


def _name(mine: Path, folder: Path) -> None:
    try:
        if folder.is_dir():
            folder.rmdir()  # refuses where something is in it
        mine.rename(folder)
    except OSError as error:
        if folder.is_dir() and any(folder.iterdir()):
            raise NightError(
                f"cannot put the demo night into {folder}",
                "another program put something there meanwhile",
                "open what is there, or name another folder",
            ) from error
        raise explained(error, folder) from error
