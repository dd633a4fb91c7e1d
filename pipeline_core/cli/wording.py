"""Numbers and lists as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline_core.plan import LeftOut

NAMED = 3
"""So many frames are named one by one; of more the first and the last."""


def counted(number: int, noun: str) -> str:
    """Return "1 frame", "2 frames"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def without_common_folder(paths: Sequence[str]) -> tuple[list[str], str]:
    """Return paths without the folder that all lie in, and that folder with its slash; "" where they share none."""
    folders = [path.split("/")[:-1] for path in paths]
    common: list[str] = []
    for names in zip(*folders, strict=False):
        if len(set(names)) > 1:
            break
        common.append(names[0])
    folder = "".join(f"{name}/" for name in common)
    return [path[len(folder) :] for path in paths], folder


def named(paths: Sequence[str]) -> str:
    """Name some frames: all of a few, the first and the last of many."""
    if len(paths) <= NAMED:
        return ", ".join(paths)
    return f"{paths[0]} … {paths[-1]} ({len(paths)} frames)"


def by_reason(left_out: Iterable[LeftOut]) -> list[tuple[str, str]]:
    """Put frames that are left out for the same reason into one line each: (names, reason)."""
    groups: dict[str, list[str]] = {}
    for item in left_out:
        groups.setdefault(item.reason, []).append(item.path)
    return [(named(paths), reason) for reason, paths in groups.items()]
