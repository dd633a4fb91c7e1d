"""How well one colour stands out from another, as the Web Content Accessibility Guidelines 2.1 measure it."""

from __future__ import annotations


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``: 0 black to 1 white (WCAG 2.1, "relative luminance")."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours: 1 for equal ones to 21 for black on white."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
