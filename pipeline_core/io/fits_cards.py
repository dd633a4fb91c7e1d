"""FITS header cards, read one by one so that a broken card never hides the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from astropy.io import fits

CARD = 80
"""Characters in a card (FITS Standard 4.0, section 4.1)."""

CardValue = bool | int | float | str | None

_INTEGER = re.compile(r"[+-]?\d{1,300}\Z")
_REAL = re.compile(r"[+-]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:[EDed][+-]?\d{1,4})?\Z")
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}\Z")
_COMMENTARY = ("COMMENT", "HISTORY", "")
# A card that the standard allows as it stands, so that its text can be kept to the letter.
_STANDARD = re.compile(
    r"[A-Z0-9_-]{1,8} *= (?: *'(?:[^']|'')*'| *[TF]| *[+-]?(?:\d+\.?\d*|\.\d+)(?:[ED][+-]?\d+)?|)"
    r" *(?:/[ -~]*)?\Z"
)


class Cards:
    """A header as a tolerant mapping from keyword to value, parsed on demand.

    Where a keyword occurs twice the first card counts. A value that is no FITS value (``3,2E-05``) is
    returned as the text that stands there.

    Parameters
    ----------
    images : iterable of str
        The cards, 80 characters each, without ``END``.

    Notes
    -----
    ``astropy.io.fits.Header`` is the right tool for writing headers; for reading thousands it is ten times
    slower, and it refuses a card that does not parse at the moment somebody asks for it.
    """

    __slots__ = ("_first", "images")

    def __init__(self, images: Iterable[str]) -> None:
        self.images = tuple(images)
        self._first: dict[str, int] = {}
        # Backwards, so that the first of equal keywords stays; hot: a night has 100,000 cards.
        for index in range(len(self.images) - 1, -1, -1):
            image = self.images[index]
            keyword = image[:8].strip()
            self._first[_keyword(image) if keyword == "HIERARCH" else keyword.upper()] = index

    def __contains__(self, keyword: str) -> bool:
        return keyword in self._first

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self.images)

    def get(self, keyword: str) -> CardValue:
        """Return the value of a keyword; None when it is absent or undefined."""
        index = self._first.get(keyword)
        return None if index is None else self._parsed(index)[0]

    def comment(self, keyword: str) -> str:
        """Return the comment of a keyword's card, empty when there is none."""
        index = self._first.get(keyword)
        return "" if index is None else self._parsed(index)[1]

    def _parsed(self, index: int) -> tuple[CardValue, str]:
        value, comment = parse_value(_after_equals(self.images[index]))
        # A long string goes on in CONTINUE cards as long as each part ends in '&'.
        while isinstance(value, str) and value.endswith("&"):
            index += 1
            if index >= len(self.images) or not self.images[index].startswith("CONTINUE"):
                break
            more, more_comment = parse_value(self.images[index][8:])
            value = value[:-1] + (more if isinstance(more, str) else "")
            comment = (comment + " " + more_comment).strip()
        return value, comment

    def fits_header(self) -> fits.Header:
        """Return the same cards as an astropy header in which every card is sound.

        Cards that the standard allows are kept to the letter; a value that does not parse becomes a string;
        text that is no card at all becomes a ``COMMENT``.
        """
        from astropy.io import fits  # noqa: PLC0415 - 0.3 s that a scan of plain files does not need

        header = fits.Header()
        for index, image in enumerate(self.images):
            if not image.startswith("CONTINUE"):
                header.append(self._sound_card(index, image, fits.Card), end=True)
        return header

    def _sound_card(self, index: int, image: str, card: type[fits.Card]) -> fits.Card:
        text = _printable(image).rstrip()
        keyword = _keyword(image)
        if keyword in _COMMENTARY:
            return card(keyword, text[8:])
        value, comment = self._parsed(index)
        if _STANDARD.match(text) and not (isinstance(value, str) and text.rstrip().endswith("&'")):
            return card.fromstring(text)
        if not _KEYWORD.match(keyword) or "=" not in image:
            return card("COMMENT", text[:72])
        if isinstance(value, str):
            value = _printable(value)
        room = CARD - 12 - max(20, len(str(value)) + 2)
        return card(keyword, value, _printable(comment)[: max(room, 0)])


def split_cards(block: bytes) -> list[str]:
    """Cut a header block into cards; bytes beyond ASCII are kept as Latin-1, never an error."""
    text = block.decode("latin-1")
    return [text[start : start + CARD] for start in range(0, len(text), CARD)]


def parse_value(text: str) -> tuple[CardValue, str]:
    """Split what follows the equals sign of a card into value and comment.

    Parameters
    ----------
    text : str
        The card from its 11th character on.

    Returns
    -------
    value : bool, int, float, str or None
        None when undefined; the text itself when it is no FITS value.
    comment : str

    Notes
    -----
    FITS Standard 4.0, section 4.2; ``D`` exponents and strings that were never closed are understood too.
    """
    text = text.strip()
    if text.startswith("'"):
        return _parse_string(text)
    value, _, comment = text.partition("/")
    return _parse_bare(value.strip()), comment.strip()


def _parse_string(text: str) -> tuple[str, str]:
    parts: list[str] = []
    start = 1
    while True:
        end = text.find("'", start)
        if end < 0:  # never closed: everything is the string
            return "".join([*parts, text[start:]]).rstrip(), ""
        parts.append(text[start:end])
        if text[end + 1 : end + 2] != "'":
            return "".join(parts).rstrip(), text[end + 1 :].partition("/")[2].strip()
        parts.append("'")
        start = end + 2


def _parse_bare(text: str) -> CardValue:
    if text in {"", "T", "F"}:
        return None if not text else text == "T"
    if _INTEGER.match(text):
        return int(text)
    if _REAL.match(text):
        return float(text.upper().replace("D", "E"))
    return text


def _keyword(image: str) -> str:
    if image.startswith("HIERARCH "):
        return image[9:].partition("=")[0].strip().upper()
    return image[:8].strip().upper()


def _after_equals(image: str) -> str:
    if image.startswith("HIERARCH "):
        return image.partition("=")[2]
    # Some writers leave out the blank behind the equals sign, or put the sign early.
    return image[9:] if image[8:9] == "=" else image.partition("=")[2]


def _printable(text: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in text)
