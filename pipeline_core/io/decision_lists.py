"""``accepted.txt`` and ``rejected.txt``: the decisions as other programs read them, one frame a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline_core.errors import UsageError
from pipeline_core.io.atomic import explained, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ACCEPTED = "accepted.txt"
REJECTED = "rejected.txt"


def texts_of(science: Iterable[str], rejected: Mapping[str, str]) -> dict[str, str]:
    """Return what both lists say: name of the file → its text.

    Parameters
    ----------
    science : iterable of str
        Night-relative paths of all science frames.
    rejected : mapping
        Path → reason ("" if none was given), frames of any kind.
    """
    accepted = sorted(path for path in science if path not in rejected)
    refused = [f"{path}  # {' '.join(why.split())}" if why.strip() else path for path, why in sorted(rejected.items())]
    return {name: "".join(f"{line}\n" for line in lines) for name, lines in ((ACCEPTED, accepted), (REJECTED, refused))}


def write_lists(output: Path, texts: Mapping[str, str]) -> None:
    """Write both lists (see :func:`texts_of`) into a folder, each only if it differs from what is there."""
    for name, text in texts.items():
        file = output / name
        if not file.is_file() or file.read_bytes() != text.encode():
            write_text(file, text)


def read_list(file: Path, known: Iterable[str]) -> dict[str, str]:
    """Read frames from a list: night-relative path → reason.

    Parameters
    ----------
    file : Path
        UTF-8 text, one frame a line: a night-relative path, or a bare file name; a tab, or two blanks and ``#``,
        begin a reason, a line that begins with ``#`` is a comment.
    known : iterable of str
        The night's paths.

    Raises
    ------
    UsageError
        If a line names no frame of the night, or a bare name that two folders have: nothing is taken then.
    """
    paths = set(known)
    by_name: dict[str, list[str]] = {}
    for path in sorted(paths):
        by_name.setdefault(path.rsplit("/", 1)[-1], []).append(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"cannot read {file}", "it is not a text file", "give a list of frames, one a line") from None
    except OSError as error:
        raise explained(error, file) from error
    listed: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        named, reason = (*re.split(r"\t|  #", line, maxsplit=1), "")[:2]
        entry = named.strip().replace("\\", "/").removeprefix("./")
        found = [entry] if entry in paths else by_name.get(entry, [])
        if len(found) != 1:
            why = "two folders have a frame of that name" if found else "the night has no such frame"
            raise UsageError(
                f"cannot take {entry} from {file.name}, line {number}", why, "write the path inside the night"
            )
        listed[found[0]] = reason.strip()
    return listed
