"""Judging calibration frames: each within its group, before a master is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_core.measures import CalibrationMeasures
from pipeline_core.science.calibration_flags import dark_flags, flat_flags
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.config import FlatSettings
    from pipeline_core.measures import Flag
    from pipeline_core.stage import Made
    from pipeline_core.types import Frame

_LEVELS = (FrameKind.BIAS, FrameKind.DARK, FrameKind.FLATDARK)


def judge_calibration(
    frames: Sequence[Frame],
    measures: Mapping[str, CalibrationMeasures],
    settings: FlatSettings | None = None,
) -> dict[str, tuple[Flag, ...]]:
    """Judge biases, darks and flats, each against those of its kind, exposure, temperature and geometry.

    Parameters
    ----------
    frames : sequence of Frame
        Of any kind; only measured calibration frames are judged.
    measures : mapping of str to CalibrationMeasures
        By night-relative path.
    settings : FlatSettings, optional
        The recipe's limits for flats; the defaults of the recipe where it is left out.

    Returns
    -------
    dict of str to tuple of Flag
        Only frames with flags. Severity "bad" means: left out of its master unless a person keeps it.
    """
    if settings is None:
        from pipeline_core.config import FlatSettings as Defaults  # noqa: PLC0415 - pydantic only when needed

        settings = Defaults()
    groups: dict[tuple[object, ...], list[Frame]] = {}
    for frame in frames:
        if frame.path in measures and frame.kind in {*_LEVELS, FrameKind.FLAT}:
            groups.setdefault(_group(frame), []).append(frame)
    zero = _zero_level(frames, measures)
    found: dict[str, tuple[Flag, ...]] = {}
    for members in groups.values():
        members.sort(key=lambda f: (f.mid_utc is None, f.mid_utc.timestamp() if f.mid_utc else 0.0, f.path))
        measured = [measures[frame.path] for frame in members]
        if members[0].kind is FrameKind.FLAT:
            judged = flat_flags(
                measured,
                [frame.saturation_adu for frame in members],
                [frame.gain_e_per_adu for frame in members],
                zero,
                max_level=settings.max_level,
                max_saturated=settings.max_saturated,
                min_signal_e=settings.min_signal_e,
            )
        else:
            judged = dark_flags(members[0].kind, measured)
        found |= {frame.path: flags for frame, flags in zip(members, judged, strict=True) if flags}
    return found


def calibration_measures(made: Mapping[str, Made]) -> dict[str, CalibrationMeasures]:
    """Read what the stage that measures calibration frames reported, by path."""
    return {
        path: CalibrationMeasures(**{**report["measures"], "notes": tuple(report["measures"]["notes"])})
        for path, report in made.items()
    }


def hard_words(flags: Mapping[str, tuple[Flag, ...]]) -> dict[str, str]:
    """Keep the flags that leave a calibration frame out of its master, in words."""
    return {
        path: "; ".join(flag.words for flag in found if flag.severity == "bad")
        for path, found in flags.items()
        if any(flag.severity == "bad" for flag in found)
    }


def _group(frame: Frame) -> tuple[object, ...]:
    """Name what calibration frames must share; temperatures agree to 3 °C (half the dark current)."""
    warm = None if frame.temperature_c is None or frame.kind is FrameKind.FLAT else round(frame.temperature_c / 3)
    exposure = None if frame.kind is FrameKind.FLAT else frame.exposure_s
    return (
        frame.kind,
        frame.filter if frame.kind is FrameKind.FLAT else None,
        exposure,
        warm,
        frame.shape,
        frame.binning,
        frame.camera,
    )


def _zero_level(frames: Sequence[Frame], measures: Mapping[str, CalibrationMeasures]) -> float:
    """Level of an unexposed frame: the biases' median, else the shortest darks'; 0 where there is neither.

    0 counts the bias as light: a faint flat may then pass, none is wrongly refused.
    """
    for kind in (FrameKind.BIAS, FrameKind.FLATDARK, FrameKind.DARK):
        levels = sorted(measures[f.path].level_adu for f in frames if f.kind is kind and f.path in measures)
        if levels:
            return levels[len(levels) // 2]
    return 0.0
