"""Small plots in the colours and fonts of the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg

from astep_gui.theme import mono_font, theme

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget


def small_plot(parent: QWidget | None = None, *, left: bool = True) -> pg.PlotWidget:
    """Return a plot that neither pans nor opens menus; dress it with :func:`dress_plot`."""
    plot = pg.PlotWidget(parent, enableMenu=False)  # menus that nobody opens take 10 ms to make
    item = plot.getPlotItem()
    item.hideButtons()
    item.setMouseEnabled(x=False, y=False)
    item.showAxis("left", left)
    item.getViewBox().setDefaultPadding(0.02)
    for name in ("left", "bottom"):
        axis = item.getAxis(name)
        axis.enableAutoSIPrefix(enable=False)
        axis.setStyle(tickLength=-4, autoExpandTextSpace=True, tickTextOffset=5)
    dress_plot(plot)
    return plot


def dress_plot(plot: pg.PlotWidget) -> None:
    """Put the theme's colours on a plot's ground, axes and words."""
    look = theme()
    plot.setBackground(look.colour("ground"))
    for name in ("left", "bottom"):
        axis = plot.getPlotItem().getAxis(name)
        axis.setPen(pg.mkPen(look.colour("line")))
        axis.setTextPen(pg.mkPen(look.colour("dim")))
        axis.setStyle(tickFont=mono_font(11))
        axis.label.setDefaultTextColor(look.colour("dim"))
