"""A night and its output together: where products go, what was decided, and what the plan is now."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline_core.errors import NightError, UsageError, near_folder
from pipeline_core.events import RunContext
from pipeline_core.logbook import Logbook
from pipeline_core.plan_types import NO_CHOICES, Choices  # noqa: F401 - the window takes it from here

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline_core.config import Recipe
    from pipeline_core.types import Frame

LOGBOOK = "logbook.sqlite"


@dataclass(frozen=True)
class Place:
    """A raw night and the folder its products go to."""

    night: Path
    output: Path

    @property
    def has_logbook(self) -> bool:
        """Whether something was decided or made there before."""
        return (self.output / LOGBOOK).is_file()


def default_output(night: Path) -> Path:
    """``<night>_reduced``, beside the night."""
    resolved = night.resolve()
    return resolved.with_name(resolved.name + "_reduced")


def find_place(target: Path, output: Path | None = None) -> Place:
    """Understand what a person pointed at: an output folder, or a night.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if (target / LOGBOOK).is_file() and output is None:
        with Logbook.read_only(target) as logbook:
            night = logbook.night
        if night is None:
            raise NightError(
                f"{target} does not say which night it belongs to",
                "its logbook names none",
                "name the night, and this folder with -o",
            )
        return Place(night, target)
    if not target.exists():
        raise UsageError(f"cannot find {target}", "there is no such folder", near_folder(target) or "check the path")
    return Place(target, output if output is not None else default_output(target))


def check_night(place: Place, command: str = "reduce") -> None:
    """Say where an output's night was last seen when it is not there any more, and how it is told where it is now.

    Parameters
    ----------
    place : Place
    command : str
        One that can be told where the night is now: the one that was asked for, if it is such a one.

    Raises
    ------
    NightError
        If the night that the output remembers is gone.
    """
    if place.has_logbook and not place.night.exists():
        raise NightError(
            f"cannot find the night of {place.output}: {place.night}",
            "its folder was moved or renamed, or its disk is not there",
            f"name where it is now, once: astep {command} NIGHT … -o {place.output}",
        )


def check_output(place: Place) -> None:
    """Refuse an output that would write among the raw frames themselves.

    Raises
    ------
    UsageError
        If the output is the night's folder, or one that holds the night.
    """
    night, output = place.night.resolve(), place.output.resolve()
    if output == night or output in night.parents:
        raise UsageError(
            f"cannot write into {place.output}",
            "it is the night itself, or holds it: raw data is never written to",
            "name another output folder with -o",
        )


def recipe_of(place: Place, named: Path | None, context: RunContext | None = None) -> Recipe:
    """Return the recipe of a night: the named one as it is, else that of its last run with what was decided since.

    Parameters
    ----------
    place : Place
    named : Path or None
        What a person names now; None goes on with what the output remembers, or the defaults.
    context : RunContext, optional
        Hears which recipe is used.

    Raises
    ------
    UsageError
        If a recipe cannot be used.
    """
    from pipeline_core.recipe_file import recipe_for, with_changes  # noqa: PLC0415 - pydantic only when needed

    recipe = recipe_for(place.output, named, context or RunContext())
    if named is not None or not place.has_logbook:
        return recipe
    with Logbook.read_only(place.output) as logbook:
        return with_changes(recipe, logbook.recipe_changes())


def choices_of(logbook: Logbook) -> Choices:
    """Return what the logbook says beyond the frames' own fields, as the plan wants it.

    A frame that a rule rejected stays in the plan: only what is measured can be judged by the rule again.
    """
    by_rule = logbook.rejected_by_rule()
    rejected = {path: why for path, why in logbook.rejected().items() if path not in by_rule}
    return Choices(rejected, logbook.kept(), logbook.forced_masters())


def matching(frames: Sequence[Frame], patterns: Sequence[str]) -> list[Frame]:
    """Select frames by globs: on the night-relative path, or on the name when the pattern has no ``/``.

    Raises
    ------
    UsageError
        If a pattern matches nothing: a typing mistake must not pass for a decision.
    """
    chosen: dict[str, Frame] = {}
    for pattern in patterns:
        cleaned = pattern.replace("\\", "/").removeprefix("./")
        by_path = "/" in cleaned
        found = [f for f in frames if f.path == cleaned or fnmatchcase(f.path if by_path else f.name, cleaned)]
        if not found:
            raise UsageError(
                f"no frame matches {pattern!r}",
                "patterns are globs on the path inside the night, or on the file name",
                "list the frames with `astep scan NIGHT`, and quote the pattern",
            )
        chosen |= {f.path: f for f in found}
    return list(chosen.values())
