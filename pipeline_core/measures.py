"""What is measured on a frame, and what is said about it: the rows of the quality table."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class StarList:
    """Clean stars of one frame, brightest first. Pixels are 0-based in the trimmed frame."""

    x_px: npt.NDArray[np.float64]
    y_px: npt.NDArray[np.float64]
    flux: npt.NDArray[np.float64]
    """In the image's unit, background removed, aperture of about 3 FWHM across."""
    fwhm_px: npt.NDArray[np.float64]
    """NaN where it was not fitted."""

    def __len__(self) -> int:
        return len(self.x_px)

    def as_lists(self) -> dict[str, list[float]]:
        """Return plain lists, rounded to what was measured (0.001 px), for JSON."""
        return {
            "x_px": [round(float(v), 3) for v in self.x_px],
            "y_px": [round(float(v), 3) for v in self.y_px],
            "flux": [round(float(v), 2) for v in self.flux],
            "fwhm_px": [round(float(v), 3) if np.isfinite(v) else -1.0 for v in self.fwhm_px],
        }

    @classmethod
    def from_lists(cls, lists: dict[str, list[float]]) -> StarList:
        """Rebuild from :meth:`as_lists`."""
        fwhm = np.asarray(lists["fwhm_px"], float)
        return cls(
            np.asarray(lists["x_px"], float),
            np.asarray(lists["y_px"], float),
            np.asarray(lists["flux"], float),
            np.where(fwhm < 0, np.nan, fwhm),
        )


@dataclass(frozen=True, slots=True)
class ScienceMeasures:
    """One science frame by itself. None where not measurable."""

    state: Literal["quick", "final", "none"]
    """Measured on the raw frame, on the calibrated one, or not at all."""
    unit: Literal["ADU", "electron"]
    background: float | None = None
    noise: float | None = None
    """Pixel-to-pixel standard deviation of the sky."""
    gradient_percent: float | None = None
    """Peak-to-valley of the fitted plane over the frame, in percent of the background."""
    gradient_angle_deg: float | None = None
    """Direction in which the sky brightens, counter-clockwise from +x."""
    mesh_rms_percent: float | None = None
    """Scatter of the sky mesh after the plane, percent of the background: aurora, thin cloud."""
    stars: int | None = None
    fwhm_px: float | None = None
    fwhm_arcsec: float | None = None
    fwhm_method: Literal["moffat", "profile"] | None = None
    fwhm_map: tuple[tuple[float | None, ...], ...] | None = None
    """3×3, first row at the bottom (low y)."""
    ellipticity: float | None = None
    """1 - b/a, median of the stars."""
    ellipticity_angle_deg: float | None = None
    """Of the major axis, counter-clockwise from +x, 0 to 180."""
    ellipticity_coherence: float | None = None
    """0: stars are elongated in all directions; 1: all the same way (wind, guiding)."""
    trail_px: float | None = None
    """By so much the stars are drawn out evenly; None where they are round, or shaking explains them as well."""
    saturated_fraction: float | None = None
    cosmic_rays: int | None = None
    """Events, not pixels; only after calibration."""
    stars_touched: int | None = None
    """Stars whose core the cosmic-ray step changed, of ``stars_checked``."""
    stars_checked: int | None = None
    streaks: tuple[tuple[float, float, float, float], ...] = ()
    """Satellites and planes: x0, y0, x1, y1 in px."""
    halo_ratio: float | None = None
    """Median of the flux in a circle 8 FWHM across over that in one of 3 FWHM: frost, ice crystals."""
    aperture_correction: float | None = None
    """All of the stars' light over that in the star list's aperture."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CalibrationMeasures:
    """One bias, dark or flat by itself, in ADU of the trimmed, overscan-corrected frame."""

    level_adu: float
    """Median."""
    noise_adu: float
    """Pixel-to-pixel standard deviation, robust."""
    structure_percent: float
    """Scatter of the mesh after its plane, percent of the level (flats) or ADU (bias, dark)."""
    gradient_percent: float
    sources: int
    """Star-like sources."""
    hot_pixels: int
    saturated_fraction: float
    notes: tuple[str, ...] = ()
    stray_fraction: float = 0.0
    """Of the light of science frames' stars, found at their places in a dark."""
    stray_sigma: float = 0.0
    """How far that stands out; chance alone reaches 5."""
    stray_stars: int = 0
    """Stars that were looked for; 0: none were."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A suggestion about one frame: a cause from a fixed vocabulary, and words with figures."""

    cause: str
    """One of :data:`CAUSES`."""
    words: str
    severity: Literal["note", "suspect", "bad"] = "suspect"

    @property
    def brief(self) -> str:
        """The cause, with its figure where the words begin with one: "dark 26 % too weak"."""
        return self.words.partition(":")[0].partition(" for ")[0] if self.cause.startswith("dark ") else self.cause


CAUSES = (
    "cloud",
    "frost",
    "haloes",
    "defocus",
    "low altitude",
    "trailed",
    "wind",
    "bright sky",
    "twilight",
    "aurora",
    "few stars",
    "streak",
    "saturated",
    "noise",
    "jump",
    "too still",
    "no stars",
    "not judged",
    "stars in dark",
    "wrong level",
    "too bright",
    "too faint",
    "tilted",
    "drift",
    "dark too strong",
    "dark too weak",
    "light leak",
    "unreadable",
    "rule",
)
"""Causes a flag may name. "streak", "aurora", "twilight", "low altitude", "too still" and "not judged" are notes: the
frame stays."""
NOT_JUDGED = "not judged"
"""The cause of a note: too little was measured to call the frame good, or bad."""


def headline(flags: Iterable[Flag]) -> str:
    """Say in a word or two what was found of a frame: its gravest cause, "good", or "not judged"."""
    flags = list(flags)
    if cause := gravest_cause(flags):
        return cause
    return NOT_JUDGED if any(flag.cause == NOT_JUDGED for flag in flags) else "good"


def gravest_cause(flags: Iterable[Flag]) -> str:
    """Return what speaks most against a frame; empty where nothing does."""
    flag = gravest_flag(flags)
    return flag.cause if flag is not None else ""


def gravest_flag(flags: Iterable[Flag]) -> Flag | None:
    """Return the flag that speaks most against a frame, bad before suspect; None where there are notes at most."""
    flags = list(flags)
    for severity in ("bad", "suspect"):
        for flag in flags:
            if flag.severity == severity:
                return flag
    return None


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One science frame among the others of its night: its measures, what they mean beside its peers."""

    path: str
    measures: ScienceMeasures
    dx_px: float | None = None
    """Shift against the reference frame of its pointing: reference star at x is here at about x + dx."""
    dy_px: float | None = None
    rotation_deg: float | None = None
    mirrored: bool = False
    drift_px_per_hour: float | None = None
    transparency: float | None = None
    """Flux of the same stars relative to the night's clear reference; 1 is clear."""
    transparency_map: tuple[tuple[float | None, ...], ...] | None = None
    """8×8 on the chip, first row at low y."""
    depth_loss_mag: float | None = None
    """How much shallower than the clear reference, from transparency, noise and FWHM; positive is worse."""
    zero_point_mag: float | None = None
    """Magnitude of a star of solar colour that gives 1 e⁻/s; None where no catalogue was at hand."""
    limiting_mag: float | None = None
    """Magnitude of a star at five sigma."""
    sky_mag_arcsec2: float | None = None
    transparency_absolute: float | None = None
    """Light over what a clear sky lets through at this air mass; 1 is clear."""
    sun_altitude_deg: float | None = None
    moon_altitude_deg: float | None = None
    moon_phase: float | None = None
    """Illuminated fraction."""
    moon_distance_deg: float | None = None
    flags: tuple[Flag, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


def to_look_at(rows: Iterable[QualityRow], rejected: Collection[str], kept: Collection[str]) -> list[QualityRow]:
    """Return the frames that something speaks against and that nobody has answered.

    Parameters
    ----------
    rows : iterable of QualityRow
    rejected, kept : collections of str
        Paths of frames that were rejected, and that a person accepted.
    """
    return [
        row
        for row in rows
        if row.path not in rejected and row.path not in kept and any(flag.severity != "note" for flag in row.flags)
    ]


def science_measures(document: Mapping[str, Any]) -> ScienceMeasures:
    """Rebuild measures from their JSON, where tuples became lists."""
    known = {field.name for field in fields(ScienceMeasures)}
    return ScienceMeasures(**{name: _tuples(value) for name, value in document.items() if name in known})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
