"""The two typefaces: Inter for words, JetBrains Mono for numbers that must stand in columns."""

from __future__ import annotations

from functools import cache

from PyQt6.QtGui import QFont, QFontDatabase

from pipeline_core.resources import resource_path

UI_FAMILY = "Inter"
MONO_FAMILY = "JetBrains Mono"
UI_PX = 13
MONO_PX = 12


@cache
def load_fonts() -> tuple[str, ...]:
    """Make the bundled fonts known to Qt, once; return their families."""
    families: list[str] = []
    for file in sorted(resource_path("fonts").glob("*.[ot]tf")):
        number = QFontDatabase.addApplicationFont(str(file))
        families += QFontDatabase.applicationFontFamilies(number)
    return tuple(dict.fromkeys(families))


def ui_font(px: int = UI_PX, *, bold: bool = False) -> QFont:
    """Return the font of words."""
    return _font(UI_FAMILY, px, bold=bold)


def mono_font(px: int = MONO_PX, *, bold: bool = False) -> QFont:
    """Return the font of numbers."""
    font = _font(MONO_FAMILY, px, bold=bold)
    font.setStyleHint(QFont.StyleHint.Monospace)
    return font


def _font(family: str, px: int, *, bold: bool) -> QFont:
    font = QFont(family)
    font.setPixelSize(px)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font
