"""The calibrated frame as a file: opened whole by astropy, with a header that is true."""

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import WCS

from pipeline_core.io.calibrated_file import read_calibrated, science_header, write_calibrated
from pipeline_core.types import MaskBit, Section
from tests.core.frames_helpers import frame

TRIM = Section(2, 30, 5, 45)


@pytest.fixture
def pixels():
    rng = np.random.default_rng(5)
    image = rng.normal(500, 20, (28, 40)).astype(np.float32)
    mask = np.zeros(image.shape, np.uint8)
    mask[3, 4] = MaskBit.HOT | MaskBit.COSMIC
    return image, mask, np.full(image.shape, 20, np.float32)


def raw_header(**cards):
    header = fits.Header()
    header["BZERO"] = 32768
    header["BIASSEC"] = "[1:5,1:30]"
    header["OBJECT"] = "HD 1"
    for name, value in cards.items():
        header[name] = value
    return header


def science():
    return frame("n/a.fits", "science", mid_utc=datetime(2026, 6, 21, 12, 0, 45, tzinfo=UTC), filter="R")


@pytest.mark.parametrize("compress", [False, True])
def test_ccddata_opens_image_mask_uncertainty_and_unit_at_once(tmp_path, pixels, compress):
    image, mask, sigma = pixels
    path = tmp_path / "a_CAL.fits"
    write_calibrated(path, image, mask, sigma, raw_header(), unit="electron", compress=compress)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ccd = CCDData.read(path, hdu=1 if compress else 0)
    assert str(ccd.unit) == "electron"
    np.testing.assert_array_equal(ccd.data, image)
    np.testing.assert_array_equal(ccd.mask, mask > 0)
    np.testing.assert_array_equal(ccd.uncertainty.array, sigma)


@pytest.mark.parametrize("compress", [False, True])
def test_reading_gives_back_every_bit(tmp_path, pixels, compress):
    image, mask, sigma = pixels
    path = tmp_path / "a_CAL.fits"
    write_calibrated(path, image, mask, sigma, raw_header(), unit="electron", compress=compress)
    frame_read = read_calibrated(path)
    np.testing.assert_array_equal(frame_read.image, image)
    np.testing.assert_array_equal(frame_read.mask, mask)
    np.testing.assert_array_equal(frame_read.uncertainty, sigma)
    assert frame_read.image.dtype.isnative
    assert frame_read.header["BUNIT"] == "electron"


def test_without_uncertainty_there_is_no_uncertainty_plane(tmp_path, pixels):
    path = tmp_path / "a_CAL.fits"
    write_calibrated(path, pixels[0], pixels[1], None, raw_header(), unit="adu", compress=False)
    assert read_calibrated(path).uncertainty is None


def test_cards_that_are_no_longer_true_are_gone_and_true_ones_stay():
    header = science_header(raw_header(PEDESTAL=-100, DATASUM="12"), science(), TRIM)
    assert "EXPUSUAL" not in header
    assert science_header(raw_header(), replace(science(), exposure_is_usual=True), TRIM)["EXPUSUAL"] is True
    assert not {"BZERO", "BIASSEC", "PEDESTAL", "DATASUM"} & set(header)
    assert header["OBJECT"] == "HD 1"
    assert header["DATE-AVG"] == "2026-06-21T12:00:45.000"
    assert header["EXPTIME"] == 90.0


def test_what_a_person_decided_replaces_the_cameras_word_in_all_its_cards():
    raw = raw_header(
        **{"DATE-OBS": "2026-06-21T10:00:00", "UTCSTART": "10:00:00", "MJD-OBS": 61212.4, "JD": 2461212.9},
        **{"EXPOSURE": 60.0, "EXPTIME": 60.0, "CCD-TEMP": -35.0, "SET-TEMP": -35.0},
    )
    seen = replace(science(), temperature_c=-10.0, exposure_s=90.0)
    as_read = science_header(raw, seen, None)
    assert as_read["DATE-OBS"] == "2026-06-21T10:00:00"
    assert (as_read["UTCSTART"], as_read["EXPOSURE"], as_read["CCD-TEMP"]) == ("10:00:00", 60.0, -35.0)
    assert "person" not in str(as_read.get("HISTORY", ""))
    header = science_header(raw, replace(seen, decided=("exposure_s", "mid_utc", "temperature_c")), None)
    assert header["DATE-OBS"] == "2026-06-21T12:00:00.000"
    assert header["DATE-AVG"] == "2026-06-21T12:00:45.000"
    assert (header["EXPTIME"], header["CCD-TEMP"], header["SET-TEMP"]) == (90.0, -10.0, -35.0)
    assert not {"UTCSTART", "MJD-OBS", "JD", "EXPOSURE"} & set(header)
    assert "exposure, time, temperature as a person decided" in str(header["HISTORY"])


def test_history_names_no_time_where_only_the_exposure_was_corrected():
    raw = raw_header(**{"DATE-OBS": "2026-06-21T12:00:00", "EXPTIME": 60.0})
    seen = replace(science(), exposure_s=90.0, decided=("exposure_s", "mid_utc"), mid_follows_exposure=True)
    header = science_header(raw, seen, None)
    assert "exposure as a person decided" in str(header["HISTORY"])
    assert "time" not in str(header["HISTORY"])
    assert header["DATE-OBS"] == "2026-06-21T12:00:00.000", "the clock was right"
    assert header["DATE-AVG"] == "2026-06-21T12:00:45.000"


def test_a_decision_about_the_time_leaves_the_cameras_exposure_and_temperature():
    raw = raw_header(**{"DATE-OBS": "2026-06-21T10:00:00", "EXPOSURE": 90.0, "CCD-TEMP": -35.0})
    header = science_header(raw, replace(science(), decided=("mid_utc",)), None)
    assert (header["EXPOSURE"], header["CCD-TEMP"]) == (90.0, -35.0)
    assert header["DATE-OBS"] == "2026-06-21T12:00:00.000"


def test_trimming_moves_the_reference_pixel_and_is_recorded():
    wcs = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRPIX1": 20.0,
        "CRPIX2": 15.0,
        "CRVAL1": 10.0,
        "CRVAL2": -70.0,
        "CDELT1": -2.6e-4,
        "CDELT2": 2.6e-4,
    }
    raw = raw_header(**wcs)
    header = science_header(raw, science(), TRIM)
    assert (header["LTV1"], header["LTV2"]) == (-5.0, -2.0)
    del header["DATE-AVG"]  # only the geometry matters here
    before, after = WCS(raw).pixel_to_world(30, 20), WCS(header).pixel_to_world(30 - 5, 20 - 2)
    assert before.separation(after).arcsec < 1e-6


def test_a_wcs_whose_numbers_are_strings_is_dropped_because_readers_take_it_for_zero():
    header = science_header(
        raw_header(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1="124.6", CRVAL2="25.3", CRPIX1="700"), science(), None
    )
    assert not [name for name in header if name.startswith(("CRVAL", "CTYPE", "CRPIX"))]
    said = "".join(header["HISTORY"])
    assert "the raw header's WCS was left out: its numbers are text (CRVAL1 = '124.6')" in said
    assert "Solve the frame" in said


def test_a_header_without_a_wcs_or_with_a_good_one_says_nothing_of_it():
    numbers = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 124.6, "CRVAL2": 25.3, "CRPIX1": 700.0}
    for cards in ({}, numbers):
        assert "WCS" not in "".join(science_header(raw_header(**cards), science(), None).get("HISTORY", ()))


def test_a_camera_card_that_begins_like_a_term_of_sip_stays_when_the_wcs_goes():
    cards = {"CTYPE1": "RA---TAN", "CRVAL1": "123.4", "A_2_0": 1e-5, "B_FOCUS": 12.5, "A_V": 0.3}
    header = science_header(raw_header(**cards), science(), None)
    assert "A_2_0" not in header
    assert "CTYPE1" not in header
    assert header["B_FOCUS"] == 12.5
    assert header["A_V"] == 0.3


def test_a_wcs_of_detector_pixels_is_no_sky():
    header = science_header(raw_header(CTYPE1="Linear Unbinned ADC Pixels", CRPIX1=18.0, CRVAL1=1.0), science(), None)
    assert "CRPIX1" not in header


def test_cards_that_no_reader_understands_do_not_stop_the_frame(tmp_path, pixels):
    raw = fits.Header.fromstring(
        "EXPTIME = 3,2E-05".ljust(80)
        + "BADSTR  = 'never closed".ljust(80)
        + "OBJECT  = 'M 1     '".ljust(80)
        + "END".ljust(80)
    )
    header = science_header(raw, science(), None)
    write_calibrated(tmp_path / "a.fits", pixels[0], pixels[1], None, header, unit="electron", compress=False)
    assert fits.getheader(tmp_path / "a.fits")["OBJECT"] == "M 1"
    assert fits.getheader(tmp_path / "a.fits")["EXPTIME"] == 90.0


def test_the_mask_says_what_its_bits_mean(tmp_path, pixels):
    write_calibrated(tmp_path / "a.fits", pixels[0], pixels[1], None, raw_header(), unit="electron", compress=False)
    header = fits.getheader(tmp_path / "a.fits", "MASK")
    assert header["MASKB4"] == "cosmic ray"


LONG = "a comment of the camera that is far longer than the room that its card has left for it, and goes on"


def odd_header():
    raw = raw_header(OBJECT=("HD 1", LONG), AIRMASS=(1.234567890123, LONG), NOTE="n" * 60, LONGTEXT=("t" * 150, LONG))
    raw["HIERARCH ESO DET CHIP TEMPERATURE"] = (-10.25, LONG)
    raw["FULL"] = ("f" * 68, "no room at all")
    raw.comments["NOTE"] = LONG
    raw["HISTORY"] = "raw"
    return raw


@pytest.mark.parametrize("compress", [False, True])
def test_comments_too_long_for_their_cards_are_shortened_without_a_warning(tmp_path, pixels, compress):
    raw = odd_header()
    path = tmp_path / "a_CAL.fits"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        header = science_header(raw, science(), TRIM)
        header["MASTDARK"] = ("m" * 60, "master dark, key 0123456789ab")
        write_calibrated(path, pixels[0], pixels[1], None, header, unit="electron", compress=compress)
        back = read_calibrated(path).header
    assert back["OBJECT"] == "HD 1"
    assert LONG.startswith(back.comments["OBJECT"])
    assert len(back.comments["OBJECT"]) > 40
    assert back["AIRMASS"] == 1.234567890123
    assert (back["NOTE"], back["FULL"], back["MASTDARK"]) == ("n" * 60, "f" * 68, "m" * 60)
    assert back["LONGTEXT"] == "t" * 150
    assert back["ESO DET CHIP TEMPERATURE"] == -10.25
    assert list(back["HISTORY"]) == ["raw"]


@pytest.fixture
def hurried():
    """Threads take turns a thousand times more often, so that what can come in between does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hurried")
def test_many_threads_write_odd_headers_at_once_and_leave_the_warnings_as_they_were(tmp_path, pixels):
    filters = list(warnings.filters)
    raw = odd_header()

    def write(k):
        header = science_header(raw.copy(), science(), TRIM)
        header["RAWFILE"] = ("r" * 60, "raw frame, inside its night")
        write_calibrated(tmp_path / f"{k}.fits", pixels[0], pixels[1], None, header, unit="electron", compress=False)
        return (tmp_path / f"{k}.fits").read_bytes()

    with warnings.catch_warnings(record=True) as said, ThreadPoolExecutor(16) as pool:
        warnings.simplefilter("always")
        files = list(pool.map(write, range(200)))
    assert len(set(files)) == 1
    assert [str(one.message) for one in said] == []
    assert list(warnings.filters) == filters
