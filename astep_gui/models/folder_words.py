"""What a folder that a person names is: there or new, with what in it, or why nothing can be written into it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def folder_problem(folder: Path) -> str:
    """Say why nothing can be written into a folder that may not be there yet; empty when it can."""
    try:
        there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
        if not there.is_dir():
            return f"{there} is a file; this needs a folder"
        is_free = os.access(there, os.W_OK | os.X_OK)
    except (OSError, ValueError) as error:  # a name that is too long, say, or a place that may not be looked at
        return f"{folder} cannot be a folder: {getattr(error, 'strerror', None) or error}"
    if is_free:
        return ""
    return f"{folder} cannot be written to" if there == folder else f"nothing can be made in {there}"


def folder_words(folder: Path) -> str:
    """Say whether a folder is there, and what is in it."""
    if not folder.is_dir():
        above = folder.parent
        made = "it is made" if above.is_dir() else f"it is made, and {above.name or above} with it"
        return f"a new folder: {made}"
    try:
        number = sum(1 for _ in folder.iterdir())
    except OSError:
        return "a folder that may not be looked into: files of the same names are replaced"
    if not number:
        return "an empty folder"
    things = "one thing" if number == 1 else f"{number} things"
    return f"it holds {things} already: files of the same names are replaced, others stay"


def fresh_folder(folder: Path) -> Path:
    """Return a folder, or "folder_2" and so on where that holds something: what is written there mixes with nothing."""
    numbered = (folder.with_name(f"{folder.name}_{number}") for number in range(2, 100))
    return next((one for one in (folder, *numbered) if not _holds_something(one)), folder)


def _holds_something(folder: Path) -> bool:
    try:
        return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError:  # one that may not be looked into is no fresh one
        return True
