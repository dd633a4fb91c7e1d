"""What a run did about a need that nobody answered: said in its line afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astep_gui.models.needs import Need
    from astep_gui.models.night_model import NightModel
    from pipeline_core.survey import Survey


def done_about(need: Need, night: NightModel) -> str:
    """Return "reduced without a flat"; empty where no run has come by, or something changed since.

    Notes
    -----
    Known from the survey: a frame whose file a run would leave as it is was calibrated as the plan has it.
    """
    survey = night.survey
    if survey is None or not survey.is_reduced or not need.paths:
        return ""
    done = [path for path in need.paths if path in survey.calibrated and path not in survey.stale]
    masters = [m for m in survey.masters if m.state == "up to date" and set(need.paths) & set(m.frames)]
    if not done and masters:
        if need.lacks and all(need.lacks not in master.task.inputs for master in masters):
            return f"made without a {need.lacks}"
        used = ", ".join(master.name for master in masters[:2]) + (" …" if len(masters) > 2 else "")
        return f"{used} made with {'it' if len(need.paths) == 1 else 'them'}"
    if not done:
        return "left out of the run" if survey.is_up_to_date else ""
    how = _how(need, done, survey)
    if len(done) == len(need.paths):
        return how
    waiting = sum(path in survey.stale for path in need.paths)  # what was chosen since comes with the next run
    wait = f", {waiting} wait{'s' if waiting == 1 else ''} for the next run" if waiting else ""
    return f"{len(done)} of {len(need.paths)} {how}{wait}"


def _how(need: Need, done: Sequence[str], survey: Survey) -> str:
    """Say with what frames were calibrated, of which the need tells what they lack: by the steps done to them."""
    if not need.lacks or any(path not in survey.steps for path in done):
        return "reduced like the others"
    idle = [survey.steps[path] for path in done]  # a step's "" is that it did its work
    has_bias = all(steps["bias"] == "" for steps in idle)
    with_it = sum(steps[need.lacks] == "" for steps in idle)
    if with_it == len(done):
        return f"reduced with a {'scaled ' if need.lacks == 'dark' and has_bias else ''}{need.lacks}"
    if with_it:
        return f"reduced, {with_it} of them with a {need.lacks}"
    if need.lacks == "dark" and has_bias:
        return "reduced with the bias alone"
    return f"reduced without a {need.lacks}"
