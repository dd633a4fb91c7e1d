"""The part of a frame that is seen: which place is in the middle, and how large its pixels are."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeenPart:
    """Holds whatever room the image has: at 100 % it stays at 100 %, and the same place stays in the middle."""

    x: float
    y: float
    """In the middle, px from the frame's edge: 0.5 is the middle of its first pixel."""
    zoom: float
    """Screen pixels a pixel of the frame."""

    def words(self) -> str:
        """Return it as text that :meth:`read` understands."""
        return f"{self.x:.3f} {self.y:.3f} {self.zoom:.6g}"

    @classmethod
    def read(cls, words: str) -> SeenPart | None:
        """Read what :meth:`words` gave; None for anything else."""
        try:
            x, y, zoom = map(float, words.split())
        except ValueError:
            return None
        return cls(x, y, zoom) if zoom > 0.0 and all(map(math.isfinite, (x, y, zoom))) else None
