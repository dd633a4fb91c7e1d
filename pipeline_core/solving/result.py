"""What became of one frame: solved, how well, against what; or why not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline_core.science.tan_sip import TanSip

How = Literal["hint", "blind", "predicted"]


@dataclass(frozen=True, slots=True)
class FrameSolution:
    """One frame on the sky, or the reason why it is not."""

    path: str
    """Relative to the night."""
    solved: bool
    reason: str | None = None
    """Why it is not solved, in words with a remedy."""
    solution: TanSip | None = None
    shape: tuple[int, int] | None = None
    """(ny, nx)."""
    ra_deg: float | None = None
    dec_deg: float | None = None
    """Of the middle of the frame."""
    scale_arcsec: float | None = None
    rotation_deg: float | None = None
    """Direction of north from +y, counter-clockwise positive."""
    parity: int | None = None
    """1 as on the sky, -1 mirrored."""
    rms_arcsec: float | None = None
    """Residual of one axis of the matched stars."""
    error_arcsec: float | None = None
    """One sigma of the solution itself, each axis, over the frame."""
    stars_found: int = 0
    stars_matched: int | None = None
    reference: str | None = None
    reportable: bool = False
    notes: tuple[str, ...] = ()
    """What to know about it: why it may not be reported, what the time lacks."""
    engine: str | None = None
    index: str | None = None
    log_odds: float | None = None
    how: How | None = None
    order: int | None = None
    looked_at: tuple[tuple[float, float, float], ...] = ()
    """RA, Dec and radius, degrees, of the cones whose stars it was held against in vain, if it is not solved."""
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return the frame as the command line's JSON has it."""
        wanted = (
            "path", "solved", "ra_deg", "dec_deg", "scale_arcsec", "rotation_deg", "parity", "rms_arcsec",
            "stars_matched", "reference", "reportable", "seconds", "reason", "error_arcsec", "stars_found", "how",
            "engine", "index", "log_odds", "order", "notes",
        )  # fmt: skip
        document = {name: getattr(self, name) for name in wanted}
        document["notes"] = list(self.notes)
        return document

    def as_made(self) -> dict[str, Any]:
        """Return the frame as the store keeps it."""
        made = asdict(self)
        made["solution"] = self.solution.as_plain() if self.solution is not None else None
        return made

    @classmethod
    def from_made(cls, made: dict[str, Any]) -> FrameSolution:
        """Rebuild from :meth:`as_made`."""
        known = {name: made[name] for name in cls.__dataclass_fields__ if name in made}
        if known.get("solution") is not None:
            known["solution"] = TanSip.from_plain(known["solution"])
        if known.get("shape") is not None:
            known["shape"] = tuple(known["shape"])
        known["notes"] = tuple(known.get("notes", ()))
        known["looked_at"] = tuple((ra, dec, radius) for ra, dec, radius in known.get("looked_at", ()))
        return cls(**known)

    def facts(self, key: str) -> dict[str, Any]:
        """Return what the header says besides the projection."""
        names = (
            "rms_arcsec",
            "error_arcsec",
            "stars_matched",
            "reference",
            "reportable",
            "engine",
            "index",
            "log_odds",
        )
        return {name: getattr(self, name) for name in names} | {"key": key}
