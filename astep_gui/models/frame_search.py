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
    "Every word must be found in name, kind, filter, object or state; blanks or commas part them.\n"
    "-word   leaves out frames that hold it\n"
    "kind:dark  filter=R  object:…  state:cloud   looks in one column\n"
    "fwhm>3  depth>0.5  sky<900  exposure=90   compares numbers (also temp, ellip, stars)\n"
    "Enter goes to the first frame found, Esc shows all again."
)
MOST_LETTERS = 14
"""Of a term that is quoted under the list."""
_PARTED = re.compile(r"[\s;]+|(?<!\d),|,(?!\d)")  # the comma of 2,5 parts nothing
_AROUND_SIGN = re.compile(r"(?<=\w)\s*(<=|>=|<|>|=|:)\s*")
_TERM = re.compile(r"^(\w+)(<=|>=|<|>|=|:)(.*)$")
_NUMBER = re.compile(r"^([-+]?\d*[.,]?\d+|[-+]?\d+[.,]?)(?:s|px|mag|°c?|e⁻|adu)?$")
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
    tests = [_test(term) for term in _terms(words)]
    if not tests:
        return None
    return lambda frame, row, state: all(test(frame, row, state) for test in tests)


def not_understood(words: str) -> str:
    """Say what of a search is a comparison that cannot be made; nothing where all is understood."""
    faults = (_fault(term.removeprefix("-")) for term in _terms(words))
    return " · ".join(fault for fault in faults if fault)


def _terms(words: str) -> list[str]:
    """Return what a search is made of: "fwhm > 2, cloud" is fwhm>2 and cloud."""
    joined = _AROUND_SIGN.sub(r"\1", words.lower())
    return [term for term in _PARTED.split(joined) if term not in {"", "-"}]


def _fault(term: str) -> str:
    if (found := _TERM.match(term)) is None:
        return ""
    name, sign, value = found.groups()
    if _column(name, is_number=True) is not None:
        if not value:
            return f"a number is missing after '{term}'"
        return "" if _number(value) is not None else f"'{_short(value)}' is no number"
    if _column(name, is_number=False) is None:
        return "" if sign == ":" else f"'{_short(name)}' is no column"
    return "" if sign in {":", "="} else f"{name} holds words, no numbers"


def _short(word: str) -> str:
    """Return the beginning of a word: what is said of it stands in one line of a narrow list."""
    return word if len(word) <= MOST_LETTERS else f"{word[: MOST_LETTERS - 1]}…"


def _number(value: str) -> float | None:
    """Return the number that is written, with or without its unit."""
    found = _NUMBER.match(value)
    return float(found[1].replace(",", ".")) if found else None


def _test(term: str) -> Wanted:
    if term.startswith("-"):
        refused = _test(term[1:])
        return lambda frame, row, state: not refused(frame, row, state)
    if (found := _TERM.match(term)) is None:
        return _anywhere(term)
    name, sign, value = found.groups()
    limit, column = _number(value), _column(name, is_number=True)
    if column is not None and limit is not None:
        return _comparison(column, "=" if sign == ":" else sign, limit)
    if sign in {":", "="} and (column := _column(name, is_number=False)) is not None:
        return _inside(column, value)
    return _anywhere(term)


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
