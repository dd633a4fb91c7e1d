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

from pipeline_core.judge_calibration import judge_calibration
from pipeline_core.measures import QualityRow, ScienceMeasures, StarList
from pipeline_core.science import baseline, slow_loss, transparency
from pipeline_core.science.alignment import match
from pipeline_core.science.evidence import Evidence
from pipeline_core.science.fixed_lines import recurring
from pipeline_core.science.flags import science_flags
from pipeline_core.science.registration import Registration, Track, predicted_by_neighbours, register, track
from pipeline_core.science.sun_moon import (
    EXTINCTION_MAG,
    SunMoon,
    airmass,
    moon_brightness,
    sun_and_moon,
    twilight_brightness,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.types import Frame, Site

Floats = npt.NDArray[np.float64]

__all__ = ["judge_calibration", "judge_night"]

POLAR_DEG = 60.0
"""Latitude from which a dome is cold enough for ice on the optics in any observing season. Elsewhere, or where the site
is not known, growing haloes may as well be dew or haze: headers do not tell the temperature of the air."""

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
    judged: list[tuple[list[QualityRow], list[Evidence]]] = []
    for number, paths in enumerate(_complete(groups, measured)):
        members = sorted(
            (by_path[path] for path in paths),
            key=lambda f: (f.mid_utc is None, f.mid_utc.timestamp() if f.mid_utc else 0.0, f.path),
        )
        group = _Group.of(
            members, [measures[f.path] for f in members], [stars.get(f.path, _NO_STARS) for f in members], site
        )
        rows, evidence = _judge_group(group)
        judged.append(([replace(row, extra={**row.extra, "group": number}) for row in rows], evidence))
    shares = _halo_shares(judged, by_path)
    found = {
        row.path: replace(row, flags=science_flags(replace(e, halo_share=share)))
        for (rows, evidence), of_group in zip(judged, shares, strict=True)
        for row, e, share in zip(rows, evidence, of_group.tolist(), strict=True)
    }
    return [found[frame.path] for frame in measured]


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


@dataclass(frozen=True)
class _Group:
    """The frames of one pointing in time order, as columns."""

    frames: Sequence[Frame]
    measures: Sequence[ScienceMeasures]
    stars: Sequence[StarList]
    sky: SunMoon | None
    may_freeze: bool
    hours: Floats
    """Mid-exposures since the first; the frame's number where no time is known."""
    shape: tuple[int, int]

    @classmethod
    def of(
        cls,
        frames: Sequence[Frame],
        measures: Sequence[ScienceMeasures],
        stars: Sequence[StarList],
        site: Site | None,
    ) -> _Group:
        sky = None
        times = [frame.mid_utc for frame in frames]
        if site is not None and any(time is not None for time in times):
            sky = sun_and_moon(times, site, [f.ra_deg for f in frames], [f.dec_deg for f in frames])
        hours = np.array([math.nan if time is None else time.timestamp() / 3600 for time in times])
        if np.isfinite(hours).any():
            hours -= np.nanmin(hours)
        may_freeze = site is not None and abs(site.latitude_deg) >= POLAR_DEG
        return cls(frames, measures, stars, sky, may_freeze, hours, _chip(frames, stars))

    def column(self, name: str) -> Floats:
        """Return one measure of all frames; NaN where there is none."""
        values = [getattr(measure, name) for measure in self.measures]
        return np.array([math.nan if value is None else float(value) for value in values])


def _chip(frames: Sequence[Frame], stars: Sequence[StarList]) -> tuple[int, int]:
    """Return (ny, nx) of the trimmed frames; where the headers do not say, as far as stars are seen."""
    for frame in frames:
        if frame.trim is not None:
            return frame.trim.shape
        if frame.shape is not None:
            return frame.shape
    far = [(float(s.y_px.max()), float(s.x_px.max())) for s in stars if len(s)]
    return (int(max(y for y, _ in far)) + 1, int(max(x for _, x in far)) + 1) if far else (1, 1)


def _judge_group(group: _Group) -> tuple[list[QualityRow], list[Evidence]]:
    """Return the rows of one group, not yet flagged, and what is known of each beside its baselines."""
    n = len(group.frames)
    fwhm, noise = group.column("fwhm_px"), group.column("noise")
    placed = register(group.stars, _first_depth(group.stars, noise, fwhm), group.shape, tolerance_px=_tolerance(fwhm))
    light = _Light.of(group, placed, noise, fwhm)
    depth = baseline.depth_mag(light.transparency, noise, fwhm)
    clear = baseline.clear_frames(depth)
    if not clear.size:  # nothing could be aligned: sharpness and darkness still rank the frames
        clear = baseline.clear_frames(baseline.depth_mag(np.ones(n), noise, fwhm))
    depth_loss = baseline.clear_value(depth, clear) - depth if clear.size else np.full(n, np.nan)

    centre = ((group.shape[1] - 1) / 2, (group.shape[0] - 1) / 2)
    shifts = np.array([(math.nan, math.nan) if a is None else a.displacement(*centre) for a in placed.alignments])
    rotation = np.array([math.nan if a is None else a.rotation_deg for a in placed.alignments])
    wander = track(group.hours, shifts[:, 0], shifts[:, 1], rotation)
    evidence = _evidence(group, placed, light, clear, wander)

    rows = []
    for k, frame in enumerate(group.frames):
        alignment = placed.alignments[k]
        extra: dict[str, Any] = {
            "reference": group.frames[placed.reference].path if placed.reference >= 0 else None,
            "stars_matched": alignment.matched if alignment else 0,
            "align_rms_px": _known(alignment.rms_px) if alignment else None,
            "patchiness_mag": _known(light.patchy[k]),
            "airmass": _known(light.airmass[k]),
            "sky_expected": _known(evidence[k].sky_expected),
        }
        rows.append(
            QualityRow(
                path=frame.path,
                measures=group.measures[k],
                dx_px=_known(shifts[k, 0]),
                dy_px=_known(shifts[k, 1]),
                rotation_deg=_known(rotation[k]),
                mirrored=alignment.mirrored if alignment else False,
                drift_px_per_hour=_known(wander.drift_px_per_hour[k]),
                transparency=_known(light.transparency[k]),
                transparency_map=_map(light.maps[k]),
                depth_loss_mag=_known(depth_loss[k]),
                sun_altitude_deg=_known(group.sky.sun_altitude_deg[k]) if group.sky else None,
                moon_altitude_deg=_known(group.sky.moon_altitude_deg[k]) if group.sky else None,
                moon_phase=_known(group.sky.moon_phase[k]) if group.sky else None,
                moon_distance_deg=_known(group.sky.moon_distance_deg[k]) if group.sky else None,
                extra=extra,
            )
        )
    return rows, evidence


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


def _tolerance(fwhm: Floats) -> float:
    """How well two frames agree on a star: a third of its width, at least 1.2 px for undersampled ones."""
    good = fwhm[np.isfinite(fwhm)]
    return max(1.2, 0.35 * float(np.median(good))) if good.size else 1.5


@dataclass(frozen=True)
class _Light:
    """What the same stars say of every frame."""

    transparency: Floats
    maps: Floats
    """(n, 8, 8)."""
    patchy: Floats
    deepest: Floats
    persistence: Floats
    fixed: Floats
    """Persistence over five frames: cloud has moved on by then."""
    airmass: Floats

    @classmethod
    def of(cls, group: _Group, placed: Registration, noise: Floats, fwhm: Floats) -> _Light:
        n, m = len(group.frames), len(placed.catalogue)
        air = airmass(group.sky.altitude_deg) if group.sky else np.full(n, np.nan)
        flux, x, y = (np.full((n, m), np.nan) for _ in range(3))
        limit, sky_error = np.full(n, np.nan), np.zeros(n)
        inside = np.zeros((n, m), bool)
        radius = 2 * _tolerance(fwhm)
        for k, alignment in enumerate(placed.alignments):
            if alignment is None:
                continue
            listed = group.stars[k]
            index = match(alignment, placed.catalogue, listed, radius)
            flux[k] = np.where(index >= 0, listed.flux[index], np.nan)
            x[k], y[k] = alignment.moved(placed.catalogue.x_px, placed.catalogue.y_px)
            # Stars are not measured on the very edge: three radii inside they should have been.
            edge = 3 * radius
            inside[k] = (x[k] > edge) & (x[k] < group.shape[1] - edge) & (y[k] > edge)
            inside[k] &= y[k] < group.shape[0] - edge
            limit[k] = transparency.detection_limit(listed)
            measures = group.measures[k]
            structure = 0.01 * (measures.mesh_rms_percent or 0.0) * (measures.background or 0.0)
            sky_error[k] = transparency.curtain_error(structure, noise[k], fwhm[k])
        through, clear_flux = transparency.solve(flux, limit, inside, sky_error)
        off = transparency.residuals(flux, through, clear_flux)
        maps = np.full((n, transparency.CELLS, transparency.CELLS), np.nan)
        patchy, deepest = np.full(n, np.nan), np.full(n, np.nan)
        for k in np.flatnonzero(np.isfinite(through)).tolist():
            maps[k] = transparency.transparency_map(x[k], y[k], flux[k] / clear_flux, group.shape)
            gain = 1.0 if group.measures[k].unit == "electron" else group.frames[k].gain_e_per_adu or 1.0
            error = transparency.flux_error(
                clear_flux * through[k],
                noise[k] if noise[k] > 0 else 0.0,
                fwhm[k] if fwhm[k] > 0 else 3.0,
                gain,
                sky_error=sky_error[k],
            )
            patchy[k] = transparency.patchiness(off[k], error)
            hidden = transparency.hidden_losses(off[k], through[k], clear_flux, limit[k], inside[k])
            deepest[k] = transparency.deepest_patch(x[k], y[k], off[k], hidden, error, shape=group.shape)
        step, five = transparency.persistence(maps, 2), transparency.persistence(maps, 5)
        return cls(through, maps, patchy, deepest, step, five, air)


def _evidence(
    group: _Group, placed: Registration, light: _Light, clear: npt.NDArray[np.intp], wander: Track
) -> list[Evidence]:
    """Set every frame beside its two baselines."""
    n = len(group.frames)
    column, of_clear = group.column, baseline.clear_value
    air = np.where(np.isfinite(light.airmass), light.airmass, of_clear(light.airmass, clear))
    air_clear = of_clear(air, clear) if np.isfinite(air).any() else math.nan
    air = np.ones(n) if math.isnan(air_clear) else air / air_clear
    extinction = EXTINCTION_MAG * (air - 1) * (1.0 if math.isnan(air_clear) else air_clear)
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = -2.5 * np.log10(light.transparency) - extinction
    loss_scatter = min(baseline.frame_scatter(loss, 0.01), 0.08)
    beside = baseline.neighbour_median(loss)
    # A slope is no jump: at the end of a growing loss the line through the neighbours says more than their median.
    loss_before = np.fmax(beside, predicted_by_neighbours(np.arange(n, dtype=float), loss))

    fwhm, halo, ellipticity = column("fwhm_px"), column("halo_ratio"), column("ellipticity")
    # Seeing grows as air mass to the 0.6 (Kolmogorov turbulence, Fried 1966).
    fwhm_reference = of_clear(fwhm / air**0.6, clear)
    fwhm_clear = fwhm_reference * air**0.6
    halo_clear = of_clear(halo, clear)
    count = column("stars")
    listed = np.array([float(len(s)) for s in group.stars])
    count = np.where(np.isfinite(count), count, listed)
    sky = column("background")
    sky_expected, uncertain, sky_jump, sky_scatter = _sky(group, sky)
    noise = column("noise")
    causes = np.array([np.ones(n), np.maximum(sky, 0.0)])
    noise_expected = np.sqrt(baseline.explained(np.square(noise), causes)[0])
    mesh, saturated = column("mesh_rms_percent"), column("saturated_fraction")
    angle, coherence = column("ellipticity_angle_deg"), column("ellipticity_coherence")
    trail = column("trail_px")
    near_cloud = beside > 0.3
    growth, unsteady = slow_loss.growth(loss)
    shared: dict[str, float] = {
        "stars_clear": of_clear(count, clear),
        "loss_scatter": loss_scatter,
        "patchy_clear_mag": of_clear(light.patchy, clear),
        "patch_clear_mag": of_clear(light.deepest, clear),
        "patch_scatter": min(baseline.frame_scatter(light.deepest, 0.02), 0.06),
        "fwhm_scatter": min(_relative_scatter(fwhm, 0.02), 0.12),
        "halo_clear": halo_clear,
        "halo_scatter": min(_relative_scatter(halo, 0.005), 0.02),
        "ellipticity_clear": of_clear(ellipticity, clear),
        "ellipticity_scatter": min(baseline.frame_scatter(ellipticity, 0.01), 0.03),
        "sky_clear": of_clear(sky, clear),
        "sky_scatter": sky_scatter,
        "noise_scatter": min(_relative_scatter(noise / noise_expected, 0.01), 0.1),
        "mesh_clear_percent": of_clear(mesh, clear),
        "mesh_scatter_percent": min(baseline.frame_scatter(mesh, 0.05), 0.5),
        "saturated_clear": of_clear(saturated, clear),
        "track_scatter_px": wander.scatter_px,
    }
    halo_before = np.fmax(baseline.neighbour_median(halo), predicted_by_neighbours(np.arange(n, dtype=float), halo))
    sun = group.sky.sun_altitude_deg if group.sky else np.full(n, np.nan)
    moon = group.sky.moon_altitude_deg if group.sky else np.full(n, np.nan)
    return [
        Evidence(
            stars=count[k],
            aligned=placed.alignments[k] is not None or placed.reference < 0,
            near_cloud=bool(near_cloud[k]),
            loss_mag=loss[k],
            loss_neighbours_mag=loss_before[k],
            loss_growth_mag=growth[k],
            loss_unsteady_mag=unsteady[k],
            patchy_mag=light.patchy[k],
            patch_mag=light.deepest[k],
            persistence=light.persistence[k],
            long_persistence=light.fixed[k],
            fwhm_px=fwhm[k],
            fwhm_clear_px=fwhm_clear[k],
            fwhm_reference_px=fwhm_reference,
            airmass=light.airmass[k],
            halo=halo[k],
            halo_neighbours=halo_before[k],
            ellipticity=ellipticity[k],
            ellipticity_angle_deg=angle[k],
            coherence=coherence[k],
            trail_px=trail[k],
            sky=sky[k],
            sky_expected=sky_expected[k],
            sky_uncertain=uncertain[k],
            sky_jump=sky_jump[k],
            noise=noise[k],
            noise_expected=noise_expected[k],
            mesh_percent=mesh[k],
            saturated_fraction=saturated[k],
            off_track_px=wander.off_px[k],
            moved_px=wander.moved_px[k],
            moved_h=wander.moved_h[k],
            drift_px_per_hour=wander.drift_px_per_hour[k],
            sun_altitude_deg=sun[k],
            moon_altitude_deg=moon[k],
            streaks=len(group.measures[k].streaks),
            may_freeze=group.may_freeze,
            **shared,
        )
        for k in range(n)
    ]


def _relative_scatter(values: Floats, floor: float) -> float:
    good = values[np.isfinite(values) & (values > 0)]
    return baseline.frame_scatter(np.log(good), floor)


def _sky(group: _Group, sky: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Return expected sky, its uncertain part, the jump against the neighbours, and the usual scatter."""
    expected, uncertain = (np.full(sky.size, np.nan) for _ in range(2))
    there = group.sky
    if there is not None:
        path = airmass(there.altitude_deg)
        path = np.where(np.isfinite(path), path, 1.0)
        moon = moon_brightness(there.moon_altitude_deg, there.moon_phase, there.moon_distance_deg, there.altitude_deg)
        glows = [np.maximum(twilight_brightness(there.sun_altitude_deg) - 0.01, 0.0)]
        glows += [np.maximum(light - 0.7, 0.0) for light in moon]
        # The dark sky (70 nanolamberts) grows at most as the air it shines through. Causes below a hundredth of it
        # are none: their shape, however small, would otherwise be blown up to explain anything.
        causes = np.array([np.ones(sky.size), np.minimum(path, 5.0), *glows])
        expected, uncertain = baseline.explained(sky, causes, rough=np.array([False, False, True, True, True]))
    excess = np.log(np.where(sky > 0, sky, np.nan)) - np.log(np.where(np.isfinite(expected), expected, 1.0))
    order = np.arange(sky.size, dtype=float)
    jump = np.exp(excess - predicted_by_neighbours(order, excess))
    return expected, np.nan_to_num(uncertain), jump, min(baseline.frame_scatter(excess, 0.01), 0.1)
