"""One frame of a blink: what it is called, how it is read, where it lies against the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from astep_gui.models.frame_images import Loader, ShownImage


SEEN_DEG = 1.0
"""Less is a frame that was laid on the others: nobody sees that hundredths of a degree, or distortion, were mended."""


@dataclass(frozen=True)
class BlinkFrame:
    """A frame to be shown in turn."""

    key: Hashable
    title: str
    loader: Loader
    badge: str | None = None
    shift: tuple[float, float] | None = None
    """Where its stars lie against those of the frame on which all are laid, px (x, y); None where not known."""
    shape: tuple[int, int] | None = None
    """(ny, nx), for planning the memory; 4096² unless given."""
    turn: Callable[[ShownImage], ShownImage] | None = None
    """Brings a small version onto the reference where a mere shift would not do: after a meridian flip, say."""
    angle_deg: float = 0.0
    """By how much that turns it."""
    kin: Hashable = None
    """Equal for frames that were taken alike: of one kind, filter and exposure."""
    when: str = ""
    """Mid-exposure as it is read, "04:31:20 UTC"; empty where not known."""
    name: str = ""
    """What tells it from all others of the night, for narrow places; the title where there is none."""
    has_stars: bool = True
    """Whether it can lie on others at all: darks and flats have nothing to be laid by."""

    is_alone: bool = False
    """Whether no other frame of its field was aligned with it: it is not lost, there is nothing to lay it on."""

    @property
    def has_place(self) -> bool:
        """Whether it is known where it lies against the others."""
        return self.shift is not None or self.turn is not None

    @property
    def looks_turned(self) -> bool:
        """Whether a person sees that it was turned."""
        return self.turn is not None and abs(self.angle_deg) > SEEN_DEG
