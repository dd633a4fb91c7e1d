"""What the calibration did to the noise of a night: before and after, in the median over its frames."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


WORTH_A_WORD = 1.02
"""A rise of the noise that a person sees in the figures and asks about."""


@dataclass(frozen=True, slots=True)
class NoiseSummary:
    """Noise of raw and calibrated frames in one unit, median over the frames."""

    unit: str
    """"electron", or "adu" where the gain is unknown."""
    frames: int
    pixel_raw: float
    """Pixel-to-pixel standard deviation."""
    pixel_calibrated: float
    tile_raw: float
    """Scatter of the sky from place to place: :func:`pipeline_core.science.evenness.tile_scatter`."""
    tile_calibrated: float
    without_flat: int = 0
    """Frames that no flat was at hand for; frames made by an earlier version do not tell."""

    def document(self) -> dict[str, Any]:
        """Return it for the command line's JSON."""
        return {
            "unit": self.unit,
            "frames": self.frames,
            "pixel": {"raw": round(self.pixel_raw, 3), "calibrated": round(self.pixel_calibrated, 3)},
            "tile_scatter": {"raw": round(self.tile_raw, 3), "calibrated": round(self.tile_calibrated, 3)},
        }

    def words(self) -> str:
        """Say it in one line."""
        unit = "e⁻" if self.unit == "electron" else "ADU"
        rose = (
            " · rises from pixel to pixel where the flat lifts dim parts of the field, noise and light alike (a star's "
            "signal-to-noise stays), and by the masters' own noise"
        )
        sky = "a slope of the sky (twilight, Moon, stray light)"
        if self.without_flat == self.frames:
            grew = (
                f" · grows from place to place where an opposite slope of the camera's zero level hid {sky} until the "
                "bias or dark came off; no frame has a flat, so the corners' shade stays"
            )
        else:
            grew = (
                f" · grows from place to place where bias, dark or flat take off what hid {sky}: a slope of the zero "
                "level, the corners' shade; or where the flat does not fit"
            )
            if self.without_flat:
                grew += f"; {self.without_flat} of {self.frames} frames have no flat"
        return (
            f"pixel to pixel {self.pixel_raw:.3g} → {self.pixel_calibrated:.3g} {unit} · "
            f"from place to place {self.tile_raw:.3g} → {self.tile_calibrated:.3g} {unit}"
            + (rose if self.pixel_calibrated > WORTH_A_WORD * self.pixel_raw else "")
            + (grew if self.tile_calibrated > WORTH_A_WORD * self.tile_raw else "")
        )


def noise_summary(reports: Iterable[Mapping[str, Any]]) -> NoiseSummary | None:
    """Put together what the frames of a run reported.

    Parameters
    ----------
    reports : iterable of mapping
        Of the stage "science frames"; those of earlier versions, which measured no noise, do not count.

    Returns
    -------
    NoiseSummary or None
        None if no frame tells. Where some frames are in electrons and others in ADU, the former.
    """
    told = [report["noise"] for report in reports if report.get("noise")]
    for unit in ("electron", "adu"):
        found = [noise for noise in told if noise["unit"] == unit]
        if found:
            values = {name: median(noise[name] for noise in found) for name in _NAMES}
            bare = sum(noise.get("flattened") is False for noise in found)
            return NoiseSummary(unit, len(found), **values, without_flat=bare)
    return None


_NAMES = ("pixel_raw", "pixel_calibrated", "tile_raw", "tile_calibrated")
