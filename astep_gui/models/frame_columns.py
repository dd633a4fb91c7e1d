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
    is_number: bool = False
    field: str = ""
    """The decision that editing it makes; empty where it cannot be edited."""
    width: int = 80
    is_default: bool = True


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


COLUMNS: tuple[Column, ...] = (
    Column("name", "Frame", lambda f, _r, _s: f.name, _text, "the file's name", width=116),
    Column(
        "state", "State", lambda _f, _r, s: (s.rank, s.word), lambda v: v[1], "rejected, suspected of, left out",
        width=92
    ),
    Column("fwhm", "FWHM", _measure("fwhm_px"), _format(".2f"), "width of the stars at half maximum, px",
           is_number=True, width=54),
    Column(
        "depth", "Depth", _row("depth_loss_mag"), _format("+.2f"),
        "how much shallower than the clear reference, mag; positive is worse", is_number=True, width=54,
    ),
    Column(
        "utc", "UTC", lambda f, _r, _s: f.mid_utc, lambda v: f"{v:%H:%M:%S}" if v else "", "middle of the exposure",
        is_number=True, width=86,
    ),
    Column("kind", "Kind", lambda f, _r, _s: f.kind.value, _text, "what it was taken for", field="kind", width=66),
    Column("filter", "Filter", lambda f, _r, _s: f.filter, _text, "", field="filter", width=48),
    Column("exposure", "Exp", lambda f, _r, _s: f.exposure_s, seconds_words, "exposure time", is_number=True, width=58),
    Column("temperature", "Temp", lambda f, _r, _s: f.temperature_c, _format(".1f", "°"), "chip temperature, °C",
           is_number=True,
           width=62),
    Column("sky", "Sky", _measure("background"), _format(".5g"), "background, ADU or e⁻", is_number=True, width=66),
    Column("ellipticity", "Ellip.", _measure("ellipticity"), _format(".2f"), "ellipticity of the stars, 1 − b/a",
           is_number=True,
           width=58),
    Column("stars", "Stars", _measure("stars"), _format("d"), "stars found", is_number=True, width=56,
           is_default=False),
    Column("transparency", "Transp.", _row("transparency"), _format(".2f"), "light that came through; 1 is clear",
           is_number=True,
           width=64, is_default=False),
    Column("object", "Object", lambda f, _r, _s: f.object, _text, "", width=110, is_default=False),
    Column("camera", "Camera", lambda f, _r, _s: f.camera, _text, "", width=110, is_default=False),
    Column("folder", "Folder", lambda f, _r, _s: f.path.rpartition("/")[0], _text, "inside the night", width=140,
           is_default=False),
)  # fmt: skip


def column_number(key: str) -> int:
    """Return where a column stands in :data:`COLUMNS`."""
    return next(k for k, column in enumerate(COLUMNS) if column.key == key)
