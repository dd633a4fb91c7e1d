"""The read-out: what the pixel under the pointer says, in columns that do not move."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from astep_gui.theme import mono_font
from astep_gui.widgets.elided_label import ElidedLabel
from pipeline_core.science.tangent import sexagesimal
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    from astep_gui.models.frame_images import ShownImage

_WIDTHS = {"place": len("x 12345  y 12345"), "value": len("-123456.78 ADU"), "sky": len("05 34 52.84 -68 10 24.3")}


class Readout(QWidget):
    """One line: 1-based x and y, the true value with its unit, the sky's place with its source, why it is masked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields = {name: self._field(width) for name, width in _WIDTHS.items()}
        self._fields["value"].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._source, self._mask = ElidedLabel(mode=Qt.TextElideMode.ElideRight), ElidedLabel()
        self._source.setProperty("role", "dim")
        self._mask.setProperty("role", "warn")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 2, 10, 2)
        layout.setSpacing(14)
        layout.addWidget(self._fields["place"])
        layout.addWidget(self._fields["value"])
        layout.addWidget(self._fields["sky"])
        layout.addWidget(self._source, 1)
        layout.addWidget(self._mask, 1)  # last: most pixels have none, and nothing moves where one has
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clear()

    def show_pixel(self, x: float, y: float, value: float | None, shown: ShownImage | None) -> None:
        """Show what the image says of a place (0-based, as :class:`ImageView` tells it)."""
        if shown is None:
            self.clear()
            return
        column, row = round(x), round(y)
        inside = 0 <= column < shown.shape[1] and 0 <= row < shown.shape[0]
        if not inside:
            self.clear()
            return
        # FITS counts from 1.
        self._fields["place"].setText(f"x {column + 1:>5d}  y {row + 1:>5d}")
        self._fields["value"].setText(value_words(value, shown))
        self._show_mask(self._mask_words(shown, column, row))
        sky = shown.facts.sky if shown.facts is not None else None
        self._fields["sky"].setText(" ".join(sexagesimal(*sky.sky(x, y))) if sky is not None else "")
        self._say_source(shown.facts.sky_source if sky is not None and shown.facts is not None else "")

    def _say_source(self, words: str) -> None:
        """Say where the place on the sky comes from; where there is little room, of a solution only that it is one."""
        whole, metrics = words, self._source.fontMetrics()
        while words.startswith("solved, ") and metrics.horizontalAdvance(words) > self._source.width():
            words = words.rpartition(", ")[0]
        self._source.setText(words)
        if words != whole:
            self._source.setToolTip(whole)

    def clear(self) -> None:
        """Show nothing: the pointer is on no pixel."""
        for field in self._fields.values():
            field.setText("")
        self._show_mask("")
        self._source.setText("")

    def _show_mask(self, words: str) -> None:
        self._mask.setText(words)
        self._mask.setVisible(bool(words))

    @property
    def words(self) -> str:
        """All that is shown, as one line."""
        parts = [self._fields["place"].text(), self._fields["value"].text(), self._mask.full_text]
        parts += [self._fields["sky"].text(), self._source.full_text]
        return "  ".join(part for part in parts if part)

    @staticmethod
    def _field(letters: int) -> QLabel:
        label = QLabel()
        label.setFont(mono_font())
        label.setFixedWidth(QFontMetrics(mono_font()).horizontalAdvance("0") * letters + 4)
        return label

    @staticmethod
    def _mask_words(shown: ShownImage, x: int, y: int) -> str:
        if shown.mask is None or shown.reduction > 1:
            return ""
        bits = int(shown.mask[y, x])
        return ", ".join(words for bit, words in MaskBit.WORDS.items() if bits & bit)


def value_words(value: float | None, shown: ShownImage) -> str:
    """Write a pixel's value with its unit; whole counts without decimals."""
    if value is None:
        return ""
    if math.isnan(value):
        return "no value"
    if shown.image.dtype.kind in "ui":
        return f"{value:.0f} {shown.unit}".strip()
    digits = 2 if abs(value) < 1e5 else 0
    if 0.0 < abs(shown.level.sigma) < 0.05:  # a flat: its scatter is in the fourth decimal
        digits = 5
    return f"{value:.{digits}f} {shown.unit}".strip()
