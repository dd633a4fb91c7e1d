"""What lies below the image: the timeline with its keogram, or one star's night in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtWidgets import QVBoxLayout, QWidget

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent

    from astep_gui.widgets.keogram import KeogramStrip
    from astep_gui.widgets.star_strip import StarStrip
    from astep_gui.widgets.timeline import Timeline

KEOGRAM_PX = (26, 64)
"""Height of the keogram in a low strip and in a high one."""
_FULL_AT_PX = (210, 295)
"""Heights of all strips between which the keogram grows: below, the plot needs every pixel."""


class Strips(QWidget):
    """Shares what height there is between plot and keogram."""

    def __init__(self, timeline: Timeline, keogram: KeogramStrip, star: StarStrip) -> None:
        super().__init__()
        self._timeline, self._keogram, self._star = timeline, keogram, star
        strips = QVBoxLayout(self)
        strips.setContentsMargins(0, 0, 0, 0)
        strips.setSpacing(0)
        strips.addWidget(timeline, 1)
        strips.addWidget(keogram)
        # One star's night takes the place of the whole field's: the image keeps its room.
        strips.addWidget(star, 1)
        keogram.setFixedHeight(KEOGRAM_PX[0])
        star.hide()

    def show_star(self, is_on: bool) -> None:  # noqa: FBT001 - a switch
        """Show the star that is followed, or the whole field's night."""
        self._star.setVisible(is_on)
        for widget in (self._timeline, self._keogram):
            widget.setVisible(not is_on)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Share anew."""
        super().resizeEvent(event)
        height = self.height() - self._timeline.offered_px  # what a threshold costs is no room to grow into
        self._keogram.setFixedHeight(round(float(np.interp(height, _FULL_AT_PX, KEOGRAM_PX))))
