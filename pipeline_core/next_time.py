"""What a night teaches: what to take, and what to look after, next time. Each line stands on a warning or a flag."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.config import DarkSettings
from pipeline_core.grouping import Geometry, same_exposure
from pipeline_core.measures import NOT_JUDGED
from pipeline_core.name_words import counted, named
from pipeline_core.standing import ACCEPTED, BAD, REJECTED, SUSPECT, cause_of, standing
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pipeline_core.measures import Flag, QualityRow
    from pipeline_core.plan import Plan
    from pipeline_core.plan_types import SciencePlan
    from pipeline_core.types import Night

MOST_ADVICE = 4
"""Lines: what concerns fewer frames stands in the warnings."""
NO_FLAT, NO_DARK, NO_ZERO, FAR_DARK = "no flat for filter ", "no dark of ", "no bias and no dark", " °C away "
"""How the plan's warnings name what is missed."""
_STANDS = {REJECTED: "lost", BAD: "lost", SUSPECT: "suspect", ACCEPTED: "accepted"}
"""How a frame stands that something speaks against, in the words of the night's sentence."""
ONE_WAY = 0.9
"""Mean of unit vectors: trails that agree better than this, about 13° (1 sigma), point one way."""
_EXPOSURES = DarkSettings()


@dataclass(frozen=True, slots=True)
class _Advice:
    frames: int
    words: str


def next_time(
    rows: Sequence[QualityRow],
    night: Night,
    plan: Plan | None,
    rejected: Mapping[str, str],
    calibration: Mapping[str, tuple[Flag, ...]],
    kept: Collection[str] = frozenset(),
) -> tuple[str, ...]:
    """Say what to do otherwise next time.

    Parameters
    ----------
    rows : sequence of QualityRow
        Science frames, rejected ones included: what they were rejected for teaches too.
    night : Night
    plan : Plan or None
        What it misses counts as it is without a person's choices of masters: who answers "without a flat" still has
        none to take, and who declines one that is there misses nothing. The flat of another filter that a person
        chose is named: the frames are not without one.
    rejected : mapping of str to str
        Path → reason.
    calibration : mapping
        Path → what is said of a bias, dark or flat.
    kept : collection of str
        Paths of frames that a person accepted.

    Returns
    -------
    tuple of str
        At most four, what concerns most frames first (of flats and darks that are bad themselves, those count); without
        a full stop. Clouds teach nothing.
    """
    used = {one.path: one.flat for one in plan.science if one.flat is not None} if plan is not None else {}
    if plan is not None and plan.unforced is not None:
        plan = plan.unforced
    found = [*_missing(night, plan, used)] if plan is not None else []
    far = {one.path for one in plan.science if _has_far_dark(one)} if plan is not None else set()
    found += _flagged(rows, rejected, kept, far)
    found += _calibration(calibration)
    return tuple(advice.words for advice in sorted(found, key=lambda one: -one.frames)[:MOST_ADVICE])


def _missing(night: Night, plan: Plan, used: Mapping[str, str]) -> Iterable[_Advice]:
    """Say which flats, darks and biases were missed, by the plan's warnings; `used` is path → flat as it was chosen."""
    bare: dict[tuple[str, Geometry], list[str]] = {}
    no_zero, far = 0, 0
    for science in plan.science:
        frame = night.by_path.get(science.path)
        if frame is None:  # it went while the run was on
            continue
        said = science.warnings
        if any(words.startswith(NO_FLAT) for words in said):
            bare.setdefault((frame.filter or "", Geometry.of(frame)), []).append(frame.path)
        no_zero += any(words.startswith(NO_ZERO) for words in said)
        far += _has_far_dark(science)
    for (name, geometry), paths in bare.items():
        which = (f"in {name}" if name else "without filter") + _unlike_those_there(night, name, geometry)
        yield _Advice(len(paths), f"take flats {which} ({_have(len(paths))} none{_instead(name, paths, used)})")
    yield from _darks_missed(night, plan)
    if no_zero:
        yield _Advice(no_zero, f"take biases and darks ({_have(no_zero)} neither)")
    if far:
        yield _Advice(far, f"take darks at the frames' temperature ({_have(far)} none of it)")
    few = [m for m in plan.masters if any(words.startswith("only ") for words in m.warnings)]
    if few:
        names = ", ".join(dict.fromkeys(f"{m.kind}es" if m.kind == "bias" else f"{m.kind}s" for m in few))
        least = min(len(m.frames) for m in few)
        served = sum({s.bias, s.dark, s.flat} & {m.name for m in few} != set() for s in plan.science)
        yield _Advice(served, f"take three or more {names} ({least} cannot tell a hit from the pixel)")


def _unlike_those_there(night: Night, filter_name: str, wanted: Geometry) -> str:
    """Say of what binning or size flats are missed where there are others in the same filter; else nothing."""
    flats = {
        Geometry.of(frame)
        for frame in night.frames
        if frame.kind is FrameKind.FLAT and frame.unusable is None and (frame.filter or "") == filter_name
    }
    if not flats or wanted in flats:
        return ""
    if wanted.binning not in {flat.binning for flat in flats}:
        return " binned " + "×".join(map(str, wanted.binning[::-1]))
    return f" of {wanted.nx} × {wanted.ny} pixels"


def _instead(filter_name: str, paths: Sequence[str], used: Mapping[str, str]) -> str:
    """Say which flat of another filter frames have instead of one of their own, and what it leaves in them."""
    flats = Counter(used[path] for path in paths if path in used)
    if not flats:
        return ""
    for_some = {flat: f" for {number}" if number < len(paths) else "" for flat, number in flats.most_common()}
    names = " and ".join(f"{flat} is used{some}" for flat, some in for_some.items())
    stays = "dust on the filter itself stays" if filter_name else "dust on its filter comes in"
    return f" of their own; {names}, {stays}" if len(paths) > 1 else f" of its own; {names}, {stays}"


def _dark_exposures_of_flats(night: Night, plan: Plan) -> dict[str, set[float]]:
    """Return master flat → exposures (s) of its frames that no dark was taken of; only where the plan warns of it."""
    darks = [m.exposure_s for m in plan.masters if m.kind == "dark" and m.exposure_s is not None]
    wanted: dict[str, set[float]] = {}
    for master in plan.masters:
        if master.kind != "flat" or not any(words.startswith(NO_DARK) for words in master.warnings):
            continue
        known = (night.by_path[path].exposure_s for path in master.frames if path in night.by_path)
        wanted[master.name] = {
            e for e in known if e is not None and not any(same_exposure(d, e, _EXPOSURES) for d in darks)
        }
    return wanted


def _darks_missed(night: Night, plan: Plan) -> Iterable[_Advice]:
    """Say of which exposures darks were missed, by frames and by flats."""
    of_flats = _dark_exposures_of_flats(night, plan)
    exposures: set[float] = set()
    flats: set[str] = set()
    concerned, without = 0, 0
    for science in plan.science:
        frame = night.by_path.get(science.path)
        if frame is None:
            continue
        wanted = set(of_flats.get(science.flat or "", ()))
        if wanted and science.flat is not None:
            flats.add(science.flat)
        if any(words.startswith(NO_DARK) for words in science.warnings) and frame.exposure_s is not None:
            wanted.add(frame.exposure_s)
            without += 1
        exposures |= wanted
        concerned += bool(wanted)
    if exposures:
        yield _Advice(concerned, f"take darks of {_seconds(exposures)} ({_without_dark(without, sorted(flats))})")


def _without_dark(frames: int, flats: Sequence[str]) -> str:
    """Say how many frames have no dark, and which flats: "4 frames have none, nor has flat_Clear"."""
    have = "has" if len(flats) == 1 else "have"
    if not frames:
        return f"{named(flats)} {have} none"
    return f"{_have(frames)} none{f', nor {have} {named(flats)}' if flats else ''}"


def _has_far_dark(science: SciencePlan) -> bool:
    return any(FAR_DARK in words for words in science.warnings)


def _flagged(
    rows: Sequence[QualityRow], rejected: Mapping[str, str], kept: Collection[str], far_dark: Collection[str]
) -> Iterable[_Advice]:
    """Say what to look after, by what speaks against science frames; rejected ones count by their reason.

    Of frames with a dark of another temperature it is said already why it does not fit.
    """

    def against(cause: str) -> list[QualityRow]:
        # By what weighs most: a sky that is bright under a cloud is the cloud's doing.
        return [row for row in rows if cause_of(row, rejected) == cause]

    for cause, words_of in _LESSONS.items():
        if frames := against(cause):
            yield _Advice(len(frames), _with_standings(words_of(frames), frames, rejected, kept))
    # A note only: it speaks against the dark, not against the frame; frames in use are counted, as in the warnings.
    off = [
        row
        for row in rows
        if not (row.path in rejected or row.path in far_dark)
        and any(flag.cause in {"dark too weak", "dark too strong"} for flag in row.flags)
        and not row.extra.get("dark_misfit_grows_with_sky", False)
    ]
    if off:
        part = _range([100 * abs(row.extra["dark_residual"]) for row in off if "dark_residual" in row.extra], " %", 0)
        figure = f"the dark was {part} off" if part else "the dark did not fit"
        yield _Advice(
            len(off),
            f"take darks in the same night, at the frames' temperature ({figure} in {counted(len(off), 'frame')})",
        )
    alone = [
        row
        for row in rows
        if any(flag.cause == NOT_JUDGED and "alone in its group" in flag.words for flag in row.flags)
    ]
    if alone:
        are = "is" if len(alone) == 1 else "are"
        yield _Advice(
            len(alone),
            f"take two or more frames of each field, filter and exposure ({counted(len(alone), 'frame')} {are} alone)",
        )


def _with_standings(words: str, rows: Sequence[QualityRow], rejected: Collection[str], kept: Collection[str]) -> str:
    """Add how the frames stand where they stand differently: what the night lost is counted without the others."""
    found = Counter(_STANDS.get(standing(row.path, row, rejected, kept), "") for row in rows)
    if len(found) < 2 or not words.endswith(")"):
        return words
    parts = [f"{found[name]} {name}" for name in dict.fromkeys(_STANDS.values()) if found[name]]
    return f"{words[:-1]}; {', '.join(parts)})"


def _trails(rows: Sequence[QualityRow]) -> str:
    """Say how long stars are drawn out, and which way where that is one."""
    long = _range([row.measures.trail_px for row in rows if row.measures.trail_px], " px", 1)
    angles = [a for row in rows if (a := row.measures.ellipticity_angle_deg) is not None]
    along = _one_way(angles)
    told = f"{counted(len(rows), 'frame')} trailed"
    if long:
        told += f", {'by ' if along == '' else ''}{long}"
    return f"guide better ({told}{along})"


def _one_way(angles_deg: Sequence[float]) -> str:
    """Return " along 163°" where directions without a sense agree; empty where they do not."""
    if not angles_deg:
        return ""
    mean = np.exp(2j * np.radians(angles_deg)).mean()  # 0° and 180° are the same way
    if abs(mean) < ONE_WAY:
        return ""
    return f" along {np.degrees(np.angle(mean)) / 2 % 180:.0f}°"


def _wide(rows: Sequence[QualityRow]) -> str:
    width = _range([row.measures.fwhm_px for row in rows if row.measures.fwhm_px], " px", 1)
    return f"focus again during the night ({counted(len(rows), 'frame')} with FWHM {width})" if width else "focus again"


_LESSONS: dict[str, Callable[[Sequence[QualityRow]], str]] = {
    "trailed": _trails,
    "wind": lambda rows: f"guide better, or shield from the wind ({counted(len(rows), 'frame')} with long stars)",
    "defocus": _wide,
    "frost": lambda rows: f"look for frost on the optics ({counted(len(rows), 'frame')})",
    "bright sky": lambda rows: (
        f"look for light in the dome ({counted(len(rows), 'frame')} brighter than Sun and Moon explain)"
    ),
    "saturated": lambda rows: f"expose shorter ({counted(len(rows), 'frame')} saturated)",
    "jump": lambda rows: f"check where the telescope points ({counted(len(rows), 'frame')} off the others' field)",
}
"""Cause → what to do about it; cloud, few stars and haze are nobody's fault."""


def _calibration(flags: Mapping[str, tuple[Flag, ...]]) -> Iterable[_Advice]:
    """Say what to take better, by what is said of biases, darks and flats."""
    for cause, words in (
        ("too bright", "expose flats shorter ({} too bright)"),
        ("too faint", "expose flats longer ({} too faint)"),
        ("stars in dark", "close the shutter for darks ({} with stars)"),
        ("light leak", "take darks without light ({} with a leak)"),
    ):
        number = sum(any(flag.cause == cause for flag in found) for found in flags.values())
        if number:
            yield _Advice(number, words.format(number))


def _range(values: Sequence[float | None], unit: str, digits: int) -> str:
    """Return "3–5 px", "4 px" where rounding leaves one; empty without a value."""
    known = sorted(round(v, digits) for v in values if v is not None)
    if not known:
        return ""
    low, high = f"{known[0]:.{digits}f}", f"{known[-1]:.{digits}f}"
    return f"{low}{unit}" if low == high else f"{low}–{high}{unit}"


def _seconds(exposures: Iterable[float]) -> str:
    """Return "1, 5 and 10 s"."""
    names = list(dict.fromkeys(f"{e:.4g}" for e in sorted(exposures)))
    return f"{', '.join(names[:-1])} and {names[-1]} s" if len(names) > 1 else f"{names[0]} s"


def _have(number: int) -> str:
    return f"{counted(number, 'frame')} {'has' if number == 1 else 'have'}"
