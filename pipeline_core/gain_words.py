"""Who says what the gain is, in words."""

from __future__ import annotations

MEASURED = "flat and bias pairs"
"""The source of a gain that the night's own frames told."""

_WORDS = {
    "recipe": "set in the recipe",
    "person": "as a person said",
    "profile": "from the camera's profile",
    "header": "from the header",
    MEASURED: "measured from flats and biases",
}


def gain_from(source: str | None) -> str:
    """Say where a gain comes from.

    Parameters
    ----------
    source : str or None
        As ``gain_source`` of a frame or a task has it: one of the words above, or the card of the header.

    Returns
    -------
    str
        Empty where nothing is known of it.
    """
    if not source:
        return ""
    return _WORDS.get(source, f"from the header's {source}")
