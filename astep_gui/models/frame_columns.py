"""The columns of the frame table: what each says, how it sorts, whether it can be edited."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.models.frame_state import FrameState
    from pipeline_core.measures import QualityRow
    from pipeline_core.types import Frame

    Value = Callable[[Frame, QualityRow | None, FrameState], Any]
    Words = Callable[[Any], str]


@dataclass(frozen=True)
class Column:
    """One column."""

    key: str
    title: str
    value: Value
    """What is sorted by; None where not known."""
    words: Words
    tip: str = ""
    more: str = ""
    """What the tip says besides, in sentences."""
    is_number: bool = False
    is_measured: bool = False
    """Of the pixels: by a first look at the raw frame, then of the calibrated one."""
    field: str = ""
    """The decision that editing it makes; empty where it cannot be edited."""
    sample: str = ""
    """The widest words it usually says: its width at first."""
    is_default: bool = True
    """Shown at first in the list without groups."""
    is_said_by_group: bool = False
    """Left out at first where a group's heading says it already, or where there is little room."""

    @property
    def is_of_state(self) -> bool:
        """Whether it says how a frame stands, which must be made out first."""
        return self.key in {"state", "on_sky"}


def _measure(name: str) -> Value:
    return lambda _frame, row, _state: getattr(row.measures, name) if row else None


def _row(name: str) -> Value:
    return lambda _frame, row, _state: getattr(row, name) if row else None


def _format(form: str, unit: str = "") -> Words:
    def words(value: Any) -> str:
        if value is None or not math.isfinite(value):
            return ""
        text = f"{value:{form}}"
        zero = not text.strip("+-0.")  # −0.00 is 0.00
        return f"{text.lstrip('+-') if zero else text.replace('-', '−')}{unit}"

    return words


def _text(value: Any) -> str:
    return str(value or "")


def seconds_words(value: float | None) -> str:
    """Write an exposure: "90 s", "0.5 s"."""
    return "" if value is None else f"{value:g} s"


_DEPTH = (
    "The clear reference is the best fifth of the frames of the same field, filter and exposure. At 0.00 a star stands "
    "out of the sky as well as there; below zero better: the sky is darker than there, or the stars are sharper. "
    "Empty where a frame is not judged and no other shares its stars: it would be compared with itself."
)
_DAY = "Before it stands the day of the month, where the night's frames are of more than one."

COLUMNS: tuple[Column, ...] = (
    Column("name", "Frame", lambda f, _r, _s: f.name, _text, "what tells the file from the others of its series",
           sample="0000"),
    Column("state", "State", lambda _f, _r, s: (s.rank, s.word), lambda v: v[1],
           "▲ bad, △ suspect: something speaks against it, ✕ rejected, – left out, ? not judged: too few stars, or "
           "alone in its group, "
           "○ good at a first look at the raw frame, ✓ after the reduction; another word behind these two, or behind "
           "a ·, is a remark, no reason to reject",
           sample="▲ dark too strong"),
    Column("fwhm", "FWHM", _measure("fwhm_px"), _format(".2f"),
           "width of the stars at half maximum, px: the median of all stars of the frame; a single one may differ",
           is_measured=True, is_number=True, sample="12.34"),
    Column("depth", "Depth", _row("depth_loss_mag"), _format("+.2f"),
           "depth loss against the clear reference, mag: light, sky and width of the stars together; positive is worse",
           more=_DEPTH, is_measured=True, is_number=True, sample="+1.23"),
    Column("utc", "UTC", lambda f, _r, _s: f.mid_utc, lambda v: f"{v:%H:%M:%S}" if v else "", "middle of the exposure",
           more=_DAY, is_number=True, sample="00:00:00"),
    Column("kind", "Kind", lambda f, _r, _s: f.kind.value, _text, "what it was taken for", field="kind",
           sample="flatdark", is_said_by_group=True),
    Column("filter", "Filter", lambda f, _r, _s: f.filter, _text, "", field="filter", sample="Visual",
           is_said_by_group=True),
    Column("exposure", "Exp", lambda f, _r, _s: f.exposure_s, seconds_words, "exposure time", is_number=True,
           sample="120 s", is_said_by_group=True),
    Column("temperature", "Temp", lambda f, _r, _s: f.temperature_c, _format(".1f", "°"), "chip temperature, °C",
           is_number=True, sample="−10.0°", is_said_by_group=True),
    Column("sky", "Sky", _measure("background"), _format(".5g"), "background, ADU or e⁻",
           is_measured=True, is_number=True, sample="1234.5", is_said_by_group=True),
    Column("ellipticity", "Ellip.", _measure("ellipticity"), _format(".2f"), "ellipticity of the stars, 1 − b/a",
           is_measured=True, is_number=True, sample="0.12", is_said_by_group=True),
    Column("stars", "Stars", _measure("stars"), _format("d"), "stars found", is_measured=True, is_number=True,
           sample="1234", is_default=False),
    Column("transparency", "Transp.", _row("transparency"), _format(".2f"), "light that came through; 1 is clear",
           is_measured=True, is_number=True, sample="0.12", is_default=False),
    Column("on_sky", "On sky", lambda _f, _r, s: (s.sky_rank, s.on_sky), lambda v: v[1],
           "solved (with the residual), aligned only, or not", sample="not aligned"),
    Column("object", "Object", lambda f, _r, _s: f.object, _text, "", sample="NGC 1866 field", is_default=False),
    Column("camera", "Camera", lambda f, _r, _s: f.camera, _text, "", sample="SBIG ST-10XME", is_default=False),
    Column("folder", "Folder", lambda f, _r, _s: f.path.rpartition("/")[0], _text, "inside the night",
           sample="light/2026-06-21", is_default=False),
)  # fmt: skip


def shown_at_first(*, is_grouped: bool) -> frozenset[str]:
    """Return the columns of a new table: with groups those that the headings do not say."""
    return frozenset(c.key for c in COLUMNS if c.is_default and not (is_grouped and c.is_said_by_group))


def column_number(key: str) -> int:
    """Return where a column stands in :data:`COLUMNS`."""
    return next(k for k, column in enumerate(COLUMNS) if column.key == key)
