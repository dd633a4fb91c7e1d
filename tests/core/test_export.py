"""Export: what each program finds in the files it gets."""

import csv
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.errors import DataError, UsageError
from pipeline_core.export import ELECTRONS_PER_COUNT, PEDESTAL_COUNTS, export_frames
from pipeline_core.export_list import LIST

MID = datetime(2026, 6, 21, 2, 0, 45, tzinfo=UTC)


@pytest.fixture
def reduced(tmp_path):
    """Two calibrated frames, the later one first in the list; their own DATE-OBS is wrong."""
    output = tmp_path / "reduced"
    (output / "calibrated").mkdir(parents=True)
    frames = []
    for number, later in ((0, 600), (1, 0)):
        image = np.random.default_rng(number).normal(400, 20, (16, 24)).astype(np.float32)
        image[3, 4], image[5, 6] = -60.0, 900_000.0
        header = fits.Header()
        header["EXPTIME"], header["FILTER"], header["OBJECT"] = 90.0, "R", "DEMO-1"
        header["DATE-OBS"], header["UT"], header["MJD-OBS"] = "1999-01-01T00:00:00", "00:00:00", 51179.0
        header["GAIN"], header["BUNIT"], header["CRVAL1"] = 2.0, "electron", 217.43
        file = output / "calibrated" / f"light_{number}_CAL.fits"
        hdus = fits.HDUList([fits.PrimaryHDU(image, header), fits.ImageHDU(np.zeros((16, 24), np.uint8), name="MASK")])
        hdus.writeto(file)
        frames.append((f"2026-06-21-CAMS/light {number}.fits.gz", file, MID + timedelta(seconds=later)))
    return output, frames


@pytest.mark.parametrize("target", ["tycho", "astrometrica", "siril"])
def test_each_file_is_one_plain_image_and_the_names_sort_in_time_order(reduced, tmp_path, target):
    output, frames = reduced
    written = export_frames(output, frames, target, tmp_path / "out")
    assert written == sorted(written)
    images = {path for path in (tmp_path / "out").iterdir() if path.suffix.startswith(".fit")}
    assert set(written) == images
    middles = []
    for path in written:
        with fits.open(path) as hdus:
            hdus.verify("exception")
            assert len(hdus) == 1
            assert hdus[0].data.shape == (16, 24)
            assert "EXTEND" not in hdus[0].header
            middles.append(hdus[0].header["DATE-AVG"])
    assert middles == sorted(middles)


@pytest.mark.parametrize("target", ["tycho", "astrometrica", "siril"])
def test_the_start_plus_half_the_exposure_is_the_mid_time_that_was_given(reduced, tmp_path, target):
    output, frames = reduced
    header = fits.getheader(export_frames(output, frames, target, tmp_path / "out")[0])
    start = datetime.fromisoformat(header["DATE-OBS"]).replace(tzinfo=UTC)
    assert start + timedelta(seconds=header["EXPTIME"] / 2) == MID
    assert header["EXPOSURE"] == header["EXPTIME"] == 90
    assert (header["DATE-END"], header["TIMESYS"]) == ("2026-06-21T02:01:30.000", "UTC")


def test_times_of_the_camera_that_contradict_are_gone_and_what_is_true_is_kept(reduced, tmp_path):
    output, frames = reduced
    for keyword in ("UTCEND", "DATE_OBS", "UT-START"):
        fits.setval(frames[1][1], keyword, value="00:00:00")
    header = fits.getheader(export_frames(output, frames, "tycho", tmp_path / "out")[0])
    assert not {"UT", "MJD-OBS", "GAIN", "UTCEND", "DATE_OBS", "UT-START"} & set(header)
    assert (header["OBJECT"], header["FILTER"], header["CRVAL1"]) == ("DEMO-1", "R", 217.43)


@pytest.mark.parametrize("target", ["tycho", "astrometrica"])
def test_sixteen_bit_counts_keep_noise_below_zero_and_stop_at_full_scale(reduced, tmp_path, target):
    output, frames = reduced
    path = export_frames(output, frames, target, tmp_path / "out")[1]
    raw_header = fits.getheader(path)
    assert (raw_header["BITPIX"], raw_header["BZERO"]) == (16, 32768)
    counts, electrons = fits.getdata(path).astype(float), fits.getdata(frames[0][1])
    back = (counts - PEDESTAL_COUNTS) * ELECTRONS_PER_COUNT
    fits_in = electrons < 100_000
    assert np.abs(back - electrons)[fits_in].max() <= ELECTRONS_PER_COUNT / 2 + 1e-3
    assert counts[5, 6] == 65535
    assert back[3, 4] == pytest.approx(-60, abs=1)
    assert (raw_header["PEDESTAL"], raw_header["EGAIN"]) == (-PEDESTAL_COUNTS, ELECTRONS_PER_COUNT)


@pytest.mark.parametrize(("target", "level"), [("tycho", 51_000.0), ("siril", 100_000 / (2 * 65535))])
def test_the_saturation_level_is_in_the_values_of_the_file(reduced, tmp_path, target, level):
    output, frames = reduced
    assert "SATURATE" not in fits.getheader(export_frames(output, frames, target, tmp_path / "none")[1])
    fits.setval(frames[0][1], "SATURATE", value=100_000.0)
    assert fits.getheader(export_frames(output, frames, target, tmp_path / "out")[1])["SATURATE"] == level
    fits.setval(frames[0][1], "SATURATE", value=900_000.0)  # the file ends before
    full = fits.getheader(export_frames(output, frames, target, tmp_path / "full")[1])["SATURATE"]
    assert full == (65535 if target == "tycho" else 1.0)


def test_siril_gets_floats_of_its_range_in_a_numbered_sequence_without_rounding(reduced, tmp_path):
    output, frames = reduced
    written = export_frames(output, frames, "siril", tmp_path / "out")
    assert [path.name for path in written] == ["astep_00001.fit", "astep_00002.fit"]
    header, data = fits.getheader(written[0]), fits.getdata(written[0])
    assert header["BITPIX"] == -32
    assert np.median(data) < 1
    assert data * header["EGAIN"] == pytest.approx(fits.getdata(frames[1][1]), rel=1e-5)


def listed(folder):
    with (folder / LIST).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, dialect="excel-tab"))


def test_beside_sirils_sequence_a_table_says_which_raw_frame_each_file_is(reduced, tmp_path):
    output, frames = reduced
    against = {frames[0][0]: "cloud, wind"}
    written = export_frames(output, frames, "siril", tmp_path / "out", against=against)
    common = {"exposure_s": "90.0", "filter": "R"}
    assert listed(tmp_path / "out") == [
        {"number": "1", "file": written[0].name, "raw_frame": "2026-06-21-CAMS/light 1.fits.gz",
         "mid_utc": "2026-06-21T02:00:45.000", **common, "said_against_it": ""},
        {"number": "2", "file": written[1].name, "raw_frame": "2026-06-21-CAMS/light 0.fits.gz",
         "mid_utc": "2026-06-21T02:10:45.000", **common, "said_against_it": "cloud, wind"},
    ]  # fmt: skip


def test_a_name_with_a_tab_or_a_line_feed_stays_one_cell_of_the_table(reduced, tmp_path):
    output, frames = reduced
    odd = 'M\t31\n"R".fits'
    export_frames(output, [(odd, *frames[0][1:])], "siril", tmp_path / "out")
    (line,) = listed(tmp_path / "out")
    assert line["raw_frame"] == odd


def test_each_of_sirils_sequences_has_its_own_table_and_other_programs_need_none(reduced, tmp_path):
    output, frames = reduced
    groups = {frames[0][0]: "M_31_V", frames[1][0]: "M_31_R"}
    export_frames(output, frames, "siril", tmp_path / "out", groups=groups)
    assert [line["raw_frame"] for line in listed(tmp_path / "out" / "M_31_V")] == [frames[0][0]]
    assert [line["number"] for line in listed(tmp_path / "out" / "M_31_R")] == ["1"]
    export_frames(output, frames, "tycho", tmp_path / "tycho")
    assert not (tmp_path / "tycho" / LIST).exists()


@pytest.mark.parametrize("target", ["siril", "tycho"])
def test_several_groups_lie_in_a_folder_each_numbered_from_one_and_one_group_in_none(reduced, tmp_path, target):
    output, frames = reduced
    names = [f"{k}.fits" for k in range(5)]
    five = [(name, frames[k % 2][1], MID + timedelta(seconds=90 * k)) for k, name in enumerate(names)]
    groups = {"0.fits": "M_31_R_90_s", "1.fits": "M_31_V_90_s", "2.fits": "M_31_R_90_s", "3.fits": "M_31_V_90_s"}
    written = export_frames(output, five, target, tmp_path / "out", groups=groups)
    assert [path.parent.name for path in written] == ["M_31_R_90_s"] * 2 + ["M_31_V_90_s"] * 2 + ["others"]
    assert sorted(place.name for place in (tmp_path / "out").iterdir()) == ["M_31_R_90_s", "M_31_V_90_s", "others"]
    numbers = [path.name[6:11] if target == "siril" else path.name[:5] for path in written]
    assert numbers == ["00001", "00002", "00001", "00002", "00001"]
    times = [fits.getheader(path)["DATE-AVG"] for path in written]
    assert times[:2] == sorted(times[:2])
    alone = export_frames(output, five[:3:2], target, tmp_path / "alone", groups=groups)
    assert {path.parent for path in alone} == {tmp_path / "alone"}


def test_names_carry_the_time_and_the_raw_name_without_spaces_or_wrappers(reduced, tmp_path):
    output, frames = reduced
    written = export_frames(output, frames, "tycho", tmp_path / "out")
    assert written[0].name == "00001_20260621T020045_light_1.fits"


def test_a_tile_compressed_calibrated_file_serves_as_well(tmp_path):
    image = np.random.default_rng(1).normal(400, 20, (64, 64)).astype(np.float32)
    file = tmp_path / "c_CAL.fits"
    header = fits.Header({"EXPTIME": 90.0})
    packed = fits.CompImageHDU(image, header, name="SCI", compression_type="GZIP_2", quantize_level=0)
    mask = fits.CompImageHDU(np.zeros((64, 64), np.uint8), name="MASK")
    fits.HDUList([fits.PrimaryHDU(), packed, mask]).writeto(file)
    with fits.open(export_frames(tmp_path, [("c.fits", file, MID)], "siril", tmp_path / "out")[0]) as hdus:
        assert not [card for card in hdus[0].header if card.startswith(("Z", "EXTNAME", "XTENSION"))]
        assert hdus[0].data * hdus[0].header["EGAIN"] == pytest.approx(image, rel=1e-5)


def test_a_broken_calibrated_file_is_named_and_leaves_no_part_behind(reduced, tmp_path):
    output, frames = reduced
    frames[1][1].write_bytes(b"not a fits file")
    with pytest.raises(DataError, match="light_1_CAL"):
        export_frames(output, frames, "tycho", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_frame_without_exposure_is_refused_rather_than_given_a_wrong_time(reduced, tmp_path):
    output, frames = reduced
    with fits.open(frames[0][1], mode="update") as hdus:
        del hdus[0].header["EXPTIME"]
    with pytest.raises(DataError, match="exposure is unknown"):
        export_frames(output, frames, "siril", tmp_path / "out")


def test_an_unknown_program_an_empty_list_a_naive_time_and_the_output_itself_are_refused(reduced, tmp_path):
    output, frames = reduced
    naive = [(*frames[0][:2], MID.replace(tzinfo=None))]
    for arguments in (
        (frames, "word", tmp_path),
        ([], "siril", tmp_path),
        (frames, "siril", output / "calibrated"),
    ):
        with pytest.raises(UsageError):
            export_frames(output, *arguments)
    with pytest.raises(DataError, match="UTC"):
        export_frames(output, naive, "siril", tmp_path / "out")
