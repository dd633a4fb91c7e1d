"""Which part of a frame is cut out: the drawn box, the box around the drawn circle, or what is in view."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline_core.short_names import stem_of
from pipeline_core.types import Section

if TYPE_CHECKING:
    from astep_gui.widgets.image_marks import DrawnShape

_WHOSE = {"box": "the drawn box", "circle": "the box around the drawn circle"}


def drawn_box(shape: DrawnShape | None) -> Section | None:
    """Return the pixels whose centres lie in what was drawn, of a circle in the box around it; None of a line."""
    if shape is None or shape.kind not in _WHOSE:
        return None
    if shape.kind == "circle":
        x0, x1, y0, y1 = (at + sign * shape.length for at in (shape.x0, shape.y0) for sign in (-1, 1))
    else:
        (x0, x1), (y0, y1) = sorted((shape.x0, shape.x1)), sorted((shape.y0, shape.y1))
    return Section(math.ceil(y0), math.floor(y1) + 1, math.ceil(x0), math.floor(x1) + 1)


def part_words(shape: DrawnShape | None, part: Section, frame: tuple[int, ...]) -> str:
    """Say which part it is, and how large: "the drawn box, 120 × 80 px".

    Parameters
    ----------
    shape : DrawnShape or None
        What is drawn now.
    part : Section
        May reach out of the frame: what lies there is not counted.
    frame : (ny, nx)
    """
    whose = _WHOSE[shape.kind] if shape is not None and drawn_box(shape) == part else "the part in view"
    width = min(part.x1, frame[1]) - max(part.x0, 0)
    height = min(part.y1, frame[0]) - max(part.y0, 0)
    return f"{whose}, {max(width, 0)} × {max(height, 0)} px"


def part_name(title: str) -> str:
    """Return the name that a part of a frame is given, of the title over the image: "Jason.069_part.fits"."""
    return f"{stem_of(title.partition(' · ')[0])}_part.fits"
