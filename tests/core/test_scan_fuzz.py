"""Files damaged in any way are read, or refused in words: never a crash, never a hang."""

import bz2
import gzip
import random
import time

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.errors import DataError
from pipeline_core.io.fits_file import read_image, read_layout
from pipeline_core.io.fits_layout import find_image
from pipeline_core.io.headers import RawFile, frame_from_header, unusable_frame

SEED = 5945
RAW = np.random.default_rng(SEED).integers(0, 65536, (24, 31), dtype=np.uint16)


def original(form, folder):
    """Return the bytes of a small sound file of a form."""
    path = folder / "sound.fits"
    cards = {"IMAGETYP": "LIGHT", "EXPTIME": 90.0, "DATE-OBS": "2019-03-26T02:58:25", "BIASSEC": "[1:3,1:24]"}
    kind = form.split("+")[0]
    if kind in {"plain", "float"}:
        hdus = [fits.PrimaryHDU(RAW if kind == "plain" else RAW.astype(np.float32))]
    elif kind == "extension":
        hdus = [fits.PrimaryHDU(), fits.ImageHDU(RAW)]
    else:
        hdus = [fits.PrimaryHDU(), fits.CompImageHDU(RAW, compression_type=kind)]
    hdus[-1].header.update(cards)
    fits.HDUList(hdus).writeto(path, overwrite=True)
    data = path.read_bytes()
    if form.endswith("+gz"):
        return gzip.compress(data)
    return bz2.compress(data) if form.endswith("+bz2") else data


def try_to_read(path):
    """Do all that a scan and a run do with a file; return the words when it is refused."""
    file = RawFile(path.name, path.stat().st_size, 0)
    try:
        frame = frame_from_header(find_image(path), file)
        assert frame.unusable is None
        header, layout, shape = read_layout(path)
        assert header.tostring()
        assert read_image(path, layout).shape == shape
    except DataError as error:
        refusal = error
    else:
        return ""
    assert refusal.what
    assert refusal.why
    assert unusable_frame(file, refusal).unusable
    return str(refusal)


@pytest.mark.filterwarnings("ignore")  # astropy warns of what it mends
@pytest.mark.parametrize(
    "form",
    [
        "plain",
        "float",
        "extension",
        "RICE_1",
        "GZIP_1",
        "GZIP_2",
        "HCOMPRESS_1",
        "plain+gz",
        "plain+bz2",
        "RICE_1+gz",
    ],
)
def test_flipped_bits_and_cut_ends_never_crash_a_scan(tmp_path, form):
    sound = original(form, tmp_path)
    path = tmp_path / "damaged.fits"
    path.write_bytes(sound)
    assert try_to_read(path) == ""
    chance = random.Random(f"{SEED} {form}")
    refused = 0
    for trial in range(60):
        data = bytearray(sound)
        if trial % 3 == 0:
            del data[chance.randrange(len(data)) :]
        else:
            # Half of the damage in the headers, where a bit does most.
            for _ in range(chance.choice([1, 3, 30])):
                end = len(data) if trial % 3 == 1 else min(len(data), 9000)
                data[chance.randrange(end)] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        started = time.monotonic()
        refused += bool(try_to_read(path))
        assert time.monotonic() - started < 5, f"trial {trial} of {form}, seed {SEED}"
    assert refused > 5  # the damage was real
