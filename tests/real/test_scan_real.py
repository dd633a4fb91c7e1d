"""Real nights and a zoo of real headers, scanned: counts, times and words are the known ones."""

import json
import os
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.errors import DataError
from pipeline_core.io.fits_file import RowReader, read_image, read_layout
from pipeline_core.scan import scan_night

REAL = Path(os.environ.get("ASTEP_REAL_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))

pytestmark = pytest.mark.skipif(
    not (REAL / "zoo").is_dir(), reason=f"the real data is not in {REAL}: set ASTEP_REAL_DATA to its folder"
)

ZOO = sorted(path for path in (REAL / "zoo").rglob("*.f*") if path.is_file()) if REAL.is_dir() else []


def scanned(name, **choice):
    return scan_night(REAL / name, use_cache=False, **choice)


def counts(night):
    return Counter((str(frame.kind), frame.filter, frame.exposure_s) for frame in night.frames)


LOWELL = {
    ("bias", None, 0.0): 7,
    ("science", "VR", 300.0): 20,
    ("flat", "V", 2.7): 1,
    ("flat", "VR", 2.7): 1,
    ("flat", "VR", 3.3): 1,
    ("flat", "VR", 4.5): 5,
}
JASON = {
    ("bias", None, 0.0): 6,
    ("dark", None, 90.0): 5,
    ("flat", "Clear", 5.0): 6,
    ("flatdark", None, 45.0): 6,
    ("science", "Clear", 90.0): 10,
    ("science", "Visual", 90.0): 5,
    ("science", "Visual", 1.0): 2,
    ("science", "Visual", 10.0): 1,
    ("science", "Visual", 20.0): 1,
}


@pytest.mark.parametrize("profile", [None, "generic"])
def test_the_lowell_night_is_what_its_log_says(profile):
    night = scanned("lowell5945", profile=profile)
    assert counts(night) == LOWELL
    assert all(frame.problems == () and frame.unusable is None for frame in night.frames)
    for frame in night.frames:
        assert (frame.gain_e_per_adu, frame.gain_source, frame.read_noise_e) == (4.95, "AGAIN_01", 9.3)
        assert frame.shape == (1370, 1432)
        assert frame.binning == (3, 3)
        assert frame.overscan.as_fits() == "[1388:1432,1:1370]"
        assert frame.trim.as_fits() == "[18:1382,1:1370]"
        assert (frame.ra_deg is None) == (frame.kind != "science")
    assert (night.site.latitude_deg, night.site.longitude_deg, night.site.altitude_m) == (
        35.09675,
        -111.5355,
        2206.0,
    )
    science = [frame for frame in night.frames if frame.kind == "science"]
    assert all(frame.pixel_scale_arcsec == pytest.approx(1.107, abs=0.001) for frame in science)


@pytest.mark.parametrize("profile", [None, "generic"])
def test_the_jason_night_is_what_its_log_says(profile):
    night = scanned("ssp_jason6063", profile=profile)
    assert counts(night) == JASON
    assert all(frame.problems == () and frame.unusable is None for frame in night.frames)
    assert all(frame.pedestal_adu == 100.0 for frame in night.frames)
    assert all(frame.gain_e_per_adu is None and frame.saturation_adu == 65535.0 for frame in night.frames)
    # SITELONG = '+106 54 50' means west here: the headers' sidereal time says so.
    assert night.site.longitude_deg == pytest.approx(-106.9139, abs=1e-4)
    assert night.problems == ()


def test_lowell_mid_times_are_true_to_a_tenth_of_a_second():
    truth = json.loads((REAL / "truth" / "lowell5945.json").read_text())["frames"]
    frames = {frame.name.removesuffix(".fz"): frame for frame in scanned("lowell5945").frames}
    for entry in truth:
        known = datetime.fromisoformat(entry["mid_utc"]).replace(tzinfo=UTC)
        assert abs((frames[entry["file"]].mid_utc - known).total_seconds()) < 0.1


def test_jason_mid_times_are_true_to_a_tenth_of_a_second():
    truth = json.loads((REAL / "truth" / "ssp_jason6063.json").read_text())["frames"]
    frames = {frame.name.removesuffix(".fz"): frame for frame in scanned("ssp_jason6063").frames}
    for entry in truth:
        known = datetime(2000, 1, 1, 12, tzinfo=UTC) + timedelta(days=entry["jd_mid"] - 2451545.0)
        assert abs((frames[entry["file"]].mid_utc - known).total_seconds()) < 0.1


def test_a_dark_with_star_images_is_a_dark_by_its_header():
    (frame,) = scanned("minsky_dark_ghosts").frames
    assert (frame.kind, frame.exposure_s, frame.filter) == ("dark", 240.0, None)
    assert (frame.gain_e_per_adu, frame.gain_source) == (2.07, "EGAIN")


def test_the_zoo_is_scanned_whole():
    night = scanned("zoo")
    apple = [path for path in ZOO if path.name.startswith("._")]
    assert len(night.frames) == len(ZOO) - len(apple)
    for frame in night.frames:
        assert frame.unusable is None or (frame.unusable in frame.problems[0] and frame.layout is None)
        assert frame.kind != "unknown" or frame.problems, frame.path
    unusable = {frame.name for frame in night.frames if frame.unusable}
    assert unusable == {
        "testimg.fits",
        "asi178_truncated_1MiB.fit",
        "arange.fits",
        "compressed_float_bzero.fits",
        "group.fits",
        "zerowidth.fits",
        "issue49test.fits",
        "tess2018206192942-s0001-1-1-0120-s_ffic.fits.gz",
    }


def test_traps_of_the_zoo_are_told_in_words():
    frames = {frame.name: frame for frame in scanned("zoo").frames}

    def says(name, words):
        return any(words in problem for problem in frames[name].problems)

    assert frames["asi178_comma_exptime.fit"].exposure_s == pytest.approx(3.2e-5)
    assert says("asi178_comma_exptime.fit", "decimal comma")
    assert says("asi178_comma_exptime.fit", "GAIN = 0")
    assert says("asi178_truncated_1MiB.fit", "cut short")
    assert says("thumbnail-image.fit.gz", "BIASSEC = '[4096:4109]'")
    assert says("swope_test_frame.fits", "leaves the image")
    assert says("uint16_missing_filter.fit", "no filter")
    assert frames["mef_raw_test_frame.fits"].gain_e_per_adu == 6.42
    assert frames["mef_raw_test_frame.fits"].filter == "w"
    assert frames["a8280271.fits"].mid_utc == datetime(2013, 7, 13, 0, 58, 48, 20000, tzinfo=UTC)
    assert frames["neon-on-dome-10-sec-high-res-though-scope.fit"].pedestal_adu == 100.0


@pytest.mark.filterwarnings("ignore")  # astropy warns of what it mends
@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.name)
def test_every_animal_of_the_zoo_is_read_as_astropy_reads_it_or_refused_in_words(path):
    started = time.monotonic()
    try:
        header, layout, shape = read_layout(path)
        image = read_image(path, layout)
    except DataError as error:
        words = (error.what, error.why, error.hint)
        assert all(words)
    else:
        with fits.open(path) as hdus:
            expected = np.asarray(hdus[layout.hdu].data).reshape(shape)
        if image.dtype == np.uint16:
            np.testing.assert_array_equal(image, expected)
        else:
            np.testing.assert_allclose(image, expected, rtol=1e-6)  # float32
        assert header["NAXIS1"] == shape[1]
        assert header.tostring()
        band = np.empty((shape[0] - shape[0] // 2, shape[1]), image.dtype)
        with RowReader(path, layout) as rows:
            rows.read_rows(shape[0] // 2, shape[0], band)
        np.testing.assert_array_equal(band, image[shape[0] // 2 :])
    assert time.monotonic() - started < 5


REAL_FRAMES = (
    "lowell5945/science/20190326.0132.fits.fz",
    "ssp_jason6063/flatdark/Cflat.00000027.Dark.fit.fz",
)


@pytest.mark.filterwarnings("ignore")  # astropy warns of what it mends
@pytest.mark.parametrize("name", REAL_FRAMES)
def test_real_frames_with_flipped_bits_or_cut_ends_are_read_or_refused_in_words(tmp_path, name):
    seed = 6063
    sound = (REAL / name).read_bytes()
    path = tmp_path / "damaged.fits.fz"
    chance = random.Random(f"{seed} {name}")
    for trial in range(24):
        data = bytearray(sound)
        if trial % 3 == 0:
            del data[chance.randrange(len(data)) :]
        else:
            end = len(data) if trial % 3 == 1 else 30_000  # the headers
            for _ in range(20):
                data[chance.randrange(end)] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        started = time.monotonic()
        (frame,) = scan_night(path, use_cache=False).frames
        if frame.unusable is None:
            try:
                assert read_image(path, frame.layout).shape == frame.shape
            except DataError as error:
                words = (error.what, error.why, error.hint)
                assert all(words)
        else:
            assert frame.unusable in frame.problems[0]
        assert time.monotonic() - started < 5, f"trial {trial}, seed {seed}"
