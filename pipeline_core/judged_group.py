"""The frames of one pointing as columns, and what the same stars say of every one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.science import transparency
from pipeline_core.science.alignment import match
from pipeline_core.science.aperture_correction import corrections
from pipeline_core.science.baseline import clear_frames
from pipeline_core.science.sun_moon import SunMoon, airmass, sun_and_moon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.measures import ScienceMeasures, StarList
    from pipeline_core.science.registration import Registration
    from pipeline_core.types import Frame, Site

Floats = npt.NDArray[np.float64]

POLAR_DEG = 60.0
"""Latitude from which a dome is cold enough for ice on the optics in any observing season. Elsewhere, or where the site
is not known, growing haloes may as well be dew or haze: headers do not tell the temperature of the air."""


@dataclass(frozen=True)
class Group:
    """The frames of one pointing in time order, as columns."""

    frames: Sequence[Frame]
    measures: Sequence[ScienceMeasures]
    stars: Sequence[StarList]
    sky: SunMoon | None
    may_freeze: bool
    hours: Floats
    """Mid-exposures since the first; NaN where no time is known."""
    shape: tuple[int, int]

    @classmethod
    def of(
        cls,
        frames: Sequence[Frame],
        measures: Sequence[ScienceMeasures],
        stars: Sequence[StarList],
        site: Site | None,
    ) -> Group:
        """Put the frames of one pointing side by side; without a site Sun and Moon stay unknown."""
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


def tolerance_px(fwhm: Floats) -> float:
    """How well two frames agree on a star: a third of its width, at least 1.2 px for undersampled ones."""
    good = fwhm[np.isfinite(fwhm)]
    return max(1.2, 0.35 * float(np.median(good))) if good.size else 1.5


@dataclass(frozen=True)
class Light:
    """What the same stars say of every frame."""

    transparency: Floats
    """Of all of the stars' light, however much of it a frame's own aperture holds."""
    gathered: Floats
    """The same, but what is spread more widely than in other frames of like width (by ice, dew, a trail) is lost: so
    frames are judged."""
    core: Floats
    """Of the light in each frame's own aperture, in any one unit: so deep it is."""
    maps: Floats
    """(n, 8, 8)."""
    patchy: Floats
    deepest: Floats
    persistence: Floats
    fixed: Floats
    """Persistence over five frames: cloud has moved on by then."""
    airmass: Floats

    @classmethod
    def of(cls, group: Group, placed: Registration, noise: Floats, fwhm: Floats) -> Light:
        """Compare the stars of placed frames; ``noise`` of a pixel, ``fwhm`` in px, (n,) each."""
        n, m = len(group.frames), len(placed.catalogue)
        air = airmass(group.sky.altitude_deg) if group.sky else np.full(n, np.nan)
        flux, x, y = (np.full((n, m), np.nan) for _ in range(3))
        limit, sky_error = np.full(n, np.nan), _sky_errors(group, noise, fwhm)
        inside = np.zeros((n, m), bool)
        radius = 2 * tolerance_px(fwhm)
        own = group.column("aperture_correction")
        if np.median(sky_error) == 0:  # where all frames are uneven it is the shade of the optics: no curtains
            own[sky_error > 0] = np.nan  # there is more of them in the wider circle
        whole, usual = corrections(own, fwhm)
        for k, alignment in enumerate(placed.alignments):
            if alignment is None:
                continue
            listed = group.stars[k]
            index = match(alignment, placed.catalogue, listed, radius)
            flux[k] = np.where(index >= 0, usual[k] * listed.flux[index], np.nan)
            x[k], y[k] = alignment.moved(placed.catalogue.x_px, placed.catalogue.y_px)
            # Stars are not measured on the very edge: three radii inside they should have been.
            edge = 3 * radius
            inside[k] = (x[k] > edge) & (x[k] < group.shape[1] - edge) & (y[k] > edge)
            inside[k] &= y[k] < group.shape[0] - edge
            limit[k] = usual[k] * transparency.detection_limit(listed)
        through, clear_flux = transparency.solve(flux, limit, inside, usual * sky_error)
        off = transparency.residuals(flux, through, clear_flux)
        maps = np.full((n, transparency.CELLS, transparency.CELLS), np.nan)
        patchy, deepest = np.full(n, np.nan), np.full(n, np.nan)
        for k in np.flatnonzero(np.isfinite(through)).tolist():
            maps[k] = transparency.transparency_map(x[k], y[k], flux[k] / clear_flux, group.shape)
            gain = 1.0 if group.measures[k].unit == "electron" else group.frames[k].gain_e_per_adu or 1.0
            error = transparency.flux_error(
                clear_flux * through[k] / usual[k],  # as much as was measured, in an aperture of 3 FWHM across
                noise[k] if noise[k] > 0 else 0.0,
                fwhm[k] if fwhm[k] > 0 else 3.0,
                gain,
                sky_error=sky_error[k],
            )
            patchy[k] = transparency.patchiness(off[k], error)
            hidden = transparency.hidden_losses(off[k], through[k], clear_flux, limit[k], inside[k])
            deepest[k] = transparency.deepest_patch(x[k], y[k], off[k], hidden, error, shape=group.shape)
        step, five = transparency.persistence(maps, 2), transparency.persistence(maps, 5)
        return cls(_of_clear(through * whole / usual), through, through / usual, maps, patchy, deepest, step, five, air)


def _sky_errors(group: Group, noise: Floats, fwhm: Floats) -> Floats:
    """Return what curtains of light do to a star's flux in each frame's aperture, (n,); 0 where there are none."""
    structure = [0.01 * (m.mesh_rms_percent or 0.0) * (m.background or 0.0) for m in group.measures]
    beneath = zip(structure, noise.tolist(), fwhm.tolist(), strict=True)
    return np.array([transparency.curtain_error(*one) for one in beneath])


def _of_clear(through: Floats) -> Floats:
    """Return transparencies in units of that of the clear frames."""
    with np.errstate(divide="ignore"):
        log = np.log(through)
    clear = clear_frames(log)
    return np.exp(log - np.median(log[clear])) if clear.size else through
