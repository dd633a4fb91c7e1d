"""A demo night under its own name only when it is whole: an interrupted one is never taken for a night."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError
from pipeline_core.io.atomic import explained

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        A name that nobody else has, and that tells its maker: two programs that make one night write and remove each
        their own, and what a killed one left is removed by the next.

    Raises
    ------
    NightError
        If there is something in ``folder`` by then, or it is the folder in which the program was started.
    """
    if folder.resolve() == Path.cwd():
        raise NightError(
            f"cannot make the demo night in {folder}",
            "it is the folder that you are in, and a whole one takes its place at the end",
            "name a new folder in it",
        )
    _remove_what_dead_ones_left(folder)
    maker = f"{os.getpid()}-{secrets.token_hex(4)}@{_host()}"
    mine = folder.with_name(f".{folder.resolve().name}.{maker}.unfinished")
    try:
        yield mine
        _name(mine, folder)
    finally:  # stopped or failed: nobody would find what is left, nor miss it
        shutil.rmtree(mine, ignore_errors=True)


def _remove_what_dead_ones_left(folder: Path) -> None:
    """Remove what dead makers of this night left here; whether one of another machine lives is not known."""
    import psutil  # noqa: PLC0415 - a demo is rarely made

    pattern = re.compile(rf"\.{re.escape(folder.resolve().name)}\.(\d+)-[0-9a-f]+@{re.escape(_host())}\.unfinished")
    there = list(folder.parent.iterdir()) if folder.parent.is_dir() else []
    for path in there:
        left = pattern.fullmatch(path.name)
        if left is not None and not psutil.pid_exists(int(left[1])):
            shutil.rmtree(path, ignore_errors=True)


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", socket.gethostname())


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
