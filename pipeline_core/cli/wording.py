"""Numbers and lists as a person reads them."""

from __future__ import annotations

from os.path import commonprefix
from typing import TYPE_CHECKING

from pipeline_core.name_words import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline_core.plan import LeftOut


def without_common_part(paths: Sequence[str]) -> tuple[list[str], str]:
    """Return paths without what all have in common at their beginning and end, and that: "night/2026-06-21_….fits"."""
    if len(paths) < 2:
        return list(paths), ""
    start = commonprefix(paths)  # noqa: RUF071 - of characters, cut to whole words below
    start = start[: max(start.rfind("/"), start.rfind("_")) + 1]
    ends = {path.rpartition(".")[2] for path in paths if "." in path[len(start) :]}
    is_one = len(ends) == 1 and all("." in path[len(start) :] for path in paths)
    end = f".{ends.pop()}" if is_one else ""
    return [path[len(start) : len(path) - len(end)] for path in paths], f"{start}…{end}" if start or end else ""


def by_reason(left_out: Iterable[LeftOut]) -> list[tuple[str, str]]:
    """Put frames that are left out for the same reason into one line each: (names, reason)."""
    groups: dict[str, list[str]] = {}
    for item in left_out:
        groups.setdefault(item.reason, []).append(item.path)
    return [(named(paths), reason) for reason, paths in groups.items()]
