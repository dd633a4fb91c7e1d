"""How far a reduced demo night is from its truth: pure functions from arrays and tables to figures.

Pixels are those of the calibrated file: ``image`` in electrons, ``mask`` of ``MaskBit`` sums,
``uncertainty`` (1 sigma).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.demo.sky import sky_level
from pipeline_core.demo.truth import Truth, cosmic_pixels, expected_electrons, expected_noise, star_positions
from pipeline_core.types import Bits, Image, Mask, MaskBit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SATURATED_E = 125_000.0  # at the pixel: 65535 ADU less the bias, times the gain, with a little room
NOTES = frozenset({"streak", "aurora", "twilight", "low altitude", "too still"})


@dataclass(frozen=True)
class PixelReport:
    """Calibrated minus truth, over pixels that nothing marks."""

    offset_sigma: float
    """Mean difference over the noise; the goal is within ±0.05."""
    pull_sigma: float
    """Robust scatter of difference over uncertainty; the goal is 0.95 to 1.05."""
    level_ratio: float
    """Median of calibrated over truth: what the flat's normalisation did."""
    pixels: int


@dataclass(frozen=True)
class StarReport:
    """Star fluxes against truth."""

    flux_ratio: float
    """Median of measured over true; the goal is within 0.5 %."""
    stars: int
    checked: int
    """Stars bright enough that 1 % can be told."""
    hurt: int
    """Stars of which false cosmic rays took more than 1 %; the goal is 1 in 500."""
    ratios: tuple[float, ...]
    """Measured over true, star by star: join them over frames before taking a median of few stars."""


@dataclass(frozen=True)
class CosmicReport:
    """Cosmic rays against truth, above 5 sigma."""

    events: int
    events_found: int
    pixels: int
    pixels_found: int
    false_pixels: int
    """Flagged, and no hit within one pixel."""

    @property
    def event_completeness(self) -> float:
        """Goal: 0.97."""
        return self.events_found / self.events if self.events else 1.0

    @property
    def pixel_completeness(self) -> float:
        """Goal: 0.88."""
        return self.pixels_found / self.pixels if self.pixels else 1.0


@dataclass(frozen=True)
class FlagReport:
    """Flags against what was planted."""

    missed: tuple[tuple[str, str, float], ...]
    """Path, cause, strength of plain troubles that were not named."""
    false_alarms: tuple[tuple[str, tuple[str, ...]], ...]
    """Good science frames with a flag, and its causes."""
    good: int
    """Science frames in which nothing is wrong, twilight and asteroids apart."""
    named: int
    """Plain troubles named with the right cause."""
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Spoilt frames: causes beyond the planted ones."""

    @property
    def false_alarm_rate(self) -> float:
        """Goal: 0.02."""
        return len(self.false_alarms) / self.good if self.good else 0.0


def grown(mask: Mask, by: int = 1) -> Mask:
    """Grow True pixels by so many in each direction."""
    out = mask.copy()
    for _ in range(by):
        wider = out.copy()
        wider[1:] |= out[:-1]
        wider[:-1] |= out[1:]
        out = wider.copy()
        out[:, 1:] |= wider[:, :-1]
        out[:, :-1] |= wider[:, 1:]
    return out


def overfull(truth: Truth, path: str) -> Mask:
    """Return where the chip saturates in truth, with the columns it may bleed into."""
    frame = truth.frame(path)
    full = expected_electrons(truth, path) * truth.detector.flats[frame.filter or "R"] > SATURATED_E
    bleeding = full.copy()
    for x in np.flatnonzero(full.any(axis=0)):
        rows = np.flatnonzero(full[:, x])
        reach = 30 + 3 * len(rows)
        bleeding[max(0, rows[0] - reach) : rows[-1] + reach, x] = True
    return grown(bleeding, 1)


def compare_pixels(truth: Truth, path: str, image: Image, mask: Bits, uncertainty: Image | None = None) -> PixelReport:
    """Compare a calibrated frame with truth where no bit is set, no ray hit and nothing saturates."""
    expected, noise = expected_electrons(truth, path), expected_noise(truth, path)
    usable = (mask == 0) & ~cosmic_pixels(truth, path)[0] & ~overfull(truth, path)
    difference = (image - expected)[usable].astype(float)
    pulls = difference / (noise if uncertainty is None else uncertainty)[usable]
    middle = np.median(pulls)
    return PixelReport(
        float(np.mean(difference / noise[usable])),
        float(1.4826 * np.median(np.abs(pulls - middle))),
        float(np.median(image[usable] / expected[usable])),
        int(usable.sum()),
    )


def compare_stars(truth: Truth, path: str, image: Image, mask: Bits, *, snr: float = 50.0) -> StarReport:
    """Compare star fluxes in apertures of 3 FWHM across, and say what false cosmic rays took from them."""
    frame = truth.frame(path)
    assert frame.sky is not None
    expected, noise = expected_electrons(truth, path), expected_noise(truth, path)
    sky = sky_level(frame.sky, truth.size)
    hit, full = grown(cosmic_pixels(truth, path)[0]), overfull(truth, path)
    false = ((mask & MaskBit.COSMIC) > 0) & ~hit
    others = (mask & ~np.uint8(MaskBit.COSMIC)) > 0
    radius = 1.5 * frame.sky.fwhm_px
    reach = int(np.ceil(radius)) + 1
    ratios, checked, hurt = [], 0, 0
    for x, y, flux in zip(*star_positions(truth, path), strict=True):
        cx, cy = round(x), round(y)
        if not (reach <= cx < truth.size - reach and reach <= cy < truth.size - reach):
            continue
        box = (slice(cy - reach, cy + reach + 1), slice(cx - reach, cx + reach + 1))
        rows, columns = np.mgrid[box]
        inside = np.hypot(columns - x, rows - y) <= radius
        if (full[box] & inside).any() or flux < snr * np.sqrt((noise[box][inside] ** 2).sum()):
            continue
        true_flux = float((expected - sky)[box][inside].sum())
        checked += 1
        lost = float((expected - image)[box][inside & false[box]].sum())
        hurt += lost > 0.01 * true_flux
        if not ((hit | others)[box] & inside).any():
            ratios.append(float((image - sky)[box][inside].sum()) / true_flux)
    return StarReport(float(np.median(ratios)) if ratios else float("nan"), len(ratios), checked, hurt, tuple(ratios))


def compare_cosmics(truth: Truth, path: str, mask: Bits, *, sigma: float = 5.0, border: int = 0) -> CosmicReport:
    """Compare the COSMIC bit with hits above ``sigma``; pixels masked otherwise do not count.

    Events that touch the outermost ``border`` pixels do not count either.
    """
    hits = truth.cosmics[path]
    hit, electrons = cosmic_pixels(truth, path)
    flat = truth.detector.flats[truth.frame(path).filter or "R"]
    visible = electrons / flat > sigma * expected_noise(truth, path)
    visible &= ((mask & ~np.uint8(MaskBit.COSMIC)) == 0) & ~overfull(truth, path)
    flagged = (mask & MaskBit.COSMIC) > 0
    rows, columns = np.divmod(hits.pixel, truth.size)
    rim = np.minimum.reduce([rows, columns, truth.size - 1 - rows, truth.size - 1 - columns]) < border
    visible.ravel()[hits.pixel[np.isin(hits.event, hits.event[rim])]] = False
    seen = visible.ravel()[hits.pixel]
    events = np.unique(hits.event[seen])
    found = np.unique(hits.event[seen & flagged.ravel()[hits.pixel]])
    return CosmicReport(
        len(events),
        len(found),
        int(visible.sum()),
        int((visible & flagged).sum()),
        int((flagged & ~grown(hit)).sum()),
    )


def compare_flags(truth: Truth, flags: Mapping[str, Collection[str]]) -> FlagReport:
    """Compare causes by path with what was planted. Frames that are not in ``flags`` count as not flagged."""
    plain = [row for row in truth.planted if row.plain]
    missed = [(row.path, row.cause, row.strength) for row in plain if row.cause not in flags.get(row.path, ())]
    planted: dict[str, set[str]] = {}
    for row in truth.planted:
        planted.setdefault(row.path, set()).add(row.cause)
    good = [f.path for f in truth.frames if f.kind == "science" and planted.get(f.path, set()) <= {"twilight"}]
    alarms = [
        (path, tuple(sorted(set(flags.get(path, ())) - NOTES))) for path in good if set(flags.get(path, ())) - NOTES
    ]
    extra = {
        path: tuple(sorted(set(flags.get(path, ())) - causes))
        for path, causes in planted.items()
        if path not in good and set(flags.get(path, ())) - causes
    }
    return FlagReport(tuple(missed), tuple(alarms), len(good), len(plain) - len(missed), extra)
