"""Handing the calibrated frames of a night on to another program: those that are not rejected, with their times."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from astropy.io import fits

from pipeline_core.errors import DataError, NightError
from pipeline_core.export import export_frames
from pipeline_core.handed_frames import HandedFrames, handed_frames
from pipeline_core.kept_looks import TABLE
from pipeline_core.logbook import Logbook
from pipeline_core.measures import to_look_at
from pipeline_core.plan import Choices, build_plan
from pipeline_core.planned import planned_with
from pipeline_core.quality_table import read_with_calibration
from pipeline_core.session import Place, check_output, choices_of, recipe_of
from pipeline_core.store import Store
from pipeline_core.verdicts import SCIENCE_STAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.export import Target
    from pipeline_core.measures import QualityRow
    from pipeline_core.types import Night


@dataclass(frozen=True)
class HandedOn:
    """What was written for another program."""

    folder: Path
    files: tuple[Path, ...]
    frames: HandedFrames = field(default_factory=HandedFrames)
    """Which were taken, how they stand, and which were left out."""
    suggested: tuple[str, ...] = ()
    """Frames among those written that are suggested to be rejected, and about which nobody has decided."""
    stale: tuple[str, ...] = ()
    """Frames among those written that a run would make anew: their filter, dark or a setting was changed since."""
    older: tuple[str, ...] = ()
    """Files of an earlier export whose numbers go on where these end: another program takes them for the same."""

    @property
    def untimed(self) -> tuple[str, ...]:
        """Frames that were left out, because their time is unknown."""
        return self.frames.untimed

    @property
    def groups(self) -> tuple[str, ...]:
        """Folders of groups in ``folder``; none where all frames are of one group."""
        inside = dict.fromkeys(file.parent for file in self.files if file.parent != self.folder)
        return tuple(place.name for place in inside)

    @property
    def left_words(self) -> str:
        """Which frames were not good enough; those without a time are told one by one. Empty where none was."""
        return replace(self.frames, untimed=()).left_words

    @property
    def words(self) -> str:
        """Where the groups lie, and what is to be thought of before the frames are used; empty where nothing is.

        "Them" are those that were written: nothing of those that were left out may stand before it.
        """
        said = []
        if self.groups:
            said.append(f"in {len(self.groups)} folders, one a pointing, filter and exposure: {', '.join(self.groups)}")
        if self.suggested:
            number, are = len(self.suggested), "is" if len(self.suggested) == 1 else "are"
            which = f"{number} of them" if len(self.files) > 1 else "it"
            said.append(f"{which} {are} suggested to be rejected")
        if self.stale:
            number = len(self.stale)
            which, were = (
                (f"{number} of them", "was" if number == 1 else "were") if len(self.files) > 1 else ("it", "was")
            )
            said.append(f"{which} {were} calibrated before your last changes: reduce the night, then export again")
        if self.older:
            what = f"{self.older[0]} is" if len(self.older) == 1 else f"{self.older[0]} to {self.older[-1]} are"
            said.append(f"{what} of an export before, and would be taken for frames: delete what is not wanted")
        return "; ".join(said)


def without_wcs(files: Sequence[Path]) -> list[str]:
    """Return the names of exported files whose headers do not say where on the sky they lie.

    Notes
    -----
    Programs for asteroids solve them themselves, or refuse them; nobody should find that out there.
    """
    return [file.name for file in files if "CRVAL1" not in fits.getheader(file)]


def hand_on(
    place: Place,
    night: Night,
    target: Target,
    folder: Path,
    context: RunContext | None = None,
    *,
    only_good: bool = False,
) -> HandedOn:
    """Write the calibrated frames of a night that are not rejected for another program.

    Parameters
    ----------
    place : Place
    night : Night
        As scanned; decisions are applied here.
    target : {"tycho", "astrometrica", "siril"}
    folder : Path
        Neither the night nor a folder that holds it; made if missing.
    context : RunContext, optional
        Hears how far it is; its cancel ends it between two frames.
    only_good : bool
        Take good frames only, and those that a person accepted, see :func:`~pipeline_core.handed_frames.handed_frames`.

    Returns
    -------
    HandedOn

    Raises
    ------
    NightError
        If there is nothing to hand on.
    """
    check_output(Place(place.night, folder))
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        night = logbook.apply(night)
        rejected = logbook.rejected()
        recipe = recipe_of(place, None)
        groups = _folders(night, recipe)
        rows = _rows(place)
        kept = logbook.kept()
        suggested = {row.path for row in to_look_at(rows, rejected, kept)}
        files = {p.label: Path(p.location) for p in store.products(SCIENCE_STAGE) if p.location is not None}
        calibrated = [frame for frame in night.frames if frame.path in files]
        by_path = {row.path: row for row in rows}
        chosen = handed_frames(calibrated, night, by_path, rejected, kept, only_good=only_good)
        tasks = planned_with(store, night, choices_of(logbook), recipe).tasks.science
        # Files of an output that was copied are read whole: a stop must be heard before each.
        check = context.check if context is not None else None
        fresh = {path for path in chosen.stands.keys() & tasks.keys() if store.fresh(tasks[path], check) is not None}
    timed = ((path, night.by_path[path].mid_utc) for path in chosen.stands)
    frames = [(path, files[path], mid) for path, mid in timed if mid is not None]
    if not frames:
        which = "good, or accepted by a person" if only_good else "not rejected"
        raise NightError(
            f"nothing to export from {place.output}",
            f"it holds no calibrated frame with a time that is {which}",
            "export all that are not rejected, or look at them and accept what serves"
            if only_good
            else "run `astep reduce` first, or set the time",
        )
    against = {row.path: ", ".join(flag.cause for flag in row.flags if flag.severity != "note") for row in rows}
    written = export_frames(place.output, frames, target, folder, context, groups, against)
    doubted = tuple(path for path, _, _ in frames if path in suggested)
    stale = tuple(path for path, _, _ in frames if path not in fresh)
    older = _older(folder, written) if target == "siril" else ()
    return HandedOn(folder, tuple(written), chosen, doubted, stale, older)


def _older(folder: Path, files: Sequence[Path]) -> tuple[str, ...]:
    """Return the files that continue a sequence of Siril's beyond what was written, as paths in ``folder``."""
    there = {file for place in {file.parent for file in files} for file in place.glob("astep_*.fit")}
    return tuple(file.relative_to(folder).as_posix() for file in sorted(there - set(files)))


def _folders(night: Night, recipe: Recipe) -> dict[str, str]:
    """Return path → what the folder of its group (pointing, filter, exposure) is called."""
    from pipeline_core.stack_night import file_names  # noqa: PLC0415 - heavy

    groups = build_plan(night, recipe, Choices()).groups
    names = file_names(groups)
    return {path: names[group] for group, paths in groups.items() for path in paths}


def _rows(place: Place) -> list[QualityRow]:
    try:
        return read_with_calibration(place.output / TABLE)[0]
    except DataError:  # a run that was stopped before it judged has written none
        return []


def without_wcs_words(names: Sequence[str], number: int, remedy: str) -> str:
    """Say how many of the exported files have no place on the sky, and what gives them one; "" where all have.

    Parameters
    ----------
    names : sequence of str
        As :func:`without_wcs` returns them.
    number : int
        Of all files that were written.
    remedy : str
        What solves them: a command, or a panel of the window.
    """
    if not names:
        return ""
    then = f"not solved; {remedy}, then export again"
    if len(names) == number:
        return f"none of them has a WCS: they were {then}"
    if len(names) == 1:
        return f"{names[0]} has no WCS: it was {then}"
    return f"{len(names)} of them ({names[0]}, …) have no WCS: they were {then}"
