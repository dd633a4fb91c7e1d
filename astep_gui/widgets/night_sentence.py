"""How good the night is, in a sentence over its results, and what to do otherwise next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from astep_gui.models.held_together import held_together
from astep_gui.widgets.whole_label import WholeLabel

if TYPE_CHECKING:
    from astep_gui.models.night_model import NightModel
    from pipeline_core.night_told import NightTold


class NightSentence(QWidget):
    """Says what the report and the command line say, of the verdicts as they are now.

    Attributes
    ----------
    advice : WholeLabel
        What to do otherwise next time; placed by whoever shows the sentence, below what is wanted of this night.
    """

    def __init__(self, night: NightModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._is_wanted = False
        self._told_of: object = None
        """All that the words stand on."""
        self.sentence, self.advice = WholeLabel(), WholeLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for label in (self.sentence, self.advice):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(self.sentence)
        self.hide()
        self.advice.hide()

    def put_below(self, widget: QWidget) -> None:
        """Show something directly below the sentence."""
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.addWidget(widget)

    def follow(self, *, is_wanted: bool | None = None) -> None:
        """Say how the night is now.

        Parameters
        ----------
        is_wanted : bool, optional
            Whether the night is reduced and no run is on; as before where it is not said.
        """
        self._is_wanted = self._is_wanted if is_wanted is None else is_wanted
        night = self._night
        if not self._is_wanted or night.night is None or not night.rows:  # none: the table is not read yet
            self._show(None)
            return
        parent = self.parentWidget()
        if parent is not None and not parent.isVisible():
            return  # nobody reads it; showing the panel follows again
        told_of = (
            night.night, night.plan, dict(night.rows), dict(night.rejected), night.choices.kept,
            dict(night.calibration_flags),
        )  # fmt: skip
        if told_of != self._told_of:
            self._told_of = told_of
            from pipeline_core.night_told import told_night  # noqa: PLC0415 - it stands on the recipe

            self._show(told_night(night.rows.values(), *told_of[:2], *told_of[3:]))

    def _show(self, told: NightTold | None) -> None:
        if told is None:
            self._told_of = None
        self.sentence.setText(held_together(told.sentence) if told is not None else "")
        self.advice.setText(
            "\n".join(("Next time:", *(f"• {words}" for words in told.next_time))) if told is not None else ""
        )
        self.advice.setVisible(told is not None and bool(told.next_time))
        self.setVisible(told is not None)
