"""Judging a night: science frames against each other, each with its causes in words.

Every frame of a group (one pointing, filter and exposure) is placed on a reference, its stars are compared with the
same stars in the clear frames, and what was measured on it is set beside two baselines: its neighbours in time and
the group's clear reference. The science is in ``science/``; here the columns are put together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.group_evidence import evidence_of
from pipeline_core.judge_calibration import judge_calibration
from pipeline_core.judged_group import Group, Light, tolerance_px
from pipeline_core.measures import QualityRow, ScienceMeasures, StarList
from pipeline_core.science import baseline, slow_loss
from pipeline_core.science.fixed_lines import recurring
from pipeline_core.science.flags import FEWEST_JUDGED, science_flags
from pipeline_core.science.registration import register, track

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.science.evidence import Evidence
    from pipeline_core.science.registration import Registration
    from pipeline_core.types import Frame, Site

Floats = npt.NDArray[np.float64]

__all__ = ["judge_calibration", "judge_night"]

_NO_STARS = StarList(*(np.zeros(0) for _ in range(4)))


def judge_night(
    frames: Sequence[Frame],
    measures: Mapping[str, ScienceMeasures],
    stars: Mapping[str, StarList],
    site: Site | None,
    *,
    groups: Sequence[Sequence[str]],
) -> list[QualityRow]:
    """Judge the science frames of a night against each other.

    Parameters
    ----------
    frames : sequence of Frame
        Those without measures are passed over.
    measures : mapping of str to ScienceMeasures
        By night-relative path.
    stars : mapping of str to StarList
        By path; a missing list counts as empty.
    site : Site or None
        Without it Sun and Moon stay unknown, and a slowly brighter sky is noted, not judged.
    groups : sequence of sequences of str
        Paths of one pointing, filter, exposure and geometry each. Measured frames in no group are grouped by
        filter and exposure.

    Returns
    -------
    list of QualityRow
        In the order of ``frames``.
    """
    measured = [frame for frame in frames if frame.path in measures]
    measures = _without_fixed_lines(measured, measures)
    by_path = {frame.path: frame for frame in measured}
    compared: list[_Compared] = []
    for number, paths in enumerate(_complete(groups, measured)):
        members = sorted(
            (by_path[path] for path in paths),
            key=lambda f: (f.mid_utc is None, f.mid_utc.timestamp() if f.mid_utc else 0.0, f.path),
        )
        group = Group.of(
            members, [measures[f.path] for f in members], [stars.get(f.path, _NO_STARS) for f in members], site
        )
        compared.append(_Compared.of(group, number))
    first = _flagged(compared, by_path)
    # What is bad by itself, however deep, is no measure of others: they are compared with the better ones.
    better = [one.without_bad(first) for one in compared]
    found = first if better == compared else _flagged(better, by_path)
    return [found[frame.path] for frame in measured]


def _flagged(compared: Sequence[_Compared], frames: Mapping[str, Frame]) -> dict[str, QualityRow]:
    """Say of every frame of all groups what its evidence says; path → row."""
    judged = [one.judged() for one in compared]
    shares = _halo_shares(judged, frames)
    return {
        row.path: replace(
            row,
            flags=science_flags(
                replace(
                    e,
                    halo_share=share,
                    depth_loss_mag=math.nan if row.depth_loss_mag is None else row.depth_loss_mag,
                )
            ),
        )
        for (rows, evidence), of_group in zip(judged, shares, strict=True)
        for row, e, share in zip(rows, evidence, of_group.tolist(), strict=True)
    }


def _halo_shares(
    judged: Sequence[tuple[list[QualityRow], list[Evidence]]], frames: Mapping[str, Frame]
) -> list[Floats]:
    """Weigh the haloes of all groups together, as ice lies on the optics of all."""
    times = [[frames[row.path].mid_utc for row in rows] for rows, _ in judged]
    hours = [np.array([math.nan if t is None else t.timestamp() / 3600 for t in group]) for group in times]
    growth = [np.array([e.halo / e.halo_clear - 1 if e.halo_clear > 0 else math.nan for e in es]) for _, es in judged]
    missing = [np.array([10 ** (0.4 * e.loss_mag) - 1 for e in es]) for _, es in judged]
    return slow_loss.halo_shares(hours, growth, missing)


def _without_fixed_lines(
    frames: Sequence[Frame], measures: Mapping[str, ScienceMeasures]
) -> dict[str, ScienceMeasures]:
    """Take lines that recur at the same place of the chip off the frames' streaks."""
    kept = {frame.path: measures[frame.path] for frame in frames}
    for chip in {frame.shape for frame in frames}:
        lined = [f.path for f in frames if f.shape == chip and measures[f.path].streaks]
        streaks = [measures[path].streaks for path in lined]
        for path, lines, again in zip(lined, streaks, recurring(streaks, chip or (1, 1)), strict=True):
            passing = tuple(line for line, is_fixed in zip(lines, again, strict=True) if not is_fixed)
            kept[path] = replace(kept[path], streaks=passing)
    return kept


def _complete(groups: Sequence[Sequence[str]], measured: Sequence[Frame]) -> list[list[str]]:
    """Keep measured frames of the groups, once each, and group the rest."""
    left = {frame.path: frame for frame in measured}
    out = []
    for paths in groups:
        members = [path for path in paths if left.pop(path, None) is not None]
        if members:
            out.append(members)
    rest: dict[tuple[str | None, float | None], list[str]] = {}
    for frame in left.values():
        rest.setdefault((frame.filter, frame.exposure_s), []).append(frame.path)
    return out + list(rest.values())


@dataclass(frozen=True, eq=False)
class _Compared:
    """One group: placed, its stars compared, and which of its frames are the clear reference."""

    group: Group
    number: int
    placed: Registration
    light: Light
    depth: Floats
    clear: npt.NDArray[np.intp]
    bad: npt.NDArray[np.bool_]
    """(n,); none is until judged."""
    cloudy: npt.NDArray[np.bool_]
    """(n,); bad for cloud or haze."""

    @classmethod
    def of(cls, group: Group, number: int) -> _Compared:
        """Place the frames of a group on each other and compare their stars."""
        fwhm, noise = group.column("fwhm_px"), group.column("noise")
        first = _first_depth(group.stars, noise, fwhm)
        placed = register(group.stars, first, group.shape, tolerance_px=tolerance_px(fwhm))
        light = Light.of(group, placed, noise, fwhm)
        depth = baseline.depth_mag(light.core, noise, fwhm)
        clear = baseline.clear_frames(depth)
        if not clear.size:  # nothing could be aligned: sharpness and darkness still rank the frames
            depth = baseline.depth_mag(np.ones(len(group.frames)), noise, fwhm)
            clear = baseline.clear_frames(depth)
        return cls(group, number, placed, light, depth, clear, *np.zeros((2, len(group.frames)), bool))

    def without_bad(self, rows: Mapping[str, QualityRow]) -> _Compared:
        """Return the same with no bad frame in the clear reference, where there are better ones, nor in the scatter."""
        causes = [{f.cause for f in rows[frame.path].flags if f.severity == "bad"} for frame in self.group.frames]
        bad = np.array([bool(of_frame) for of_frame in causes])
        if not bad.any():
            return self
        cloudy = np.array([bool(of_frame & {"cloud", "haloes"}) for of_frame in causes])
        return replace(self, clear=baseline.without_bad(self.clear, self.depth, bad), bad=bad, cloudy=cloudy)

    def judged(self) -> tuple[list[QualityRow], list[Evidence]]:
        """Return the rows of the group, not yet flagged, and what is known of each beside its baselines."""
        group, placed, light = self.group, self.placed, self.light
        depth = baseline.depth_mag(light.core, group.column("noise"), group.column("fwhm_px"))
        depth_loss = baseline.clear_value(depth, self.clear) - depth
        centre = ((group.shape[1] - 1) / 2, (group.shape[0] - 1) / 2)
        shifts = np.array([(math.nan, math.nan) if a is None else a.displacement(*centre) for a in placed.alignments])
        rotation = np.array([math.nan if a is None else a.rotation_deg for a in placed.alignments])
        wander = track(group.hours, shifts[:, 0], shifts[:, 1], rotation)
        evidence = evidence_of(group, placed, light, self.clear, wander, self.bad, self.cloudy)
        rows = [
            QualityRow(
                path=frame.path,
                measures=group.measures[k],
                dx_px=_known(shifts[k, 0]),
                dy_px=_known(shifts[k, 1]),
                rotation_deg=_known(rotation[k]),
                mirrored=a.mirrored if (a := placed.alignments[k]) else False,
                drift_px_per_hour=_known(wander.drift_px_per_hour[k]),
                transparency=_known(light.transparency[k]),
                transparency_map=_map(light.maps[k]),
                depth_loss_mag=_known(depth_loss[k]),
                sun_altitude_deg=_known(group.sky.sun_altitude_deg[k]) if group.sky else None,
                moon_altitude_deg=_known(group.sky.moon_altitude_deg[k]) if group.sky else None,
                moon_phase=_known(group.sky.moon_phase[k]) if group.sky else None,
                moon_distance_deg=_known(group.sky.moon_distance_deg[k]) if group.sky else None,
                extra=self._extra(k, evidence[k]),
            )
            for k, frame in enumerate(group.frames)
        ]
        return _without_self_praise(rows, evidence), evidence

    def _extra(self, k: int, evidence: Evidence) -> dict[str, Any]:
        placed, light = self.placed, self.light
        alignment = placed.alignments[k]
        return {
            "reference": self.group.frames[placed.reference].path if placed.reference >= 0 else None,
            "stars_matched": alignment.matched if alignment else 0,
            "align_rms_px": _known(alignment.rms_px) if alignment else None,
            "patchiness_mag": _known(light.patchy[k]),
            "airmass": _known(light.airmass[k]),
            "sky_expected": _known(evidence.sky_expected),
            "group": self.number,
        }


def _without_self_praise(rows: list[QualityRow], evidence: Sequence[Evidence]) -> list[QualityRow]:
    """Leave out what was compared with itself alone: beside itself every frame is as clear and as deep as the best.

    So stands a frame alone in its group, and one of too few stars to be judged whose fellows share none with it. One
    that is judged stays the best of its group, whatever has become of the others.
    """
    told = [k for k, row in enumerate(rows) if row.transparency is not None or row.depth_loss_mag is not None]
    if len(told) == 1 and (len(rows) == 1 or evidence[told[0]].stars < FEWEST_JUDGED):
        rows[told[0]] = replace(rows[told[0]], transparency=None, depth_loss_mag=None)
    return rows


def _known(value: float) -> float | None:
    """None for "not measured", as the rows say it."""
    return round(float(value), 5) if math.isfinite(value) else None


def _map(cells: Floats) -> tuple[tuple[float | None, ...], ...] | None:
    if not np.isfinite(cells).any():
        return None
    return tuple(tuple(_known(value) for value in row) for row in cells)


def _first_depth(stars: Sequence[StarList], noise: Floats, fwhm: Floats) -> Floats:
    """Rank frames before any is aligned: the flux of the bright stars over the noise in their images.

    The middle of the brightest forty: whether one bright star passes as clean must not decide.
    """
    bright = np.array([float(np.median(np.sort(s.flux)[-40:])) if len(s) else math.nan for s in stars])
    bright[np.array([len(s) for s in stars]) < 0.5 * max((len(s) for s in stars), default=0)] = math.nan
    depth = baseline.depth_mag(bright, np.where(np.isfinite(noise), noise, 1.0), np.where(fwhm > 0, fwhm, 1.0))
    return np.where(np.isfinite(depth), depth, np.where(np.isfinite(bright), -99.0, np.nan))
