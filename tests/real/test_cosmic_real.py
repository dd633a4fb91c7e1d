"""On frames of two real nights the step finds what the reference finds, pixel for pixel."""

import os
from pathlib import Path

import numpy as np
import pytest

from pipeline_core.science import cosmic, cosmic_search

DATA = Path(os.environ.get("ASTEP_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


def frames():
    for folder in ("lowell5945", "ssp_jason6063"):
        yield from sorted((DATA / folder).rglob("*.fz"))[-2:]


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data is not here (ASTEP_REAL_DATA)")
def test_real_frames_have_the_references_hits(monkeypatch):
    import astroscrappy
    from astropy.io import fits

    # The one intended difference: a hole wider than 5×5 (a saturated star's) is filled from farther neighbours, not
    # with the frame's median. With the reference's way of filling, nothing differs.
    monkeypatch.setattr(cosmic_search, "WIDEST_WINDOW", 2)
    checked = 0
    for number, path in enumerate(frames()):  # two of each night: one with bad pixels, one without
        with fits.open(path) as file:
            plane = next(hdu.data for hdu in file if hdu.data is not None and hdu.data.ndim == 2)
        image = np.ascontiguousarray(plane, np.float32) * np.float32(2)
        variance = image + np.float32(81)
        bad = image >= np.percentile(image, 99.99) if number % 2 else None
        hits, _ = astroscrappy.detect_cosmics(image, inmask=bad, invar=variance, satlevel=np.inf)
        result = cosmic.clean_cosmic_rays(image, variance, bad, objlim=5.0, protect_below_fwhm_px=0, threads=2)
        assert hits.any()
        assert np.array_equal(result.hits, hits), path.name
        checked += 1
    assert checked == 4


@pytest.mark.parametrize("light", ["00000069", "00000070", "00000071"])
def test_bright_stars_of_jason_keep_their_cores(real_data, light):
    """Too bright for any round Moffat to fit them within their noise, or in a frame with too few stars for a width."""
    from astropy.io.fits import getdata

    known = {"00000069": [(388, 370), (395, 305), (470, 342)], "00000070": [(565, 547)], "00000071": [(558, 526)]}
    file = next((real_data / "ssp_jason6063" / "light").glob(f"Jason.{light}*"))
    image = (getdata(file).astype(np.float32) - np.float32(1000)) * np.float32(1.84)
    result = cosmic.clean_cosmic_rays(image, np.maximum(image, 1) + np.float32(16**2))
    for x, y in known[light]:
        assert not result.hits[y - 2 : y + 3, x - 2 : x + 3].any(), (x, y)
