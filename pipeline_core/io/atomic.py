"""Files that appear whole or not at all: written as ``.part``, synced to disk, then renamed."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError, NightError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PART = ".part"
"""Ending of every file that is not finished yet."""

# EFBIG is what a file-size limit answers; for the person it is the same trouble as a full disk.
_FULL = {errno.ENOSPC, errno.EFBIG} | {getattr(errno, name) for name in ("EDQUOT",) if hasattr(errno, name)}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_file(final: Path) -> Iterator[Path]:
    """Yield a ``.part`` path beside ``final``; it becomes ``final`` if the block ends well, else it goes.

    Parameters
    ----------
    final : Path
        The file to make or to replace. Missing folders are made.

    Raises
    ------
    AstepError
        If the disk is full, the folder is read-only, or nothing was written.
    """
    part = part_path(final)
    try:
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            yield part
            sync_file(part)
            put_in_place(part, final)
        except OSError as error:
            raise explained(error, final) from error
    finally:
        part.unlink(missing_ok=True)


def write_text(final: Path, text: str) -> None:
    """Write a small UTF-8 text file whole or not at all, with line feeds alone on every system."""
    with atomic_file(final) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def part_path(final: Path) -> Path:
    """Return a new name for the unfinished file; each attempt has its own: a straggler harms nobody."""
    return final.with_name(f"{final.name}.{os.urandom(4).hex()}{PART}")


def sync_file(path: Path) -> None:
    """Wait until the file's bytes are on the disk."""
    # Windows flushes only through a descriptor that may write.
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(part: Path, final: Path) -> None:
    """Rename a synced file to its final name, and sync the folder so that the name survives a power cut."""
    part.replace(final)
    if os.name == "nt":  # a folder cannot be opened there; the rename is journalled by the file system
        return
    descriptor = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder; the file itself is safe.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def remove_stale_parts(folder: Path, product_folders: Iterable[str]) -> list[Path]:
    """Remove ``.part`` files which a killed run left behind; return what was removed.

    Looks at the output itself and below its product folders, nowhere else: an output may share its folder
    with other things.
    """
    found = list(folder.glob(f"*{PART}"))
    for name in sorted(set(product_folders)):
        found += sorted((folder / name).rglob(f"*{PART}"))
    for path in found:
        path.unlink(missing_ok=True)
    return found


def is_short_write(error: OSError) -> bool:
    """Whether numpy or astropy says that a file took only a part of an array: they do so without an error number."""
    words = str(error)
    return error.errno is None and (
        ("requested and" in words and words.endswith("written")) or "Not enough space on disk" in words
    )


def explained(error: OSError, path: Path | str) -> AstepError:
    """Say in a person's words why a file could not be written or read."""
    if error.errno in _FULL or is_short_write(error):
        return AstepError(
            f"cannot write {path}",
            "the disk is full",
            "free some space or choose another output, then run again",
        )
    if error.errno in _FORBIDDEN:
        return NightError(
            f"cannot write {path}", "writing is not allowed there", "choose another output folder with -o"
        )
    if error.errno == errno.ENOENT:
        missing = error.filename or path
        return AstepError(f"cannot find {missing}", "it was moved or deleted", "put it back, or scan the night again")
    reason = (error.strerror or str(error)).lower()
    return AstepError(f"cannot use {error.filename or path}", reason, "check the disk, then run again")
