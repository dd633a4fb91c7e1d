"""The step that is put aside while frames are blinked: they go by as they were taken, in levels of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astep_gui.models.levels import MANUAL

if TYPE_CHECKING:
    from astep_gui.models.levels import LevelsModel
    from astep_gui.models.steps_model import StepsModel
    from astep_gui.widgets.steps_rail import StepsRail

BOTH_ENDS = "Enter stays on the frame seen, Esc goes back to {}"
"""Said wherever frames go by."""


class StepAside:
    """Leaves the chosen step, says so, and comes back to it.

    Notes
    -----
    A step of every frame would take seconds a frame to compute; and raw frames in the levels of a calibrated one are
    white all over.
    """

    def __init__(self, steps: StepsModel, levels: LevelsModel, rail: StepsRail) -> None:
        self._steps, self._levels, self._rail = steps, levels, rail
        self._name: str | None = None

    def leave(self, blinked: str, way_back: str) -> None:
        """Leave the chosen step, if there is one, and say what is blinked.

        Parameters
        ----------
        blinked : str
            "5 raw frames of Visual".
        way_back : str
            What Esc shows again.
        """
        self._name = name = self._steps.chosen
        if name is None:
            self.say(blinked, way_back)
            return
        self._levels.set_frozen(False)
        if self._levels.preset == MANUAL:
            self._levels.use_preset("auto")  # what a hand chose for the step means nothing for raw frames
        self._steps.choose(None)
        self.say(blinked, way_back)

    def say(self, blinked: str, way_back: str) -> None:
        """Say what is blinked, and both ways to end it."""
        self._rail.set_invitation(f"Blinking {blinked}; {BOTH_ENDS.format(way_back)}")

    def forget(self) -> None:
        """Come back to none: a person chose another step meanwhile."""
        self._name = None

    def come_back(self) -> bool:
        """Choose the step again; False where none was left, or the frame has no such step."""
        name, self._name = self._name, None
        self._rail.set_invitation("")
        if name is None or self._steps.chosen is not None or name not in self._steps.names():
            return False
        self._steps.choose(name)
        return True
