"""What the header of a frame says: its cards in order, and where on the sky its pixels lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline_core.science.tangent import SkyMap, sky_map

if TYPE_CHECKING:
    from astropy.io import fits


@dataclass(frozen=True)
class HeaderFacts:
    """The header of one image."""

    cards: tuple[tuple[str, str, str], ...]
    """Keyword, value as text, comment."""
    sky: SkyMap | None = None
    sky_source: str = ""
    """Where ``sky`` comes from, as the read-out says it."""
    pixel_scale_arcsec: float | None = None
    about: dict[str, str] = field(default_factory=dict)
    """More in words."""


def header_facts(header: fits.Header, *, pixel_scale_arcsec: float | None = None) -> HeaderFacts:
    """Read a header; cards that are no valid FITS are shown as they are written."""
    cards: list[tuple[str, str, str]] = []
    values: dict[str, Any] = {}
    for card in header.cards:
        keyword = card.keyword
        try:
            value, comment = card.value, card.comment
        except Exception:  # noqa: BLE001 - astropy raises whatever an odd card provokes
            value, comment = str(card).strip(), "not a valid card"
        if keyword in {"", "COMMENT", "HISTORY"} and not str(value or "").strip():
            continue
        values.setdefault(keyword, value)
        cards.append((keyword, _text(value), comment))
    sky = sky_map(values)
    scale = sky.scale_arcsec if sky is not None else pixel_scale_arcsec
    return HeaderFacts(tuple(cards), sky, "header WCS, unverified" if sky is not None else "", scale)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
