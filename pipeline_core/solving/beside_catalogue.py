"""A search without index files: the frame's stars beside a catalogue's around the place that the header states.

Small fields want index files of gigabytes. Where Gaia's stars of the field are at hand and place and scale are roughly
known, the stars themselves say how the frame lies on them.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pipeline_core.measures import StarList
from pipeline_core.science.alignment import align
from pipeline_core.science.tan_sip import ARCSEC, TanSip
from pipeline_core.solving.engine import Found, NotWaitedError, took_too_long

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_core.catalogues.reference import ReferenceStars
    from pipeline_core.events import RunContext
    from pipeline_core.science.alignment import Alignment
    from pipeline_core.science.catalogue_match import FrameStars, SkyStars
    from pipeline_core.solving.engine import Hint

_AROUND = 1.5  # times half the field's diagonal: pointings are off by less than a quarter of it, mostly
_WIDEST_DEG = 5.0  # of a cone: index files serve wider fields, and a header may state any scale
_WIDEST = 1.15  # highest over lowest scale: a hundred scales would take seconds, and prove less
_STEP = 0.012  # of the scale: an alignment allows 1 % either way
_STARS = 150
_TOLERANCE_PX = 2.0  # distortion near the middle, and what is left of the scale's step


def cone_radius(shape: tuple[int, int], scale_arcsec: float) -> float | None:
    """Return how far around its place a frame of (ny, nx) px wants stars, degrees; None if its field is too wide."""
    radius = _AROUND * 0.5 * math.hypot(*shape) * scale_arcsec / ARCSEC
    return radius if radius <= _WIDEST_DEG else None


def cone_for(hint: Hint, shape: tuple[int, int]) -> tuple[float, float, float] | None:
    """Return place and radius, degrees, of the stars that a search with this hint stands on; None if there is none."""
    if hint.ra_deg is None or hint.dec_deg is None or hint.scale_arcsec is None:
        return None
    low, high = hint.scale_arcsec
    radius = cone_radius(shape, high)
    return (hint.ra_deg, hint.dec_deg, radius) if radius is not None and high <= _WIDEST * low else None


class _Catalogue(Protocol):
    @property
    def cut_short(self) -> str: ...

    def references(self, ra_deg: float, dec_deg: float, radius_deg: float) -> Iterator[ReferenceStars]: ...


class BesideCatalogue:
    """Solves with the stars of a catalogue, where place and scale are known."""

    name = "catalogue"

    def __init__(self, catalogue: _Catalogue) -> None:
        self.catalogue = catalogue

    def solve(
        self, stars: FrameStars, shape: tuple[int, int], hint: Hint, context: RunContext, time_limit_s: float
    ) -> Found | None:
        """Return a rough solution; see :class:`~pipeline_core.solving.engine.Engine`.

        Raises
        ------
        NotWaitedError
            If there is none, and the catalogue's stars were not waited for to the end.
        """
        cone = cone_for(hint, shape)
        if cone is None or hint.scale_arcsec is None:
            return None
        ra, dec, _ = cone
        seen = StarList(*(column[:_STARS] for column in (stars.x_px, stars.y_px, stars.flux, stars.flux)))
        left_s = time_limit_s
        for reference in self.catalogue.references(*cone):
            until = time.monotonic() + left_s  # the network, which may be slow, has a limit of its own
            sky = reference.at(None)
            for scale in _scales(*hint.scale_arcsec):
                context.check()
                if time.monotonic() > until:
                    raise took_too_long(self.name, time_limit_s)
                plane = _plane(ra, dec, scale, shape)
                found = align(_as_seen(sky, plane), seen, tolerance_px=_TOLERANCE_PX)
                if found is not None:
                    return Found(_solution(plane, found), self.name, reference.source.name, None, found.matched)
            left_s = until - time.monotonic()
        if self.catalogue.cut_short:
            raise NotWaitedError(self.catalogue.cut_short)
        return None

    def close(self) -> None:
        """Nothing is kept running."""


def _scales(low: float, high: float) -> list[float]:
    """Return scales from the middle outwards."""
    middle = math.sqrt(low * high)
    steps = math.ceil(math.log(high / middle) / _STEP)
    powers = sorted(range(-steps, steps + 1), key=abs)
    return [middle * math.exp(power * _STEP) for power in powers]


def _plane(ra_deg: float, dec_deg: float, scale: float, shape: tuple[int, int]) -> TanSip:
    step = scale / ARCSEC
    return TanSip(ra_deg, dec_deg, (shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0, np.diag([-step, step]))


def _as_seen(sky: SkyStars, plane: TanSip) -> StarList:
    bright = sky.pick(slice(0, _STARS))
    x, y = plane.to_pixel(bright.ra_deg, bright.dec_deg)
    light = 10.0 ** (-0.4 * np.nan_to_num(bright.magnitude, nan=20.0))
    return StarList(x, y, light, light)


def _solution(plane: TanSip, found: Alignment) -> TanSip:
    """Say where the frame's own pixels lie, whose alignment on the plane's is known."""
    x, y = found.moved(plane.x_px, plane.y_px)
    back_x, back_y = found.returned(float(x) + np.array([0.0, 1.0, 0.0]), float(y) + np.array([0.0, 0.0, 1.0]))
    change = np.array([back_x[1:] - back_x[0], back_y[1:] - back_y[0]])
    return TanSip(plane.ra_deg, plane.dec_deg, float(x), float(y), plane.matrix @ change)
