"""Which calibrated frames of a night can be handed on to another program: the accepted ones, with their times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from astropy.io import fits

from pipeline_core.errors import NightError
from pipeline_core.export import export_frames
from pipeline_core.logbook import Logbook
from pipeline_core.session import Place, check_output
from pipeline_core.store import Store
from pipeline_core.types import FrameKind
from pipeline_core.verdicts import SCIENCE_STAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.events import RunContext
    from pipeline_core.export import Target
    from pipeline_core.types import Night


def without_wcs(files: Sequence[Path]) -> list[str]:
    """Return the names of exported files whose headers do not say where on the sky they lie.

    Notes
    -----
    Programs for asteroids solve them themselves, or refuse them; nobody should find that out there.
    """
    return [file.name for file in files if "CRVAL1" not in fits.getheader(file)]


def hand_on(
    place: Place, night: Night, target: Target, folder: Path, context: RunContext | None = None
) -> tuple[list[Path], list[str]]:
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

    Returns
    -------
    written : list of Path
    untimed : list of str
        Frames that were left out, because their time is unknown.

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
        products = [p for p in store.products(SCIENCE_STAGE) if p.label in wanted]
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
            "it holds no accepted calibrated frame with a time",
            "run `astep reduce` first, or set the time",
        )
    return export_frames(place.output, frames, target, folder, context), untimed


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
