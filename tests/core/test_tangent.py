"""Where on the sky a pixel lies: as astropy says."""

from __future__ import annotations

import pytest

from pipeline_core.science.tangent import sexagesimal, sky_map

HEADER = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 83.2, "CRVAL2": -68.4, "CRPIX1": 512.5, "CRPIX2": 400.0,
    "CUNIT1": "deg", "CUNIT2": "deg", "NAXIS": 2, "NAXIS1": 1024, "NAXIS2": 800,
}  # fmt: skip
CD = {"CD1_1": -2.5e-4, "CD1_2": 3e-5, "CD2_1": 2.8e-5, "CD2_2": 2.5e-4}
VARIANTS = {
    "CD": CD,
    "PC": {"CDELT1": -2.5e-4, "CDELT2": 2.5e-4, "PC1_1": 0.98, "PC1_2": -0.17, "PC2_1": 0.17, "PC2_2": 0.98},
    "CDELT": {"CDELT1": -2.5e-4, "CDELT2": 2.5e-4},
    "CROTA2": {"CDELT1": -2.5e-4, "CDELT2": 2.6e-4, "CROTA2": 12.0},
    "pole": {"CRVAL2": 89.9, **CD},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_places_are_astropys(name):
    wcs = pytest.importorskip("astropy.wcs")
    header = {**HEADER, **VARIANTS[name]}
    ours, theirs = sky_map(header), wcs.WCS(_as_header(header))
    for x, y in ((0.0, 0.0), (1023.0, 10.0), (511.5, 399.0), (700.3, 799.0)):
        ra, dec = (float(v) for v in theirs.all_pix2world(x, y, 0))
        found = ours.sky(x, y)
        assert found[1] == pytest.approx(dec, abs=1e-8)
        assert (found[0] - ra + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-6)


def test_distortion_is_astropys():
    wcs = pytest.importorskip("astropy.wcs")
    sip = {"A_ORDER": 2, "A_2_0": 3e-6, "A_1_1": -2e-6, "B_ORDER": 2, "B_0_2": 4e-6, "B_1_1": 1e-6}
    header = {**HEADER, **CD, **sip, "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
    theirs = wcs.WCS(_as_header(header))
    ra, dec = (float(v) for v in theirs.all_pix2world(10.0, 790.0, 0))
    assert sky_map(header).sky(10.0, 790.0) == pytest.approx((ra, dec), abs=1e-7)


@pytest.mark.parametrize(
    "cards",
    [
        {},
        {"CTYPE1": "LINEAR"},
        {**HEADER},
        {**HEADER, **CD, "CRVAL1": "05:32:00"},
        {**HEADER, "CD1_1": 0.0, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.0},
        {**HEADER, **CD, "CTYPE1": "RA---ZPN"},
    ],
)
def test_a_header_without_a_sound_projection_gives_none(cards):
    assert sky_map(cards) is None


def test_north_and_east_and_the_scale():
    found = sky_map({**HEADER, **VARIANTS["CDELT"]})
    north, east = found.north_east()
    assert north == pytest.approx((0.0, 1.0))
    assert east == pytest.approx((-1.0, 0.0))
    assert found.scale_arcsec == pytest.approx(0.9)


def test_sexagesimal_carries_over():
    assert sexagesimal(359.9999999, -0.00000001) == ("00 00 00.00", "-00 00 00.0")
    assert sexagesimal(83.75, -68.999999) == ("05 35 00.00", "-69 00 00.0")


def _as_header(cards):
    from astropy.io import fits

    header = fits.Header()
    for name, value in cards.items():
        header[name] = value
    return header


def test_a_pixel_of_a_part_lies_where_it_lay_in_the_whole():
    whole = sky_map({**HEADER, **CD})
    assert whole.cut(20, 12).sky(100.0, 50.0) == pytest.approx(whole.sky(120.0, 62.0), abs=1e-12)
