"""Values held together with their units where a line is broken: "2.60 px" has no "px" on a line of its own."""

from __future__ import annotations

import re

NO_BREAK = "\N{NO-BREAK SPACE}"
_UNIT = re.compile(r"(?<=\d) (?=(?:px|mag|e⁻|ADU|min|h|s|fps|%|°C?|′|″|MB|GB)(?:\W|$))")
_TIMES = re.compile(r"(?<=×) (?=\d)")
_CHANGE = re.compile(r"(?<=\S) → (?=[+−-]?\d)")


def held_together(words: str) -> str:
    """Return words of the same length, whose values and units are not parted: "2.90 → 2.60 px" is one."""
    return _CHANGE.sub(f"{NO_BREAK}→{NO_BREAK}", _TIMES.sub(NO_BREAK, _UNIT.sub(NO_BREAK, words)))
