"""Plain raw frames for timing: right in layout, headers and noise, cheap to make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

if TYPE_CHECKING:
    from pathlib import Path

GAIN_E_PER_ADU, READ_NOISE_E, BIAS_ADU = 2.0, 9.0, 1000.0
DATE = "2026-06-21"

EXPOSURE_S = {"BIAS": 0.0, "DARK": 90.0, "FLATDARK": 10.0, "SKYFLAT": 10.0, "SCIENCE": 90.0}


class Chip:
    """One detector: the same pattern in all its frames."""

    def __init__(self, size: int, seed: int = 1) -> None:
        self.size = size
        self.rng = np.random.default_rng(seed)
        y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
        self.flat = 1 - 0.12 * (x * x + y * y) / 2 + 0.01 * self._normal()
        self.dark_e_per_s = np.full((size, size), 0.3, np.float32)
        hot = self.rng.integers(0, size * size, size * size // 400)
        self.dark_e_per_s.flat[hot] += self.rng.exponential(15, hot.size).astype(np.float32)
        # Noise is drawn once and taken at random offsets: drawing it for each frame would take longer than
        # the work that is timed.
        self.noise = self._normal(4 * size * size)
        count = size * size // 8000
        self.stars = (
            self.rng.uniform(12, size - 12, count),
            self.rng.uniform(12, size - 12, count),
            np.minimum(1500 * self.rng.pareto(0.75, count) + 800, 1e6),
        )

    def expose(self, kind: str, level_e: float = 0.0) -> np.ndarray:
        """Return one (size, size) uint16 frame of a kind in ``EXPOSURE_S``, with so much light on it."""
        electrons = level_e * self.flat + self.dark_e_per_s * EXPOSURE_S[kind]
        if kind == "SCIENCE":
            self._add_stars(electrons)
        if kind in {"SCIENCE", "DARK"}:
            self._add_cosmic_rays(electrons, 200 * self.size**2 // 4096**2 + 5)
        start = int(self.rng.integers(0, 3 * self.size**2))
        noise = self.noise[start : start + self.size**2].reshape(self.size, self.size)
        electrons += noise * np.sqrt(np.maximum(electrons, 0) + READ_NOISE_E**2)
        return np.clip(np.rint(electrons / GAIN_E_PER_ADU + BIAS_ADU), 0, 65535).astype(np.uint16)

    def _normal(self, count: int | None = None) -> np.ndarray:
        return self.rng.standard_normal((self.size, self.size) if count is None else count, dtype=np.float32)

    def _add_stars(self, electrons: np.ndarray) -> None:
        grid = np.arange(-8, 9)
        for x, y, flux in zip(*self.stars, strict=True):
            ix, iy = round(x), round(y)
            r2 = (grid[None, :] - (x - ix)) ** 2 + (grid[:, None] - (y - iy)) ** 2
            profile = (1 + r2 / 2.45**2) ** -3.0  # Moffat, FWHM 2.5 px
            electrons[iy - 8 : iy + 9, ix - 8 : ix + 9] += flux * profile / profile.sum()

    def _add_cosmic_rays(self, electrons: np.ndarray, count: int) -> None:
        for _ in range(count):
            x, y = self.rng.integers(20, self.size - 20, 2)
            length, angle = self.rng.uniform(1, 12), self.rng.uniform(0, 2 * np.pi)
            along = np.arange(0, length, 0.7)
            rows, columns = (y + along * np.sin(angle)).astype(int), (x + along * np.cos(angle)).astype(int)
            electrons[rows, columns] += self.rng.uniform(200, 5000)


def write(path: Path, pixels: np.ndarray, kind: str, filter_name: str | None = None, number: int = 0) -> None:
    """Write one raw file as ASTEP's camera does: 16-bit unsigned, one HDU."""
    header = fits.Header()
    header["EXPTIME"] = EXPOSURE_S[kind]
    header["GAIN"], header["RDNOISE"] = GAIN_E_PER_ADU, READ_NOISE_E
    header["ACQTYPE"] = "DARK" if kind == "FLATDARK" else kind
    header["DATE-OBS"] = f"{DATE}T{number // 36 % 24:02d}:{number * 100 // 60 % 60:02d}:{number * 100 % 60:02d}"
    header["OBJECT"] = "FIELD1"
    if filter_name:
        header["FILTER"] = filter_name
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(pixels, header).writeto(path)


def make_night(
    folder: Path,
    size: int,
    *,
    bias: int = 10,
    dark: int = 10,
    flats: int = 10,
    science: int = 20,
    seed: int = 1,
) -> Path:
    """Make a night: ``dark`` darks of each exposure, ``flats`` of each of two filters, ``science`` frames.

    Returns
    -------
    Path
        The night's folder, with ``DATE-CAMS`` and ``DATE-CAMS_SKYFLAT`` below it.
    """
    chip = Chip(size, seed)
    cams, sky = folder / f"{DATE}-CAMS", folder / f"{DATE}-CAMS_SKYFLAT"
    for i in range(bias):
        write(cams / f"{DATE}_{i:04d}_BIAS.fits", chip.expose("BIAS"), "BIAS", number=i)
    for i in range(dark):
        write(cams / f"{DATE}_{i:04d}_DARK.fits", chip.expose("DARK"), "DARK", number=20 + i)
        write(sky / f"{DATE}_{i:04d}_DARK.fits", chip.expose("FLATDARK"), "FLATDARK", number=40 + i)
    for j, filter_name in enumerate(("R", "V")):
        for i, level in enumerate(np.geomspace(12000, 56000, flats)):
            path = sky / f"{DATE}_{filter_name}{i:04d}_SKYFLAT.fits"
            write(path, chip.expose("SKYFLAT", float(level)), "SKYFLAT", filter_name, 60 + 20 * j + i)
    for i in range(science):
        path = cams / f"{DATE}_{i:04d}_SCIENCE.fits"
        write(path, chip.expose("SCIENCE", 400.0), "SCIENCE", "RV"[i % 2], 100 + i)
    return folder
