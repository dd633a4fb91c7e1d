"""Calibration frames against each other: what must not enter a master.

Hard checks ("bad": left out by default) are those that no averaging mends: light in a dark, saturation, too little
light, a level that is not the group's. The rest is said, and the frame is used.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.measures import CalibrationMeasures, Flag
from pipeline_core.science.baseline import frame_scatter
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Sequence

DARK_STARS = 12
"""So many star-like sources in a frame without light are no cosmic rays that happen to be round."""
FEW_DARK_STARS = 4
"""As few, where the other darks of the group tell what is usual."""
STRAY_SIGMA = 7.0
"""The best of 49² shifts of the field reaches 5 by chance."""
MIN_LEVEL_OFF_ADU = 8.0
"""Bias levels wander by a few ADU with the temperature of the electronics."""


def dark_flags(kind: FrameKind, measures: Sequence[CalibrationMeasures]) -> list[tuple[Flag, ...]]:
    """Judge the biases or the darks of one group (one kind, exposure, geometry) in time order.

    Parameters
    ----------
    kind : FrameKind
        Bias, dark or flat-dark.
    measures : sequence of CalibrationMeasures
    """
    level = np.array([m.level_adu for m in measures])
    sources = np.array([m.sources for m in measures], float)
    gradient = np.array([abs(m.gradient_percent) for m in measures])
    stray = np.array([m.stray_sigma for m in measures])
    name = kind.value if kind is not FrameKind.FLATDARK else "flat-dark"
    out = []
    for k, m in enumerate(measures):
        flags = []
        usual_sources = _usual(sources, k)
        # Poisson: a group whose frames all hold a few round hot-pixel clumps is no sky.
        # Among fellows that hold nothing, a few sources of one width are proof enough; alone, it takes a dozen.
        proof = FEW_DARK_STARS if len(measures) >= 4 else DARK_STARS
        if m.sources >= proof and not m.sources < usual_sources + 4 * math.sqrt(max(usual_sources, 1.0)):
            flags.append(
                Flag(
                    "stars in dark",
                    f"stars in dark: {m.sources} star-like sources in a {name} (open shutter, light "
                    "leak or residual image)",
                    "bad",
                )
            )
        elif m.sources >= 10 * DARK_STARS:
            flags.append(
                Flag(
                    "stars in dark",
                    f"stars in dark: {m.sources} star-like sources, in the other {_several(name)} as well",
                    "bad",
                )
            )
        else:
            flags += _stray_stars(name, m, _usual(stray, k))
        flags += _level(name, level, k, max(MIN_LEVEL_OFF_ADU, 0.5 * m.noise_adu, 0.01 * abs(m.level_adu)))
        usual_gradient = _usual(gradient, k)
        if math.isfinite(usual_gradient) and gradient[k] - usual_gradient > max(2.0, 3 * usual_gradient):
            tilt = gradient[k] / 100 * abs(m.level_adu)
            if tilt > max(MIN_LEVEL_OFF_ADU, m.noise_adu):
                flags.append(
                    Flag(
                        "light leak",
                        f"light leak: the {name} is {tilt:.0f} ADU brighter on one side, its fellows "
                        f"{usual_gradient / 100 * abs(m.level_adu):.0f}",
                        "bad",
                    )
                )
        out.append(tuple(flags))
    return _with_drift(name, level, measures, out)


def _stray_stars(name: str, m: CalibrationMeasures, usual_sigma: float) -> list[Flag]:
    """Say that stars of the science frames shine in a dark, none of which need be seen by itself.

    A clump of hot pixels that was taken for a star of the science frame is in all darks: the fellows tell.
    """
    if not m.stray_sigma > STRAY_SIGMA or m.stray_sigma < 1.5 * usual_sigma:
        return []
    words = (
        f"stars in dark: {100 * m.stray_fraction:.2g} % of the light of {m.stray_stars} stars of the science frames is "
        f"in this {name} (open shutter, light leak or residual image)"
    )
    return [Flag("stars in dark", words, "bad" if math.isfinite(usual_sigma) else "suspect")]


def flat_flags(
    measures: Sequence[CalibrationMeasures],
    saturation_adu: Sequence[float | None],
    gain_e_per_adu: Sequence[float | None],
    zero_adu: float,
    *,
    max_level: float = 0.8,
    max_saturated: float = 0.01,
    min_signal_e: float = 2000.0,
) -> list[tuple[Flag, ...]]:
    """Judge the flats of one filter in time order.

    Parameters
    ----------
    measures : sequence of CalibrationMeasures
    saturation_adu, gain_e_per_adu : sequence of float or None
        One a frame; None silences the check that needs it.
    zero_adu : float
        Level of an unexposed frame (bias), taken off before electrons are counted.
    max_level, max_saturated, min_signal_e : float
        As the recipe says: part of saturation, part of the pixels, electrons.

    Notes
    -----
    The level of a twilight flat is not its group's: the sky brightens. Only saturation and signal are hard.
    """
    gradient = np.array([m.gradient_percent for m in measures])
    structure = np.array([m.structure_percent for m in measures])
    scatter = max(frame_scatter(gradient, 0.3), 0.3)
    out = []
    for k, m in enumerate(measures):
        flags = []
        full, gain = saturation_adu[k], gain_e_per_adu[k]
        if full is not None and m.level_adu > max_level * full:
            flags.append(_overexposed(m, full, max_level))
        elif m.saturated_fraction > max_saturated:
            flags.append(
                Flag(
                    "too bright",
                    f"too bright: {100 * m.saturated_fraction:.1f} % of the pixels are saturated "
                    f"(limit {100 * max_saturated:.0f} %)",
                    "bad",
                )
            )
        signal = m.level_adu - zero_adu
        if gain is not None and signal * gain < min_signal_e:
            flags.append(
                Flag(
                    "too faint",
                    f"too faint: {max(signal * gain, 0.0):.0f} e⁻ in the median (limit {min_signal_e:.0f} "
                    "e⁻): its noise would enter every frame",
                    "bad",
                )
            )
        usual = _usual(gradient, k)
        if abs(gradient[k] - usual) > max(3.0, 5 * scatter):
            flags.append(
                Flag(
                    "tilted",
                    f"tilted: it slopes by {gradient[k]:.1f} % over the field, the other flats by {usual:.1f} %",
                    "suspect",
                )
            )
        elif structure[k] - _usual(structure, k) > max(1.0, 0.5 * _usual(structure, k)):
            flags.append(
                Flag(
                    "light leak",
                    f"light leak: structure of {structure[k]:.1f} % against {_usual(structure, k):.1f} % in "
                    "the other flats (cloud, Moon, a lamp)",
                    "suspect",
                )
            )
        out.append(tuple(flags))
    return out


def _usual(values: np.ndarray[tuple[int], np.dtype[np.float64]], k: int) -> float:
    """Median of the others of the group; NaN where there are fewer than two."""
    others = np.delete(values, k)
    return float(np.median(others)) if others.size >= 2 else math.nan


def _several(name: str) -> str:
    return f"{name}es" if name.endswith("s") else f"{name}s"


def _level(name: str, level: np.ndarray[tuple[int], np.dtype[np.float64]], k: int, floor: float) -> list[Flag]:
    usual = _usual(level, k)
    others = np.delete(level, k)
    # The spread of the others, robust and never trusted below the floor: three frames may agree by luck.
    spread = 1.4826 * float(np.median(np.abs(others - usual))) if others.size >= 2 else 0.0
    off = level[k] - usual
    if not abs(off) > max(floor, 8 * spread):
        return []
    higher = "higher" if off > 0 else "lower"
    return [
        Flag(
            "wrong level",
            f"wrong level: {level[k]:.0f} ADU is {abs(off):.0f} ADU {higher} than the other {_several(name)} "
            f"({usual:.0f} ADU)",
            "bad",
        )
    ]


def _with_drift(
    name: str,
    level: np.ndarray[tuple[int], np.dtype[np.float64]],
    measures: Sequence[CalibrationMeasures],
    flags: list[tuple[Flag, ...]],
) -> list[tuple[Flag, ...]]:
    """Say of a whole group that its level drifts: warming electronics, a fading ghost."""
    good = np.array([not found for found in flags])
    if good.sum() < 5:
        return flags
    order = np.arange(level.size)[good]
    slope, start = np.polyfit(order, level[good], 1)
    rest = float(np.std(level[good] - slope * order - start))
    total = abs(slope) * float(np.ptp(order))
    noise = float(np.median([m.noise_adu for m in measures]))
    # Half the noise of a pixel: a mean of the group is then wrong by less than its own noise times the root of n.
    if not total > max(MIN_LEVEL_OFF_ADU / 2, 0.5 * noise, 4 * rest):
        return flags
    words = f"drift: the level of the {_several(name)} goes by {total:.1f} ADU over the group, steadily"
    return [(*found, Flag("drift", words, "note")) for found in flags]


def _overexposed(m: CalibrationMeasures, full: float, max_level: float) -> Flag:
    """Say that a flat holds too much light, or no picture at all any more."""
    percent = 100 * m.level_adu / full
    if m.saturated_fraction > 0.5:  # most of its pixels say nothing
        return Flag(
            "saturated",
            f"saturated: {100 * m.saturated_fraction:.0f} % of the pixels are full, the median is {percent:.0f} % of "
            "saturation",
            "bad",
        )
    return Flag(
        "too bright", f"too bright: the median is {percent:.0f} % of saturation (limit {100 * max_level:.0f} %)", "bad"
    )
