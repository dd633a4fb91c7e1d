"""A person's own hints for solving single frames: decisions like any other, undoable, kept in the logbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline_core.logbook import Logbook

HINTS = {
    "hint_ra_deg": "ra_deg",
    "hint_dec_deg": "dec_deg",
    "hint_scale_arcsec": "scale_arcsec",
    "hint_radius_deg": "radius_deg",
}
"""Decided field → what the solver calls it."""
SEARCHED_WITH = "searched_with"
"""Under this a solution notes the hints it was searched with: it outlives them, and whoever shows it says so."""


def solve_hints(logbook: Logbook) -> dict[str, dict[str, float]]:
    """Return the hints in force: path → ``ra_deg``, ``dec_deg``, ``scale_arcsec``, ``radius_deg``, those decided."""
    hints: dict[str, dict[str, float]] = {}
    for path, fields in logbook.current().items():
        own = {
            name: float(value)
            for field, name in HINTS.items()
            if (value := fields.get(field)) is not None and not isinstance(value, str)
        }
        if own:
            hints[path] = own
    return hints


def half_places(logbook: Logbook, paths: Iterable[str], values: Mapping[str, object]) -> list[str]:
    """Return the frames that would have one of right ascension and declination, not both, were ``values`` decided."""
    place = ("hint_ra_deg", "hint_dec_deg")
    if not any(name in values for name in place):
        return []
    now = logbook.current()
    after = {path: [values.get(name, now.get(path, {}).get(name)) for name in place] for path in paths}
    return [path for path, (ra, dec) in after.items() if (ra is None) != (dec is None)]


def hint_changes(path: str, hint: Mapping[str, float | None]) -> list[tuple[str, str, float | None]]:
    """Return the changes, for :meth:`Logbook.decide_all`, that make a frame's hints these; None takes one back."""
    return [(path, field, hint.get(name)) for field, name in HINTS.items()]
