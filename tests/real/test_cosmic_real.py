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
    for path in frames():
        with fits.open(path) as file:
            plane = next(hdu.data for hdu in file if hdu.data is not None and hdu.data.ndim == 2)
        image = np.ascontiguousarray(plane, np.float32) * np.float32(2)
        variance = image + np.float32(81)
        mask = image >= np.percentile(image, 99.99)
        for bad in (None, mask):
            hits, _ = astroscrappy.detect_cosmics(image, inmask=bad, invar=variance, satlevel=np.inf)
            result = cosmic.clean_cosmic_rays(image, variance, bad, objlim=5.0, protect_below_fwhm_px=0, threads=2)
            assert hits.any()
            assert np.array_equal(result.hits, hits), path.name
            checked += 1
    assert checked == 8
