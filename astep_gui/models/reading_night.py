"""What opening a night reads: its frames' headers, the settings that hold for it, and the frame to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astep_gui.jobs import Job, Jobs
    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.logbook import Logbook
    from pipeline_core.session import Place
    from pipeline_core.types import Frame, Night


def reading(jobs: Jobs, place: Place, previous: Night | None) -> Job:
    """Return the job that reads the headers of a night; of one that was read before, only new and changed files."""

    def work(context: RunContext) -> Night:
        import pipeline_core.plan  # noqa: PLC0415 - here, and not in the window's thread when it plans
        import pipeline_core.recipe_file  # noqa: F401, PLC0415
        from pipeline_core.scan import scan_night  # noqa: PLC0415

        return scan_night(place.night, context, previous=previous)

    return jobs.job("reading headers", work)


def decided_recipe(place: Place, logbook: Logbook | None) -> Recipe:
    """Return the settings as the last run left them, with what was decided since."""
    from pipeline_core.recipe_file import RECIPE_FILE, load_recipe, with_changes  # noqa: PLC0415 - heavy

    file = place.output / RECIPE_FILE
    recipe = load_recipe(file if file.is_file() else None)
    return recipe if logbook is None else with_changes(recipe, logbook.recipe_changes())


def first_shown(frames: Sequence[Frame], listed: Sequence[str] = ()) -> str | None:
    """Return the frame that is shown first: the first usable science frame, or the first usable one at all.

    Parameters
    ----------
    frames : sequence of Frame
    listed : sequence of str
        Paths in the order in which the list has them: its first is what is shown, and the list stands at its top.
    """
    place = {path: number for number, path in enumerate(listed)}
    ordered = sorted(frames, key=lambda frame: place.get(frame.path, len(place)))
    usable = [frame for frame in ordered if frame.unusable is None]
    science = [frame for frame in usable if frame.kind.value == "science"]
    return next((frame.path for frame in (*science, *usable)), None)
