"""Which dark a frame gets, and what it may get instead: asked and chosen in one menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QMenu

from astep_gui.models.window_words import in_window
from pipeline_core.grouping import Geometry
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtWidgets import QWidget

    from astep_gui.models.night_model import NightModel
    from pipeline_core.plan_types import MasterPlan


@dataclass(frozen=True)
class WhichDark:
    """The answer, and the choices."""

    answer: str
    """Which dark is subtracted, or why none is."""
    dark: str | None
    """Its master."""
    choices: tuple[tuple[str, str | None], ...]
    """What else may be done: words, and what is decided then (a master's name, "none", None for the plan's choice)."""
    paths: tuple[str, ...]
    """The frames for which it is decided: of the same size, binning and exposure, and with the same dark."""


def which_dark(night: NightModel, path: str) -> WhichDark | None:
    """Say which dark a science frame gets; None where the plan does not take it."""
    plan = night.plan
    use = next((one for one in plan.science if one.path == path), None) if plan is not None else None
    frame = night.frame(path)
    if plan is None or use is None or frame is None or frame.shape is None:
        return None
    geometry = Geometry.of(frame)  # where none has a dark, others are of another size: no dark here fits those
    alike = tuple(
        one.path
        for one in plan.science
        if one.dark == use.dark
        and (f := night.frame(one.path)) is not None
        and f.exposure_s == frame.exposure_s
        and Geometry.of(f) == geometry
    )
    exposure = f" of {frame.exposure_s:g} s" if frame.exposure_s is not None else ""
    whom = f"for {counted(len(alike), 'frame')}{exposure}"
    master = plan.master(use.dark)
    if master is not None:
        scaled = f", its dark current × {use.dark_scale:.3g}" if use.dark_scale != 1.0 else ""
        answer = f"{_told(master)} is subtracted{scaled}"
    else:
        reason = next((words for words in use.warnings if "dark" in words), "so it was chosen")
        answer = f"No dark is subtracted: {in_window(reason).partition('; ')[0]}"
    choices: list[tuple[str, str | None]] = [
        (f"Use {_told(other)}, as it is, {whom}", other.name)
        for other in _all_darks(night)
        if other.name != use.dark and other.geometry == geometry
    ]
    if use.dark is not None:
        choices.append((f"Subtract no dark {whom}", "none"))
    if "dark" in night.choices.forced.get(path, {}):
        choices.append((f"Leave it to the plan again {whom}", None))
    return WhichDark(answer, use.dark, tuple(choices), alike)


def _all_darks(night: NightModel) -> list[MasterPlan]:
    """Return all darks that the night's frames make, also those that no frame takes now."""
    from pipeline_core.judge_calibration import hard_words  # noqa: PLC0415 - heavy
    from pipeline_core.plan import build_plan  # noqa: PLC0415 - imported by the scan

    if night.night is None:
        return []
    plan = build_plan(night.night, night.recipe, night.choices, hard_words(night.calibration_flags), make_all=True)
    return [master for master in plan.masters if master.kind == "dark"]


def _told(dark: MasterPlan) -> str:
    """Return "dark_90s_-10C (5 frames of 90 s at -10 °C)"."""
    facts = [f"of {dark.exposure_s:g} s" if dark.exposure_s is not None else ""]
    facts.append(f"at {dark.temperature_c:.0f} °C" if dark.temperature_c is not None else "")
    made = "one that existed" if dark.is_ready else counted(len(dark.frames), "frame")
    return f"{dark.name} ({' '.join(filter(None, (made, *facts)))})"


def ask_which_dark(
    button: QWidget,
    found: WhichDark,
    *,
    show_plan: Callable[[], object],
    show_master: Callable[[], object],
    decide: Callable[[str | None], object],
) -> QMenu:
    """Open the menu below the button that was clicked: the answer first, then what can be looked at and chosen."""
    menu = QMenu(button)
    answer = menu.addAction(found.answer)
    assert answer is not None, "Qt makes one"
    answer.setEnabled(False)
    menu.addSeparator()
    deeds: list[tuple[str, Callable[[], object]]] = []
    if found.dark is not None:
        deeds += [("Look at it", show_master), ("Show it in the plan, with its frames", show_plan)]
    else:
        deeds.append(("Show the plan", show_plan))
    for words, deed in deeds:
        _add(menu, words, deed)
    menu.addSeparator()
    for words, value in found.choices:
        _add(menu, words, lambda value=value: decide(value))
    if all(value in {"none", None} for _, value in found.choices):
        none = menu.addAction("No other dark of this night fits its frames' size: add some to its folder")
        assert none is not None, "Qt makes one"
        none.setEnabled(False)
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(button.mapToGlobal(button.rect().bottomLeft()))
    return menu


def _add(menu: QMenu, words: str, deed: Callable[[], object]) -> None:
    action = menu.addAction(words)
    assert action is not None, "Qt makes one"
    action.triggered.connect(lambda _on: deed())
