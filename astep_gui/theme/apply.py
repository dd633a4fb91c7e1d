"""Putting a theme on: palette, style sheet, plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QPalette

from astep_gui.theme.fonts import load_fonts, ui_font
from astep_gui.theme.stylesheet import style_sheet
from astep_gui.theme.tokens import THEMES, Theme

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QApplication

DEFAULT = "dark"
_STYLE = "fusion"


class ThemeNotice(QObject):
    """Says that the theme is another one; widgets that paint for themselves listen."""

    changed = pyqtSignal()


class _Current:
    """The theme that is on, and who tells of it."""

    theme: Theme = THEMES[DEFAULT]
    notice: ThemeNotice | None = None


def theme() -> Theme:
    """Return the theme that is on."""
    return _Current.theme


def theme_notice() -> ThemeNotice:
    """Return the one object whose ``changed`` follows every change of theme."""
    if _Current.notice is None:
        _Current.notice = ThemeNotice()
    return _Current.notice


def apply_theme(app: QApplication, name: str = DEFAULT) -> Theme:
    """Dress the program.

    Parameters
    ----------
    app : QApplication
    name : str
        A key of :data:`THEMES`; one that is not known (of a newer version's settings) gives the default.
    """
    chosen = THEMES.get(name, THEMES[DEFAULT])
    _Current.theme = chosen
    load_fonts()
    # A new style and each change of a sheet dress all widgets anew, and a sheet that takes the place of another does
    # so slowly: 160 ms for a window's 650 widgets where the other one is taken off first, 110 ms.
    app.setStyleSheet("")
    style = app.style()
    if style is None or style.name() != _STYLE:
        app.setStyle(_STYLE)
    app.setFont(ui_font())
    app.setPalette(_palette(chosen))
    app.setStyleSheet(style_sheet(chosen))
    theme_notice().changed.emit()
    return chosen


def _palette(look: Theme) -> QPalette:
    palette = QPalette()
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    for what, token in (
        (role.Window, "panel"),
        (role.WindowText, "text"),
        (role.Base, "ground"),
        (role.AlternateBase, "stripe"),
        (role.Text, "text"),
        (role.Button, "raised"),
        (role.ButtonText, "text"),
        (role.BrightText, "bad"),
        (role.Light, "hover"),
        (role.Midlight, "raised"),
        (role.Mid, "line"),
        (role.Dark, "ground"),
        (role.Shadow, "ground"),
        (role.Highlight, "selection"),
        (role.HighlightedText, "selection_text"),
        (role.Accent, "accent"),
        (role.Link, "accent"),
        (role.LinkVisited, "violet"),
        (role.PlaceholderText, "dim"),
        (role.ToolTipBase, "raised"),
        (role.ToolTipText, "text"),
    ):
        palette.setColor(what, look.colour(token))
    for what in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, what, look.colour("disabled"))
    return palette
