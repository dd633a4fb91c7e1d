"""What is known of every frame of a group, beside its neighbours in time and the group's clear reference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.science import baseline, slow_loss
from pipeline_core.science.evidence import Evidence
from pipeline_core.science.flags import FEWEST_JUDGED
from pipeline_core.science.registration import Registration, Track, predicted_by_neighbours
from pipeline_core.science.sun_moon import EXTINCTION_MAG, airmass, moon_brightness, twilight_brightness

if TYPE_CHECKING:
    from pipeline_core.judged_group import Floats, Group, Light

_DIFFERENT_SKIES = 1.2
"""The brightest over the darkest sky of raw frames, zero level included, from which on they tell what light makes."""


def evidence_of(
    group: Group,
    placed: Registration,
    light: Light,
    clear: npt.NDArray[np.intp],
    wander: Track,
    bad: npt.NDArray[np.bool_],
    cloudy: npt.NDArray[np.bool_],
) -> list[Evidence]:
    """Set every frame beside its two baselines.

    By how much the light of frames scatters is told by those that are not ``bad`` (n,), how bright their sky should be
    by those that are not ``cloudy`` (n,): whether somebody took such frames out before must not change what is said of
    the others.
    """
    n = len(group.frames)
    column, of_clear = group.column, baseline.clear_value
    air = np.where(np.isfinite(light.airmass), light.airmass, of_clear(light.airmass, clear))
    air_clear = of_clear(air, clear) if np.isfinite(air).any() else math.nan
    air = np.ones(n) if math.isnan(air_clear) else air / air_clear
    extinction = EXTINCTION_MAG * (air - 1) * (1.0 if math.isnan(air_clear) else air_clear)
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = -2.5 * np.log10(light.gathered) - extinction
    loss_scatter = min(baseline.frame_scatter(loss[~bad], 0.01), 0.08)
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
    told = _stars_that_tell(group, count, listed)
    sky = column("background")
    sky_expected, uncertain, sky_jump, sky_scatter = _sky(group, sky, cloudy)
    noise = column("noise")
    causes = np.array([np.ones(n), _light_that_counts(group, sky)])
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
            stars=told[k],
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
            reference_of=clear.size if k in clear else 0,
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
            is_alone=n == 1,
            **shared,
        )
        for k in range(n)
    ]


def _stars_that_tell(group: Group, count: Floats, listed: Floats) -> Floats:
    """Return how many stars a frame is judged by (n,).

    In a first look at a raw frame hot pixels are counted among the stars; those that are left once what is too sharp,
    too close or at the rim has gone are stars. Where these are few they alone tell; where they are many, all do.
    """
    is_raw = np.array([measures.state == "quick" for measures in group.measures])
    is_poor = is_raw & (listed < FEWEST_JUDGED) & (count > listed)
    return np.where(is_poor, np.maximum(listed, 1.0), count)


def _light_that_counts(group: Group, sky: Floats) -> Floats:
    """Return the part of the sky (n,) that makes noise: of raw frames not the zero level, which is somewhere below.

    With their lowest sky taken off, what it makes of noise is in the constant part. Where all skies are alike nothing
    tells, and the sky is left as it is: a chance difference of noise must not be blown up to be its light's.
    """
    lit: Floats = np.maximum(sky, 0.0)
    raw = lit[np.array([measures.state == "quick" for measures in group.measures], bool) & np.isfinite(lit)]
    if not raw.size or raw.max() < _DIFFERENT_SKIES * raw.min():
        return lit
    above: Floats = np.maximum(lit - raw.min(), 0.0)
    return above


def _relative_scatter(values: Floats, floor: float) -> float:
    good = values[np.isfinite(values) & (values > 0)]
    return baseline.frame_scatter(np.log(good), floor)


def _sky(group: Group, sky: Floats, cloudy: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats, float]:
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
        rough = np.array([False, False, True, True, True])
        expected, uncertain = baseline.explained(sky, causes, rough=rough, doubtful=cloudy)
    excess = np.log(np.where(sky > 0, sky, np.nan)) - np.log(np.where(np.isfinite(expected), expected, 1.0))
    order = np.arange(sky.size, dtype=float)
    beside = predicted_by_neighbours(order, excess)
    beside[~cloudy] = predicted_by_neighbours(order[~cloudy], excess[~cloudy])
    scatter = min(baseline.frame_scatter(excess[~cloudy], 0.01), 0.1)
    return expected, np.nan_to_num(uncertain), np.exp(excess - beside), scatter
