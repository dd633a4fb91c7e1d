"""Of which state of the night a report is: whether frames, decisions or products changed since it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline_core.logbook import Logbook
    from pipeline_core.store import Store
    from pipeline_core.types import Night

REPORTS = ("report.html", "report_small.html")
"""Names of a night's reports in its output."""
_META = '<meta name="astep-harvest-state" content="'
_HEAD_BYTES = 2000
"""The mark stands among the first bytes of a report."""


def night_state(night: Night, logbook: Logbook, store: Store) -> str:
    """Return a word that is another one as soon as anything that a report of the night shows holds no more.

    Parameters
    ----------
    night : Night
        As scanned, or as decided.
    logbook : Logbook
    store : Store

    Notes
    -----
    A decision that was taken back counts as never made, though a report that is written after it has a line for it.
    The steps of persons tell apart two decisions of one outcome, whose reasons may differ; what rules decide anew
    each time is known by its outcome.
    """
    # Not above: a window tells the reports of a night apart before anything heavy is imported.
    from pipeline_core.decision_steps import stacks  # noqa: PLC0415
    from pipeline_core.depth_night import STAGE as DEPTH_STAGE  # noqa: PLC0415
    from pipeline_core.quality_report import CALIBRATION_STAGE, FINAL_STAGE  # noqa: PLC0415
    from pipeline_core.stage import digest  # noqa: PLC0415
    from pipeline_core.verdicts import SCIENCE_STAGE  # noqa: PLC0415

    shown = {SCIENCE_STAGE, FINAL_STAGE, CALIBRATION_STAGE, DEPTH_STAGE}
    made = sorted(
        (product.name, product.location or "", product.key)
        for product in store.products()
        if product.name.startswith("masters/") or product.stage in shown
    )
    # Not by the files' times: those of a night that was copied may be others.
    frames = sorted((frame.path, frame.size_bytes) for frame in night.frames)
    # By what holds, not by how often somebody decided: what is undone again leaves a report as good as it was.
    steps, _ = stacks(logbook.database)
    return digest(steps, logbook.current(), frames, made)


def state_mark(state: str) -> str:
    """Return the element of a page's head that says of which state the page is."""
    return f'{_META}{state}">'


def reports_of(output: Path, state: str, names: Iterable[str] = REPORTS) -> dict[str, bool]:
    """Tell of each report that is there whether it is of before the last changes.

    Parameters
    ----------
    output : Path
    state : str
        Of the night now.
    names : iterable of str
        Of files in the output.

    Notes
    -----
    One that does not say of which state it is comes from an earlier version: it counts as old.
    """
    found: dict[str, bool] = {}
    for name in names:
        try:
            with (output / name).open("rb") as file:
                head = file.read(_HEAD_BYTES)
        except OSError:
            continue  # not written, or not to be read: nothing is claimed of it
        found[name] = state_mark(state).encode() not in head
    return found
