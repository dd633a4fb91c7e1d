"""Masters that exist already: when one serves, and which raw frames it stands in for.

A scan sets existing masters aside (``other``). One serves when a person says what it is:
``astep set NIGHT kind=dark my/master.fits``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.plan_types import LeftOut, MasterPlan
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.grouping import Geometry
    from pipeline_core.types import Frame, Section

KINDS = frozenset({FrameKind.BIAS, FrameKind.DARK, FrameKind.FLATDARK, FrameKind.FLAT})
KINDS_BY_LENGTH = sorted(KINDS, key=len, reverse=True)
"""The longest first: "flat" is also the beginning of "flatdark"."""


def is_ready(frame: Frame) -> bool:
    """Whether a frame is an existing master that a person gave a kind."""
    return frame.is_master and frame.kind in KINDS


def left_out_words(frame: Frame) -> str:
    """Say why an existing master does not serve, and what makes it serve."""
    said = " ".join(frame.problems)
    guess = next((kind for kind in KINDS_BY_LENGTH if f"master {kind}" in said), None)
    return f"an existing master: `astep set NIGHT kind={guess or 'bias|dark|flat'} '{frame.path}'` makes it serve"


def fits(frame: Frame, geometry: Geometry, trim: Section | None) -> bool:
    """Whether an existing master can serve frames of a geometry.

    Parameters
    ----------
    frame : Frame
        The master: of the raw frames' size, or already trimmed; its binning may be unstated.
    geometry : Geometry
        Of the raw frames.
    trim : Section or None
        What remains of them.
    """
    sizes = {(geometry.ny, geometry.nx)} | ({trim.shape} if trim is not None else set())
    return frame.shape in sizes and frame.binning in {None, geometry.binning}


def stand_in(frames: Sequence[Frame]) -> tuple[Frame | None, list[LeftOut]]:
    """Choose the existing master of a group of frames that would become one master.

    Returns
    -------
    master : Frame or None
        The first by path; None where the group has raw frames only.
    left_out : list of LeftOut
        The other frames of the group, with the reason.
    """
    masters = sorted((f for f in frames if is_ready(f)), key=lambda f: f.path)
    if not masters:
        return None, []
    chosen = masters[0]
    return chosen, [
        LeftOut(f.path, f"the existing master {chosen.path} serves in its place; reject that one to use this")
        for f in frames
        if f is not chosen
    ]


def ready_plan(
    frame: Frame,
    name: str,
    kind: str,
    geometry: Geometry,
    *,
    exposure_s: float | None = None,
    bias: str | None = None,
) -> MasterPlan:
    """Plan the use of an existing master.

    Parameters
    ----------
    frame : Frame
    name : str
        Of the master, as if it were made from raw frames: whatever names it stays valid.
    kind : {"bias", "dark", "flat"}
    geometry : Geometry
        Of the frames it serves.
    exposure_s : float, optional
        Instead of the frame's own.
    bias : str, optional
        Master bias that is added to a dark which does not hold it.
    """
    words = f"{frame.path} as it is"
    if kind == "dark":
        words += f", plus {bias} if it does not hold the bias [holds bias]" if bias else " [holds bias]"
    elif kind == "flat":
        words = f"{frame.path} ÷ its median"
    return MasterPlan(
        name,
        kind,
        (frame.path,),
        geometry,
        filter=frame.filter if kind == "flat" else None,
        exposure_s=frame.exposure_s if exposure_s is None else exposure_s,
        temperature_c=frame.temperature_c,
        holds_bias=kind != "flat",
        bias=bias,
        is_flatdark=frame.kind is FrameKind.FLATDARK,
        equation=words,
        is_ready=True,
    )
