"""What goes wrong in a demo night, when, and how strongly: fixed here, before any detector of it is tuned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.errors import UsageError
from pipeline_core.measures import CAUSES

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """One kind of trouble with science frames.

    ``start`` and ``stop`` are fractions of the science sequence; between them the strength goes in a
    straight line from ``first`` to ``last``. At or above ``plain`` a quality check must name it; weaker
    ones are neither good nor bad.
    """

    name: str
    cause: str
    start: float
    stop: float
    first: float
    last: float
    plain: float
    words: str
    kept: bool = False
    """Worth a note, no reason to reject the frame."""


EVENTS: tuple[DemoEvent, ...] = (
    DemoEvent("trailed", "trailed", 0.05, 0.05, 8.0, 8.0, 4.0, "guiding lost: trail of this many pixels"),
    DemoEvent(
        "patches", "cloud", 0.08, 0.13, 0.7, 0.7, 0.5, "moving cloud: light lost at the middle of a patch"
    ),
    DemoEvent("wind", "wind", 0.17, 0.17, 1.6, 1.6, 1.3, "mount shaken: long over short axis of the stars"),
    DemoEvent("thick cloud", "cloud", 0.22, 0.25, 0.6, 0.7, 0.3, "even cloud: light lost everywhere"),
    DemoEvent("aurora", "aurora", 0.29, 0.31, 1.5, 1.0, 0.5, "arcs, in units of the dark sky", kept=True),
    DemoEvent("defocus", "defocus", 0.68, 0.77, 1.1, 2.0, 1.4, "slow loss of focus: stars this much wider"),
    DemoEvent("satellite", "streak", 0.82, 0.82, 12.0, 12.0, 6.0, "streak, peak over sky noise", kept=True),
    DemoEvent(
        "frost", "frost", 0.88, 1.0, 0.05, 0.35, 0.2, "ice on the window: light lost at the worst place"
    ),
)
"""Trouble of science frames, in the order in which it comes."""

CALIBRATION_EVENTS: tuple[tuple[str, str], ...] = (
    ("saturated flat", "saturated"),
    ("stars in dark", "stars in dark"),
    ("truncated", "unreadable"),
)
"""Trouble of single files, with its cause."""

EVERYWHERE: tuple[str, ...] = ("twilight", "asteroids")
"""What lasts the whole night: the noon twilight of Dome C, three slow asteroids."""

ALL_EVENTS: frozenset[str] = frozenset(
    {event.name for event in EVENTS} | {name for name, _ in CALIBRATION_EVENTS} | set(EVERYWHERE)
)

MOST_SPOILT = 0.6  # of the frames of a short night: the rest must say what good looks like
TWILIGHT_NOTED = 0.1  # of the dark sky: below it a twilight frame counts as an ordinary one
TWILIGHT_PLAIN = 1.0  # the sky has doubled
FROST_HALO_PER_LOSS = 0.8  # ice scatters most of the light it takes into a halo
ASTEROID_ARCSEC_PER_MIN = (0.2, 0.5, 1.0)
ASTEROID_FLUX_E = (6000.0, 12000.0, 20000.0)


@dataclass(frozen=True, slots=True)
class Planted:
    """One thing that was put into one frame on purpose."""

    path: str
    event: str
    cause: str
    """One of :data:`pipeline_core.measures.CAUSES`."""
    strength: float
    plain: bool
    """Strong enough that a quality check must name it."""
    kept: bool
    """Worth a note, no reason to reject the frame."""
    words: str

    def __post_init__(self) -> None:
        assert self.cause in CAUSES, f"{self.cause} is no cause of a flag"


def chosen_events(events: Collection[str] | None) -> frozenset[str]:
    """Return the names of the events to plant.

    Parameters
    ----------
    events : names or None
        None for all of :data:`ALL_EVENTS`.

    Raises
    ------
    UsageError
        If a name is not known.
    """
    if events is None:
        return ALL_EVENTS
    unknown = sorted(set(events) - ALL_EVENTS)
    if unknown:
        raise UsageError(
            f"cannot plant '{unknown[0]}' in a demo night",
            "no such event is known",
            f"choose from: {', '.join(sorted(ALL_EVENTS))}",
        )
    return frozenset(events)


def schedule(n_science: int, chosen: Collection[str]) -> dict[int, tuple[DemoEvent, float]]:
    """Say which science frame suffers from what.

    Parameters
    ----------
    n_science : int
        Frames of the sequence.
    chosen : names
        Events that are wanted.

    Returns
    -------
    dict
        Frame index → (event, strength). A frame has at most one; in a very short night the later events find
        no place and are left out.
    """
    taken: dict[int, tuple[DemoEvent, float]] = {}
    for event in EVENTS:
        if event.name not in chosen:
            continue
        first, last = (round(part * (n_science - 1)) for part in (event.start, event.stop))
        wanted: list[int] = [index for index in range(first, last + 1) if index not in taken]
        strengths = np.linspace(event.first, event.last, max(len(wanted), 1))
        for index, strength in zip(wanted, strengths, strict=False):
            if len(taken) < MOST_SPOILT * n_science:
                taken[index] = (event, float(strength))
    return taken
