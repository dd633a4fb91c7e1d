"""Words of a tool tip: wrapped, for a line across half the screen is not read."""

from __future__ import annotations

import re
import textwrap

TIP_LETTERS = 60
"""Of a line, at most; words that are longer stay whole."""


_MARKUP = re.compile(r"[<&](?=\S)")
_WORD_JOINER = "\u2060"
"""Of no width."""


def as_written(words: str) -> str:
    """Return words that a tip shows as they are: Qt takes what looks like a tag for markup, whoever wrote it.

    A header or the name of a file may hold ``<img src=…>``, or a filter be called ``<i>``.
    """
    return _MARKUP.sub(rf"\g<0>{_WORD_JOINER}", words)


def on_button(words: str) -> str:
    """Return words that a button or a menu shows as they are: Qt takes a single "&" for the mark of a key."""
    return words.replace("&", "&&")


def wrapped(words: str) -> str:
    """Return words in lines that can be read, as they are written, the breaks that are there kept.

    Parameters
    ----------
    words : str

    Returns
    -------
    str
    """
    options = {"break_long_words": False, "break_on_hyphens": False}
    lines = (textwrap.wrap(line, TIP_LETTERS, **options) or [""] for line in as_written(words).split("\n"))  # type: ignore[arg-type]
    return "\n".join(part for parts in lines for part in parts)
