"""Letting the style sheet see what changed about a widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget


def restyle(widget: QWidget) -> None:
    """Put the style sheet on anew: a property that it asks for has another value."""
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)
