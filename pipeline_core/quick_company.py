"""Which reduced frames a quick look takes along, so that frames without final values meet the night's clear ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline_core.measures import QualityRow

COMPANY = 10
"""A clear reference of three frames, and enough beside it to tell what scatters from frame to frame."""


def company(groups: Mapping[str, Sequence[str]], rows: Sequence[QualityRow], missing: Collection[str]) -> list[str]:
    """Return the frames with final values that must be looked at quickly too.

    Parameters
    ----------
    groups : mapping
        Science groups of the plan: frames of one field, filter and exposure.
    rows : sequence of QualityRow
        Judged on their final values.
    missing : collection of str
        Paths of frames that have none: in their groups the deepest others are chosen.

    Returns
    -------
    list of str
        At most ten of a group, deepest first.

    Notes
    -----
    Quick values are judged among quick ones only. Frames that a person rejected before the night was reduced have no
    others; among themselves, the least clouded would be the clear reference.
    """
    loss = {row.path: row.depth_loss_mag for row in rows}
    chosen: list[str] = []
    for paths in groups.values():
        if any(path in missing for path in paths):
            known = [(deep, path) for path in paths if (deep := loss.get(path)) is not None]
            deepest = [path for _, path in sorted(known)]
            # One that was alone on its final values has no loss: it is all the company there is.
            chosen += (deepest or [path for path in paths if path in loss])[:COMPANY]
    return chosen
