"""Small nights on disk, made for the tests of the window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 64


def write_frame(file: Path, kind: str, *, number: int = 0, level: float = 1000.0, **cards: object) -> None:
    """Write one small raw frame."""
    rng = np.random.default_rng(number)
    pixels = rng.normal(level, 5, (SIZE, SIZE)).clip(0, 65535).astype(np.uint16)
    header = fits.Header()
    start = datetime(2026, 6, 21, 12, tzinfo=UTC) + timedelta(minutes=2 * number)
    said = {"IMAGETYP": kind, "EXPTIME": 0.0 if kind == "bias" else 10.0, "DATE-OBS": f"{start:%Y-%m-%dT%H:%M:%S}"}
    said |= {"CCD-TEMP": -20.0, "GAIN": 1.0, "RDNOISE": 5.0}
    for key, value in (said | cards).items():
        header[key] = value
    file.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(pixels, header).writeto(file)


def small_night(folder: Path, *, science: int = 4) -> Path:
    """Write a night of biases, darks, flats in R, science frames in R, and one frame nobody knows."""
    for k in range(3):
        write_frame(folder / f"bias_{k:03d}.fits", "bias", number=k)
        write_frame(folder / f"dark_{k:03d}.fits", "dark", number=10 + k, level=1010)
        write_frame(folder / f"flat_{k:03d}.fits", "flat", number=20 + k, level=20000, FILTER="R")
    for k in range(science):
        write_frame(folder / f"light_{k:03d}.fits", "light", number=30 + k, level=1200, FILTER="R", OBJECT="M 5")
    write_frame(folder / "mystery.fits", "who knows", number=99, level=1100)
    return folder
