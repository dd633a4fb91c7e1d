"""The solution in a file: standard cards in, old ones out, pixels untouched, other programs agree."""

import hashlib
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import WCS

from pipeline_core.errors import AstepError, DataError
from pipeline_core.io import header_update
from pipeline_core.io.calibrated_file import read_calibrated, write_calibrated
from pipeline_core.io.header_update import card_of, update_header
from pipeline_core.io.wcs_cards import SOLUTION_KEY, put_solution, remove_solution, solution_cards
from pipeline_core.science.tan_sip import separation_deg
from pipeline_core.science.tangent import sky_map
from tests.core.sky_simulation import Camera, truth_of

SHAPE = (200, 300)
TRUTH = truth_of(Camera(size=300, scale=12.0, rotation_deg=20.0), 217.4, -62.7)
FACTS = {
    "rms_arcsec": 0.0412345, "error_arcsec": 0.004, "stars_matched": 211, "reference": "Gaia DR3", "reportable": True,
    "engine": "astrometry", "index": "index-tycho2-08.littleendian.fits", "log_odds": 400.0, "key": "abc",
}  # fmt: skip
OLD = {
    "CRVAL1": "124.6186294261", "CRPIX1": "716.0", "CD1_1": "-0.0003", "EQUINOX": "2000.0", "PV1_1": "1.0",
    "CTYPE1": "RA---TAN", "CROTA2": 3.0, "CDELT1": -1.0, "A_ORDER": 2, "A_2_0": 1e-5, "RADECSYS": "FK5", "EPOCH": 2000,
    "LTV1": -17.0,
    "OBJECT": "5945", "AIRMASS": 1.02, "CRGUARD": 3,
}  # fmt: skip


@pytest.fixture(params=["plain", "with uncertainty", "compressed"])
def calibrated(tmp_path, request):
    rng = np.random.default_rng(3)
    header = fits.Header()
    header["CALDONE"] = True
    for name, value in OLD.items():
        header[name] = value
    path = tmp_path / "a_CAL.fits"
    image = rng.normal(500, 20, SHAPE).astype(np.float32)
    mask = (rng.random(SHAPE) < 0.01).astype(np.uint8)
    sigma = np.full(SHAPE, 20, np.float32) if request.param == "with uncertainty" else None
    write_calibrated(path, image, mask, sigma, header, unit="electron", compress=request.param == "compressed")
    return path, image, mask


def solve(path):
    update_header(path, lambda header: put_solution(header, TRUTH, SHAPE, FACTS))


def main_header(path):
    with fits.open(path) as hdus:
        return (hdus[0] if hdus[0].header["NAXIS"] else hdus[1]).header.copy()


def test_astropy_reads_the_same_sky_and_the_pixels_are_as_they_were(calibrated):
    path, image, mask = calibrated
    solve(path)
    header = main_header(path)
    x, y = np.meshgrid(np.linspace(0, 299, 7), np.linspace(0, 199, 7))
    ra, dec = WCS(header).all_pix2world(x, y, 0)
    assert float(separation_deg(ra, dec, *TRUTH.to_sky(x, y)).max()) * 3600 < 1e-5
    again = read_calibrated(path)
    assert np.array_equal(again.image, image)
    assert np.array_equal(again.mask, mask)


def test_ccddata_opens_image_mask_and_wcs_at_once(calibrated):
    path, _, mask = calibrated
    solve(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compressed = not fits.getheader(path)["NAXIS"]
        ccd = CCDData.read(path, hdu=1 if compressed else 0)
    assert str(ccd.unit) == "electron"
    if not compressed:
        assert np.array_equal(ccd.mask, mask > 0)
    assert ccd.wcs.wcs.ctype[0] == "RA---TAN-SIP"
    sky = ccd.wcs.pixel_to_world(150, 100)
    ra, dec = TRUTH.to_sky(150, 100)
    assert float(separation_deg(ra, dec, sky.ra.deg, sky.dec.deg)) * 3600 < 1e-5


def test_old_and_placeholder_cards_go_and_all_others_stay(calibrated):
    path, _, _ = calibrated
    solve(path)
    header = main_header(path)
    assert {"OBJECT", "AIRMASS", "LTV1", "CRGUARD", "CALDONE"} <= set(header)
    assert not {"PV1_1", "CROTA2", "CDELT1", "RADECSYS", "EPOCH"} & set(header)
    assert isinstance(header["CRVAL1"], float)
    assert header["EQUINOX"] == 2000.0
    assert (header["CUNIT1"], header["RADESYS"]) == ("deg", "ICRS")
    assert header["A_ORDER"] == 3
    assert "A_0_0" not in header
    assert header.comments["SOLVRMS"].startswith("[arcsec]")
    assert (header["SOLVNUM"], header["SOLVREF"], header["SOLVREP"]) == (211, "Gaia DR3", True)
    assert header.count("CTYPE1") == 1


def test_the_windows_own_projection_reads_it_too(calibrated):
    path, _, _ = calibrated
    solve(path)
    seen = sky_map(dict(main_header(path)))
    ra, dec = TRUTH.to_sky(250.0, 30.0)
    assert float(separation_deg(ra, dec, *seen.sky(250.0, 30.0))) * 3600 < 1e-4


def test_solving_twice_leaves_one_solution_and_the_same_size(calibrated):
    path, _, _ = calibrated
    solve(path)
    first = path.read_bytes()
    solve(path)
    assert path.read_bytes() == first
    assert card_of(path, SOLUTION_KEY) == "abc"


def test_a_file_that_is_no_product_of_ours_is_never_written_to(tmp_path):
    raw = tmp_path / "raw.fits"
    fits.PrimaryHDU(np.zeros((20, 20), np.uint16)).writeto(raw)
    before = hashlib.sha256(raw.read_bytes()).hexdigest()
    with pytest.raises(DataError, match="no calibrated frame"):
        solve(raw)
    assert hashlib.sha256(raw.read_bytes()).hexdigest() == before


def test_a_write_that_is_cut_short_leaves_the_old_file_whole(calibrated, monkeypatch):
    path, _, _ = calibrated
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(header_update, "_copy", full)
    with pytest.raises(AstepError, match="disk is full"):
        solve(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_solution_without_distortion_is_plain_tan():
    from dataclasses import replace

    cards = {name: value for name, value, _ in solution_cards(replace(TRUTH, a=None, b=None), SHAPE, {})}
    assert cards["CTYPE1"] == "RA---TAN"
    assert not any(name.startswith(("A_", "B_")) for name in cards)


def test_removing_leaves_comments_and_history_alone():
    header = fits.Header()
    header["CRVAL1"] = 3.0
    header["COMMENT"] = "CRVAL1 was wrong"
    header.add_history("EQUINOX unknown")
    remove_solution(header)
    assert [card.keyword for card in header.cards] == ["COMMENT", "HISTORY"]


def test_a_distortion_of_another_dialect_goes_and_what_only_looks_like_one_stays():
    header = fits.Header()
    others = {"B_FOCUS": 3.5, "A_V": 0.3, "AP_DIAM": 400.0, "EPOCHS": 4}
    header.update(others)
    header.update(
        {"CPDIS1": "SIP", "D2IMDIS1": "LOOKUP", "DP1": "EXTVER: 1", "A_DMAX": 1.2, "BP_0_1": 1e-5, "EPOCH": 2000.0}
    )
    remove_solution(header)
    assert dict(header) == others
