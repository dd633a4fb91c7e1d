"""Numbers on the command line: told where they make no sense, before anything is done with them."""

from __future__ import annotations

from pipeline_core.errors import UsageError

PLACE = {"ra": (0.0, 360.0), "dec": (-90.0, 90.0)}
"""Degrees."""


def check_range(name: str, value: float | None, low: float, high: float) -> None:
    """Refuse a number beyond its range; none is fine.

    Raises
    ------
    UsageError
        If it is beyond, or no number at all.
    """
    if value is not None and not low <= value <= high:
        raise UsageError(
            f"cannot use {name} {value:g}",
            f"it is a number between {low:g} and {high:g}",
            "correct it, or leave it out",
        )


def check_place(ra_deg: float | None, dec_deg: float | None) -> None:
    """Refuse a place beyond the sky.

    Raises
    ------
    UsageError
        If it is.
    """
    check_range("the right ascension", ra_deg, *PLACE["ra"])
    check_range("the declination", dec_deg, *PLACE["dec"])
