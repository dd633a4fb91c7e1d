"""What a person may decide about a frame, and how a decision changes the frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pipeline_core.errors import UsageError
from pipeline_core.types import Frame, FrameKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Source = Literal["person", "rule", "import"]

Value = str | float | bool | None
"""A decided value; None means "nothing decided": the frame's own value holds."""

NIGHT = "<night>"
"""Subject of a decision about all frames at once (``time_offset_s``)."""
RECIPE = "<recipe>"
"""Subject of a change to the recipe; the field is its dotted name, "cosmic.sigclip"."""

NUMBERS: Mapping[str, tuple[float, float]] = {
    "exposure_s": (0.0, 86_400.0),
    "gain_e_per_adu": (1e-6, 1_000.0),
    "temperature_c": (-273.15, 100.0),
    "time_offset_s": (-1e9, 1e9),
    # Where a frame that does not solve by itself is to be searched.
    "hint_ra_deg": (0.0, 360.0),
    "hint_dec_deg": (-90.0, 90.0),
    "hint_scale_arcsec": (1e-3, 1_000.0),
    "hint_radius_deg": (1e-3, 180.0),
}
"""Fields that hold a number, and the range in which one makes sense."""
NEXT_REFERENCE = "quality chooses another at the next update"
"""What becomes of frames whose reference is rejected."""
REFERENCE_REJECTED = f"the reference is rejected: {NEXT_REFERENCE}"
"""What is said when a person rejects the frame on which others are aligned."""
MASTERS = ("bias", "dark", "flat")
"""Fields that force a frame's master by its name, or "none"."""
FIELDS = ("kind", "filter", *NUMBERS, *MASTERS, "rejected", "kept", "reference")
"""Everything that can be decided about a frame."""
OF_FRAMES = frozenset({"kind", "filter", "exposure_s", "temperature_c", "gain_e_per_adu", "time_offset_s"})
"""Those that make it another frame; the rest is said beside it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the history: a field of a subject changed."""

    id: int
    step: int
    """Decisions made together share a step: they are undone together."""
    when_utc: str
    deed: Literal["decide", "undo", "redo"]
    label: str
    """The step in a person's words: "reject 3 frames"."""
    subject: str
    """Night-relative path, or :data:`NIGHT`, or :data:`RECIPE`."""
    field: str
    old: Value
    new: Value
    reason: str
    source: Source
    undone: bool
    """Taken back since, and not made again."""


def checked(subject: str, field: str, value: Any) -> Value:
    """Return a value as the logbook keeps it.

    Raises
    ------
    UsageError
        If there is no such field, or the value makes no sense for it.
    """
    if value is None or subject == RECIPE:
        return value if value is None or isinstance(value, bool | int | float | str) else _refuse(field, value)
    if field not in FIELDS:
        raise UsageError(f"cannot set {field!r}", "frames have no such field", "known: " + ", ".join(FIELDS))
    if field == "kind":
        try:
            return str(FrameKind(str(value).lower()))
        except ValueError:
            raise UsageError(
                f"cannot set kind to {value!r}",
                "there is no such kind of frame",
                "known: " + ", ".join(FrameKind),
            ) from None
    if field in NUMBERS:
        return _number(field, value)
    if field in {"kept", "reference"}:
        return bool(value)
    if field == "rejected":
        # True is "rejected, no reason given"; False is a person's word against a rule.
        return "" if value is True else value if isinstance(value, str) or value is False else _refuse(field, value)
    return value.strip() if isinstance(value, str) else _refuse(field, value)


def _number(field: str, value: Any) -> float:
    low, high = NUMBERS[field]
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise UsageError(
            f"cannot set {field} to {value!r}",
            f"it is a number between {low:g} and {high:g}",
            f"{field}=12.5, say",
        )
    return number


def _refuse(field: str, value: Any) -> Value:
    raise UsageError(f"cannot set {field} to {value!r}", "that is not a value it can have", "see `astep set --help`")


def decided_frame(frame: Frame, fields: Mapping[str, Value], *, time_offset_s: float = 0.0) -> Frame:
    """Return the frame as a person sees it.

    Parameters
    ----------
    frame : Frame
        As header and name describe it.
    fields : mapping
        Decided values by field; what is absent stays as it is.
    time_offset_s : float
        Added to the mid-exposure time when the frame has no offset of its own.

    Notes
    -----
    An empty filter means "no filter". Bias, dark and flatdark never have one, whatever was decided; a frame
    that becomes a flat or a science frame keeps the filter the scan found: none if it was scanned as a dark.
    """
    if not time_offset_s and OF_FRAMES.isdisjoint(fields) and (frame.kind.has_filter or frame.filter is None):
        return frame  # most of the thousands that are asked for after each decision
    changes: dict[str, Any] = {}
    if fields.get("kind") is not None:
        changes["kind"] = FrameKind(str(fields["kind"]))
    if fields.get("filter") is not None:
        changes["filter"] = str(fields["filter"]) or None
    if not changes.get("kind", frame.kind).has_filter:
        changes["filter"] = None
    for name in ("exposure_s", "temperature_c", "gain_e_per_adu"):
        if fields.get(name) is not None:
            changes[name] = fields[name]
    if "gain_e_per_adu" in changes:
        changes["gain_source"] = "person"
    if "exposure_s" in changes:
        changes["exposure_is_usual"] = False
    own = fields.get("time_offset_s")
    offset_s = float(own) if own is not None else time_offset_s
    is_shifted = offset_s != 0.0
    # Counted from its start, the middle of an exposure hangs on how long it is said to be.
    offset_s += frame.mid_share * (
        float(changes.get("exposure_s", frame.exposure_s) or 0.0) - (frame.exposure_s or 0.0)
    )
    if offset_s and frame.mid_utc is not None:
        changes["mid_utc"] = _shifted(frame.path, frame.mid_utc, offset_s)
    changed = tuple(name for name, value in changes.items() if getattr(frame, name) != value)
    follows = "mid_utc" in changed and not is_shifted
    return replace(frame, **changes, decided=changed, mid_follows_exposure=follows) if changed else frame


def _shifted(path: str, mid_utc: datetime, offset_s: float) -> datetime:
    try:
        return mid_utc + timedelta(seconds=offset_s)
    except OverflowError:
        raise UsageError(
            f"cannot shift the time of {path} by {offset_s:g} s",
            "no calendar has that day",
            "give a smaller offset",
        ) from None
