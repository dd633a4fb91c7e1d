"""The sky of the demo night, and what the telescope makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_core.types import Image

Floats = npt.NDArray[np.float64]

PIXEL_SCALE_ARCSEC = 0.93
LATITUDE_DEG, LONGITUDE_DEG, ALTITUDE_M = -75.10039, 123.32403, 3232.0  # Concordia, MPC code P48
DARK_SKY_E = {"R": 400.0, "V": 260.0}  # a pixel in 90 s
TWILIGHT_E = {"R": 1600.0, "V": 2100.0}  # added in 90 s with the Sun 8.5° down
MOFFAT_BETA = 3.0
STARS_PER_MPX = 400.0
FAINTEST_E, BRIGHTEST_E = 800.0, 4e6
COUNT_SLOPE = 0.75  # N(>F) ∝ F^-0.75: counts of a field off the galactic plane double with each magnitude


@dataclass(frozen=True, slots=True)
class Stars:
    """The field, at its reference pointing. Pixels 0-based; fluxes in electrons of a clear 90 s frame."""

    x_px: Floats
    y_px: Floats
    flux_e: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class SkyModel:
    """What one exposure sees: all that is needed to compute its noiseless light again."""

    filter: str
    sky_e: float
    """Even sky with twilight, electrons a pixel."""
    gradient: tuple[float, float] = (0.0, 0.0)
    """Rise of the sky over the frame along x and y, fraction."""
    aurora_e: float = 0.0
    aurora_phase: float = 0.0
    dx_px: float = 0.0
    dy_px: float = 0.0
    rotation_deg: float = 0.0
    fwhm_px: float = 2.5
    elongation: float = 1.0
    """Long over short axis."""
    angle_deg: float = 0.0
    """Of elongation or trail, counter-clockwise from +x."""
    trail_px: float = 0.0
    halo: float = 0.0
    """Part of a star's light in a halo five times as wide."""
    clear: float = 1.0
    """Even transparency."""
    frost: float = 0.0
    """Light lost in the middle of a frost patch that stays on the chip."""
    patches: tuple[tuple[float, float, float, float], ...] = ()
    """Cloud: x, y, radius (px), light lost."""
    streak: tuple[float, float, float, float] | None = None
    """Satellite: a point on it x, y (px), angle (deg), peak (electrons)."""
    asteroids: tuple[tuple[float, float, float, float, float], ...] = field(default=())
    """x, y at mid-exposure in the reference pointing, motion in px during the exposure (x, y), electrons."""


def make_stars(size: int, rng: np.random.Generator) -> Stars:
    """Strew stars over the field and a margin around it that drift brings in.

    Parameters
    ----------
    size : int
        Pixels a side.
    rng : Generator
    """
    margin = 20.0
    number = max(40, round(STARS_PER_MPX * (size + 2 * margin) ** 2 / 2**20))
    x, y = (rng.uniform(-margin, size + margin, number) for _ in range(2))
    red = np.minimum(FAINTEST_E * (1 - rng.random(number)) ** (-1 / COUNT_SLOPE), BRIGHTEST_E)
    colour = rng.normal(0.75, 0.12, number).clip(0.4, 1.2)
    return Stars(x, y, {"R": red, "V": red * colour})


def placed(model: SkyModel, x: Floats, y: Floats, size: int) -> tuple[Floats, Floats]:
    """Return where a reference position lies in the frame: turned about the centre, then shifted (px)."""
    angle = np.deg2rad(model.rotation_deg)
    centre = (size - 1) / 2
    u, v = x - centre, y - centre
    return (
        np.cos(angle) * u - np.sin(angle) * v + centre + model.dx_px,
        np.sin(angle) * u + np.cos(angle) * v + centre + model.dy_px,
    )


def transparency(model: SkyModel, x: Floats, y: Floats, size: int) -> Floats:
    """Return the part of the light that arrives at frame positions (px); 1 is clear."""
    through = np.full(np.shape(x), model.clear)
    if model.frost:
        r2 = (x - 0.6 * size) ** 2 + (y - 0.45 * size) ** 2
        through *= 1 - model.frost * np.exp(-r2 / (2 * (0.35 * size) ** 2))
    for cx, cy, radius, lost in model.patches:
        through *= 1 - lost * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius**2))
    return through


def star_fluxes(model: SkyModel, stars: Stars, size: int) -> tuple[Floats, Floats, Floats]:
    """Return x, y (px, in the frame) and the electrons that arrive of every star in or near it."""
    x, y = placed(model, stars.x_px, stars.y_px, size)
    return x, y, stars.flux_e[model.filter] * transparency(model, x, y, size)


def sky_level(model: SkyModel, size: int) -> Image:
    """Return the sky without stars, (ny, nx) float32, electrons."""
    axis = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    gx, gy = np.float32(model.gradient[0]), np.float32(model.gradient[1])
    sky: Image = np.float32(model.sky_e) * (1 + gx * axis[None, :] + gy * axis[:, None])
    if model.aurora_e:
        # Curtains: three ridges whose line wanders; structure on a sixth of the frame.
        wander = axis[None, :] + np.float32(0.08) * np.sin(
            np.float32(7) * axis[:, None] + np.float32(model.aurora_phase)
        )
        for place, width, part in ((-0.25, 0.06, 1.0), (0.1, 0.09, 0.7), (0.35, 0.04, 0.5)):
            ridge = (wander - np.float32(place + 0.05 * np.sin(model.aurora_phase))) / np.float32(width)
            sky += np.float32(model.aurora_e * part) * np.exp(-ridge * ridge / 2)
    return sky


def expected_light(model: SkyModel, stars: Stars, size: int) -> Image:
    """Return the noiseless light of one exposure before the flat's response.

    Parameters
    ----------
    model : SkyModel
    stars : Stars
    size : int
        Pixels a side.

    Returns
    -------
    (ny, nx) float32, electrons
    """
    image = sky_level(model, size)
    x, y, flux = star_fluxes(model, stars, size)
    if model.trail_px:
        # A star that moves is many stars on a line: two a pixel of trail.
        steps = max(2, round(2 * model.trail_px))
        along = np.linspace(-0.5, 0.5, steps) * model.trail_px
        angle = np.deg2rad(model.angle_deg)
        x = (x[:, None] + along * np.cos(angle)).ravel()
        y = (y[:, None] + along * np.sin(angle)).ravel()
        flux = np.repeat(flux / steps, steps)
    add_stars(image, x, y, flux, model)
    for ax, ay, mx, my, electrons in model.asteroids:
        line = np.linspace(-0.5, 0.5, 5)
        px, py = placed(model, ax + mx * line, ay + my * line, size)
        add_stars(image, px, py, electrons / 5 * transparency(model, px, py, size), model)
    if model.streak is not None:
        _add_streak(image, model.streak, model.fwhm_px)
    return image


def add_stars(image: Image, x: Floats, y: Floats, flux: Floats, model: SkyModel) -> None:
    """Add point sources as the telescope images them, in place.

    The profile is a Moffat of β = 3 (Moffat 1969, A&A 3, 455; Trujillo et al. 2001, MNRAS 328, 977),
    integrated over each pixel by sub-pixels, cut at a radius that grows with brightness, and normalised
    to the star's flux there.

    Parameters
    ----------
    image : (ny, nx) float32, electrons
    x, y : (n,) px
    flux : (n,) electrons
    model : SkyModel
        FWHM, elongation and halo.
    """
    # Cut where the wing sinks below about a tenth of an electron: faint stars need small stamps.
    reach = model.fwhm_px * (0.55 * (np.maximum(flux, 1) / 0.1) ** 0.25)
    half = np.clip(np.ceil(reach / 6) * 6, 6, 20 * max(model.fwhm_px, 2)).astype(int)
    if model.halo:
        half = np.maximum(half, int(12 * model.fwhm_px))
    ny, nx = image.shape
    for size in np.unique(half):
        inside = (half == size) & (x > -size) & (y > -size) & (x < nx + size) & (y < ny + size)
        chosen = np.flatnonzero(inside)
        side = 2 * size + 1
        # Chunks keep the sub-pixel arrays near 30 MB whatever the number of stars.
        per_chunk = max(1, 1_000_000 // (side * side))
        for start in range(0, len(chosen), per_chunk):
            which = chosen[start : start + per_chunk]
            _add_stamps(image, x[which], y[which], flux[which], model, half=int(size))


def _add_stamps(image: Image, x: Floats, y: Floats, flux: Floats, model: SkyModel, *, half: int) -> None:
    """Add stars whose stamps have the same size."""
    ny, nx = image.shape
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    stamps = profile((x - column).astype(np.float32), (y - row).astype(np.float32), half, model)
    stamps *= flux.astype(np.float32)[:, None, None]
    for stamp, cx, cy in zip(stamps, column, row, strict=True):
        y0, y1, x0, x1 = max(0, cy - half), min(ny, cy + half + 1), max(0, cx - half), min(nx, cx + half + 1)
        if y1 > y0 and x1 > x0:
            image[y0:y1, x0:x1] += stamp[y0 - cy + half : y1 - cy + half, x0 - cx + half : x1 - cx + half]


def profile(dx: Image, dy: Image, half: int, model: SkyModel) -> Image:
    """Return star images of unit sum, ``dx, dy`` px off the middle pixel: (n, 2·half+1, 2·half+1) float32."""
    core = _moffat(dx, dy, half, model.fwhm_px, model)
    if model.halo:
        core *= np.float32(1 - model.halo)
        core += np.float32(model.halo) * _moffat(
            dx, dy, half, 5 * model.fwhm_px, replace(model, elongation=1.0)
        )
    return core


def _moffat(dx: Image, dy: Image, half: int, fwhm_px: float, model: SkyModel) -> Image:
    """Return Moffat profiles of unit sum over their stamps."""
    parts = int(np.clip(np.ceil(6 / fwhm_px), 1, 5))
    grid = np.arange(-half, half + 1, dtype=np.float32)
    width = fwhm_px / (2 * np.sqrt(2 ** (1 / MOFFAT_BETA) - 1))
    cos, sin = (
        np.float32(np.cos(np.deg2rad(model.angle_deg))),
        np.float32(np.sin(np.deg2rad(model.angle_deg))),
    )
    long, short = np.float32(1 / (width * model.elongation) ** 2), np.float32(1 / width**2)
    total = np.zeros((len(dx), len(grid), len(grid)), np.float32)
    offsets = ((np.arange(parts) + 0.5) / parts - 0.5).astype(np.float32)
    for oy in offsets:
        v = (grid + oy)[None, :, None] - dy[:, None, None]
        for ox in offsets:
            u = (grid + ox)[None, None, :] - dx[:, None, None]
            if model.elongation == 1:
                q = 1 + (u * u) * short + (v * v) * short
            else:
                q = 1 + (u * cos + v * sin) ** 2 * long + (v * cos - u * sin) ** 2 * short
            total += 1 / (q * q * q)  # β = 3
    total /= total.sum(axis=(1, 2), keepdims=True)
    return total


def _add_streak(image: Image, streak: tuple[float, float, float, float], fwhm_px: float) -> None:
    """Add a satellite: a straight line through the whole frame with a Gaussian cross-section."""
    x, y, angle_deg, peak = streak
    angle = np.deg2rad(angle_deg)
    ny, nx = image.shape
    columns, rows = (
        np.arange(nx, dtype=np.float32) - np.float32(x),
        np.arange(ny, dtype=np.float32) - np.float32(y),
    )
    across = rows[:, None] * np.float32(np.cos(angle)) - columns[None, :] * np.float32(np.sin(angle))
    image += np.float32(peak) * np.exp(-across * across / np.float32(2 * (fwhm_px / 2.355) ** 2))


def sun_altitude_deg(when: datetime) -> float:
    """Return the Sun's geometric altitude at Concordia.

    Low-precision formulae of the Astronomical Almanac (page C5): right to 0.02°, with no tables to fetch.

    Parameters
    ----------
    when : datetime
        Timezone-aware.
    """
    days = when.timestamp() / 86400 + 2440587.5 - 2451545.0
    mean_longitude = 280.460 + 0.9856474 * days
    anomaly = np.deg2rad(357.528 + 0.9856003 * days)
    longitude = np.deg2rad(mean_longitude + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    obliquity = np.deg2rad(23.439 - 4e-7 * days)
    right_ascension = np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    sidereal = np.deg2rad(280.46062 + 360.98564737 * days + LONGITUDE_DEG)
    latitude = np.deg2rad(LATITUDE_DEG)
    sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(
        sidereal - right_ascension
    )
    return float(np.rad2deg(np.arcsin(sine)))


def twilight_e(altitude_deg: float, band: str) -> float:
    """Return what twilight adds in 90 s, electrons a pixel: 0.9 mag a degree, from 18° to 6° down."""
    if altitude_deg < -18:
        return 0.0
    return float(TWILIGHT_E[band] * 10 ** (0.36 * (min(altitude_deg, -6.0) + 8.5)))
