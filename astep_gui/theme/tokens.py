"""Colours by what they are for, one set a theme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtGui import QColor

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKENS = {
    "ground": "behind tables, plots and fields",
    "stripe": "every second row of a table",
    "panel": "the window and its panels",
    "raised": "buttons, menus, tool tips",
    "hover": "whatever the pointer is on",
    "line": "separators",
    "border": "outlines of controls",
    "text": "what is read",
    "dim": "labels, units, what matters less",
    "disabled": "what cannot be used now",
    "accent": "the current thing: handles, links, focus",
    "primary": "ground of the one main button",
    "primary_text": "on it",
    "selection": "ground of selected rows",
    "selection_text": "on it",
    "good": "accepted, done",
    "warn": "needs a look",
    "bad": "rejected, failed",
    "violet": "a fourth kind of thing",
    "badge": "ground of the badge of a rejected frame",
    "badge_text": "on it",
    "image_ground": "around the image",
    "on_image": "marks on the image: compass, scale bar, names",
    "cross_hair": "the cross-hair",
    "histogram": "bars of the histogram",
    "grid": "lines behind plots",
    "plot_1": "first curve",
    "plot_2": "second curve",
    "plot_3": "third curve",
    "plot_4": "fourth curve",
    "twilight": "shade of twilight in plots against time",
    "sun": "the Sun's altitude",
    "moon": "the Moon's altitude",
    "mask_bad": "bad pixels",
    "mask_hot": "hot pixels",
    "mask_unstable": "unstable pixels",
    "mask_saturated": "saturated pixels",
    "mask_cosmic": "cosmic rays",
    "mask_no_data": "pixels without data",
}
"""Every token and its use."""

TEXT_TOKENS = ("text", "dim", "accent", "good", "warn", "bad", "violet")
"""Read as words, on the ground, the panel and raised things."""


@dataclass(frozen=True, eq=False)  # a theme is itself, however equal its colours: it serves as a key
class Theme:
    """One look of the window."""

    name: str
    label: str
    """As the menu says it."""
    is_dark: bool
    colours: Mapping[str, str]
    """Token → ``#rrggbb``."""
    colormap: str = "grey"
    """Colour map of images that goes with it."""

    def hex(self, token: str) -> str:
        """Return a colour as ``#rrggbb``."""
        return self.colours[token]

    def colour(self, token: str, alpha: float = 1.0) -> QColor:
        """Return a colour, with an opacity of 0 to 1."""
        colour = QColor(self.colours[token])
        colour.setAlphaF(alpha)
        return colour


_DARK = {
    "ground": "#0d1014", "stripe": "#12161c", "panel": "#171c23", "raised": "#232b35", "hover": "#2e3844",
    "line": "#56616f", "border": "#788696", "text": "#e4e9f0", "dim": "#aab5c3", "disabled": "#7d8998",
    "accent": "#74c3ec", "primary": "#1d6e98", "primary_text": "#ffffff",
    "selection": "#1c5271", "selection_text": "#ffffff",
    "good": "#78d4b0", "warn": "#f0c25e", "bad": "#ff9484", "violet": "#c6b1f7",
    "badge": "#a52c1f", "badge_text": "#ffffff",
    "image_ground": "#07090c", "on_image": "#e4e9f0", "cross_hair": "#74c3ec", "histogram": "#8d9aab",
    "grid": "#2a323d",
    "plot_1": "#74c3ec", "plot_2": "#f0c25e", "plot_3": "#78d4b0", "plot_4": "#c6b1f7",
    "twilight": "#2b3550", "sun": "#f0c25e", "moon": "#b9c4d6",
    "mask_bad": "#ff5c5c", "mask_hot": "#ff9d2e", "mask_unstable": "#e6d84a", "mask_saturated": "#ff66d9",
    "mask_cosmic": "#46e0ff", "mask_no_data": "#8c7bff",
}  # fmt: skip

_LIGHT = {
    "ground": "#ffffff", "stripe": "#f5f7fa", "panel": "#eef1f5", "raised": "#e1e6ed", "hover": "#d3dae4",
    "line": "#959fac", "border": "#687585", "text": "#141d28", "dim": "#45525f", "disabled": "#6a7682",
    "accent": "#075e8c", "primary": "#0b6a9c", "primary_text": "#ffffff",
    "selection": "#0b6a9c", "selection_text": "#ffffff",
    "good": "#0b6141", "warn": "#714a00", "bad": "#a82015", "violet": "#5a38ab",
    "badge": "#a82015", "badge_text": "#ffffff",
    "image_ground": "#4c5661", "on_image": "#f4f7fb", "cross_hair": "#3ea6dc", "histogram": "#5d6a7a",
    "grid": "#d8dee6",
    "plot_1": "#0b6a9c", "plot_2": "#8a5a00", "plot_3": "#0d6f4b", "plot_4": "#6440b5",
    "twilight": "#cfd8ee", "sun": "#8a5a00", "moon": "#4d5d78",
    "mask_bad": "#d92020", "mask_hot": "#e07800", "mask_unstable": "#b3a100", "mask_saturated": "#cc1fa5",
    "mask_cosmic": "#00a3c7", "mask_no_data": "#5a48d6",
}  # fmt: skip

_CONTRAST = {
    "ground": "#000000", "stripe": "#0a0a0a", "panel": "#000000", "raised": "#1a1a1a", "hover": "#333333",
    "line": "#8f8f8f", "border": "#e0e0e0", "text": "#ffffff", "dim": "#e6e6e6", "disabled": "#b3b3b3",
    "accent": "#ffe14d", "primary": "#ffe14d", "primary_text": "#000000",
    "selection": "#ffe14d", "selection_text": "#000000",
    "good": "#7dffb5", "warn": "#ffd24d", "bad": "#ffa199", "violet": "#dcc8ff",
    "badge": "#ffffff", "badge_text": "#8f0000",
    "image_ground": "#000000", "on_image": "#ffffff", "cross_hair": "#ffe14d", "histogram": "#d0d0d0",
    "grid": "#404040",
    "plot_1": "#6fd6ff", "plot_2": "#ffe14d", "plot_3": "#7dffb5", "plot_4": "#dcc8ff",
    "twilight": "#26304d", "sun": "#ffe14d", "moon": "#ffffff",
    "mask_bad": "#ff4d4d", "mask_hot": "#ffa033", "mask_unstable": "#fff04d", "mask_saturated": "#ff66d9",
    "mask_cosmic": "#4de6ff", "mask_no_data": "#a899ff",
}  # fmt: skip

# Only red light spares dark-adapted eyes: no blue anywhere, green only as far as words need it to be told apart.
_RED = {
    "ground": "#080000", "stripe": "#0f0200", "panel": "#140300", "raised": "#260600", "hover": "#380a00",
    "line": "#8a2200", "border": "#b83600", "text": "#ff6a3c", "dim": "#f8501f", "disabled": "#c23e14",
    "accent": "#ff8a4a", "primary": "#6b1400", "primary_text": "#ffa070",
    "selection": "#5c1200", "selection_text": "#ffa070",
    "good": "#ff7a36", "warn": "#ff9a50", "bad": "#ff5a34", "violet": "#ff8060",
    "badge": "#5c0f00", "badge_text": "#ffa070",
    "image_ground": "#050000", "on_image": "#ff6a3c", "cross_hair": "#ff8a4a", "histogram": "#b84a28",
    "grid": "#3a0c00",
    "plot_1": "#ff8a4a", "plot_2": "#e8481c", "plot_3": "#ffb080", "plot_4": "#c43c14",
    "twilight": "#3a0e00", "sun": "#ff9a50", "moon": "#d85a34",
    "mask_bad": "#ff3010", "mask_hot": "#ff7a20", "mask_unstable": "#ffa850", "mask_saturated": "#ff5a50",
    "mask_cosmic": "#ffc090", "mask_no_data": "#c03010",
}  # fmt: skip

THEMES: dict[str, Theme] = {
    theme.name: theme
    for theme in (
        Theme("dark", "Dark", is_dark=True, colours=_DARK),
        Theme("light", "Light", is_dark=False, colours=_LIGHT),
        Theme("contrast", "High contrast", is_dark=True, colours=_CONTRAST),
        Theme("red", "Red, for dark-adapted eyes", is_dark=True, colours=_RED, colormap="red"),
    )
}
"""By name; the first is the default."""
