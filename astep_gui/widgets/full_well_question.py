"""The question whether stars are full below the level that is known, with what speaks for it and a look at one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from astep_gui.models.held_together import held_together
from astep_gui.models.needs_answers import WITH_THE_NEXT
from astep_gui.models.window_words import setting_words
from astep_gui.theme import restyle, theme, theme_notice
from astep_gui.widgets.painting import painting
from astep_gui.widgets.whole_label import WholeLabel
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from PyQt6.QtGui import QPainter, QPaintEvent

    from pipeline_core.well_check import FullWell

_TEXT_PX, _BARS_PX = 14, 40
"""Heights of the words below the bars, and of the bars."""


class FullWellQuestion(QWidget):
    """Asks, and tells the answer until a run has followed it; decides nothing."""

    saturation_chosen = pyqtSignal(float)
    """The level (ADU) from which pixels are full."""
    undo_asked = pyqtSignal()
    """The answer is to be taken back."""
    look_asked = pyqtSignal(str, float)
    """Path of a frame in which stars end at the level, and that level (ADU)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._well: FullWell | None = None
        self._declined: FullWell | None = None
        self._looks = 0
        self.words = WholeLabel()
        self.words.setProperty("role", "warn")
        self.peaks = _Peaks()
        self.look = self._button("Show me", self._look)
        self.yes = self._button("Yes, mask them", self._choose)
        self.no = self._button("No", self._decline)
        self.no.setToolTip("Ask no more about this run; nothing changes, and the warning stays in the list below")
        self.undo = self._button("Undo", self.undo_asked.emit)
        self.undo.setToolTip("Take the answer back: pixels are masked as before, and the question is asked again")
        self.undo.hide()
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in (self.look, self.yes, self.no, self.undo):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addWidget(self.peaks)
        column.addLayout(row)
        self.hide()

    def _button(self, words: str, deed: object) -> QPushButton:
        button = QPushButton(words)
        button.setProperty("small", "true")
        # A click that takes the button away would throw the focus into the list of the results, away from the question.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(deed)
        return button

    def ask(self, well: FullWell | None) -> None:
        """Ask about a level; None where there is nothing to ask."""
        if well != self._well:
            self._looks = 0
        self._well = well
        self.setVisible(well is not None and well != self._declined)
        if well is None:
            return
        self._turn(is_asked=True)
        level, limit = f"{well.level_adu:,.0f} ADU", f"{well.limit_adu:,.0f} ADU"
        frames = counted(len(well.paths), "frame")
        seen = f" {well.spots} bright stars and hot pixels of {frames} stop there." if well.paths else ""
        asked = f"▲ Do stars fill at {level}?{seen} {limit} was taken for full: what lies between is not masked."
        self.words.setText(held_together(asked))
        setting = setting_words("calibrate.saturation_adu")
        self.yes.setToolTip(
            f"Mask pixels from {level} on as saturated: sets “{setting}” in the settings; "
            "the next run follows it, Ctrl+Z takes it back"
        )
        self._say_look(well)
        self.peaks.show_peaks(well)

    def tell_answer(self, well: FullWell, level_adu: float) -> None:
        """Tell from where on pixels are masked now, as a person has said; the next run does so."""
        self._well = well
        level = f"{level_adu:,.0f} ADU"
        self.words.setText(held_together(f"✓ Saturation: masked from {level} on · {WITH_THE_NEXT}"))
        self._turn(is_asked=False)
        self.show()

    def _turn(self, *, is_asked: bool) -> None:
        """Show what belongs to the question, or to its answer."""
        role = "warn" if is_asked else "dim"
        if self.words.property("role") != role:
            self.words.setProperty("role", role)
            restyle(self.words)
        for widget in (self.peaks, self.look, self.yes, self.no):
            widget.setVisible(is_asked)
        self.undo.setHidden(is_asked)

    def _say_look(self, well: FullWell) -> None:
        self.look.setVisible(bool(well.paths))
        self.look.setText("Show another" if 0 < self._looks < len(well.paths) else "Show me")
        self.look.setToolTip(
            f"Look at such a star in a raw frame, with the pixels from {well.level_adu:,.0f} ADU on marked; "
            f"{counted(len(well.paths), 'frame')}, one a click"
        )

    def _look(self) -> None:
        well = self._well
        if well is not None and well.paths:
            path = well.paths[self._looks % len(well.paths)]
            self._looks = self._looks % len(well.paths) + 1
            self._say_look(well)
            self.look_asked.emit(path, well.level_adu)

    def _choose(self) -> None:
        if self._well is not None:
            self.saturation_chosen.emit(self._well.level_adu)

    def _decline(self) -> None:
        self._declined = self._well
        self.hide()


class _Peaks(QWidget):
    """How many bright places end at which level."""

    def __init__(self) -> None:
        super().__init__()
        self._well: FullWell | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_BARS_PX + _TEXT_PX + 2)
        theme_notice().changed.connect(self.update)

    def show_peaks(self, well: FullWell) -> None:
        """Show those of a question."""
        self._well = well
        self.setVisible(any(well.peaks))
        words = f"How many bright places of the raw frames reach which level: they pile up at {well.level_adu:,.0f} ADU"
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw a bar a step, those that stop at the level in the colour of the question."""
        del event
        if self._well is not None and self._well.peaks:
            with painting(self) as painter:
                self._draw(painter, self._well)

    def _draw(self, painter: QPainter, well: FullWell) -> None:
        painter.fillRect(QRectF(0, 0, self.width(), _BARS_PX), theme().colour("ground"))
        step, most = self.width() / len(well.peaks), max(well.peaks)
        at = well.level_adu / well.limit_adu
        for k, number in enumerate(well.peaks):
            height = max(2.0, (_BARS_PX - 4) * number / most) if number else 0.0
            is_full = (k + 1) / len(well.peaks) > at
            tone = theme().colour("warn" if is_full else "plot_1")
            painter.fillRect(QRectF(k * step + 0.5, _BARS_PX - height, max(1.0, step - 1.0), height), tone)
        font = self.font()
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(theme().colour("dim"))
        below = QRectF(0, _BARS_PX + 1, self.width(), _TEXT_PX)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "peaks of bright places: 0 ADU")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"{well.limit_adu:,.0f}")
