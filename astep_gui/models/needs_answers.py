"""How a person answered what the night needed: said in the settled line until a run has come by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from astep_gui.models.needs_words import is_settled
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from astep_gui.models.needs import Need, Remedy
    from astep_gui.models.night_model import NightModel

Step = tuple[int, str]
"""How many steps are done, and what the last one is called: by both it is known whether a step is still the last."""
NO_STEP: Step = (0, "")
WITH_THE_NEXT = "takes effect with the next Reduce"
DECIDES = frozenset({"set", "reject", "accept"})
"""Deeds of a way out that are decisions; the others show something."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A need, the way out that was chosen, and the step of the logbook that it became."""

    need: Need
    way: Remedy
    step: Step

    @property
    def stays(self) -> bool:
        """Whether its line stays when the pointer has left: frames tell nowhere which master was chosen for them."""
        return self.way.deed == "set"


class Answers:
    """The answers since the last run."""

    def __init__(self) -> None:
        self._given: list[Answer] = []
        self._last: Step = NO_STEP

    def give(self, answer: Answer) -> None:
        """Remember one; of two to the same need the later counts."""
        self._given.insert(0, answer)
        self._last = answer.step

    def follow(self, last: Step) -> None:
        """Forget what was taken back."""
        self._last = last
        self._given = [answer for answer in self._given if answer.step[0] <= last[0]]

    def forget(self) -> None:
        """Forget all of them: a run has done what was answered."""
        self._given = []

    def of(self, need: Need) -> Answer | None:
        """Return how a need was answered; None where it was not, or is no need any more for another reason."""
        return next((answer for answer in self._given if answer.need == need), None)

    def can_take_back(self, answer: Answer) -> bool:
        """Whether one undo takes it back, and nothing else."""
        return answer.step == self._last


def answer_words(answer: Answer, night: NightModel) -> str:
    """Return "flat_R is used · takes effect with the next Reduce"."""
    way = answer.way
    if way.deed in {"reject", "accept"}:
        return _said_and_since(answer, night)
    if way.field in {"flat", "dark"}:
        how = f"without a {way.field}" if way.value == "none" else f"{way.value} is used"
    else:
        how = f"{way.field} {way.value}" if way.field == "filter" else f"{way.field}: {way.value}"
    paths = way.paths or answer.need.paths
    if otherwise := sum(not _holds(way, path, night) for path in paths):
        how += ", then another choice" + (f" for {counted(otherwise, 'frame')}" if otherwise < len(paths) else "")
    return how if is_settled(night) else f"{how} · {WITH_THE_NEXT}"


def _holds(way: Remedy, path: str, night: NightModel) -> bool:
    """Whether what was chosen for a frame is chosen still: elsewhere it may be decided about again."""
    if way.field in {"bias", "dark", "flat"}:
        return night.choices.forced.get(path, {}).get(way.field) == way.value
    frame = night.frame(path)
    return frame is None or way.field not in {"kind", "filter"} or getattr(frame, way.field) == way.value


def _said_and_since(answer: Answer, night: NightModel) -> str:
    """Return "rejected" or "kept", and what became of it: a frame may be decided about again by itself."""
    is_rejection = answer.way.deed == "reject"
    said, other = ("rejected", "kept") if is_rejection else ("kept", "rejected")
    paths = answer.way.paths or answer.need.paths
    otherwise = sum((path in night.rejected) != is_rejection for path in paths)
    if not otherwise:
        return said
    return f"{said}, then {other}" if otherwise == len(paths) else f"{said}, then {otherwise} {other}"
