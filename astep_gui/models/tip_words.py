"""Words of a tool tip: wrapped, for a line across half the screen is not read."""

from __future__ import annotations

import textwrap

TIP_LETTERS = 60
"""Of a line, at most; words that are longer stay whole."""


def wrapped(words: str) -> str:
    """Return words in lines that can be read, the breaks that are there kept.

    Parameters
    ----------
    words : str

    Returns
    -------
    str
    """
    options = {"break_long_words": False, "break_on_hyphens": False}
    lines = (textwrap.wrap(line, TIP_LETTERS, **options) or [""] for line in words.split("\n"))  # type: ignore[arg-type]
    return "\n".join(part for parts in lines for part in parts)
