"""What the calibration did to the noise of a night: before and after, of its largest group of frames, or two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.types import Frame


WORTH_A_WORD = 1.02
"""A rise of the noise that a person sees in the figures and asks about."""
FEWEST_SECOND = 3
"""Frames of a second group that is told too, where there are more than two: three short exposures are no group each."""


@dataclass(frozen=True, slots=True)
class NoiseSummary:
    """Noise of raw and calibrated frames of one filter and exposure, in one unit.

    Notes
    -----
    A short and a long exposure, twilight and night have different noise: a median over all of them jumps from one to
    another when a single frame is rejected. What the calibration does to a frame is the ratio of after to before, and
    the median of that hardly depends on which frames are taken.
    """

    unit: str
    """"electron", or "adu" where the gain is unknown."""
    group: str
    """Filter and exposure: "Clear, 90 s"."""
    frames: int
    """Of that group."""
    of_frames: int
    """All that tell their noise, of every group."""
    pixel_raw: float
    """Pixel-to-pixel standard deviation, median over the group."""
    pixel_ratio: float
    """Of the calibrated frame to the raw one, median over the group."""
    tile_raw: float
    """Scatter of the sky from place to place: :func:`pipeline_core.science.evenness.tile_scatter`."""
    tile_ratio: float
    without_flat: int = 0
    """Frames that no flat was at hand for; frames made by an earlier version do not tell."""
    second: NoiseSummary | None = None
    """Of the second largest group: a rejected frame may make it the largest, and then nothing jumps."""

    @property
    def pixel_calibrated(self) -> float:
        """What the usual ratio makes of the usual raw frame."""
        return self.pixel_raw * self.pixel_ratio

    @property
    def tile_calibrated(self) -> float:
        """What the usual ratio makes of the usual raw frame."""
        return self.tile_raw * self.tile_ratio

    def document(self) -> dict[str, Any]:
        """Return it for the command line's JSON."""
        return {
            "unit": self.unit,
            "group": self.group,
            "frames": self.frames,
            "of_frames": self.of_frames,
            "pixel": _document(self.pixel_raw, self.pixel_ratio),
            "tile_scatter": _document(self.tile_raw, self.tile_ratio),
        } | ({"second": self.second.document()} if self.second is not None else {})

    def words(self) -> str:
        """Say it in one line: what the figures are of stands before them; two groups always in the same order."""
        groups = sorted((self, self.second), key=lambda one: one.group) if self.second is not None else [self]
        parts = [one._figures(self.of_frames if len(groups) == 1 else one.frames) for one in groups]  # noqa: SLF001
        if len(groups) > 1 and (others := self.of_frames - sum(one.frames for one in groups)) > 0:
            parts.append(f"{counted(others, 'frame')} of other filters and exposures apart")
        reasons: dict[str, list[str]] = {}
        for one in groups:
            for why in one._reasons():  # noqa: SLF001
                reasons.setdefault(why, []).append(one.group)
        for why, of in reasons.items():
            parts.append(why if len(of) == len(groups) else f"{of[0]}: {why}")
        return " · ".join(parts)

    def _figures(self, of_frames: int) -> str:
        unit = "e⁻" if self.unit == "electron" else "ADU"
        of = f" of {of_frames}" if of_frames > self.frames else ""
        return (
            f"{self.group} (median of {self.frames}{of} frame{'' if of_frames == 1 else 's'}): "
            f"pixel to pixel {self.pixel_raw:.3g} → {self.pixel_calibrated:.3g} {unit} (× {self.pixel_ratio:.2f}), "
            f"from place to place {self.tile_raw:.3g} → {self.tile_calibrated:.3g} {unit} (× {self.tile_ratio:.2f})"
        )

    def _reasons(self) -> list[str]:
        """Explain what rises: a person sees it in the figures and asks."""
        why = []
        if self.pixel_ratio > WORTH_A_WORD:
            why.append(
                "pixel to pixel it rises where the flat lifts dim parts of the field, noise and light alike (a star's "
                "signal-to-noise stays), and by the masters' own noise"
            )
        if self.tile_ratio <= WORTH_A_WORD:
            return why
        # It seems worse and is truer: that is what the eye must meet first.
        evener, sky = "the raw sky looks evener than it is where", "the sky (twilight, Moon, stray light)"
        if self.without_flat == self.frames:
            grew = (
                f"{evener} the camera's zero level slopes against {sky}; bias or dark take that off; no frame has a "
                "flat, so the corners' shade stays"
            )
        else:
            grew = (
                f"{evener} the zero level or the corners' shade slope against {sky}; bias, dark and flat take that "
                "off; or the flat does not fit"
            )
            if self.without_flat:
                grew += f"; {self.without_flat} of {self.frames} frames have no flat"
        return [*why, grew]


def noise_summary(reports: Mapping[str, Mapping[str, Any]], frames: Mapping[str, Frame]) -> NoiseSummary | None:
    """Put together what the frames of a run reported.

    Parameters
    ----------
    reports : mapping
        Path → report of the stage "science frames"; those of earlier versions, which measured no noise, do not count.
    frames : mapping
        Path → frame, for its filter and exposure.

    Returns
    -------
    NoiseSummary or None
        Of the filter and exposure with the most frames, of several the longest exposure; None if no frame tells. Where
        some frames are in electrons and others in ADU, the former. With it comes the next largest group.
    """
    told = {path: report["noise"] for path, report in reports.items() if report.get("noise") and path in frames}
    for unit in ("electron", "adu"):
        groups: dict[tuple[str, float], list[Mapping[str, Any]]] = {}
        for path, noise in told.items():
            if noise["unit"] == unit:
                groups.setdefault(_group(frames[path]), []).append(noise)
        if groups:
            of_frames = sum(map(len, groups.values()))
            largest, *others = sorted(groups, key=lambda one: (-len(groups[one]), -one[1], one[0]))
            first = _summed_up(unit, largest, groups[largest], of_frames)
            if others and (len(others) == 1 or len(groups[others[0]]) >= FEWEST_SECOND):
                return replace(first, second=_summed_up(unit, others[0], groups[others[0]], of_frames))
            return first
    return None


def _summed_up(unit: str, key: tuple[str, float], found: list[Mapping[str, Any]], of_frames: int) -> NoiseSummary:
    name, exposure_s = key
    words = ", ".join(part for part in (name, f"{exposure_s:g} s" if exposure_s >= 0 else "") if part)
    pixel_raw, pixel_ratio, tile_raw, tile_ratio = (
        value
        for kind in ("pixel", "tile")
        for value in (
            median(noise[f"{kind}_raw"] for noise in found),
            median(_ratio(noise[f"{kind}_calibrated"], noise[f"{kind}_raw"]) for noise in found),
        )
    )
    bare = sum(noise.get("flattened") is False for noise in found)
    return NoiseSummary(
        unit,
        words or "no filter and exposure known",
        len(found),
        of_frames,
        pixel_raw,
        pixel_ratio,
        tile_raw,
        tile_ratio,
        without_flat=bare,
    )


def _ratio(after: float, before: float) -> float:
    """Return how many times the noise grew; a frame without any, a made one, stays as it is."""
    return after / before if before > 0 else 1.0


def _group(frame: Frame) -> tuple[str, float]:
    """Return filter and exposure in seconds; -1 where a header gives none. A clock's last digits make no group."""
    return frame.filter or "", float(f"{frame.exposure_s:.3g}") if frame.exposure_s is not None else -1.0


def _document(raw: float, ratio: float) -> dict[str, float]:
    return {"raw": round(raw, 3), "calibrated": round(raw * ratio, 3), "ratio": round(ratio, 4)}
