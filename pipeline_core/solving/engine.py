"""What every solving engine offers: star list in, rough solution out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline_core.errors import AstepError

if TYPE_CHECKING:
    from pipeline_core.events import RunContext
    from pipeline_core.science.catalogue_match import FrameStars
    from pipeline_core.science.tan_sip import TanSip


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known beforehand; None where nothing is."""

    scale_arcsec: tuple[float, float] | None = None
    """Lowest and highest pixel scale."""
    ra_deg: float | None = None
    dec_deg: float | None = None
    radius_deg: float = 1.5

    @property
    def has_position(self) -> bool:
        """Whether a direction is known."""
        return self.ra_deg is not None and self.dec_deg is not None

    def without_position(self) -> Hint:
        """Return the same scale, anywhere on the sky."""
        return Hint(self.scale_arcsec)


@dataclass(frozen=True, slots=True)
class Found:
    """What an engine found; not yet believed."""

    solution: TanSip
    engine: str
    index: str
    """File or service whose star patterns matched."""
    log_odds: float | None
    matched: int | None


class EngineError(AstepError):
    """An engine cannot work at all: not installed, no index, no key, no network."""


class EngineStoppedError(EngineError):
    """An engine broke down on one frame; it may work on the next."""


class TimeLimitError(AstepError):
    """A solve was ended because it took too long."""


class NotWaitedError(TimeLimitError):
    """A search went without what the network would have brought, had there been time."""


def took_too_long(engine: str, time_limit_s: float) -> TimeLimitError:
    """Return the error of a search that was ended."""
    return TimeLimitError(
        f"{engine} was ended",
        f"no solution after {time_limit_s:.0f} s",
        "give a better position or scale, or a higher solve.time_limit_s",
    )


class Engine(Protocol):
    """A way to solve one frame."""

    name: str

    def solve(
        self, stars: FrameStars, shape: tuple[int, int], hint: Hint, context: RunContext, time_limit_s: float
    ) -> Found | None:
        """Return a rough solution, None if there is none.

        Raises
        ------
        EngineError
            If the engine cannot work.
        TimeLimitError
            If it took too long; it is ended.
        Cancelled
            If the person stopped it.
        """
        ...

    def close(self) -> None:
        """End whatever the engine keeps running."""
        ...
