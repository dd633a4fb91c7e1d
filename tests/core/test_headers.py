"""What a header says of a frame, in spite of the ways in which cameras say it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.errors import DataError
from pipeline_core.io.fits_cards import CARD, Cards
from pipeline_core.io.fits_layout import FoundImage
from pipeline_core.io.header_cache import frame_from_json, frame_to_json
from pipeline_core.io.header_site import greenwich_sidereal_deg, site_from_header
from pipeline_core.io.headers import RawFile, frame_from_header, unusable_frame
from pipeline_core.io.profiles import load_profile
from pipeline_core.types import FrameKind, ImageLayout, Section

WORDS = ImageLayout(0, 16, 1.0, 32768.0, compressed=False, wrapped=False, data_offset=2880)
FLOATS = ImageLayout(0, -32, 1.0, 0.0, compressed=False, wrapped=False, data_offset=2880)


def card(keyword, value, comment=""):
    if isinstance(value, bool):
        value = "T" if value else "F"
    elif isinstance(value, str):
        value = "'" + value.replace("'", "''") + "'"
    return f"{keyword:8}= {value} / {comment}".ljust(CARD)[:CARD]


def cards(**header):
    """Cards from KEYWORD=value or (value, comment); '__' in a keyword stands for '-'."""
    lines = []
    for keyword, given_value in header.items():
        value, comment = given_value if isinstance(given_value, tuple) else (given_value, "")
        lines.append(card(keyword.replace("__", "-"), value, comment))
    return Cards(lines)


def frame(path="a.fits", layout=WORDS, root="night", shape=(100, 120), profile=None, **header):
    found = FoundImage(cards(**header), layout, shape, 2880, shape[0] * shape[1] * 2)
    return frame_from_header(found, RawFile(path, 1, 2, root), load_profile(profile) if profile else None)


def says(made, *words):
    return any(all(word in problem for word in words) for problem in made.problems)


# -- kinds


@pytest.mark.parametrize(
    ("keyword", "value", "kind"),
    [
        ("IMAGETYP", "Light Frame", "science"),
        ("IMAGETYP", "LIGHT", "science"),
        ("IMAGETYP", "OBJECT", "science"),
        ("OBSTYPE", "EXPOSE", "science"),
        ("IMAGETYP", "SKYFLAT", "flat"),
        ("IMAGETYP", "Flat Field", "flat"),
        ("IMAGETYP", "FLAT", "flat"),
        ("FRAME", "Dark", "dark"),
        ("IMAGETYP", "Dark Frame", "dark"),
        ("OBSTYPE", "zero", "bias"),
        ("IMAGETYP", "Bias Frame", "bias"),
        ("ACQTYPE", "SCIENCE", "science"),
        ("ACQTYPE", "SKYFLAT", "flat"),
        ("IMAGETYP", "flat-dark", "flatdark"),
        ("IMAGETYP", "DARKFLAT", "flatdark"),
        ("EXPTYPE", "Object", "science"),
        ("PICTTYPE", 3, "dark"),
        ("PICTTYPE", 1, "science"),
        ("IMAGETYP", "FOCUS", "other"),
        ("IMAGETYP", "twilight flat", "flat"),
    ],
)
def test_the_words_of_many_cameras_name_a_kind(keyword, value, kind):
    assert frame(**{keyword: value}).kind == kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("2025-06-01-CAMS/2025-06-01_012_SCIENCE.fits", "science"),
        ("2025-06-01-CAMS/2025-06-01_012_SCIENCE_001.fits", "science"),
        ("2025-06-01-CAMS/2025-06-01_012_DARK.fits", "dark"),
        ("2025-06-01-CAMS/2025-06-01_012_BIAS.fits", "bias"),
        ("2025-06-01-CAMS_SKYFLAT/2025-06-01_012_SKYFLAT.fits", "flat"),
        ("2025-06-01-CAMS_SKYFLAT/2025-06-01_012_DARK.fits", "flatdark"),
        ("flatdark/Cflat.00000027.Dark.fit.fz", "flatdark"),
        ("x/Cflat.00000027.Dark.fit", "flatdark"),
        ("flat-dark/001.fits", "flatdark"),
        ("flats/dark_001.fits", "flatdark"),
        ("Cflat.00000005.FlatField.fit", "flat"),
        ("prefix.00000044.Entered Coordinates.Bias.fit", "bias"),
        ("lights/001.fits", "science"),
        ("bias/001.fits", "bias"),
        ("focus_001.fits", "other"),
        ("object/001.fits", "unknown"),
        ("001.fits", "unknown"),
    ],
)
def test_without_a_word_in_the_header_names_and_folders_tell(path, kind):
    assert frame(path).kind == kind


def test_the_nights_own_folder_tells_too():
    assert frame("001_DARK.fits", root="2025-06-01-CAMS_SKYFLAT").kind == "flatdark"
    assert frame("001.fits", root="darks").kind == "dark"


def test_a_frame_of_unknown_kind_says_so():
    assert says(frame("001.fits"), "neither header, name nor folder")
    assert says(frame("001.fits", IMAGETYP="EXT"), "'EXT'", "no kind")


def test_a_header_that_contradicts_the_name_wins_and_it_is_said():
    made = frame("2025-06-01_DARK.fits", IMAGETYP="Light Frame")
    assert made.kind == "science"
    assert says(made, "header says science", "name says dark")
    made = frame("bias/001.fits", IMAGETYP="DARK")
    assert says(made, "header says dark", "folder says bias")


def test_keywords_that_contradict_each_other_are_said():
    assert says(frame(IMAGETYP="LIGHT", PICTTYPE=3), "IMAGETYP says science", "PICTTYPE says dark")


def test_a_dark_in_a_flatdark_folder_does_not_contradict_itself():
    made = frame(
        "flatdark/Cflat.00000027.Dark.fit",
        IMAGETYP="Dark Frame",
        EXPTIME=45.0,
        DATE__OBS="2017-06-23T17:27:36",
    )
    assert made.kind == "flatdark"
    assert made.problems == ()


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("MASTERDARK.fits", {}),
        ("2025_MASTERFLAT_V.fits", {}),
        ("MASTERBIAS.fits", {}),
        ("mdark_90s.fits", {}),
        ("mflat_V.fits", {}),
        ("dark_stacked.fit", {}),
        ("a.fits", {"IMAGETYP": "Master Dark"}),
        ("dark.fits", {"STACKCNT": 20}),
        ("a.fits", {"IMAGETYP": "flat", "NCOMBINE": 7}),
        ("dark_90s.fits", {"HOLDBIAS": True}),
    ],
)
def test_masters_are_known_and_not_used_by_themselves(path, header):
    made = frame(path, **header)
    assert made.kind == "other"
    assert made.is_master
    assert says(made, "already a master", "unless you say so")


def test_a_stack_of_science_frames_is_no_raw_frame_and_no_master():
    made = frame("a.fits", IMAGETYP="LIGHT", STACKCNT=5)
    assert (made.kind, made.is_master) == ("other", False)


def test_our_own_calibrated_frames_are_not_calibrated_again():
    made = frame("m31_CAL.fits", IMAGETYP="LIGHT", BUNIT="electron")
    assert made.kind == "other"
    assert says(made, "already calibrated")


# -- filter, exposure, gain


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ({"FILTER": "VR"}, "VR"),
        ({"FILTER": "Clear"}, "Clear"),
        ({"FILTER": "Visual"}, "Visual"),
        ({"FILTNAME": "VR"}, "VR"),
        ({"INSFLNAM": "I+z"}, "I+z"),
        ({"FILTER": "None"}, None),
        ({"FILTER": ""}, None),
        ({"FILTER": "", "FILTNAME": "R"}, "R"),
        ({"FILTER1": "air", "FILTER2": "w"}, "w"),
        ({"FILTER1": "V", "FILTER2": "ND"}, "V+ND"),
        ({"FILTER1": "open", "FILTER2": "open"}, "open"),
        ({}, None),
        ({"FILTERS": 48}, "48"),
    ],
)
def test_the_filter_keeps_its_name(header, name):
    assert frame(IMAGETYP="LIGHT", **header).filter == name


@pytest.mark.parametrize("kind", ["BIAS", "DARK", "FLATDARK"])
def test_frames_without_light_have_no_filter_whatever_the_header_says(kind):
    assert frame(IMAGETYP=kind, FILTER="VR").filter is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"EXPTIME": 90.0}, 90.0),
        ({"EXPTIME": 90}, 90.0),
        ({"EXPOSURE": "300.0"}, 300.0),
        ({"EXPTIME": 0.0}, 0.0),
        ({"EXPOSURE": (10000, "Exposure time in us")}, 0.01),
        ({"EXPOINUS": 32}, 32e-6),
        ({"EXPOSURE": (60, "Exposure time minutes")}, 3600.0),
        ({"EXPOSURE": (1500, "[ms]")}, 1.5),
        ({"EXPTIME": -1, "EXPOSURE": 5}, 5.0),
        ({"EXPTIME": "long"}, None),
        ({}, None),
    ],
)
def test_the_exposure_comes_out_in_seconds(header, seconds):
    assert frame(IMAGETYP="LIGHT", **header).exposure_s == pytest.approx(seconds)


def test_a_decimal_comma_is_read_and_said():
    found = FoundImage(Cards(["EXPTIME = 3,2E-05 / s".ljust(CARD)]), WORDS, (9, 9), 2880, 162)
    made = frame_from_header(found, RawFile("a.fits", 1, 2))
    assert made.exposure_s == pytest.approx(3.2e-5)
    assert says(made, "decimal comma")


def test_a_dark_of_no_duration_is_asked_about_but_stays_a_dark():
    made = frame(IMAGETYP="DARK", EXPTIME=0.0)
    assert made.kind == "dark"
    assert says(made, "is it a bias")


@pytest.mark.parametrize(
    ("header", "gain", "source"),
    [
        ({"EGAIN": 2.07, "GAIN": 100}, 2.07, "EGAIN"),
        ({"GAIN": 1.9}, 1.9, "GAIN"),
        ({"GAIN": "1.6"}, 1.6, "GAIN"),
        ({"GAIN": 0}, None, None),
        ({"GAIN": 120}, None, None),
        ({"GAIN": 26}, None, None),
        ({"AGAIN_01": 4.95}, 4.95, "AGAIN_01"),
        ({}, None, None),
        ({"EGAIN": "0.3,1"}, None, None),
    ],
)
def test_the_gain_is_never_a_setting_of_the_camera(header, gain, source):
    made = frame(**header)
    assert (made.gain_e_per_adu, made.gain_source) == (gain, source)
    if gain is None and header:
        assert says(made, "ignored")


def test_only_astep_profiles_know_a_gain_by_themselves():
    made = frame("2025-06-01-CAMS/2025-06-01_012_SCIENCE.fits")
    assert made.profile == "astep400"
    assert (made.gain_e_per_adu, made.gain_source, made.read_noise_e, made.exposure_s) == (
        2.0,
        "profile",
        9.0,
        90.0,
    )
    assert says(made, "90 s", "usual")
    made = frame("night/012_SCIENCE.fits")
    assert (made.gain_e_per_adu, made.read_noise_e, made.exposure_s) == (None, None, None)


def test_a_sane_header_wins_over_the_astep_profile():
    made = frame("2025-06-01-CAMS/a_SCIENCE.fits", GAIN=1.7, RDNOISE=8.5, EXPTIME=30.0)
    assert (made.gain_e_per_adu, made.gain_source, made.read_noise_e, made.exposure_s) == (
        1.7,
        "GAIN",
        8.5,
        30.0,
    )


def test_saturation_comes_from_the_header_then_from_the_number_of_bits():
    assert frame(SATURATE=40000.0).saturation_adu == 40000.0
    assert frame().saturation_adu == 65535.0
    assert frame(layout=FLOATS).saturation_adu is None


@pytest.mark.parametrize(
    ("value", "comment", "added"),
    [
        (-100, "Add this count to each pixel value to get zero-based", 100.0),
        (-100, "", 100.0),
        (0, "Correction to add for zero-based ADU", 0.0),
        (50, "Value in DN added to enforce positivity", 50.0),
    ],
)
def test_a_pedestal_is_what_the_camera_program_added(value, comment, added):
    assert frame(PEDESTAL=(value, comment)).pedestal_adu == added


@pytest.mark.parametrize(
    ("header", "celsius"),
    [
        ({"CCD__TEMP": -10.2}, -10.2),
        ({"DETTEMP": -102.1}, -102.1),
        ({"CCD__TEMP": "-9,5"}, -9.5),
        ({"CAMTEMP": "13 C"}, 13.0),
        ({"CCD__TEMP": (173.15, "[K] chip")}, -100.0),
        ({"CCD__TEMP": 180.2}, None),
    ],
)
def test_temperatures_come_out_in_celsius(header, celsius):
    assert frame(**header).temperature_c == pytest.approx(celsius)


@pytest.mark.parametrize(
    ("header", "binning"),
    [
        ({"XBINNING": 2, "YBINNING": 3}, (3, 2)),
        ({"CCDSUM": "3 3"}, (3, 3)),
        ({"BINNING": "2x4"}, (4, 2)),
        ({"XBINNING": 2}, (2, 2)),
        ({"XBINNING": 0}, None),
        ({}, None),
    ],
)
def test_binning_is_rows_then_columns(header, binning):
    assert frame(**header).binning == binning


# -- sections


def test_sections_become_half_open():
    made = frame(BIASSEC="[101:120,1:100]", TRIMSEC="[  1: 100,   1: 100]")
    assert made.overscan == Section(0, 100, 100, 120)
    assert made.trim == Section(0, 100, 0, 100)
    assert made.overscan.as_fits() == "[101:120,1:100]"


@pytest.mark.parametrize(
    "text",
    [
        "UNKNOWN",
        "[4096:4109]",
        "[1:4096, :]",
        "[50:20,1:100]",
        "[1:121,1:100]",
        "[0:5,1:5]",
        "[a:b,c:d]",
        "[1:10,1:10",
    ],
)
def test_a_section_that_makes_no_sense_is_explained(text):
    made = frame(BIASSEC=text)
    assert made.overscan is None
    assert says(made, "BIASSEC", "overscan")


@pytest.mark.parametrize("text", ["", "   ", "[0:0,0:0]"])
def test_an_empty_section_is_no_problem(text):
    made = frame("a_BIAS.fits", BIASSEC=text, EXPTIME=0.0, DATE__OBS="2020-01-01T00:00:01")
    assert made.overscan is None
    assert made.problems == ()


def test_an_overscan_over_lit_pixels_is_not_used():
    made = frame(BIASSEC="[91:120,1:100]", TRIMSEC="[1:100,1:100]")
    assert (made.overscan, made.trim) == (None, None)
    assert says(made, "lies over")


# -- when


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ({"DATE__OBS": "2019-03-26T02:58:25.38"}, "2019-03-26T02:59:10.38"),
        ({"DATE__OBS": "2019-03-26 02:58:25"}, "2019-03-26T02:59:10"),
        ({"DATE__OBS": "2019-03-26T02:58:25Z"}, "2019-03-26T02:59:10"),
        ({"DATE__OBS": "2019-03-26T02:58:25-07:00"}, "2019-03-26T09:59:10"),
        ({"DATE__OBS": "2019-03-26", "UTCSTART": "02:58:25.38"}, "2019-03-26T02:59:10.38"),
        ({"DATE__OBS": "2013-07-13", "UT": "00:57:33"}, "2013-07-13T00:58:18"),
        ({"DATE__OBS": "1998-04-20", "TIME__OBS": "18:38:15"}, "1998-04-20T18:39:00"),
        ({"DATE__OBS": "19/05/94", "TIME__OBS": "15:41:16"}, "1994-05-19T15:42:01"),
        ({"TIME__OBS": "2018-10-08T17:20:00"}, "2018-10-08T17:20:45"),
        ({"DATE__OBS": ("2019-03-26T03:00:00", "middle of exposure")}, "2019-03-26T03:00:00"),
        ({"DATE__OBS": ("2019-03-26T03:00:00", "end of exposure")}, "2019-03-26T02:59:15"),
        ({"DATE__AVG": "2019-03-26T03:00:00"}, "2019-03-26T03:00:00"),
        ({"MIDTIMJD": 2458568.625}, "2019-03-26T03:00:00"),
        ({"JD": 2458568.625}, "2019-03-26T03:00:45"),
        ({"MJD__OBS": 58568.125}, "2019-03-26T03:00:45"),
        ({"EXPSTART": 58568.125, "EXPEND": 58568.25}, "2019-03-26T04:30:00"),
        ({"DATE__OBS": ("2019-03-26T20:00:00", "local time"), "JD": 2458568.625}, "2019-03-26T03:00:45"),
        ({"DATE__OBS": "2019-03-26T23:59:60"}, "2019-03-27T00:00:45"),
        ({"DATE__OBS": "2019-03-26T03:00:00", "TIMESYS": "TT"}, "2019-03-26T02:59:35.816"),
        ({"DATE__OBS": "2019-03-26T03:00:00", "TIMESYS": "TAI"}, "2019-03-26T03:00:08"),
    ],
)
def test_the_middle_of_the_exposure_is_found(header, moment):
    made = frame(EXPTIME=90.0, **header).mid_utc
    assert made.tzinfo is UTC
    # Julian dates in double precision are good to 40 microseconds.
    assert abs((made - datetime.fromisoformat(moment).replace(tzinfo=UTC)).total_seconds()) < 1e-4


@pytest.mark.parametrize(
    "header",
    [
        {"DATE__OBS": "2019-03-26"},
        {"DATE__OBS": "2019-13-45T00:00:00"},
        {"DATE__OBS": "tonight"},
        {},
        {"MJD__OBS": 56486.0},
        {"LOCALTIM": "6/23/2017 11:03:27 AM DST"},
    ],
)
def test_without_a_time_there_is_no_mid_time_and_it_is_said(header):
    made = frame(EXPTIME=90.0, **header)
    assert made.mid_utc is None
    assert says(made, "no mid time") or says(made, "when it was taken")


def test_a_mid_time_that_does_not_fit_the_start_is_said():
    assert says(frame(EXPTIME=90.0, DATE__OBS="2019-03-26T03:00:00", DATE__AVG="2019-03-26T04:00:00"), "does not fit")


@pytest.mark.parametrize(
    ("header", "share"),
    [
        ({"DATE__OBS": "2019-03-26T03:00:00"}, 0.5),
        ({"DATE__OBS": ("2019-03-26T03:00:00", "end of exposure")}, -0.5),
        ({"DATE__OBS": ("2019-03-26T03:00:00", "middle of exposure")}, 0.0),
        ({"DATE__OBS": "2019-03-26T03:00:00", "DATE__AVG": "2019-03-26T03:00:45"}, 0.0),
        ({"JD": 2458568.625}, 0.5),
        ({"EXPSTART": 58568.125, "EXPEND": 58568.25}, 0.0),
        ({"DATE__OBS": "2019-03-26"}, 0.0),
    ],
)
def test_how_the_middle_hangs_on_the_exposure_is_kept_for_whoever_corrects_it(header, share):
    assert frame(EXPTIME=90.0, **header).mid_share == share


def test_without_an_exposure_the_start_stands_for_the_middle_and_it_is_said():
    made = frame(DATE__OBS="2019-03-26T03:00:00")
    assert made.mid_utc == datetime(2019, 3, 26, 3, tzinfo=UTC)
    assert says(made, "mid time is that of the start")


# -- where


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ({"RA": "08:18:29.9", "DEC": "+25:20:01"}, (124.624583, 25.333611)),
        ({"OBJCTRA": "15 46 45.801", "OBJCTDEC": "-03 24 19.17"}, (236.690838, -3.405325)),
        ({"RA": 236.69, "DEC": -0.5}, (236.69, -0.5)),
        ({"RA": (12.0, "[hours]"), "DEC": 5.0}, (180.0, 5.0)),
        ({"RA": "00:00:01", "DEC": "-00:30:00"}, (0.0041667, -0.5)),
        ({"RA": 0.0, "DEC": 0.0}, (None, None)),
        ({"RA": "25:00:00", "DEC": "10:00:00"}, (None, None)),
        ({"RA": "", "DEC": ""}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_pointings_are_degrees(header, place):
    made = frame(IMAGETYP="OBJECT", **header)
    assert (made.ra_deg, made.dec_deg) == pytest.approx(place, abs=1e-6)


@pytest.mark.parametrize("kind", ["BIAS", "DARK", "FLAT", "FLATDARK"])
def test_calibration_frames_point_nowhere(kind):
    made = frame(IMAGETYP=kind, RA="08:18:29.9", DEC="+25:20:01")
    assert (made.ra_deg, made.dec_deg) == (None, None)


def test_the_scale_comes_from_a_wcs_even_of_strings_else_from_the_optics():
    wcs = {
        "CTYPE1": "RA---TAN",
        "CD1_1": "-0.0003073749",
        "CD1_2": "1.2e-05",
        "CD2_1": "1.2e-05",
        "CD2_2": "0.0003073749",
    }
    assert frame(**wcs).pixel_scale_arcsec == pytest.approx(1.1075, abs=1e-3)
    assert frame(XPIXSZ=24.0, FOCALLEN=3910.0).pixel_scale_arcsec == pytest.approx(1.26608, abs=1e-4)
    binned = frame(PIXSCAL=(0.327, "Unbinned Pixel Scale"), CCDSUM="3 3")
    assert binned.pixel_scale_arcsec == pytest.approx(0.981)
    assert frame(CTYPE1="Linear Unbinned ADC Pixels", CD1_1=1.0, CD2_2=1.0).pixel_scale_arcsec is None


NEW_MEXICO = {"SITELAT": "+34 04 21.67", "SITELONG": "+106 54 50.11"}


def test_a_positive_longitude_that_nothing_settles_is_said():
    site, problems = site_from_header(cards(**NEW_MEXICO), load_profile("generic"))
    assert site.longitude_deg == pytest.approx(106.9139, abs=1e-4)
    assert "may mean west" in problems[0]


def test_the_headers_own_sidereal_time_settles_the_longitude():
    header = cards(**NEW_MEXICO, LST="+15 21 41.70", DATE__OBS="2017-06-24T04:19:20.800")
    site, problems = site_from_header(header, load_profile("generic"))
    assert site.longitude_deg == pytest.approx(-106.9139, abs=1e-4)
    assert problems == ()


def test_a_profile_may_know_which_way_longitude_counts():
    site, problems = site_from_header(cards(**NEW_MEXICO), load_profile("sbig_theskyx"))
    assert site.longitude_deg == pytest.approx(-106.9139, abs=1e-4)
    assert problems == ()


def test_a_telescope_east_of_greenwich_may_have_a_negative_longitude_in_its_header():
    header = cards(SITELAT="-31 16 24", SITELONG="-149 03 42")
    site, problems = site_from_header(header, load_profile("sbig_theskyx"))
    assert site.longitude_deg == pytest.approx(149.0617, abs=1e-4)
    assert problems == ()


def test_longitudes_said_to_be_east_or_negative_are_believed():
    header = cards(LATITUDE=35.09675, LONGITUD=(-111.5355, "east longitude"), ALTITUDE=(2206.0, "meters"))
    site, problems = site_from_header(header, load_profile("generic"))
    assert (site.longitude_deg, site.altitude_m, problems) == (-111.5355, 2206.0, ())
    assert site_from_header(cards(), load_profile("generic")) == (None, ())


def test_concordia_is_where_the_minor_planet_center_has_it():
    site, problems = site_from_header(cards(), load_profile("astep400"))
    assert (site.latitude_deg, site.longitude_deg, site.altitude_m) == (-75.10039, 123.32403, 3232.0)
    assert problems == ()


def test_sidereal_time_agrees_with_the_almanac():
    # Meeus, Astronomical Algorithms, example 12.a: 1987 April 10, 0h UT, 13h 10m 46.3668s.
    expected = (13 + 10 / 60 + 46.3668 / 3600) * 15
    assert greenwich_sidereal_deg(datetime(1987, 4, 10, tzinfo=UTC)) == pytest.approx(expected, abs=0.01)


def test_an_unusable_file_keeps_the_kind_of_its_name():
    made = unusable_frame(RawFile("darks/dark_033.fits", 5, 6), DataError("cannot", "it is cut short", "copy again"))
    assert made.kind == FrameKind.DARK
    assert made.unusable == "it is cut short"
    assert says(made, "cut short", "copy again")


# -- anything


_KEYWORDS = [
    keyword
    for words in load_profile("generic").keywords.model_dump().values()
    for word in words
    for keyword in (word if isinstance(word, tuple) else (word,))
]
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.integers(10**300, 10**301),
    st.text(max_size=30),
    st.from_regex(r"\[[\d:, ]*\]", fullmatch=True),
    st.from_regex(r"[+-]?\d{1,3}[: ]\d\d[: ]\d\d(\.\d+)?", fullmatch=True),
    st.from_regex(r"\d{1,4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{0,9})?([+-]\d\d:\d\d)?)?", fullmatch=True),
    st.sampled_from(["nan", "inf", "-1e999", "1e308", "0,5", "T", "9999-12-31T23:59:59", "0001-01-01T00:00:00+14:00"]),
)
_COMMENTS = st.sampled_from(["", "[us]", "minutes", "[K]", "hours", "mid", "end of exposure", "local", "added", "west"])


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.dictionaries(
        st.sampled_from([*_KEYWORDS, "TIMESYS", "LST", "CTYPE1"]), st.tuples(_VALUES, _COMMENTS), max_size=12
    ),
    st.sampled_from(["a.fits", "2025-06-01-CAMS/x_SCIENCE.fits", "flat/dark.fit.fz"]),
)
def test_no_header_stops_a_scan(header, path):
    made = frame(path, **{keyword.replace("-", "__"): value for keyword, value in header.items()})
    assert made.exposure_s is None or 0 <= made.exposure_s <= 86400
    assert made.mid_utc is None or made.mid_utc.tzinfo is UTC
    assert made.filter is None or made.kind.has_filter
    assert all(isinstance(problem, str) and problem and "\n" not in problem for problem in made.problems)
    assert frame_from_json(frame_to_json(made)) == made
    site_from_header(cards(**{k.replace("-", "__"): v for k, v in header.items()}), load_profile("generic"))
