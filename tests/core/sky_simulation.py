"""Frames of a known sky: real stars out of the Tycho-2 index, seen through a distorted, turned, clouded camera."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from pipeline_core.catalogues.reference import ReferenceStars, Source
from pipeline_core.io.index_file import stars_within
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.science.proper_motion import at_epoch
from pipeline_core.science.tan_sip import TanSip

DEBIAN = Path("/usr/share/astrometry")
INDEXES = [DEBIAN / f"index-tycho2-{scale}.littleendian.fits" for scale in ("07", "08")]
needs_index = pytest.mark.skipif(
    not all(path.is_file() for path in INDEXES),
    reason="Debian's astrometry-data-tycho2-07 and -08 are not installed: nothing to solve with",
)
YEAR = 2026.5
SCALE = 0.93
SIZE = 4096
BRIGHTEST_FULL = 9.5  # V: saturated in 90 s


@dataclass(frozen=True)
class Field:
    """One exposure, wholly known."""

    truth: TanSip
    stars: FrameStars
    reference: ReferenceStars
    """What Gaia would give: positions with errors of a milliarcsecond, and motions."""
    shape: tuple[int, int] = (SIZE, SIZE)
    light: np.ndarray | None = None
    """(3, n): x, y (px) and electrons of all stars in and near the frame, where they truly are."""

    def error_arcsec(self, solution: TanSip) -> np.ndarray:
        """Distance of a solution from the truth on a grid over the frame, (east, north), arcsec."""
        x, y = (
            g.ravel() for g in np.meshgrid(np.linspace(0, self.shape[1] - 1, 11), np.linspace(0, self.shape[0] - 1, 11))
        )
        ra, dec = self.truth.to_sky(x, y)
        ra2, dec2 = solution.to_sky(x, y)
        east = ((ra2 - ra + 180) % 360 - 180) * np.cos(np.radians(dec))
        return np.stack([east, dec2 - dec]) * 3600


@dataclass(frozen=True)
class Camera:
    """How the sky is seen."""

    scale: float = SCALE
    size: int = SIZE
    rotation_deg: float = 0.0
    parity: int = 1
    distortion: float = 1.0
    """Times a cubic of 4.5 px in the corners and a quadratic of 1 px."""
    clear: float = 1.0
    cloud: bool = False
    """A bank over half of the frame that takes 2 mag."""
    fwhm_px: float = 2.5
    faint_each: float = 8.0
    """Fainter stars for each of Tycho's."""
    hot: int = 10
    """Sharp false stars."""
    motion_mas: float = 12.0
    """Of one axis a year, typical."""
    drift: dict = field(default_factory=dict)


def truth_of(camera: Camera, ra: float, dec: float) -> TanSip:
    step, turn = camera.scale / 3600, np.radians(camera.rotation_deg)
    matrix = step * np.array([[-np.cos(turn), -np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    if camera.parity < 0:
        matrix = matrix @ np.diag([-1.0, 1.0])
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    half = camera.size / 2
    cubic, square = camera.distortion * 1.6 / half**3, camera.distortion * 0.5 / half**2
    a[3, 0] = a[1, 2] = b[0, 3] = b[2, 1] = cubic
    a[2, 0], a[1, 1], b[0, 2], b[2, 0] = square, -square, 0.7 * square, 0.4 * square
    centre = (camera.size - 1) / 2
    return TanSip(ra, dec, centre, centre, matrix, a, b)


def simulate(rng: np.random.Generator, ra: float, dec: float, camera: Camera = Camera()) -> Field:
    """See a field: Tycho's stars and fainter random ones, each with its motion since 2000."""
    truth = truth_of(camera, ra, dec)
    shape = (camera.size, camera.size)
    radius = truth.radius_deg(shape) + 0.2
    best = max((stars_within(path, ra, dec, radius) for path in INDEXES), key=lambda stars: len(stars.ra_deg))
    known = len(best.ra_deg)
    faint = rng.poisson(camera.faint_each * known)
    # Even over the cone; brighter ones are Tycho's.
    r, angle = radius * np.sqrt(rng.random(faint)), rng.uniform(0, 2 * np.pi, faint)
    frame = replace(truth, matrix=np.diag([1.0, 1.0]), x_px=0.0, y_px=0.0, a=None, b=None)
    faint_ra, faint_dec = frame.to_sky(r * np.cos(angle), r * np.sin(angle))
    mag = np.concatenate(
        [np.nan_to_num(best.magnitude, nan=11.0), 11.3 + np.log10(1 - rng.random(faint) * 0.999) / -0.25]
    )
    ra_2000, dec_2000 = np.concatenate([best.ra_deg, faint_ra]), np.concatenate([best.dec_deg, faint_dec])
    pm_ra, pm_dec = rng.standard_t(3, (2, len(mag))) * camera.motion_mas * 0.6
    now_ra, now_dec = at_epoch(ra_2000, dec_2000, pm_ra, pm_dec, YEAR - 2000)
    x, y = truth.to_pixel(now_ra, now_dec)
    clear = np.full(len(mag), camera.clear)
    if camera.cloud:
        clear = np.where(x < camera.size / 2, clear * 0.16, clear)
    flux = 4e6 * 10 ** (-0.4 * (mag - 8.0)) * clear  # electrons in 90 s
    noise = 30.0
    width = camera.fwhm_px / 2.355 * 1.25
    error = np.hypot(width / np.sqrt(flux) * np.sqrt(1 + 8 * np.pi * width**2 * noise**2 / flux), 0.01)
    seen = (x > 3) & (y > 3) & (x < camera.size - 4) & (y < camera.size - 4) & (flux > 25 * noise)
    full = mag < BRIGHTEST_FULL
    spread = np.where(full, 0.4, error)
    xm, ym = x + rng.normal(0, 1, len(x)) * spread, y + rng.normal(0, 1, len(x)) * spread
    hot_x, hot_y = rng.uniform(0, camera.size, (2, camera.hot))
    columns = [
        np.concatenate([xm[seen], hot_x]), np.concatenate([ym[seen], hot_y]),
        np.concatenate([flux[seen], 10 ** rng.uniform(4, 6, camera.hot)]),
        np.concatenate([np.where(full, 0.5, error)[seen], np.full(camera.hot, 0.02)]),
    ]  # fmt: skip
    order = np.argsort(-columns[2])[:600]
    saturated = np.concatenate([full[seen], np.zeros(camera.hot, bool)])[order]
    stars = FrameStars(*(column[order] for column in columns), saturated)
    ref_ra, ref_dec = at_epoch(ra_2000, dec_2000, pm_ra, pm_dec, 16.0)
    by_mag = np.argsort(mag)
    reference = ReferenceStars(
        ref_ra[by_mag], ref_dec[by_mag], pm_ra[by_mag], pm_dec[by_mag], mag[by_mag], np.full(len(mag), 0.8),
        np.full(len(mag), 0.03), np.full(len(mag), 0.03), 2016.0,
        Source("Gaia-like", "gaia-like", "G", reportable=True),
    )  # fmt: skip
    near = (x > -30) & (y > -30) & (x < camera.size + 30) & (y < camera.size + 30)
    return Field(truth, stars, reference, shape, np.stack([x, y, flux])[:, near])


def asteps_fields(number: int, seed: int):
    """Yield fields all over the sky: turned anyhow, both parities, every third cloudy or thin."""
    rng = np.random.default_rng(seed)
    for k in range(number):
        ra, dec = rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(-0.99, 0.6)))
        camera = Camera(
            rotation_deg=rng.uniform(-180, 180), parity=1 if k % 2 else -1, distortion=rng.uniform(0.3, 1.5),
            clear=(1.0, 0.3, 1.0)[k % 3], cloud=k % 3 == 2, fwhm_px=rng.uniform(1.6, 4.0),
        )  # fmt: skip
        yield simulate(rng, ra, dec, camera)


class OneCatalogue:
    """A catalogue that has these stars."""

    cut_short = ""

    def __init__(self, *references: ReferenceStars) -> None:
        self.stars = references

    def references(self, ra: float, dec: float, radius: float):
        for stars in self.stars:
            near = stars.within(ra, dec, radius)
            if len(near) >= 4:
                yield near


def index_catalogue():
    """The provider with nothing but the index."""
    from pipeline_core.catalogues.provider import CatalogueProvider
    from pipeline_core.catalogues.tile_cache import TileCache

    return CatalogueProvider(TileCache(Path("/nonexistent")), INDEXES, which="index")
