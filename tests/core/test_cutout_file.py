"""A cut-out knows its place in the frame and on the sky."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

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
