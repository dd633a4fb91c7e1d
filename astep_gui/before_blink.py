"""What was seen before a blink, and Esc gives back: frame, selection, step, part, levels, whether calibrated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astep_gui.models.night_model import NightModel
    from astep_gui.models.seen_part import SeenPart
    from astep_gui.viewing import Viewing


@dataclass(frozen=True, slots=True)
class BeforeBlink:
    """The place in the night from which a blink was begun."""

    current: str
    selection: tuple[str, ...]
    step: str | None
    difference: bool
    """Whether it was shown what the step changed."""
    is_calibrated: bool
    """Whether the frame was shown as its calibrated file holds it."""
    shape: tuple[int, ...]
    """(ny, nx) of the image that was seen."""
    part: SeenPart | None
    """What was seen of it; None while it was fitted into the window."""
    levels: dict[str, Any]

    @classmethod
    def of(cls, viewing: Viewing, night: NightModel, *, is_calibrated: bool) -> BeforeBlink | None:
        """Take note of what is seen now; None where no frame is."""
        steps, view = viewing.steps, viewing.view
        if night.current is None or view.shown is None:
            return None
        return cls(
            current=night.current,
            selection=night.selection,
            step=steps.chosen,
            difference=steps.difference,
            is_calibrated=is_calibrated,
            shape=view.shown.shape,
            part=view.part,
            levels=viewing.levels.state(),
        )

    def moved_to(self, night: NightModel) -> BeforeBlink:
        """Return the same for the frames that a person chose meanwhile: nobody wants to be taken from them."""
        assert night.current is not None, "one was chosen"
        return replace(self, current=night.current, selection=night.selection)

    def is_there(self, night: NightModel) -> bool:
        """Tell whether the night still holds the frame."""
        return night.frame(self.current) is not None

    def give_back(self, viewing: Viewing, night: NightModel) -> None:
        """Show all of it again; the blink is over already."""
        viewing.levels.give_back(self.levels)
        viewing.calibrated_asked.emit(self.current if self.is_calibrated else "")
        night.select(self.selection, self.current)
        if not self.is_calibrated:
            if self.step is not None and self.step in viewing.steps.names():
                viewing.steps.choose(self.step)
                viewing.steps.set_difference(self.difference)
            viewing.show_frame()
        if self.part is None:
            viewing.view.fit()
        else:
            viewing.view.see(self.shape, self.part)
