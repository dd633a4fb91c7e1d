"""Cards that fit into their 80 characters: what is too long is a comment, and is shortened before it is written.

astropy cuts such a comment too, but with a warning; and a warning can be silenced for all threads only, or for none:
``warnings.catch_warnings`` in one thread decides what becomes of the warnings of the others.
"""

from __future__ import annotations

from typing import Any

from astropy.io import fits

from pipeline_core.io.fits_cards import CARD

_COMMENTARY = ("COMMENT", "HISTORY", "")
_COMMENT_FROM = 30  # a value is filled up to here where a comment follows (FITS standard 4.0, section 4.2)
_SLASH = len(" / ")


def fitting_card(keyword: str, value: Any, comment: str) -> fits.Card:
    """Return a card whose comment is as long as there is room for.

    Parameters
    ----------
    keyword : str
        Longer than eight characters, or with blanks: an ESO ``HIERARCH`` keyword.
    value : bool, int, float, str or None
    comment : str

    Raises
    ------
    ValueError, TypeError, VerifyError
        If no card can hold the value.
    """
    if keyword.upper() in _COMMENTARY:
        return fits.Card(keyword, value)
    if len(keyword) > 8 or " " in keyword:
        keyword = f"HIERARCH {keyword}"
    bare = len(str(fits.Card(keyword, value)).rstrip())
    if bare > CARD:  # a long text: it goes on in CONTINUE cards, and so does its comment
        return fits.Card(keyword, value, comment)
    room = CARD - max(bare, _COMMENT_FROM) - _SLASH
    return fits.Card(keyword, value, comment[:room].rstrip() if room > 0 else "")


def shorten_comments(header: fits.Header) -> None:
    """Shorten the comments of a header that do not fit, in place."""
    for card in header.cards:
        if card.keyword.upper() in _COMMENTARY or not card.comment:
            continue
        fitting = fitting_card(card.keyword, card.value, card.comment)
        if fitting.comment != card.comment:
            card.comment = fitting.comment
