"""Which calibrated frames of a night can be handed on to another program: the accepted ones, with their times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from astropy.io import fits

from pipeline_core.errors import DataError, NightError
from pipeline_core.export import export_frames
from pipeline_core.kept_looks import TABLE
from pipeline_core.logbook import Logbook
from pipeline_core.measures import to_look_at
from pipeline_core.plan import Choices, build_plan
from pipeline_core.planned import planned_with
from pipeline_core.quality_table import read_with_calibration
from pipeline_core.session import Place, check_output, choices_of, recipe_of
from pipeline_core.standing import GOOD, standing
from pipeline_core.store import Store
from pipeline_core.types import FrameKind
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
    untimed: tuple[str, ...] = ()
    """Frames that were left out, because their time is unknown."""
    suggested: tuple[str, ...] = ()
    """Frames among those written that are suggested to be rejected, and about which nobody has decided."""
    stale: tuple[str, ...] = ()
    """Frames among those written that a run would make anew: their filter, dark or a setting was changed since."""
    older: tuple[str, ...] = ()
    """Files of an earlier export whose numbers go on where these end: another program takes them for the same."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Folders of groups in ``folder``; none where all frames are of one group."""
        inside = dict.fromkeys(file.parent for file in self.files if file.parent != self.folder)
        return tuple(place.name for place in inside)

    @property
    def words(self) -> str:
        """Where the groups lie, and what is to be thought of before the frames are used; empty where nothing is."""
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
    """Write the accepted calibrated frames of a night for another program.

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
        Leave out what is suspect, not judged, or accepted although something speaks against it.

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
        wanted = {f.path for f in night.frames if f.kind is FrameKind.SCIENCE and f.unusable is None} - set(rejected)
        recipe = recipe_of(place, None)
        groups = _folders(night, recipe)
        rows = _rows(place)
        kept = logbook.kept()
        suggested = {row.path for row in to_look_at(rows, rejected, kept)}
        if only_good:
            wanted &= {row.path for row in rows if standing(row, rejected, kept) == GOOD}
        products = [p for p in store.products(SCIENCE_STAGE) if p.label in wanted]
        tasks = planned_with(store, night, choices_of(logbook), recipe).tasks.science
        # Files of an output that was copied are read whole: a stop must be heard before each.
        check = context.check if context is not None else None
        fresh = {path for path in wanted & tasks.keys() if store.fresh(tasks[path], check) is not None}
    frames, untimed = [], []
    for product in products:
        mid = night.by_path[product.label].mid_utc
        if mid is None or product.location is None:
            untimed.append(product.label)
        else:
            frames.append((product.label, Path(product.location), mid))
    if not frames:
        raise NightError(
            f"nothing to export from {place.output}",
            f"it holds no {'good' if only_good else 'accepted'} calibrated frame with a time",
            "export all that are accepted, or look at the others first"
            if only_good
            else "run `astep reduce` first, or set the time",
        )
    against = {row.path: ", ".join(flag.cause for flag in row.flags if flag.severity != "note") for row in rows}
    files = export_frames(place.output, frames, target, folder, context, groups, against)
    doubted = tuple(path for path, _, _ in frames if path in suggested)
    stale = tuple(path for path, _, _ in frames if path not in fresh)
    older = _older(folder, files) if target == "siril" else ()
    return HandedOn(folder, tuple(files), tuple(untimed), doubted, stale, older)


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
