"""Alignment of the frames of one pointing: star lists in, numbers out."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

from pipeline_core.measures import StarList
from pipeline_core.science.chip_or_sky import Fixed, fixed_on
from pipeline_core.science.field_alignment import FieldAlignment, FrameStars, align_field
from pipeline_core.science.placement import Placement
from pipeline_core.stage import Made, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_OTHERS = 25  # frames that each is held against to tell what is fixed on the chip: milliseconds, however long a night
_ALONE = "no other frame of its pointing shows the same stars"


def align_pointing(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Place the frames of a pointing on its reference.

    Parameters
    ----------
    settings : mapping
        ``frames`` (paths in time order), ``shape`` ([ny, nx]), ``rejected`` (paths that must not be the reference),
        ``reference`` (the path that a person chose, or None), ``max_order``, and ``measured``: path → what its quality
        task reported (``measures``, ``stars``).
    inputs, out, threads
        Unused: nothing is read from files or written.

    Returns
    -------
    dict
        ``fields``: list of ``{"reference", "shape", "frames": {path: {"placement", "flux_ratio", "on_chip"}}}``, the
        one with most frames first; ``unaligned``: path → reason. A pointing is more than one field when its frames do
        not show the same stars. ``on_chip``: sources that keep their pixels while the field moves; None where it does
        not move, or frames are too few to tell.
    """
    del inputs, out, threads
    shape = (int(settings["shape"][0]), int(settings["shape"][1]))
    rejected = set(settings["rejected"])
    looks = {path: _look(settings["measured"][path], path not in rejected) for path in settings["frames"]}
    fields: list[dict[str, Any]] = []
    unaligned: dict[str, str] = {}
    left: list[str] = list(looks)
    while left:
        chosen = left.index(settings["reference"]) if settings["reference"] in left else None
        here = [looks[path] for path in left]
        found = align_field(here, shape, reference=chosen, highest_order=settings["max_order"])
        members = _members(left, found)
        # Why a frame is no part of the main field says more than why it is no part of a lesser one.
        unaligned |= {p: a.reason for p, a in zip(left, found.frames, strict=True) if a.reason and p not in unaligned}
        if len(members) < 2 and len(looks) > 1 and chosen is None:  # a frame among others by itself is no field
            unaligned |= {path: _ALONE for path in members if path not in unaligned}
            break
        if not members:
            break
        fields.append({"reference": left[found.reference], "shape": list(shape), "frames": members})
        left = [path for path in left if path not in members]
    for field in fields:
        _note_on_chip(field["frames"], looks, shape)
    placed = {path for field in fields for path in field["frames"]}
    return {"fields": fields, "unaligned": {path: why for path, why in unaligned.items() if path not in placed}}


def _members(paths: Sequence[str], found: FieldAlignment) -> dict[str, dict[str, Any]]:
    return {
        path: {
            "placement": one.placement.as_dict(),
            "flux_ratio": one.flux_ratio if math.isfinite(one.flux_ratio) else None,
        }
        for path, one in zip(paths, found.frames, strict=True)
        if one.placement is not None
    }


def _note_on_chip(members: dict[str, dict[str, Any]], looks: Mapping[str, FrameStars], shape: tuple[int, int]) -> None:
    """Count the sources of each frame that are fixed on the chip: hot pixels, which mimic asteroids."""
    widths = [looks[path].fwhm_px for path in members if math.isfinite(looks[path].fwhm_px)]
    verdicts = fixed_on(
        [(looks[path].stars.x_px, looks[path].stars.y_px) for path in members],
        [Placement.from_dict(one["placement"]) for one in members.values()],
        shape,
        radius_px=max(1.0, 0.5 * median(widths)) if widths else 1.5,
        most=_OTHERS,
    )
    for one, verdict in zip(members.values(), verdicts, strict=True):
        can_tell = (verdict.label != Fixed.UNKNOWN).any()
        one["on_chip"] = int((verdict.label == Fixed.CHIP).sum()) if can_tell else None


def _look(made: Mapping[str, Any], may_serve: bool) -> FrameStars:  # noqa: FBT001 - private, one place
    measures = made["measures"]

    def number(name: str) -> float:
        value = measures.get(name)
        return math.nan if value is None else float(value)

    return FrameStars(
        StarList.from_lists(made["stars"]),
        noise=number("noise"),
        fwhm_px=number("fwhm_px"),
        ellipticity=number("ellipticity"),
        # Frames whose gain nobody knows stay in ADU: an electron each is the guess there too.
        gain_e_per_adu=1.0,
        may_serve=may_serve,
    )


ALIGN = Stage("alignment", 3, align_pointing)
