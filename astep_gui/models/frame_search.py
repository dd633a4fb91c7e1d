"""The search line of the frame table: words, words that must not be there, and comparisons of columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from astep_gui.models.frame_columns import COLUMNS, Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.models.frame_state import FrameState
    from pipeline_core.measures import QualityRow
    from pipeline_core.types import Frame

    Wanted = Callable[[Frame, QualityRow | None, FrameState], bool]

PLACEHOLDER = "Search: cloud, fwhm>3"
SYNTAX = (
    "Every word must be found in name, kind, filter, object or state.\n"
    "-word   leaves out frames that hold it\n"
    "kind:dark  filter:R  object:…  state:cloud   looks in one column\n"
    "fwhm>3  depth>0.5  sky<900  exposure=90   compares numbers (also temp, ellip, stars)\n"
    "Enter goes to the first frame found, Esc shows all again."
)
_COMPARED = re.compile(r"^(\w+)(<=|>=|<|>|=)([-+\d.,]+)$")
_NAMED = re.compile(r"^(\w+):(.*)$")
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: abs(a - b) <= max(0.005 * abs(b), 1e-9),  # 90 finds 90.0003 s
}


def search_for(words: str) -> Wanted | None:
    """Understand a search.

    Parameters
    ----------
    words : str
        See :data:`SYNTAX`. What is no comparison and names no column is looked for as it stands.

    Returns
    -------
    callable or None
        Says of a frame, its quality and its state whether it is wanted; None for an empty search.
    """
    tests = [_test(word) for word in words.lower().split() if word != "-"]
    if not tests:
        return None
    return lambda frame, row, state: all(test(frame, row, state) for test in tests)


def _test(word: str) -> Wanted:
    if word.startswith("-"):
        refused = _test(word[1:])
        return lambda frame, row, state: not refused(frame, row, state)
    if (found := _COMPARED.match(word)) and (column := _column(found[1], is_number=True)) is not None:
        try:
            return _comparison(column, found[2], float(found[3].replace(",", ".")))
        except ValueError:
            return _anywhere(word)
    if (found := _NAMED.match(word)) and (column := _column(found[1], is_number=False)) is not None:
        return _inside(column, found[2])
    return _anywhere(word)


def _column(name: str, *, is_number: bool) -> Column | None:
    """Return the column whose key or title begins so."""
    fitting = [c for c in COLUMNS if c.is_number == is_number and c.key != "utc"]
    return next((c for c in fitting if c.key.startswith(name) or c.title.lower().startswith(name)), None)


def _comparison(column: Column, sign: str, limit: float) -> Wanted:
    holds = _SIGNS[sign]

    def test(frame: Frame, row: QualityRow | None, state: FrameState) -> bool:
        value: Any = column.value(frame, row, state)
        return value is not None and holds(float(value), limit)

    return test


def _inside(column: Column, part: str) -> Wanted:
    def test(frame: Frame, row: QualityRow | None, state: FrameState) -> bool:
        return part in column.words(column.value(frame, row, state)).lower()

    return test


def _anywhere(word: str) -> Wanted:
    def test(frame: Frame, _row: QualityRow | None, state: FrameState) -> bool:
        return (
            word in frame.path.lower()
            or word in frame.kind.value
            or word in (frame.filter or "").lower()
            or word in (frame.object or "").lower()
            or word in state.word
            or word in state.why.lower()
            or word in state.remarks.lower()
        )

    return test
