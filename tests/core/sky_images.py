"""Pictures of a known sky, and their way through the whole chain: pixels, stars, solution, header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from pipeline_core.events import RunContext
from pipeline_core.io.header_update import update_header
from pipeline_core.io.wcs_cards import put_solution
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.science.tan_sip import separation_deg
from pipeline_core.solving.wanted import Wanted
from pipeline_core.stages.solve import find_stars
from pipeline_core.types import MaskBit
from tests.core.sky_simulation import Camera, simulate

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_core.solving.frame_solver import FrameSolver
    from pipeline_core.solving.result import FrameSolution
    from tests.core.sky_simulation import Field

FIELD_ARCMIN = 63.5
SKY_E, READ_NOISE_E, FULL_E = 600.0, 9.0, 120_000.0
WHEN = "2026-07-02T12:00:00.000"  # 2026.5
_REACH = 14  # px around a star: a Moffat star of 4 px has a thousandth of its light beyond


@dataclass(frozen=True)
class Chain:
    """What came out at the end of the chain, beside the truth."""

    found: FrameSolution
    off_arcsec: float
    """Largest distance of the header's sky from the true one over the frame, as astropy reads it."""
    rms_arcsec: float
    """Of one axis."""
    pull: float
    """Root mean square of the error over its stated one."""


def images(number: int, seed: int, size: int):
    """Yield (field, picture, mask) all over the sky: turned anyhow, both parities, clouds, thin sky, bright Moon."""
    rng = np.random.default_rng(seed)
    scale = FIELD_ARCMIN * 60.0 / size
    for k in range(number):
        ra, dec = rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(-0.99, 0.6)))
        camera = Camera(
            scale=scale, size=size, rotation_deg=rng.uniform(-180, 180), parity=1 if k % 2 else -1,
            # Optics bend by the same angle however large the pixels are.
            distortion=rng.uniform(0.3, 1.5) * size / 4096, clear=(1.0, 0.3, 1.0)[k % 3], cloud=k % 3 == 2,
            fwhm_px=rng.uniform(1.6, 3.5),
        )  # fmt: skip
        field = simulate(rng, ra, dec, camera)
        yield field, *picture(rng, field, camera)


def picture(rng: np.random.Generator, field: Field, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """See a field: Moffat stars of β = 3 on an uneven sky, photon and read noise, full pixels, hits of hot ones."""
    ny, nx = field.shape
    y, x = np.mgrid[:ny, :nx]
    sky = SKY_E * (1.0 + 0.15 * x / nx - 0.1 * y / ny)
    if camera.cloud:
        sky = np.where(x < nx / 2, 1.5 * sky, sky)
    image = sky.astype(np.float64)
    width2 = (camera.fwhm_px / 2.0) ** 2 / (2.0 ** (1.0 / 3.0) - 1.0)
    for star_x, star_y, light in field.light.T:
        if light < 100.0:
            continue
        reach = _REACH if light < 1e6 else 4 * _REACH
        x0, y0 = round(star_x), round(star_y)
        rows = slice(max(0, y0 - reach), min(ny, y0 + reach + 1))
        columns = slice(max(0, x0 - reach), min(nx, x0 + reach + 1))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        dx, dy = np.arange(columns.start, columns.stop) - star_x, np.arange(rows.start, rows.stop) - star_y
        # A pixel collects the light that falls on all of it: four by four places stand for it.
        step = (np.arange(4) - 1.5) / 4.0
        fine_x, fine_y = (dx[:, None] + step).ravel(), (dy[:, None] + step).ravel()
        profile = (1.0 + (fine_x[None, :] ** 2 + fine_y[:, None] ** 2) / width2) ** -3.0
        sums = profile.reshape(len(dy), 4, len(dx), 4).sum(axis=(1, 3)) / 16.0
        image[rows, columns] += light * 2.0 / (np.pi * width2) * sums
    image = rng.normal(image, np.sqrt(image + READ_NOISE_E**2))
    mask = np.zeros(field.shape, np.uint8)
    hot = rng.integers(0, ny, (2, 200))
    image[hot[0], hot[1]] += 10.0 ** rng.uniform(3.0, 5.0, 200)
    mask[hot[0, :190], hot[1, :190]] |= MaskBit.HOT  # the last ten are new: nobody has masked them
    mask[image >= FULL_E] |= MaskBit.SATURATED
    return np.minimum(image, FULL_E).astype(np.float32), mask


def through_the_chain(
    folder: Path, solver: FrameSolver, field: Field, image: np.ndarray, mask: np.ndarray, off_deg: float = 0.3
) -> Chain:
    """Write a calibrated file, list its stars, solve it, write its header, and read that with astropy."""
    file = folder / "frame_CAL.fits"
    scale = field.truth.scale_arcsec
    header = fits.Header()
    header["CALDONE"], header["BUNIT"], header["EXPTIME"], header["DATE-OBS"] = True, "electron", 90.0, WHEN
    header["PIXSCALE"] = scale * 1.01  # as headers are
    header["RA"], header["DEC"] = field.truth.ra_deg % 360, max(-89.9, field.truth.dec_deg - off_deg)
    header["CTYPE1"], header["CRVAL1"] = "PLACEHOLDER", "0"
    fits.HDUList([fits.PrimaryHDU(image, header), fits.ImageHDU(mask, name="MASK")]).writeto(file, overwrite=True)
    made = find_stars({"path": "light/frame.fits", "max_stars": 600}, {"calibrated": file}, folder / "none", 1)
    stars = FrameStars.from_lists(made["stars"])
    found = solver.solve(Wanted("frame", stars, tuple(made["shape"]), **made["header"]), RunContext())
    if not found.solved:
        return Chain(found, np.nan, np.nan, np.nan)
    update_header(file, lambda head: put_solution(head, found.solution, field.shape, found.facts("key")))
    read = WCS(fits.getheader(file))
    ny, nx = field.shape
    x, y = (g.ravel() for g in np.meshgrid(np.linspace(0, nx - 1, 11), np.linspace(0, ny - 1, 11)))
    off = separation_deg(*field.truth.to_sky(x, y), *read.all_pix2world(x, y, 0)) * 3600.0
    rms = float(np.sqrt(np.mean(off**2) / 2.0))
    return Chain(found, float(off.max()), rms, rms / found.error_arcsec)
