"""How the window looks: colours by name, fonts, icons, one style sheet."""

from astep_gui.theme.apply import apply_theme, theme, theme_notice
from astep_gui.theme.fonts import mono_font, ui_font
from astep_gui.theme.icons import icon
from astep_gui.theme.restyle import restyle
from astep_gui.theme.tokens import THEMES, Theme
from astep_gui.theme.tones import toned, tones

__all__ = [
    "THEMES",
    "Theme",
    "apply_theme",
    "icon",
    "mono_font",
    "restyle",
    "theme",
    "theme_notice",
    "toned",
    "tones",
    "ui_font",
]
