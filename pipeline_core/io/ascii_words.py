"""Text for FITS headers, which hold plain ASCII only (FITS standard 4.0, section 4.1.2.2)."""

from __future__ import annotations

import unicodedata

_SPELLED = str.maketrans(
    {"α": "alpha", "β": "beta", "γ": "gamma", "λ": "lambda", "µ": "u", "μ": "u", "−": "-", "÷": "/", "×": "*"}
)


def ascii_words(text: str) -> str:
    """Return a text as a header can hold it: accents dropped, Greek letters spelled, the rest as ``?``."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    without_accents = "".join(c for c in plain if not unicodedata.combining(c))
    return "".join(c if c.isprintable() else "?" for c in without_accents.encode("ascii", "replace").decode())
