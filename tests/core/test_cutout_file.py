"""A cut-out knows its place in the frame and on the sky."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from pipeline_core.errors import UsageError
from pipeline_core.io.cutout_file import write_cutout
from pipeline_core.science.tangent import SkyMap, sky_map
from pipeline_core.types import Section


def test_a_cutout_holds_its_pixels_and_their_place_on_the_sky(tmp_path):
    image = np.arange(200 * 300, dtype=np.uint16).reshape(200, 300)
    sky = SkyMap(83.0, -68.0, 150.0, 100.0, np.array([[-0.0002, 0.0], [0.0, 0.0002]]))
    cards = (("EXPTIME", "90", "s"), ("OBJECT", "M 1", ""), ("NAXIS1", "300", ""), ("FILTER", "rouge é", ""))
    write_cutout(tmp_path / "cut.fits", image, Section(20, 60, -5, 40), unit="adu", cards=cards, sky=sky)
    with fits.open(tmp_path / "cut.fits") as hdus:
        header = hdus[0].header
        assert np.array_equal(hdus[0].data, image[20:60, 0:40])
        assert (header["EXPTIME"], header["OBJECT"], header["BUNIT"], header["LTV2"]) == (90.0, "M 1", "adu", -20.0)
        assert "FILTER" not in header
        assert sky_map(header).sky(7.0, 9.0) == pytest.approx(sky.sky(7.0, 29.0), abs=1e-10)


def test_a_cutout_outside_of_the_frame_is_refused(tmp_path):
    with pytest.raises(UsageError):
        write_cutout(tmp_path / "cut.fits", np.zeros((10, 10)), Section(20, 30, 0, 5), unit="adu")
    assert not list(tmp_path.iterdir())


def test_a_cutout_of_a_solved_frame_keeps_its_distortion_wherever_it_is_cut(tmp_path):
    image = np.zeros((400, 500), np.float32)
    a, b = np.zeros((3, 3)), np.zeros((3, 3))
    a[2, 0], a[1, 1], b[0, 2] = 2e-5, -1e-5, 3e-5  # some pixels at the corners
    sky = SkyMap(83.0, -68.0, 250.0, 200.0, np.array([[-0.0002, 1e-6], [1e-6, 0.0002]]), (a, b))
    write_cutout(tmp_path / "cut.fits", image, Section(300, 390, 400, 480), unit="electron", sky=sky)
    header = fits.getheader(tmp_path / "cut.fits")
    wcs = WCS(header)
    for x, y in ((0.0, 0.0), (79.0, 89.0)):
        ra, dec = sky.sky(x + 400, y + 300)
        assert wcs.all_pix2world(x, y, 0) == pytest.approx((ra, dec), abs=1e-9)
        assert wcs.all_world2pix(ra, dec, 0) == pytest.approx((x, y), abs=1e-3)
        assert sky_map(header).sky(x, y) == pytest.approx((ra, dec), abs=1e-9)
