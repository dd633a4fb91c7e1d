"""What is said of the needs as a whole, in one unit everywhere: questions, each a line of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astep_gui.models.equal_needs import in_lines
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astep_gui.models.needs import Need
    from astep_gui.models.night_model import NightModel


def questions(needs: Sequence[Need]) -> str:
    """Return "3 questions": equal needs are one line, and one question."""
    return counted(len(in_lines(needs, ())), "question")


def is_settled(night: NightModel) -> bool:
    """Whether the run has answered for the person what was not answered: nothing waits for the needs any more."""
    survey = night.survey
    return survey is not None and survey.is_reduced and survey.is_up_to_date


def heading_of(night: NightModel) -> str:
    """Return what stands over the list."""
    if night.needs:
        return f"{'Left to look at' if is_settled(night) else 'Needs you'} · {questions(night.needs)}"
    if night.plan is None:
        return "Planning"
    is_reduced = night.survey is not None and night.survey.is_reduced
    if night.looking.is_on and not is_reduced:  # a green word would send on who ought to hear what is found
        return "No question so far"
    return "✓ Nothing needs you" if is_reduced else "✓ Ready to reduce"


def next_of(night: NightModel) -> str:
    """Say in a sentence or two what comes next: where no need stands in the list."""
    if night.needs or not night.is_open:
        return ""
    if night.plan is None:
        return "The plan is being made: which frames go into which master, and what is missing."
    survey = night.survey
    if survey is None or not survey.is_reduced:
        return "Look through the frames below: X rejects one. “Reduce night” (Ctrl+R) calibrates the rest."
    if survey.is_up_to_date:
        return "The night is reduced as it was decided. Results (Ctrl+4) tell what was made and where it lies."
    return "Something changed since the run: Ctrl+R makes anew what it changes, and leaves the rest."
